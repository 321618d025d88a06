"""Every conflict of the catalogue that can be made here, compiled, run in both orders, analysed, and cured.

The processes are the proof that there is something to find; the analysis must name the rule, the order
and the symbol, and nothing else; with the remedy, the process works and the analysis is silent.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import pytest
from _pytest.mark.structures import ParameterSet

from perennial.coload.analysis import analyse_pairs
from perennial.coload.package import read_package
from perennial.coload.profile import Profile
from tests.coload.cases import FILES, Case, Finds, Installed, build, include_folder, read_case, run
from tests.roots.learned import SUITES
from tests.roots.make import obtain_or_skip
from tests.support.run_perennial import run_perennial
from tests.support.this_machine import profile

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64" or shutil.which("g++") is None,
    reason="the reproducers are for a C++ compiler of x86_64 Linux",
)

CASES = [read_case(path) for path in FILES]
SYSTEM_PYTHON = "/usr/bin/python3"


class Interpreter(NamedTuple):
    """What runs a case: the command, and the system as the simulation takes it."""

    command: tuple[str, ...]
    profile: Profile
    include: str


def interpreter_for(case: Case) -> Interpreter:
    """The running interpreter, or what the case asks for; skips where that is not here."""
    python = sys.executable
    needed = case.one("interpreter")
    if needed is not None:
        python = SYSTEM_PYTHON
        if not os.path.isfile(python) or needed not in profile(python).program.elf.needed:
            pytest.skip(f"{python} is not there, or does not link {needed}")
    command: tuple[str, ...] = (python,)
    system = profile(python)
    glibc = case.one("glibc")
    if glibc is not None:
        major, minor = map(int, glibc.split("."))
        if system.glibc < (major, minor):
            command = (*loader_of_trixie(), os.path.realpath(python))
            system = system._replace(glibc=(major, minor))
    include = include_folder(python)
    if include is None:
        pytest.skip(f"Python.h of {python} is not installed")
    return Interpreter(command, system, include)


def loader_of_trixie() -> tuple[str, ...]:
    """Debian 13's ld.so, with its libraries in front of this machine's."""
    (suite,) = (each for each in SUITES if each.name == "trixie" and each.architecture.value == platform.machine())
    root = obtain_or_skip(suite.recipe).folder
    folder = root / "usr/lib/x86_64-linux-gnu"
    return (str(folder / "ld-linux-x86-64.so.2"), "--library-path", str(folder))


def parameters(wanted: Callable[[Case], bool] = lambda _: True) -> list[ParameterSet]:
    """Those that may need a newer system's loader have the marker for that."""
    return [
        pytest.param(case, id=case.path.stem, marks=[pytest.mark.roots] if case.one("glibc") else [])
        for case in CASES
        if wanted(case)
    ]


def conflicts(installed: Installed, system: Profile) -> list[Finds]:
    packages = [read_package(str(path)) for path in installed.wheels.values()]
    found = analyse_pairs(packages, system).conflicts
    return [
        Finds(each.rule, each.severity.value, tuple(name.split("-")[0] for name in each.order), each.symbol or "-")
        for each in found
    ]


@pytest.mark.parametrize("case", parameters())
def test_reproducer(case: Case, tmp_path: Path) -> None:
    interpreter = interpreter_for(case)
    installed = build(case, tmp_path, interpreter.include)

    # Each alone works, unless that is the point.
    broken = {breaks.order for breaks in case.breaks}
    for package in case.packages:
        if (package,) not in broken and case.one("check") is None:
            alone = run(case, installed.site, (package,), interpreter.command)
            assert alone.end == "0", alone.said
    for order, words in case.breaks:
        outcome = run(case, installed.site, order, interpreter.command)
        assert outcome.end != "0", (order, outcome)
        assert words == outcome.end or words in outcome.said, (order, outcome)
    for order in case.works:
        outcome = run(case, installed.site, order, interpreter.command)
        assert outcome.end == "0", (order, outcome)

    found = conflicts(installed, interpreter.profile)
    surprising = [each for each in found if each.severity != "info" and not any(map(each.answers, case.finds))]
    assert surprising == []
    for expected in case.finds:
        assert any(each.answers(expected) for each in found), (expected, found)


@pytest.mark.parametrize("case", parameters(lambda case: not case.one("interpreter") and not case.one("glibc")))
def test_command(case: Case, tmp_path: Path) -> None:
    """The same through the command, with what is shipped about Debian 12 instead of this machine."""
    include = include_folder(sys.executable)
    if include is None:
        pytest.skip(f"Python.h of {sys.executable} is not installed")
    installed = build(case, tmp_path, include)
    names = [path.name for path in installed.wheels.values()]
    outcome = run_perennial("coload", "--json", "--on", "debian:12", "--standalone", *names, cwd=tmp_path)
    found = [
        Finds(
            each["rule"], each["severity"], tuple(name.split("-")[0] for name in each["order"]), each["symbol"] or "-"
        )
        for each in outcome.document["conflicts"]
    ]
    assert {name for each in outcome.document["conflicts"] for name in each["order"]} <= set(names)
    assert outcome.code == int(any(each.severity == "error" for each in case.finds))
    assert [each for each in found if each.severity == "error" and not any(map(each.answers, case.finds))] == []
    for expected in case.finds:
        assert any(each.answers(expected) for each in found), (expected, found)


@pytest.mark.parametrize("case", parameters(lambda case: case.has_remedy))
def test_remedy(case: Case, tmp_path: Path) -> None:
    interpreter = interpreter_for(case)
    installed = build(case, tmp_path, interpreter.include, cured=True)
    for order in {breaks.order for breaks in case.breaks} | set(case.works):
        outcome = run(case, installed.site, order, interpreter.command)
        assert outcome.end == "0", (order, outcome)
    assert [each for each in conflicts(installed, interpreter.profile) if each.severity != "info"] == []


@pytest.mark.parametrize("case", CASES, ids=[case.path.stem for case in CASES])
def test_directives_are_whole(case: Case) -> None:
    """Each says what happens in every order, and where something breaks there is a finding and a remedy."""
    orders = {breaks.order for breaks in case.breaks} | set(case.works)
    assert orders == set(permutations(case.packages))
    assert bool(case.breaks) == case.has_remedy
    for breaks in case.breaks:
        assert any(set(finds.order) == set(breaks.order) for finds in case.finds)


def test_there_are_enough() -> None:
    assert sum(bool(case.breaks) for case in CASES) >= 15
    assert sum(not case.breaks for case in CASES) >= 5
