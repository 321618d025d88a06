"""What is bound to older versions, other libraries and other names: the same program, and the same output.

A program's first line of the day is what the new system says; lowered, it says the same there and on an old one. Where
a treatment admits a difference, the source prints it in a line that begins with `differs:`, and that line has to differ
on the old system: a difference that nobody can see is none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.loading.workshop import System, root_of
from tests.lowering.test_shims import BY_SYSTEM, GLIBCXX, MACHINES, OLD, WITH_GCC, new_system, stems_of
from tests.lowering.workshop import SOURCES, build, lower, program, run
from tests.roots.run import Outcome, place_in

TABLES: Final = ("treatments/glibc.tsv", "treatments/libstdcxx.tsv")
# Sources that need a newer glibc than trixie's to refer to what they are about.
SID: Final = {"math_2_43", "memcmpeq"}
MARK: Final = "differs: "


class Case(NamedTuple):
    """A source, and the systems that it is built on and lowered for."""

    stem: str
    new: System
    old: System

    def __str__(self) -> str:
        return f"{self.stem}-{self.new.machine}-{self.new.suite}-{self.old.suite}"


def cases() -> list[Case]:
    return [
        Case(
            stem,
            BY_SYSTEM[machine, "sid"] if stem in SID else new_system(machine),
            BY_SYSTEM[machine, OLD.get(machine, "bullseye")],
        )
        for machine in MACHINES
        for table in TABLES
        for stem in stems_of(table, machine)
        if not (SOURCES / f"{stem}.cpp").exists() or machine in WITH_GCC
    ]


@pytest.mark.lowering
@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_same_on_old_and_new(case: Case, tmp_path: Path) -> None:
    built = build(case.new, case.stem, tmp_path)
    lowered = lower(built)
    files = {f"{case.stem}.so": lowered.content, **lowered.shims}
    with place_in(root_of(case.new)) as new, place_in(root_of(case.old)) as old:
        on_new, on_old = program(case.new, new), program(case.old, old)
        expected = run(new, on_new, "raw", {f"{case.stem}.so": built.content})
        assert expected.exit_code == 0, expected
        assert expected.output
        assert_same(run(new, on_new, "lowered", files), expected, "new", differs=None)
        assert_same(run(old, on_old, "lowered", files), expected, "old", differs=None)


def assert_same(outcome: Outcome, expected: Outcome, where: str, *, differs: bool | None) -> None:
    assert outcome.exit_code == expected.exit_code, f"{where}: {outcome}"
    for line, other in zip(outcome.output.splitlines(), expected.output.splitlines(), strict=True):
        if not other.startswith(MARK):
            assert line == other, where
        elif differs is not None:
            assert (line != other) is differs, where


@pytest.mark.lowering
def test_the_old_system_does_not_load_what_was_not_lowered(tmp_path: Path) -> None:
    """The control: without lowering, what is tested here does not even load."""
    new, old = BY_SYSTEM["x86_64", "trixie"], BY_SYSTEM["x86_64", "bullseye"]
    refused, stems = [], stems_of("treatments/glibc.tsv", "x86_64")
    for stem in stems:
        built = build(new, stem, tmp_path)
        if built.needs_more_than(old.glibc, glibcxx=GLIBCXX[old.suite]):
            with place_in(root_of(old)) as place:
                outcome = run(place, program(old, place), "raw", {f"{stem}.so": built.content})
            assert outcome.exit_code == 1, stem
            assert "not found (required by" in outcome.output, stem
            refused.append(stem)
    assert len(refused) > len(stems) / 2, refused
