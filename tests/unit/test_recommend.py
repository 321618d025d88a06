"""Which tag to build for: a small world of our own, and the shipped knowledge."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.arch import Architecture
from perennial.knowledge import DistributionRelease, Knowledge, load_knowledge
from perennial.knowledge.toolchains import day_number
from perennial.platform_tag import Libc
from perennial.policy import Policies, policies
from perennial.policy.recommend import Recommendation, Support, day_after, recommend

SHIPPED = load_knowledge()


def release(identity: str, minor: int, released: str | None, end: str | None, **fields: Any) -> DistributionRelease:
    family, _, version = identity.partition(":")
    values = {
        "id": identity,
        "name": f"{family.title()} {version}",
        "family": family,
        "version": version,
        "libc": Libc.GLIBC,
        "libc_version": (2, minor),
        "libc_release": f"2.{minor}",
        "released": released,
        "end_of_life": end,
        "extended_end_of_life": None,
        "rolling": False,
        "architectures": frozenset({"x86_64"}),
        "tops": {"GLIBC": f"2.{minor}", "GLIBCXX": "3.4.25", "CXXABI": "1.3.11", "GCC": "7.0.0"},
        "x86_64_level": 1,
        "python": None,
        "kernel": None,
        "measured_on": "2026-01-01",
        "mainstream": 1,
        "mainstream_reason": "",
    }
    return DistributionRelease(**(values | fields))


OLD = release("old:1", 28, "2019-01-01", "2029-06-30", extended_end_of_life="2033-06-30")
OLDER_BY_CONTRACT = release("contract:1", 17, "2014-01-01", "2024-01-01", extended_end_of_life="2028-01-01")
MIDDLE = release("middle:1", 34, "2022-01-01", "2032-01-31")
SMALL = release("small:1", 31, "2021-01-01", "2030-01-01", mainstream=2)
NEW = release("new:1", 39, "2025-01-01", "2026-05-31")
WORLD = (OLD, OLDER_BY_CONTRACT, MIDDLE, SMALL, NEW)


def world(*releases: DistributionRelease) -> Policies:
    return Policies(Knowledge(releases), Libc.GLIBC, Architecture.X86_64)


def answer(recommendation: Recommendation) -> str | None:
    return None if recommendation.chosen is None else recommendation.chosen.tag.text


def ids(releases: tuple[DistributionRelease, ...]) -> list[str]:
    return [each.id for each in releases]


def test_the_oldest_large_release_in_general_support_decides() -> None:
    found = recommend(world(*WORLD), "2026-01-01")
    assert answer(found) == "manylinux_2_28_x86_64"
    assert ids(found.decided_by) == ["old:1"]
    assert found.chosen is not None and found.chosen.keeps_all
    assert ids(found.chosen.reaches) == ["new:1", "middle:1", "small:1", "old:1"]
    assert found.chosen.loses == ()


def test_extended_support_reaches_further_back() -> None:
    found = recommend(world(*WORLD), "2026-01-01", Support.EXTENDED)
    assert answer(found) == "manylinux_2_17_x86_64"
    assert ids(found.decided_by) == ["contract:1"]
    assert [change.after for change in found.changes] == ["2028-01-01", "2033-06-30"]


def test_tier_2_is_lost_without_a_say() -> None:
    found = recommend(world(MIDDLE, SMALL), "2026-01-01")
    assert answer(found) == "manylinux_2_34_x86_64"
    assert found.chosen is not None
    assert ids(found.chosen.loses) == ["small:1"] and found.chosen.keeps_all


def test_the_last_day_of_support_counts() -> None:
    assert answer(recommend(world(*WORLD), "2029-06-30")) == "manylinux_2_28_x86_64"
    assert answer(recommend(world(*WORLD), "2029-07-01")) == "manylinux_2_34_x86_64"


def test_what_is_not_out_yet_does_not_count() -> None:
    assert answer(recommend(world(MIDDLE, NEW), "2021-12-31")) is None
    assert answer(recommend(world(MIDDLE, NEW), "2022-01-01")) == "manylinux_2_34_x86_64"


def test_changes_say_what_comes_next() -> None:
    found = recommend(world(*WORLD), "2026-01-01")
    assert [(c.after, c.tag and c.tag.text, ids(c.releases)) for c in found.changes] == [
        ("2029-06-30", "manylinux_2_34_x86_64", ["old:1"]),
        ("2032-01-31", None, ["middle:1"]),
    ]


def test_of_several_that_decide_the_last_one_to_leave_is_named() -> None:
    twin = OLD._replace(id="twin:1", end_of_life="2028-01-01")
    found = recommend(world(OLD, twin, MIDDLE), "2026-01-01")
    assert ids(found.decided_by) == ["twin:1", "old:1"]
    assert next((c.after, ids(c.releases)) for c in found.changes) == ("2029-06-30", ["old:1"])


def test_a_rolling_release_never_leaves() -> None:
    found = recommend(world(release("roll:latest", 40, None, None, rolling=True)), "2026-01-01")
    assert answer(found) == "manylinux_2_40_x86_64"
    assert found.changes == ()


def test_without_an_announced_end_five_years_count() -> None:
    nobody_says = release("silent:1", 35, "2022-02-03", None)
    assert Support.GENERAL.end(nobody_says) == "2027-02-03"
    assert Support.GENERAL.covers(nobody_says, "2027-02-03") and not Support.GENERAL.covers(nobody_says, "2027-02-04")


def test_nobody_in_support_is_no_answer() -> None:
    found = recommend(world(SMALL), "2026-01-01")
    assert answer(found) is None and found.decided_by == () and found.changes == ()


def test_candidates_are_the_glibcs_of_releases_and_the_last_legacy_tag() -> None:
    found = recommend(world(*WORLD), "2026-01-01")
    assert [each.tag.version for each in found.candidates] == [(2, 17), (2, 28), (2, 31), (2, 34), (2, 39)]
    for candidate in found.candidates:
        assert len(candidate.reaches) + len(candidate.loses) == 4
        assert candidate.keeps_all is ((candidate.tag.version or (0, 0)) <= (2, 28))


@pytest.mark.parametrize(
    ("version", "pip", "legacy"),
    [((2, 17), "19.3", "manylinux2014_x86_64"), ((2, 28), "20.3", None)],
)
def test_pip(version: tuple[int, int], pip: str, legacy: str | None) -> None:
    (candidate,) = [each for each in recommend(world(*WORLD), "2026-01-01").candidates if each.tag.version == version]
    assert candidate.pip == pip
    assert (candidate.legacy and candidate.legacy.text) == legacy


def test_pip_reads_musllinux_from_21_2_on() -> None:
    found = recommend(policies(SHIPPED, Libc.MUSL, Architecture.X86_64), "2026-01-01")
    assert answer(found) == "musllinux_1_2_x86_64"
    assert found.chosen is not None
    assert (found.chosen.pip, found.chosen.compiler, found.chosen.libstdcxx) == ("21.2", None, None)


def test_the_toolchain_is_that_of_the_policy() -> None:
    found = recommend(policies(SHIPPED, Libc.GLIBC, Architecture.X86_64), "2026-01-01")
    toolchains = {each.tag.version: (each.compiler, each.libstdcxx) for each in found.candidates}
    assert toolchains[2, 17] == ("4.8.3", "3.4.19")
    assert toolchains[2, 28] == ("7.2", "3.4.24")  # Photon OS 3.0
    assert toolchains[2, 34] == ("11.1", "3.4.29")


@pytest.mark.parametrize(
    ("arch", "date", "tag"),
    [
        (Architecture.X86_64, "2026-01-01", "manylinux_2_26_x86_64"),  # Amazon Linux 2, until 2026-06-30
        (Architecture.X86_64, "2026-07-01", "manylinux_2_28_x86_64"),
        (Architecture.X86_64, "2030-01-01", "manylinux_2_34_x86_64"),
        (Architecture.RISCV64, "2026-07-01", "manylinux_2_35_riscv64"),
        (Architecture.PPC64, "2026-07-01", None),
    ],
)
def test_the_shipped_knowledge(arch: Architecture, date: str, tag: str | None) -> None:
    assert answer(recommend(policies(SHIPPED, Libc.GLIBC, arch), date)) == tag


@pytest.mark.parametrize("arch", Architecture)
@pytest.mark.parametrize("support", Support)
def test_the_rule_holds_as_it_is_written(arch: Architecture, support: Support) -> None:
    """The highest X.Y that loses no release of tier 1: all that are higher lose one."""
    own = policies(SHIPPED, Libc.GLIBC, arch)
    found = recommend(own, SHIPPED.as_of, support)
    if found.chosen is None:
        return
    assert found.chosen.keeps_all
    for candidate in found.candidates:
        if (candidate.tag.version or (0, 0)) > (found.chosen.tag.version or (0, 0)):
            assert not candidate.keeps_all


@given(st.dates(min_value=date(1999, 1, 1), max_value=date(2400, 12, 30)))
def test_day_after_is_the_calendars(day: date) -> None:
    assert day_after(day.isoformat()) == (day + timedelta(days=1)).isoformat()
    assert day_number(day_after(day.isoformat())) == day_number(day.isoformat()) + 1
