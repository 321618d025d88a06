"""What was done to a wheel's references, for whoever meets the wheel later: `.dist-info/perennial-lowered.json`.

The document follows from the wheel and the options alone: no time, no machine.
"""

from __future__ import annotations

import json

from perennial.errors import PerennialError
from perennial.knowledge.treatments import TreatmentKind
from perennial.lean_typing import Any, Final, NamedTuple
from perennial.lower.lower_file import FileLowering
from perennial.platform_tag import PlatformTag
from perennial.policy.lowering import Binding

SCHEMA: Final = "perennial.lowered/1"
NAME: Final = "perennial-lowered.json"


class UnknownRecordError(PerennialError):
    """A record that another version, or nobody of ours, has written."""


class LoweredFile(NamedTuple):
    """A member of the result, and what was done to it. `uses_private` says that it uses a libstdc++ of the wheel's."""

    path: str
    lowering: FileLowering
    uses_private: bool


class BundledShim(NamedTuple):
    """A library of ours in the wheel, with the functions that it has there."""

    path: str
    kind: str
    functions: tuple[str, ...]


class LoweringRecord(NamedTuple):
    """All of a lowering. `built` is the file name of the wheel that was lowered, `private` the copies of libstdc++."""

    built: str
    to: PlatformTag
    files: tuple[LoweredFile, ...]
    shims: tuple[BundledShim, ...]
    private: tuple[str, ...]

    @property
    def traps(self) -> tuple[str, ...]:
        """The functions that end the process when they are called."""
        bindings = (binding for file in self.files for binding in file.lowering.bindings)
        found = {each.reference.symbol for each in bindings if each.treatment.kind is TreatmentKind.TRAP}
        return tuple(sorted(found))


def record_as_json(record: LoweringRecord, version: str) -> bytes:
    """The document; `version` is perennial's."""
    document = {"schema": SCHEMA, "tool": {"name": "perennial", "version": version}, **record_as_dict(record)}
    return f"{json.dumps(document, indent=1, ensure_ascii=False)}\n".encode()


def record_as_dict(record: LoweringRecord) -> dict[str, Any]:
    """The record as plain data."""
    return {
        "built": record.built,
        "to": record.to.text,
        "files": [_file(file) for file in record.files],
        "shims": [{"path": s.path, "kind": s.kind, "functions": list(s.functions)} for s in record.shims],
        "private_libraries": list(record.private),
        "traps": list(record.traps),
    }


def _file(file: LoweredFile) -> dict[str, Any]:
    lowering = file.lowering
    return {
        "path": file.path,
        "references": [_binding(binding) for binding in lowering.bindings],
        "expanded_relr": lowering.expand_relr,
        "cleared_plt_marks": lowering.clear_plt_marks,
        "added_libpthread": lowering.needs_threads,
        "private_libstdcxx": file.uses_private,
    }


def _binding(binding: Binding) -> dict[str, Any]:
    """A reference, and what has become of it."""
    reference, treatment = binding.reference, binding.treatment
    return {
        "symbol": reference.symbol,
        "library": reference.library,
        "version": reference.version,
        "treatment": treatment.kind.value,
        "now": {"symbol": binding.symbol, "library": binding.library, "version": binding.version},
        "difference": treatment.difference,
        "source": treatment.source,
    }


def recorded_target(content: bytes) -> PlatformTag:
    """The tag that a wheel was lowered to, by its record. Raises `UnknownRecordError`."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise UnknownRecordError("is no JSON") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UnknownRecordError(f"does not have the schema {SCHEMA}")
    target = document.get("to")
    if not isinstance(target, str):
        raise UnknownRecordError("does not say what the wheel was lowered to")
    tag = PlatformTag.parse(target)
    if tag.version is None:
        raise UnknownRecordError("does not say what the wheel was lowered to")
    return tag
