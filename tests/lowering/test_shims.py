"""What a shim stands in for, compared with what it stands for: the same program, and the same output.

A library that was built on a new system says what it says there; lowered, it says the same there and on an old system,
where it does not load without. That is done thrice: with the shim as it is shipped, which leaves to the host what the
host can do; with what wheels get of it, in which the functions that are not needed are blanked; and with one that never
asks the host, as if that were older still.
"""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from perennial.arch import Architecture
from perennial.knowledge.tables import read_table
from perennial.knowledge.treatments import _COLUMNS, ANY
from tests.loading.workshop import GLIBC_SYSTEMS, System, root_of
from tests.lowering.workshop import SOURCES, blanked, build, lower, program, run
from tests.roots.run import Outcome, place_in

# The oldest suite that each architecture has, and its libstdc++.
OLD: Final = {"ppc64le": "bookworm", "s390x": "bookworm"}
GLIBCXX: Final = {"bullseye": (3, 4, 28), "bookworm": (3, 4, 30)}
# Where sources need more than glibc 2.41 and GCC 14's libstdc++.
SID: Final = {"cxx_construct", "memory_c23", "network"}
# Everywhere; the other sources are the same C on every architecture, and run on one of each kind of kernel interface.
MACHINES: Final = ("x86_64", "i686", "aarch64", "armv7l", "s390x", "ppc64le")
# Those with a cross compiler in .ci/run: 64 bits, 32 bits, and ARM's own rules for exceptions and constructors.
WITH_GCC: Final = ("x86_64", "i686", "aarch64", "armv7l")
BY_SYSTEM: Final = {(str(system.machine), system.suite): system for system in GLIBC_SYSTEMS}


class Case(NamedTuple):
    """A source, and the systems that it is built on and lowered for."""

    stem: str
    new: System
    old: System

    def __str__(self) -> str:
        return f"{self.stem}-{self.new.machine}-{self.new.suite}-{self.old.suite}"


def new_system(machine: str) -> System:
    """What stands for a new system of an architecture."""
    return BY_SYSTEM[machine, BY_SYSTEM[machine, "sid"].machine.new_suite]


def stems_of(table: str, machine: str) -> list[str]:
    """The sources that rows of a table name, of those that say something about an architecture."""
    rows = read_table(table, _COLUMNS)
    return sorted({row[-1] for row in rows if row[6] == ANY or machine in row[6].split(",")})


def cases() -> list[Case]:
    found = []
    for machine in MACHINES:
        old = BY_SYSTEM[machine, OLD.get(machine, "bullseye")]
        for stem in stems_of("treatments/shim.tsv", machine):
            if (SOURCES / f"{stem}.cpp").exists() and machine not in WITH_GCC:
                continue
            suites = [new_system(machine).suite] if stem not in SID else ["sid"]
            if machine == "x86_64" and "sid" not in suites:
                suites.append("sid")
            found += [Case(stem, BY_SYSTEM[machine, suite], old) for suite in suites]
    return found


@pytest.mark.lowering
@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_same_on_old_and_new(case: Case, tmp_path: Path) -> None:
    built = build(case.new, case.stem, tmp_path)
    is_trap = case.stem == "traps"
    with place_in(root_of(case.new)) as new, place_in(root_of(case.old)) as old:
        on = {"new": (new, program(case.new, new)), "old": (old, program(case.old, old))}
        raw = {f"{case.stem}.so": built.content}
        machine = built.arch
        expected = as_qemu_says(machine, run(*on["new"], "raw", raw))
        assert expected.exit_code == 0, expected
        assert expected.output
        shipped = lower(built, allow_trap=is_trap)
        variants = {"shipped": shipped, "blanked": blanked(shipped)}
        if not is_trap:
            variants["alone"] = lower(built, without_host=True)
        for variant, lowered in variants.items():
            files = {f"{case.stem}.so": lowered.content, **lowered.shims}
            for where, (place, main) in on.items():
                if (case.stem, variant, where) == ("threads", "alone", "new"):
                    continue  # it reads a condition variable's bits as glibc up to 2.40 has them, in need up to 2.29
                assert_same(as_qemu_says(machine, run(place, main, variant, files)), expected, f"{variant}, {where}")
        # The control.
        unlowered = run(*on["old"], "raw", raw)
        if built.needs_more_than(case.old.glibc, glibcxx=GLIBCXX[case.old.suite]):
            assert unlowered.exit_code == 1 and "not found (required by" in unlowered.output, unlowered
        else:
            assert_same(as_qemu_says(machine, unlowered), expected, "raw, old")


def as_qemu_says(machine: str, outcome: Outcome) -> Outcome:
    """Without what qemu-user 7.2 gets wrong: on s390x, its stat(2) forgets nanoseconds, and its newfstatat does not."""
    if machine != "s390x" or platform.machine() == "s390x":
        return outcome
    return outcome._replace(output=re.sub(r"\.(\d{9})\b|(?<=as stat: 1 1 1) [01]", "", outcome.output))


def assert_same(outcome: Outcome, expected: Outcome, where: str) -> None:
    """The first line that differs says more than thousands do."""
    pairs = zip(outcome.output.splitlines(), expected.output.splitlines(), strict=False)
    different = next(((one, other) for one, other in pairs if one != other), None)
    assert different is None, f"{where}: {different[0]!r} instead of {different[1]!r}"
    assert outcome == expected, f"{where}: {outcome}"


@pytest.mark.lowering
def test_a_trap_ends_the_process_and_says_why(tmp_path: Path) -> None:
    system = BY_SYSTEM["x86_64", "trixie"]
    built = build(system, "traps", tmp_path)
    with place_in(root_of(system)) as place:
        lowered = lower(built, without_host=True, allow_trap=True)
        outcome = run(place, program(system, place), "trap", {"traps.so": lowered.content, **lowered.shims})
    assert outcome.signal is not None and outcome.signal.name == "SIGABRT", outcome
    assert outcome.errors == "perennial: strtof128 was called, which glibc has since 2.26 and this system's has not\n"


def test_every_architecture_is_one_that_is_run() -> None:
    """riscv64 has no suite before trixie, so nothing of it can be compared."""
    assert {*MACHINES, "riscv64"} == {each.value for each in Architecture} & {str(machine) for machine, _ in BY_SYSTEM}
