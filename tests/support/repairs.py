"""Runs `perennial repair` and `perennial lower`, and reads what has become of a wheel."""

from __future__ import annotations

import contextlib
import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from perennial.cli.main import main
from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from tests.support.run_perennial import NOTHING_LEARNED, Outcome


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


def repair(
    *wheels: Path,
    to: Path | None = None,
    options: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
    command: str = "repair",
) -> RepairRun:
    """`perennial repair --json`, in this process; the output folder is `wheelhouse` beside the first wheel.

    Of the environment, only `env` counts.
    """
    folder = to or wheels[0].parent / "wheelhouse"
    before = set(folder.glob("*")) if folder.is_dir() else set()
    outcome = _run([command, "--json", "-w", str(folder), *options, *map(str, wheels)], env or {})
    written = sorted(set(folder.glob("*")) - before) if folder.is_dir() else []
    documents = outcome.document["wheels"] if outcome.output.startswith("{") else []
    return RepairRun(outcome, documents, written)


def lower(
    *wheels: Path, tag: str = "manylinux_2_17", to: Path | None = None, options: tuple[str, ...] = ()
) -> RepairRun:
    """`perennial lower --to TAG --json`, in this process; otherwise as `repair`."""
    return repair(*wheels, to=to, options=("--to", tag, *options), command="lower")


def _run(arguments: list[str], env: Mapping[str, str]) -> Outcome:
    output, errors = io.StringIO(), io.StringIO()
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    with (
        mock.patch.dict(os.environ, {**clean, "PERENNIAL_DATA_DIR": str(NOTHING_LEARNED), **env}, clear=True),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            code = main(arguments)
        except SystemExit as stop:  # argparse's
            code = int(stop.code or 0)
    return Outcome(code, output.getvalue(), errors.getvalue())


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
