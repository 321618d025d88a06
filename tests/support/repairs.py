"""Runs `perennial repair`, and reads what has become of a wheel."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from tests.support.run_perennial import Outcome, run_perennial


class RepairRun(NamedTuple):
    """One run with `--json`: the outcome, the document's wheels, and what lies in the output folder."""

    outcome: Outcome
    wheels: list[dict[str, Any]]
    written: list[Path]

    @property
    def wheel(self) -> dict[str, Any]:
        (wheel,) = self.wheels
        return wheel

    @property
    def path(self) -> Path:
        """The one wheel that was written."""
        assert self.outcome.code == 0, (self.outcome.errors, [wheel["problems"] for wheel in self.wheels])
        (path,) = self.written
        return path

    @property
    def problems(self) -> list[str]:
        """What kept it from being repaired; then nothing must have been written."""
        assert self.outcome.code == 1, self.outcome
        assert self.written == []
        return [problem["message"] for wheel in self.wheels for problem in wheel["problems"]]

    @property
    def warnings(self) -> list[str]:
        return [warning for wheel in self.wheels for warning in wheel["warnings"]]


# Environment variables that this machine may have, and that would take part.
CLEAN = dict.fromkeys(
    (
        "LD_LIBRARY_PATH", "AUDITWHEEL_LD_LIBRARY_PATH", "AUDITWHEEL_PLAT", "AUDITWHEEL_PATCHER",
        "AUDITWHEEL_ZIP_COMPRESSION_LEVEL",
    ),
    "",
)  # fmt: skip


def repair(
    *wheels: Path, to: Path | None = None, options: tuple[str, ...] = (), env: Mapping[str, str] | None = None
) -> RepairRun:
    """`perennial repair --json`; the output folder is `wheelhouse` beside the first wheel."""
    folder = to or wheels[0].parent / "wheelhouse"
    before = set(folder.glob("*")) if folder.is_dir() else set()
    outcome = run_perennial(
        "repair", "--json", "-w", str(folder), *options, *map(str, wheels),
        env={**{key: value for key, value in CLEAN.items() if key.startswith("LD") or "LD_" in key}, **(env or {})},
    )  # fmt: skip
    written = sorted(set(folder.glob("*")) - before) if folder.is_dir() else []
    documents = outcome.document["wheels"] if outcome.output.startswith("{") else []
    return RepairRun(outcome, documents, written)


def members(path: Path) -> dict[str, bytes]:
    """The files of a wheel by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def facts(path: Path) -> dict[str, ElfFile]:
    """The facts of a wheel's ELF files by name."""
    return {name: read_elf(data) for name, data in members(path).items() if data.startswith(b"\x7fELF")}


def grafts(path: Path) -> dict[str, ElfFile]:
    """The libraries in `demo.libs`, by what they are called without the digits."""
    found = {}
    for name, elf in facts(path).items():
        folder, _, file = name.rpartition("/")
        if folder == "demo.libs":
            stem, _, tail = file.rpartition("-")
            found[f"{stem}.{tail.partition('.')[2]}" if stem else file] = elf
    return found
