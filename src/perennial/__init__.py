"""perennial: what a Linux wheel honestly is, why, and where it runs (PEP 600, PEP 656).

The public interface is what this module exports. Everything in it is a value, or a function
from values to values; `audit_wheel` and `read_wheel` read the path that they are given, and
nothing else of the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from perennial.api import (
        ArchiveError,
        ArchiveLimits,
        AuditReport,
        Axis,
        Detail,
        DistributionRelease,
        ElfFile,
        ElfFormatError,
        FetchError,
        Finding,
        Installer,
        Knowledge,
        Libc,
        Override,
        PerennialError,
        PlatformTag,
        Policy,
        Python,
        Refusal,
        Severity,
        Target,
        UnreadableError,
        UsageError,
        Wheel,
        WheelFilenameError,
        accepted_tags,
        audit,
        audit_wheel,
        best,
        compatible,
        derive_policy,
        first_refusal,
        inspect_interpreter,
        inspect_root,
        load_knowledge,
        parse_target,
        platform_tags,
        read_elf,
        read_wheel,
        this_system,
    )

__all__ = [
    "ArchiveError",
    "ArchiveLimits",
    "AuditReport",
    "Axis",
    "Detail",
    "DistributionRelease",
    "ElfFile",
    "ElfFormatError",
    "FetchError",
    "Finding",
    "Installer",
    "Knowledge",
    "Libc",
    "Override",
    "PerennialError",
    "PlatformTag",
    "Policy",
    "Python",
    "Refusal",
    "Severity",
    "Target",
    "UnreadableError",
    "UsageError",
    "Wheel",
    "WheelFilenameError",
    "__version__",
    "accepted_tags",
    "audit",
    "audit_wheel",
    "best",
    "compatible",
    "derive_policy",
    "first_refusal",
    "inspect_interpreter",
    "inspect_root",
    "load_knowledge",
    "parse_target",
    "platform_tags",
    "read_elf",
    "read_wheel",
    "this_system",
]

_OF_TAGS = frozenset(
    (
        *("Axis", "Detail", "Installer", "Override", "Python", "Refusal", "Target"),
        *("accepted_tags", "best", "compatible", "first_refusal", "platform_tags"),
        *("inspect_interpreter", "inspect_root", "parse_target", "this_system"),
    )
)


def __getattr__(name: str) -> Any:
    """Imports the interface when it is first used: `import perennial` itself costs nothing."""
    if name in __all__:
        from importlib import import_module

        # An installer that asks for tags does not load what audits wheels.
        module = import_module("perennial.tags" if name in _OF_TAGS else "perennial.api")
        # Importing has bound the package of that name, which would be found here before the function is asked for.
        globals().pop("audit", None)
        value = globals()[name] = getattr(module, name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
