"""Laws of explanations: they say the same as the tags, and the best wheel of a project is the one that best() takes."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from perennial.tags import Installer, best, compatible, parse_target
from perennial.tags.install import Listing, first_pip, installation, listing
from perennial.tags.project import Offer, ProjectVersion, project_answer
from perennial.wheel.filename import WheelFilename

TARGETS = (
    *("debian:12", "rhel:7,python=3.12", "ubuntu:20.04,python=3.13t", "alpine:3.19", "glibc:2.17,arch=aarch64"),
    *("glibc:3.2,python=3.12", "glibc:2.28,python=pp311", "glibc:2.31,arch=armv8l,python=3.11"),
    *("glibc:2.36,manylinux=no", "glibc:2.40,arch=riscv64", "musl:1.1,arch=armv7l", "glibc:2.12,python=2.7"),
)
there = cache(lambda text: listing(parse_target(text)))

arches = st.sampled_from(["x86_64", "aarch64", "armv7l", "armv8l", "i686", "riscv64", "arm64"])
perennial_tags = st.builds("manylinux_{}_{}_{}".format, st.sampled_from([2, 2, 2, 3]), st.integers(0, 45), arches)
musl_tags = st.builds("musllinux_1_{}_{}".format, st.integers(0, 3), arches)
legacy = st.builds("{}_{}".format, st.sampled_from(["manylinux1", "manylinux2010", "manylinux2014", "linux"]), arches)
foreign = st.sampled_from(["any", "win_amd64", "macosx_11_0_arm64", "manylinux_02_17_x86_64"])
platforms = st.one_of(perennial_tags, musl_tags, legacy, foreign)
pythons = st.sampled_from(["cp312", "cp311", "cp39", "cp38", "cp313", "cp27", "pp311", "py3", "py2", "py312", "cp3"])
abis = st.sampled_from(["cp312", "cp311", "cp313t", "cp39", "abi3", "abi3t", "none", "pypy311_pp73", "cp27mu"])


def joined(parts: st.SearchStrategy[str], most: int) -> st.SearchStrategy[str]:
    return st.lists(parts, min_size=1, max_size=most, unique=True).map(".".join)


tag_sets = st.builds("{}-{}-{}".format, joined(pythons, 2), joined(abis, 2), joined(platforms, 3))
targets = st.sampled_from(TARGETS)


@given(text=targets, tags=tag_sets)
def test_the_verdict_is_that_of_compatible(text: str, tags: str) -> None:
    """PEP 425: of a compressed tag set, one accepted tag suffices."""
    found = installation(WheelFilename.parse(f"demo-1.0-{tags}.whl"), there(text))
    target = there(text).target
    assert found.accepted is compatible(tags, target)
    assert found.accepted is compatible(found.tag, target)
    assert found.accepted is (found.refusal is None) is (not found.refusals)
    assert bool(found.installers) is found.accepted


@given(text=targets, tags=tag_sets)
def test_an_installer_takes_what_its_own_list_has(text: str, tags: str) -> None:
    found = installation(WheelFilename.parse(f"demo-1.0-{tags}.whl"), there(text))
    target = there(text).target
    for verdict in found.installers:
        if isinstance(there(text).installers[verdict.installer], str):
            assert not verdict.accepts
        elif any(tag in there(text).ranks for tag in expanded(tags)):
            assert verdict.accepts is compatible(tags, target, verdict.installer)


@given(
    text=targets, tags=tag_sets, pip=st.sampled_from([(8, 1), (9, 0, 1), (19, 0), (19, 3), (20, 3), (21, 2), (26, 3)])
)
def test_an_old_pip_only_ever_refuses_more(text: str, tags: str, pip: tuple[int, ...]) -> None:
    name = WheelFilename.parse(f"demo-1.0-{tags}.whl")
    found = installation(name, there(text), pip=pip)
    target = there(text).target
    readable = [tag for tag in expanded(tags) if first_pip(tag) <= pip]
    assert found.accepted is any(compatible(tag, target) for tag in readable)


@given(text=targets, offered=st.lists(st.tuples(st.integers(1, 3), tag_sets), min_size=1, max_size=8, unique=True))
def test_a_project_gets_the_newest_version_that_has_a_fit(text: str, offered: list[tuple[int, str]]) -> None:
    names = {version: [f"demo-{version}-{tags}.whl" for v, tags in offered if v == version] for version, _ in offered}
    versions = [
        ProjectVersion(str(version), tuple(Offer(WheelFilename.parse(name)) for name in sorted(names[version])))
        for version in sorted(names, reverse=True)
    ]
    found = project_answer(versions, there(text))
    expected = next(
        (fit for version in sorted(names, reverse=True) if (fit := fit_of(names[version], there(text)))), None
    )
    assert (found.takes and found.takes.filename.text) == expected
    missed = [
        version for version in sorted(names, reverse=True) if expected is None or str(version) > found_version(expected)
    ]
    assert [int(miss.version) for miss in found.misses] == missed


def expanded(tags: str) -> list[str]:
    python, abi, platform = (part.split(".") for part in tags.split("-"))
    return [f"{p}-{a}-{q}" for p in python for a in abi for q in platform]


def fit_of(names: list[str], known: Listing) -> str | None:
    return best(names, known.target)


def found_version(name: str) -> str:
    return name.split("-")[1]


def test_the_installers_that_are_asked_for_are_those_that_install() -> None:
    assert set(there("debian:12").installers) == set(Installer) - {Installer.PACKAGING}
