"""Which wheel is meant, as tables; what is said where none is; and packaging's opinion."""

from __future__ import annotations

import random

import pytest
from packaging import tags as packaging_tags
from packaging.utils import parse_wheel_filename

from perennial.errors import UsageError
from perennial.index.choose import choose
from perennial.index.links import WheelChoice, WheelLink
from perennial.index.python_target import PythonTarget
from perennial.index.requirement import parse_requirement
from perennial.index.why_not import why_not
from perennial.platform_tag import Libc

GLIBC, MUSL = Libc.GLIBC, Libc.MUSL


def link(tags: str, **facts: str | None) -> WheelLink:
    """A link to `demo-<tags>.whl`."""
    name = f"demo-{tags}.whl"
    return WheelLink(name, f"https://files.invalid/{name}", **facts)  # type: ignore[arg-type]


def chosen(links: list[WheelLink], choice: WheelChoice, requirement: str = "demo") -> str | None:
    found = choose(links, parse_requirement(requirement), choice)
    backwards = choose(links[::-1], parse_requirement(requirement), choice)
    assert found == backwards, "the order of the page must not matter"
    return None if found is None else found.filename.removeprefix("demo-").removesuffix(".whl")


def x86(python: str | None = None, libc: Libc | None = None) -> WheelChoice:
    return WheelChoice("x86_64", python, libc)


ALL = [
    f"1.0-{python}-{platform}"
    for python in ("cp311-cp311", "cp312-cp312", "cp313-cp313", "cp313-cp313t", "pp311-pypy311_pp73")
    for platform in (
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "manylinux_2_28_aarch64",
        "musllinux_1_2_x86_64",
        "macosx_11_0_arm64",
        "win_amd64",
    )
]
OLD_X86 = "manylinux_2_17_x86_64.manylinux2014_x86_64"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (x86(), f"1.0-cp313-cp313-{OLD_X86}"),
        (x86("3.12"), f"1.0-cp312-cp312-{OLD_X86}"),
        (x86("3.12.4"), f"1.0-cp312-cp312-{OLD_X86}"),
        (x86("cp311"), f"1.0-cp311-cp311-{OLD_X86}"),
        (x86("3.13t"), f"1.0-cp313-cp313t-{OLD_X86}"),
        (x86("cp313t"), f"1.0-cp313-cp313t-{OLD_X86}"),
        (x86("pp311"), f"1.0-pp311-pypy311_pp73-{OLD_X86}"),
        (x86(None, MUSL), "1.0-cp313-cp313-musllinux_1_2_x86_64"),
        (x86("3.11", MUSL), "1.0-cp311-cp311-musllinux_1_2_x86_64"),
        (WheelChoice("aarch64"), "1.0-cp313-cp313-manylinux_2_28_aarch64"),
        (WheelChoice("aarch64", None, MUSL), None),
        (WheelChoice("ppc64le"), None),
        (x86("3.14"), None),
        (x86("pp310"), None),
    ],
)
def test_axes(choice: WheelChoice, expected: str | None) -> None:
    assert chosen([link(tags) for tags in ALL], choice) == expected


M = "manylinux_2_17_x86_64"


@pytest.mark.parametrize(
    ("offered", "choice", "expected"),
    [
        # the stable ABI: any later CPython, and not without the GIL
        ([f"1-cp38-abi3-{M}", f"1-cp311-abi3-{M}"], x86(), f"1-cp311-abi3-{M}"),
        ([f"1-cp38-abi3-{M}", f"1-cp311-abi3-{M}"], x86("3.10"), f"1-cp38-abi3-{M}"),
        ([f"1-cp38-abi3-{M}", f"1-cp311-abi3-{M}"], x86("3.13"), f"1-cp311-abi3-{M}"),
        ([f"1-cp38-abi3-{M}"], x86("3.7"), None),
        ([f"1-cp38-abi3-{M}"], x86("3.13t"), None),
        ([f"1-cp38-abi3-{M}", f"1-cp314-cp314t-{M}"], x86(), f"1-cp38-abi3-{M}"),
        ([f"1-cp38-abi3-{M}", f"1-cp314-cp314t-{M}"], x86("3.14t"), f"1-cp314-cp314t-{M}"),
        ([f"1-cp38-abi3-{M}", f"1-cp312-cp312-{M}"], x86("3.12"), f"1-cp312-cp312-{M}"),
        # only one kind of Python
        ([f"1-cp314-cp314t-{M}"], x86(), f"1-cp314-cp314t-{M}"),
        ([f"1-pp310-pypy310_pp73-{M}", f"1-pp311-pypy311_pp73-{M}"], x86(), f"1-pp311-pypy311_pp73-{M}"),
        ([f"1-graalpy311-graalpy242_311_native-{M}"], x86(), f"1-graalpy311-graalpy242_311_native-{M}"),
        ([f"1-cp39-cp39-{M}", f"1-cp310-cp310-{M}"], x86(), f"1-cp310-cp310-{M}"),
        ([f"1-cp37-cp37m-{M}"], x86("3.7"), f"1-cp37-cp37m-{M}"),
        ([f"1-cp27-cp27mu-{M}", f"1-cp27-cp27m-{M}"], x86("2.7"), f"1-cp27-cp27mu-{M}"),
        # no Python at all
        ([f"1-py3-none-{M}"], x86(), f"1-py3-none-{M}"),
        ([f"1-py2.py3-none-{M}"], x86("3.12"), f"1-py2.py3-none-{M}"),
        # Linux before pure, pure where there is nothing else
        (["1-py3-none-any", f"1-py3-none-{M}"], x86("3.12"), f"1-py3-none-{M}"),
        (["1-cp312-none-any", f"1-py3-none-{M}"], x86(), f"1-py3-none-{M}"),
        (["1-py3-none-any", f"1-cp312-cp312-{M}"], WheelChoice("s390x", None, MUSL), "1-py3-none-any"),
        (["1-py2-none-any"], x86("3.12"), None),
        # libc: glibc first, plain linux fits both, the newest first
        (["1-py3-none-musllinux_1_1_x86_64", "1-py3-none-linux_x86_64"], x86(), "1-py3-none-linux_x86_64"),
        (
            ["1-py3-none-musllinux_1_1_x86_64", "1-py3-none-linux_x86_64"],
            x86(None, MUSL),
            "1-py3-none-musllinux_1_1_x86_64",
        ),
        (["1-py3-none-linux_x86_64"], x86(None, MUSL), "1-py3-none-linux_x86_64"),
        (["1-py3-none-musllinux_1_1_x86_64"], x86(), "1-py3-none-musllinux_1_1_x86_64"),
        (["1-py3-none-musllinux_1_1_x86_64"], x86(None, GLIBC), None),
        ([f"1-py3-none-{M}", "1-py3-none-manylinux_2_28_x86_64"], x86(), "1-py3-none-manylinux_2_28_x86_64"),
        ([f"1-py3-none-{M}", "1-py3-none-manylinux1_x86_64"], x86(), f"1-py3-none-{M}"),
        # the newest CPython wins only among the wheels of the better libc
        ([f"1-cp311-cp311-{M}", "1-cp313-cp313-musllinux_1_2_x86_64"], x86(), f"1-cp311-cp311-{M}"),
        # the same processes under another name
        (["1-py3-none-linux_armv6l"], WheelChoice("armv7l"), "1-py3-none-linux_armv6l"),
        (
            ["1-py3-none-linux_armv6l", "1-py3-none-linux_armv7l"],
            WheelChoice("armv7l"),
            "1-py3-none-linux_armv7l",
        ),
        # build numbers are numbers
        ([f"1-9-py3-none-{M}", f"1-10-py3-none-{M}", f"1-py3-none-{M}"], x86(), f"1-10-py3-none-{M}"),
        # the newest version that has one
        ([f"2.0-py3-none-{M}", "10.0-py3-none-win_amd64", f"9.0-py3-none-{M}"], x86(), f"9.0-py3-none-{M}"),
        # names that no installer reads
        (["what-ever", f"x.y-py3-none-{M}", f"1-py3-none-{M}", f"1--py3-none-{M}"], x86(), f"1-py3-none-{M}"),
    ],
)
def test_within_a_page(offered: list[str], choice: WheelChoice, expected: str | None) -> None:
    assert chosen([link(tags) for tags in offered], choice) == expected


VERSIONS = ["1.0", "1.1", "2.0rc1", "2.0", "2.1a1"]


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("demo", "2.0"),
        ("demo==1.0", "1.0"),
        ("demo<2", "1.1"),
        ("demo==1.*", "1.1"),
        ("demo>=2.1a0", "2.1a1"),
        ("demo>2.0", "2.1a1"),  # only pre-releases are left
        ("demo==2.0rc1", "2.0rc1"),
        ("demo===1.1", "1.1"),
        ("demo==3", None),
    ],
)
def test_versions(requirement: str, expected: str | None) -> None:
    found = chosen([link(f"{version}-py3-none-any") for version in VERSIONS], x86(), requirement)
    assert found == (expected and f"{expected}-py3-none-any")


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [("demo", "1.0"), ("demo>=1", "1.0"), ("demo==2.*", None), ("demo==2.0", "2.0"), ("demo===2.0", "2.0")],
)
def test_yanked_only_where_pinned(requirement: str, expected: str | None) -> None:
    """PEP 592: an installer MUST ignore yanked releases, if the selection constraints can be
    satisfied with a non-yanked version; and may use one that is pinned by == or ===.
    """
    links = [link("1.0-py3-none-any"), link("2.0-py3-none-any", yanked="")]
    assert chosen(links, x86(), requirement) == (expected and f"{expected}-py3-none-any")


@pytest.mark.parametrize(
    ("python", "requires", "fits"),
    [
        (None, ">=3.99", True),
        ("3.12", ">=3.12", True),
        ("3.12", ">=3.13", False),
        ("3.12", ">=3.12.5", True),  # some 3.12 does
        ("3.12.4", ">=3.12.5", False),
        ("3.12", "<3.12", False),
        ("3.12", "nonsense", True),  # as pip: counts as none
        ("3.13t", ">=3.13", True),
    ],
)
def test_requires_python(python: str | None, requires: str, fits: bool) -> None:
    links = [link("1.0-py3-none-any", requires_python=requires)]
    assert (chosen(links, x86(python)) is not None) is fits


@pytest.mark.parametrize("text", ["", "3", "4.1", "312", "python3", "pp311t", "3.12tt", "cp3", "py3"])
def test_pythons_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--python"):
        PythonTarget.parse(text)


PAGE = [
    link("1.26.4-cp312-cp312-manylinux_2_17_ppc64le"),
    link("1.26.4-cp312-cp312-manylinux_2_17_x86_64"),
    link("2.4.6-cp39-cp39-manylinux_2_17_x86_64", requires_python=">=3.9"),
    link("2.4.6-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64"),
    link("2.4.6-cp312-cp312-musllinux_1_2_x86_64"),
    link("2.4.6-cp313-cp313t-manylinux_2_17_x86_64"),
    link("2.4.6-cp38-abi3-manylinux_2_28_aarch64"),
    link("2.4.6-cp312-cp312-win_amd64"),
    link("2.4.5-cp312-cp312-win_amd64"),
    link("2.4.5-cp312-cp312-macosx_11_0_arm64"),
    link("2.5.0-cp312-cp312-manylinux_2_17_ppc64le"),
    link("2.6.0-py3-none-any", requires_python=">=3.12"),
    link("3.0-py3-none-any", yanked="oh"),
]


@pytest.mark.parametrize(
    ("requirement", "choice", "expected"),
    [
        (
            "demo==2.4.6",
            WheelChoice("ppc64le"),
            "demo 2.4.6 has no wheel for ppc64le; it has aarch64, x86_64; 1.26.4 and 2.5.0 have one",
        ),
        (
            "demo==2.4.6",
            WheelChoice("aarch64", None, MUSL),
            "demo 2.4.6 has no wheel for musl on aarch64; it has glibc; 2.6.0 has one",
        ),
        (
            "demo==2.4.6",
            x86("3.11"),
            "demo 2.4.6 has no wheel for CPython 3.11 on x86_64; it has 3.9, 3.12, 3.13t; "
            "no other version has one either",
        ),
        (
            "demo==2.4.6",
            x86("3.9", MUSL),
            "demo 2.4.6 has no wheel for CPython 3.9 with musl on x86_64; it has 3.12; no other version has one either",
        ),
        (
            "demo==2.4.6",
            WheelChoice("aarch64", "3.7"),
            "demo 2.4.6 has no wheel for CPython 3.7 on aarch64; it has 3.8+; no other version has one either",
        ),
        (
            "demo==2.4.5",
            x86(),
            "demo 2.4.5 has no wheel for Linux; it has Windows, macOS; 1.26.4 and 2.4.6 have one",
        ),
        (
            "demo==2.6.0",
            x86("3.9"),
            "demo 2.6.0 has no wheel for CPython 3.9 on x86_64; it has Requires-Python >=3.12; 2.4.6 has one",
        ),
        (
            "demo<2.5,>2",
            WheelChoice("ppc64le"),
            "no version of demo that matches <2.5,>2 has a wheel for ppc64le; "
            "the newest, 2.4.6, has aarch64, x86_64; 1.26.4 and 2.5.0 have one",
        ),
        (
            "demo==9",
            x86(),
            "no version of demo with a wheel matches ==9; there are 3.0, 2.6.0, 2.5.0 and 3 more",
        ),
        (
            "demo>=3",
            x86(),
            "demo: all that matches >=3 is yanked (3.0); to look at one all the same, pin it: demo==3.0",
        ),
    ],
)
def test_why_not(requirement: str, choice: WheelChoice, expected: str) -> None:
    assert chosen(PAGE, choice, requirement) is None
    assert why_not(PAGE, parse_requirement(requirement), choice) == expected


@pytest.mark.parametrize("python", ["3.8", "3.11", "3.13", "3.13t", "3.14"])
def test_agrees_with_packaging(python: str) -> None:
    """On a system with a very new glibc, what is chosen is what an installer there would choose."""
    target = PythonTarget.parse(python)
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(99, 4, -1)] + ["linux_x86_64"]
    order = [
        *packaging_tags.cpython_tags(target.version, target.abis(), platforms),
        *packaging_tags.compatible_tags(target.version, target.interpreter, platforms),
    ]
    rank = {str(tag): n for n, tag in enumerate(order)}
    pythons = [f"cp{v}-cp{v}" for v in ("38", "311", "313", "314")]
    pythons += [
        "cp313-cp313t",
        "cp37-abi3",
        "cp311-abi3",
        "cp312-none",
        "py3-none",
        "py312-none",
        "py2.py3-none",
    ]
    ends = [
        "manylinux_2_5_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux_2_28_x86_64",
        "linux_x86_64",
        "win_amd64",
    ]
    names = [f"1-{p}-{end}" for p in pythons for end in ends]
    names += [f"1-{p}-any" for p in pythons if p.endswith("none")]
    shuffled = random.Random(python)
    for _ in range(150):
        offered = sorted(shuffled.sample(names, 4))
        ranks = {
            name: min(rank.get(str(tag), 10**6) for tag in parse_wheel_filename(f"demo-{name}.whl")[3])
            for name in offered
        }
        best = min(ranks.values())
        found = chosen([link(name) for name in offered], x86(python))
        assert (10**6 if found is None else ranks[found]) == best, offered
