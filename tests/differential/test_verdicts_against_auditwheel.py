"""Verdicts on real wheels, against `auditwheel show` and against themselves.

The wheels are those of tests/wheels/wheels.lock. Where the two tools differ, or a wheel does
not keep its promise, VERDICTS.md has a row with the reason; both of its tables are complete, and
no row is left over. auditwheel runs in a process of its own, once for each wheel: it looks at
this machine's libraries, and some of its findings depend on it.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Final, NamedTuple

import jsonschema
import pytest

import perennial
from tests.support.run_perennial import report_of, run_perennial
from tests.wheels.download import LockedWheel, UnavailableError, locked_wheels, obtain

pytest.importorskip("auditwheel")

VERDICTS: Final = Path(__file__).with_name("VERDICTS.md")
SCHEMA: Final = Path(perennial.__file__).parent / "schema" / "report-1.json"
WHEELS: Final = locked_wheels()
each_wheel = pytest.mark.parametrize("wheel", WHEELS, ids=[wheel.filename for wheel in WHEELS])


def path_of(wheel: LockedWheel) -> Path:
    try:
        return obtain(wheel)
    except UnavailableError as error:
        pytest.skip(str(error))


# ----- the tables


class Difference(NamedTuple):
    """A cell of the first table without its reason."""

    wheel: str
    what: str
    auditwheel: str
    perennial: str


def rows(heading: str, columns: int) -> list[tuple[str, ...]]:
    """The rows of the table below a heading, backquotes taken off."""
    text = VERDICTS.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    cells = [tuple(cell.strip().strip("`") for cell in line.strip("|").split(" | ")) for line in lines]
    assert cells, heading
    assert all(len(row) == columns and all(row) for row in cells), heading
    return cells


def listed_differences() -> list[Difference]:
    return [Difference(*row[:4]) for row in rows("Where the two differ", 5)]


def listed_complaints() -> list[tuple[str, ...]]:
    return [row[:3] for row in rows("Where perennial finds an error", 4)]


@pytest.mark.parametrize("listed", [listed_differences(), listed_complaints()], ids=["differences", "errors"])
def test_rows_are_about_locked_wheels_and_stand_once(listed: list[tuple[str, ...]]) -> None:
    names = [wheel.filename for wheel in WHEELS]
    assert {row[0] for row in listed} <= set(names)
    assert listed == sorted(set(listed), key=lambda row: (names.index(row[0]), row[1:]))


# ----- auditwheel


@functools.cache
def ask_auditwheel(path: Path) -> dict[str, Any]:
    """What it prints; `error` is there where it cannot judge."""
    command = [sys.executable, "-m", "auditwheel", "show", "--json", path.name]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        lines = done.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"exit code {done.returncode}"}
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def differences(wheel: LockedWheel) -> list[Difference]:
    path = path_of(wheel)
    theirs, ours = ask_auditwheel(path), report_of(path)
    if "error" in theirs:
        return [Difference(wheel.filename, "no verdict", theirs["error"], ours["lowest_tag"])]
    found = []
    if theirs["overall_tag"] != ours["lowest_tag"]:
        found.append(Difference(wheel.filename, "lowest tag", theirs["overall_tag"], ours["lowest_tag"]))
    lacking = [library["soname"] for library in ours["external_libraries"] if not library["provided"]]
    if set(theirs["external_libs"]) != set(lacking):
        texts = (", ".join(sorted(names)) or "none" for names in (theirs["external_libs"], lacking))
        found.append(Difference(wheel.filename, "external libraries", *texts))
    return sorted(found)


@pytest.mark.wheels
@each_wheel
def test_verdict(wheel: LockedWheel) -> None:
    assert differences(wheel) == [row for row in listed_differences() if row.wheel == wheel.filename]


# ----- perennial by itself


@pytest.mark.wheels
@each_wheel
def test_errors(wheel: LockedWheel) -> None:
    """All claims are honest, and nothing of error severity is found, but for what is listed."""
    report = report_of(path_of(wheel))
    found = [(wheel.filename, "claim", each["tag"]) for each in report["judged_tags"] if each["honest"] is False]
    found += [
        (wheel.filename, each["rule"], each["member"] or "the wheel")
        for each in report["findings"]
        if each["severity"] == "error"
    ]
    assert sorted(set(found)) == [row for row in listed_complaints() if row[0] == wheel.filename]
    assert report["honest"] is not False or any(row[1] == "claim" for row in found)


@pytest.mark.wheels
@each_wheel
def test_report_is_valid_and_the_same_everywhere(wheel: LockedWheel) -> None:
    """DESIGN, "Output is deterministic": the same bytes from the same input on any machine."""
    path = path_of(wheel)
    here = {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC", "COLUMNS": "60"}
    there = {"PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "COLUMNS": "200"}
    for options in (["--json"], ["-v"]):
        first, second = (run_perennial("show", *options, path.name, cwd=path.parent, env=env) for env in (here, there))
        assert first == second
        assert first.code in (0, 1), first.errors
        assert first.errors == ""
        if options == ["--json"]:
            jsonschema.validate(first.document, json.loads(SCHEMA.read_text(encoding="utf-8")))
            (report,) = first.document["wheels"]
            assert report["sha256"] == wheel.sha256
            assert first.code == any(finding["severity"] == "error" for finding in report["findings"])


# ----- and readelf, who has no opinion


_FILE: Final = re.compile(r"File: (\S+)")
_NEED: Final = re.compile(r"Name: GLIBC_(\d+)\.(\d+)\S*\s+Flags: (.+?)\s+Version")


def glibc_versions(path: Path) -> dict[str, tuple[int, int]]:
    """The highest GLIBC version that a file needs from each library, as readelf prints it."""
    said = subprocess.run(
        ["readelf", "-VW", path], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    ).stdout
    found: dict[str, tuple[int, int]] = {}
    library = ""
    for line in said.partition("Version needs")[2].splitlines():
        if file := _FILE.search(line):
            library = file[1]
        if (need := _NEED.search(line)) and "WEAK" not in need[3]:
            found[library] = max(found.get(library, (0, 0)), (int(need[1]), int(need[2])))
    return found


@pytest.mark.wheels
@each_wheel
def test_lowest_tag_is_not_below_the_highest_glibc_version(wheel: LockedWheel, tmp_path: Path) -> None:
    """What readelf finds in the version tables is the least that a tag has to provide.

    What is needed from a library of the wheel does not count: libgcc_s of cryptography's musl wheel
    defines GLIBC_2.0.
    """
    path = path_of(wheel)
    report = report_of(path)
    needed: list[tuple[str, tuple[int, int]]] = []
    files = 0
    with zipfile.ZipFile(path) as archive:
        own = {name.rpartition("/")[2] for name in archive.namelist()}
        for name in archive.namelist():
            with archive.open(name) as member:
                if member.read(4) != b"\x7fELF":
                    continue
            content = tmp_path / "member"
            content.write_bytes(archive.read(name))
            files += 1
            needed += glibc_versions(content).items()
    assert report["elf_files"] == files
    highest = max((version for library, version in needed if library not in own), default=None)
    if highest is not None:
        tag = re.fullmatch(r"manylinux_(\d+)_(\d+)_.*", report["lowest_tag"])
        assert tag is not None
        assert (int(tag[1]), int(tag[2])) >= highest
