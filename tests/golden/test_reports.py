"""Whole reports, as people and machines see them, against the files beside this one.

A failure shows a diff; where the new report is better, `pytest tests/golden --update-golden`
keeps it, and `git diff` is what is to be reviewed. The version of perennial is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from perennial import __version__
from perennial.cli.main import main
from tests.golden.conftest import wants_update
from tests.golden.example_wheels import EXAMPLES
from tests.wheels.download import UnavailableError, locked_wheel, obtain

GOLDENS: Final = Path(__file__).parent
FORMATS: Final = {
    "report.txt": [],
    "verbose.txt": ["-v"],
    "quiet.txt": ["-q"],
    "report.json": ["--json"],
    "report.sarif": ["--format", "sarif"],
    "github.txt": ["--format", "github"],
}
REAL: Final = {
    "real_psutil": "psutil-7.2.2-cp36-abi3-manylinux2010_x86_64.manylinux_2_12_x86_64.manylinux_2_28_x86_64.whl",
    "real_debugpy": "debugpy-1.8.22-py2.py3-none-any.whl",
    "real_shapely": "shapely-2.2.0-cp312-cp312-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
}
REAL_FORMATS: Final = ("report.txt", "quiet.txt", "github.txt")


Report = Callable[[Path, list[str]], str]


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Report:
    """What `perennial show` writes about a wheel; its exit code is the last line."""

    def run(wheel: Path, options: list[str]) -> str:
        monkeypatch.chdir(wheel.parent)
        code = main(["show", *options, wheel.name])
        written = capsys.readouterr()
        assert written.err == ""
        return written.out.replace(__version__, "<version>") + f"[exit code {code}]\n"

    return run


def compare(golden: Path, found: str, *, update: bool) -> None:
    if update:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found, encoding="utf-8")
        return
    assert golden.is_file(), f"there is no {golden.name} yet: pytest tests/golden --update-golden"
    assert found == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FORMATS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str, file: str, tmp_path: Path, report: Report, request: pytest.FixtureRequest) -> None:
    found = report(EXAMPLES[name](tmp_path), FORMATS[file])
    compare(GOLDENS / name / file, found, update=wants_update(request.config))


@pytest.mark.wheels
@pytest.mark.parametrize("file", REAL_FORMATS)
@pytest.mark.parametrize("name", REAL)
def test_real_wheel(name: str, file: str, report: Report, request: pytest.FixtureRequest) -> None:
    try:
        wheel = obtain(locked_wheel(REAL[name]))
    except UnavailableError as error:
        pytest.skip(str(error))
    found = report(wheel.absolute(), FORMATS[file])
    compare(GOLDENS / name / file, found, update=wants_update(request.config))


def test_no_golden_is_left_over() -> None:
    elsewhere = ("__pycache__", "lowered", "questions")
    kept = {path.relative_to(GOLDENS).as_posix() for path in GOLDENS.glob("*/*") if path.parent.name not in elsewhere}
    wanted = {f"{name}/{file}" for name in EXAMPLES for file in FORMATS}
    assert kept == wanted | {f"{name}/{file}" for name in REAL for file in REAL_FORMATS}


@pytest.mark.parametrize("file", FORMATS)
def test_names_from_wheels_are_never_obeyed(file: str) -> None:
    """No golden has a control character but the ends of its lines; no annotation but perennial's own."""
    text = (GOLDENS / "hostile_names" / file).read_text(encoding="utf-8")
    assert all(char.isprintable() or char == "\n" for char in text)
    assert not [line for line in text.splitlines() if line.strip().startswith(("::error::", "::set-output"))]
