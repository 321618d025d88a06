"""Packages as new systems build them: most do not load on glibc 2.31; lowered, they all work, there and on new systems.

The control is the same workload with the wheel as it was built: it works where it was built, and on the oldest system
it does what the table says.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lowering.sample import PYPI, Sample, samples
from tests.lowering.wheels import exercise, home_of, lower, lowered_wheel, raw_wheel, run_own_tests, system, works
from tests.roots.lowering import NEWEST, OLDEST
from tests.roots.make import UnavailableError, skip_unless_ci
from tests.support.run_perennial import run_perennial
from tests.wheels.download import UnavailableError as NothingAnswersError

pytestmark = pytest.mark.lowering

WITH_OWN_TESTS = [each for each in samples() if each.own_tests or each.sdist_tests]


@pytest.fixture(params=samples(), ids=str)
def wanted(request: pytest.FixtureRequest) -> Sample:
    """A package of the sample, whose wheel is there."""
    found = request.param
    assert isinstance(found, Sample)
    return available(found)


def available(wanted: Sample) -> Sample:
    try:
        raw_wheel(wanted)
    except (UnavailableError, NothingAnswersError) as error:
        skip_unless_ci(str(error))
    return wanted


def test_as_it_was_built(wanted: Sample) -> None:
    """It works where it was built, and on the oldest system it does what is known of it."""
    raw = raw_wheel(wanted)
    there = exercise(wanted, raw, home_of(wanted))
    assert works(there), there
    here = exercise(wanted, raw, system(OLDEST))
    if wanted.raw == "works":
        assert works(here), here
    else:
        assert here.exit_code == 1, here
        assert re.search(wanted.raw, here.errors), here


@pytest.mark.parametrize("suite", [OLDEST, NEWEST])
def test_lowered_it_works(wanted: Sample, suite: str) -> None:
    outcome = exercise(wanted, lowered_wheel(wanted), system(suite))
    assert works(outcome), outcome


def test_lowered_it_keeps_the_tag(wanted: Sample) -> None:
    """The audit agrees, and the tag is no higher than what was asked for."""
    lowered = lowered_wheel(wanted)
    checked = run_perennial("check", "-q", "--tag", f"{wanted.to}_x86_64", str(lowered))
    assert checked.code == 0, checked.output
    (x_y,) = re.findall(r"manylinux_(\d+)_(\d+)_x86_64\.whl$", lowered.name)
    assert tuple(map(int, x_y)) <= tuple(map(int, wanted.to.split("_")[1:]))


@pytest.mark.parametrize("wanted", WITH_OWN_TESTS, ids=str)
def test_lowered_it_passes_its_own_tests(wanted: Sample) -> None:
    """As many pass on the oldest system as of the wheel as it was built, where it was built."""
    there = run_own_tests(wanted, raw_wheel(available(wanted)), home_of(wanted))
    assert there.exit_code == 0, there
    here = run_own_tests(wanted, lowered_wheel(wanted), system(OLDEST))
    assert here.exit_code == 0, here

    def counts(said: str) -> list[str]:
        (summary,) = re.findall(r"^(\d.*) in [\d.]+s", said, re.MULTILINE)
        return re.findall(r"\d+ (?:passed|skipped|xfailed)", summary)

    assert counts(here.output) == counts(there.output) != []


@pytest.mark.parametrize("wanted", [each for each in samples() if each.name in {"greenlet", "orjson", "lxml"}], ids=str)
def test_lowered_again_it_is_the_same(wanted: Sample, tmp_path: Path) -> None:
    """The same bytes each time; and of what is lowered already."""
    lowered = lowered_wheel(available(wanted))
    for source in (raw_wheel(wanted), lowered):
        folder = tmp_path / source.parent.name
        ran = lower(wanted, source, folder)
        assert ran.code == 0, ran.output + ran.errors
        (again,) = folder.glob("*.whl")
        assert again.name == lowered.name
        assert again.read_bytes() == lowered.read_bytes()


def test_the_sample_is_what_it_is_meant_to_be() -> None:
    """At least 25 packages, of both suites and in all the languages; as built, most of them fail on glibc 2.31."""
    assert len(set(map(str, samples()))) == len(samples())
    assert all(each.workload.is_file() for each in samples())
    published = [each for each in samples() if each.suite == PYPI]
    assert len(published) >= 11
    everything = [each for each in samples() if each.suite != PYPI]
    assert len({each.name for each in everything}) >= 25
    assert {each.suite for each in everything} == {"trixie", "sid"}
    languages = {word for each in everything for word in re.findall(r"[\w+]+", each.written_in)}
    assert languages >= {"C", "C++", "Cython", "Rust", "Fortran", "several"}
    fail = [each for each in everything if each.raw != "works"]
    assert len(fail) > 2 * len(everything) / 3
