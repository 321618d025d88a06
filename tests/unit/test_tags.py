"""Targets as text, lists, choices, and reasons: values in, values out."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.cli.main import main
from perennial.errors import UsageError, WheelFilenameError
from perennial.knowledge import load_knowledge
from perennial.platform_tag import Libc
from perennial.tags import Installer, Python, Target, accepted_tags, best, compatible, platform_tags
from perennial.tags.spec import parse_target
from perennial.tags.why import ORDER, Axis, first_refusal, refusals


def target(text: str) -> Target:
    return parse_target(text)


# ----- targets as text


@pytest.mark.parametrize(
    ("text", "headline"),
    [
        ("debian:12", (Libc.GLIBC, (2, 36), "x86_64", "CPython 3.11")),
        ("ubuntu:20.04", (Libc.GLIBC, (2, 31), "x86_64", "CPython 3.8")),
        ("rhel:8", (Libc.GLIBC, (2, 28), "x86_64", "CPython 3.6")),
        ("centos:7", (Libc.GLIBC, (2, 17), "x86_64", "CPython 3.6")),
        ("alpine:3.19", (Libc.MUSL, (1, 2), "x86_64", "CPython 3.11")),
        ("Debian:12,arch=aarch64,python=3.13t", (Libc.GLIBC, (2, 36), "aarch64", "CPython 3.13 free-threaded")),
        ("glibc:2.28", (Libc.GLIBC, (2, 28), "x86_64", "CPython 3.14")),
        ("glibc:2.28,arch=aarch64,python=3.12", (Libc.GLIBC, (2, 28), "aarch64", "CPython 3.12")),
        ("musl:1.2.5,python=3.12.4", (Libc.MUSL, (1, 2), "x86_64", "CPython 3.12.4")),
        ("glibc:2.28,python=pp311", (Libc.GLIBC, (2, 28), "x86_64", "PyPy 3.11")),
        ("glibc:2.28,python=3.11,implementation=pypy", (Libc.GLIBC, (2, 28), "x86_64", "PyPy 3.11")),
        ("glibc:2.28,python=3.13,abi=cp313t", (Libc.GLIBC, (2, 28), "x86_64", "CPython 3.13 free-threaded")),
        ("glibc:2.28,python=3.13td", (Libc.GLIBC, (2, 28), "x86_64", "CPython 3.13 free-threaded, debug")),
        ("glibc:2.28,python=2.7", (Libc.GLIBC, (2, 28), "x86_64", "CPython 2.7")),
    ],
)
def test_what_people_write(text: str, headline: tuple[Any, ...]) -> None:
    found = target(text)
    assert (found.libc, found.libc_version, found.arch, str(found.python)) == headline
    assert [detail.part for detail in found.details] == ["libc", "architecture", "python"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("debian:99", "debian:99: of debian there are debian:7, "),
        ("debain:12", "did you mean debian:12"),
        ("xyzzy", "neither a release"),
        ("", "neither a release"),
        ("glibc:2", "neither a release"),
        ("glibc:2.28,", "an empty part: after the system come arch="),
        ("glibc:2.28,arch", "arch: after the system"),
        ("glibc:2.28,arch=", "arch=: after the system"),
        ("glibc:2.28,arch=a,arch=b", "each once"),
        ("glibc:2.28,pyhton=3", "pyhton=3: after the system"),
        ("glibc:2.28,arch=x86-64", "arch=x86-64: an architecture is spelled as in tags"),
        ("glibc:2.28,python=3", "python=3: write 3.12, 3.13t, cp312 or pp311"),
        ("glibc:2.28,python=pp311t", "only CPython has free-threaded"),
        ("glibc:2.28,python=pp311,implementation=cp", "python=pp311: write"),
        ("glibc:2.28,python=3.12,abi=cp313", "abi=cp313: an ABI of cp312 begins so"),
        ("glibc:2.28,manylinux=maybe", "manylinux=maybe: yes or no"),
        ("glibc:2.28,implementation=../x", "implementation=../x: write cp"),
    ],
)
def test_what_makes_no_sense(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        target(text)
    assert message in str(caught.value)


def test_an_architecture_that_the_release_has_not_is_said() -> None:
    (text,) = (detail.text for detail in target("amazonlinux:2,arch=s390x").details if detail.part == "architecture")
    assert text == "s390x: as asked for; Amazon Linux 2 is known on aarch64, x86_64 only"


def test_every_release_is_a_target() -> None:
    for release in load_knowledge().releases:
        assert target(release.id).libc_version == release.libc_version


# ----- lists


def test_a_whole_list() -> None:
    assert accepted_tags(target("glibc:2.18,arch=s390x,python=3.3")) == (
        *("cp33-cp33m-linux_s390x", "cp33-cp33m-manylinux_2_18_s390x"),
        *("cp33-cp33m-manylinux_2_17_s390x", "cp33-cp33m-manylinux2014_s390x"),
        *("cp33-abi3-linux_s390x", "cp33-abi3-manylinux_2_18_s390x"),
        *("cp33-abi3-manylinux_2_17_s390x", "cp33-abi3-manylinux2014_s390x"),
        *("cp33-none-linux_s390x", "cp33-none-manylinux_2_18_s390x"),
        *("cp33-none-manylinux_2_17_s390x", "cp33-none-manylinux2014_s390x"),
        *("cp32-abi3-linux_s390x", "cp32-abi3-manylinux_2_18_s390x"),
        *("cp32-abi3-manylinux_2_17_s390x", "cp32-abi3-manylinux2014_s390x"),
        *(
            f"{python}-none-{platform}"
            for python in ("py33", "py3", "py32", "py31", "py30")
            for platform in ("linux_s390x", "manylinux_2_18_s390x", "manylinux_2_17_s390x", "manylinux2014_s390x")
        ),
        *("cp33-none-any", "py33-none-any", "py3-none-any", "py32-none-any", "py31-none-any", "py30-none-any"),
    )


def test_glibc_3_takes_what_was_for_2() -> None:
    """PEP 600: `(sys_major, sys_minor) >= (tag_major, tag_minor)`."""
    listed = platform_tags(target("glibc:3.1,arch=aarch64"))
    assert listed[:4] == ("linux_aarch64", "manylinux_3_1_aarch64", "manylinux_3_0_aarch64", "manylinux_2_50_aarch64")
    assert listed[-2:] == ("manylinux_2_17_aarch64", "manylinux2014_aarch64")
    assert compatible("cp314-cp314-manylinux_2_77_aarch64", target("glibc:3.1,arch=aarch64"))
    assert "manylinux_2_28_x86_64" not in platform_tags(target("glibc:3.1"), Installer.UV)
    assert "manylinux_2_28_x86_64" not in platform_tags(target("glibc:3.1"), Installer.PDM)


@pytest.mark.parametrize(
    ("arch", "last"),
    [
        ("x86_64", ("manylinux_2_5_x86_64", "manylinux1_x86_64")),
        ("i686", ("manylinux_2_5_i686", "manylinux1_i686")),
        ("ppc64", ("manylinux_2_17_ppc64", "manylinux2014_ppc64")),
        ("riscv64", ("manylinux_2_28_riscv64", "manylinux_2_27_riscv64")),
        ("loongarch64", ("manylinux_2_37_loongarch64", "manylinux_2_36_loongarch64")),
    ],
)
def test_floors(arch: str, last: tuple[str, str]) -> None:
    assert platform_tags(target(f"glibc:2.40,arch={arch}"))[-2:] == last


PACKAGING, PIP, UV, POETRY, PDM = Installer


@pytest.mark.parametrize(
    ("text", "tag", "accepted_by"),
    [
        ("glibc:2.40,arch=riscv64", "manylinux_2_17_riscv64", {PACKAGING, PIP, POETRY, PDM}),
        ("glibc:2.40,arch=riscv64", "manylinux_2_28_riscv64", {None, PACKAGING, PIP, POETRY, PDM}),
        ("glibc:2.40,arch=riscv64", "manylinux2014_riscv64", {PACKAGING, PIP, POETRY, PDM}),
        ("glibc:2.40,arch=loongarch64", "manylinux_2_36_loongarch64", {None, PACKAGING, PIP, POETRY, UV}),
        ("glibc:2.40,arch=loongarch64", "manylinux_2_35_loongarch64", {PACKAGING, PIP, POETRY}),
        ("glibc:2.40,arch=i686", "manylinux_2_28_i686", {None, PACKAGING, PIP, POETRY, UV}),
        ("glibc:2.40,arch=armv6l", "manylinux_2_28_armv6l", {None}),
        ("glibc:3.2", "manylinux_2_28_x86_64", {None, PACKAGING, PIP, POETRY}),
        ("glibc:2.40,manylinux=no", "manylinux_2_28_x86_64", {PDM}),
        ("musl:1.2", "musllinux_1_0_x86_64", {None, PACKAGING, PIP, POETRY, UV}),
    ],
)
def test_the_table_of_differences(text: str, tag: str, accepted_by: set[Installer | None]) -> None:
    """docs/explanation/how-installers-compute-tags.md; the measurements are in tests/differential."""
    assert {each for each in (None, *Installer) if tag in platform_tags(target(text), each)} == accepted_by


def test_where_the_plain_tag_stands() -> None:
    for text, last in (("glibc:2.28", {UV, PDM}), ("musl:1.2", {UV})):
        for installer in (None, *Installer):
            place = -1 if installer in last else 0
            assert platform_tags(target(text), installer)[place] == "linux_x86_64"


REFUSED: Final = [
    ("glibc:2.36,arch=armv8l", Installer.PDM, "pdm knows no architecture armv8l"),
    ("glibc:2.36,arch=mips64", Installer.UV, "uv knows no architecture mips64"),
    ("glibc:2.36,python=3.11,implementation=graalpy,abi=graalpy242_311_native", Installer.PDM, "pdm knows no GraalPy"),
    ("glibc:2.36,python=pp311", Installer.POETRY, "poetry lists for PyPy what it finds in the Python that runs it"),
]


@pytest.mark.parametrize(("text", "installer", "message"), REFUSED)
def test_installers_that_refuse_a_target(text: str, installer: Installer, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        accepted_tags(target(text), installer)
    assert message in str(caught.value)


def test_uv_refuses_a_python_without_a_libc() -> None:
    with pytest.raises(UsageError, match="uv refuses a Python with neither"):
        accepted_tags(Target(None, None, "x86_64", Python.cpython((3, 12))), Installer.UV)


# ----- choices


HERE: Final = "glibc:2.28,python=3.12"


@pytest.mark.parametrize(
    ("wheels", "chosen"),
    [
        (["cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_28_x86_64"], 1),
        (["cp312-cp312-manylinux_2_31_x86_64", "cp312-abi3-manylinux_2_5_x86_64"], 1),
        (["py3-none-any", "cp38-abi3-manylinux2014_x86_64"], 1),
        (["1-py3-none-any", "10-py3-none-any", "9z-py3-none-any"], 1),
        (["py3-none-any", "1-py3-none-any"], 1),
        (["py2.py3-none-any", "cp312-cp312-manylinux_2_5_x86_64.manylinux_2_27_x86_64"], 1),
        (["cp312-cp312-manylinux_2_31_x86_64", "cp312-cp312-musllinux_1_2_x86_64", "py2-none-any"], None),
        (
            ["cp312-cp312-manylinux_2_28_x86_64.manylinux_2_31_x86_64", "cp312-cp312-manylinux_2_28_x86_64.linux_i686"],
            1,
        ),
        (["CP312-cp312-ManyLinux_2_17_x86_64"], 0),
        ([], None),
    ],
)
def test_best(wheels: list[str], chosen: int | None) -> None:
    names = [f"demo-1.0-{each}.whl" for each in wheels]
    assert best(names, target(HERE)) == (None if chosen is None else names[chosen])
    assert best(reversed(names), target(HERE)) == (None if chosen is None else names[chosen])


def test_best_depends_on_the_installer() -> None:
    names = ["demo-1.0-cp312-cp312-linux_x86_64.whl", "demo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"]
    assert best(names, target(HERE)) == best(names, target(HERE), Installer.PIP) == names[0]
    assert best(names, target(HERE), Installer.UV) == best(names, target(HERE), Installer.PDM) == names[1]


def test_best_is_for_one_version() -> None:
    with pytest.raises(UsageError, match="choose the version first"):
        best(["demo-1.0-py3-none-any.whl", "demo-2.0-py3-none-any.whl"], target(HERE))
    with pytest.raises(WheelFilenameError):
        best(["demo.tar.gz"], target(HERE))


# ----- reasons


@pytest.mark.parametrize(
    ("tag", "axis", "says", "distance"),
    [
        ("cp312-cp312-manylinux_2_31_x86_64", Axis.LIBC_VERSION, "needs glibc ≥ 2.31; this is glibc 2.28", 3),
        ("cp313-cp313-manylinux_2_31_x86_64", Axis.LIBC_VERSION, "needs glibc ≥ 2.31; this is glibc 2.28", 3),
        ("cp312-cp312-manylinux_3_0_x86_64", Axis.LIBC_VERSION, "needs glibc ≥ 3.0; this is glibc 2.28", None),
        ("cp312-cp312-musllinux_1_2_x86_64", Axis.LIBC, "needs musl ≥ 1.2; this is glibc 2.28", None),
        ("cp312-cp312-manylinux_2_17_aarch64", Axis.ARCHITECTURE, "needs aarch64; this is x86_64", None),
        ("cp313-cp313-manylinux_2_31_aarch64", Axis.ARCHITECTURE, "needs aarch64; this is x86_64", None),
        ("cp312-cp312-win_amd64", Axis.SYSTEM, "needs Windows; this is Linux", None),
        ("cp312-cp312-macosx_11_0_arm64", Axis.SYSTEM, "needs macOS; this is Linux", None),
        ("cp313-cp313-linux_x86_64", Axis.PYTHON_VERSION, "needs Python 3.13; this is CPython 3.12", 1),
        ("cp314-abi3-linux_x86_64", Axis.PYTHON_VERSION, "needs Python ≥ 3.14; this is CPython 3.12", 2),
        ("py2-none-any", Axis.PYTHON_VERSION, "needs Python 2; this is CPython 3.12", None),
        ("cp312-cp312t-linux_x86_64", Axis.ABI, "needs a free-threaded Python (cp312t); this is CPython 3.12", None),
        ("pp311-pypy311_pp73-linux_x86_64", Axis.IMPLEMENTATION, "needs PyPy; this is CPython 3.12", None),
        ("cp312-cp312-manylinux_2_4_x86_64", Axis.TAG,
         "needs manylinux_2_4_x86_64; this is x86_64, whose lowest tag is manylinux_2_5_x86_64", None),
        ("cp3-none-any", Axis.TAG, "needs cp3-none; this is CPython 3.12, which has no such pair", None),
        ("cp312-cp312-manylinux_2_31_aarch64.manylinux_2_31_x86_64", Axis.LIBC_VERSION,
         "needs glibc ≥ 2.31; this is glibc 2.28", 3),
        ("cp312-cp312-manylinux_2_34_x86_64.manylinux_2_31_x86_64", Axis.LIBC_VERSION,
         "needs glibc ≥ 2.31; this is glibc 2.28", 3),
    ],
)  # fmt: skip
def test_the_first_reason(tag: str, axis: Axis, says: str, distance: int | None) -> None:
    found = first_refusal(tag, target(HERE))
    assert found is not None
    assert (found.axis, str(found), found.distance) == (axis, says, distance)


def test_reasons_of_special_targets() -> None:
    threaded = first_refusal("cp38-abi3-linux_x86_64", target("glibc:2.28,python=3.13t"))
    assert str(threaded) == "needs a Python with the GIL (abi3); this is CPython 3.13 free-threaded"
    refused = first_refusal("cp312-cp312-manylinux_2_17_x86_64", target(f"{HERE},manylinux=no"))
    assert refused is not None
    assert refused.axis is Axis.OVERRIDE
    riscv = first_refusal("cp312-cp312-manylinux2014_riscv64", target("glibc:2.40,arch=riscv64,python=3.12"))
    assert str(riscv) == "needs manylinux2014_riscv64; this is riscv64, for which PEP 600 names no manylinux2014"
    soft = target("glibc:2.28,arch=armv7l,python=3.12")._replace(loads_tagged=False)
    assert str(first_refusal("cp312-cp312-manylinux_2_17_armv7l", soft)) == (
        "needs armv7l as tags mean it; this is armv7l with another ABI"
    )


def test_all_reasons_in_order() -> None:
    found = list(refusals("cp313", "cp313t", "manylinux_2_31_aarch64", target(HERE)))
    assert [each.axis for each in found] == [Axis.ARCHITECTURE, Axis.LIBC_VERSION, Axis.PYTHON_VERSION, Axis.ABI]


parts = st.tuples(
    st.sampled_from(["cp312", "cp313", "cp38", "cp3", "py3", "py312", "py313", "py2", "pp311", "graalpy", "cp27"]),
    st.sampled_from(["cp312", "cp313", "cp312t", "cp313t", "cp312d", "abi3", "abi3t", "none", "pypy311_pp73", "cp38"]),
    st.sampled_from(
        ["any", "linux_x86_64", "linux_armv7l", "manylinux_2_28_x86_64", "manylinux_2_31_x86_64", "manylinux1_x86_64",
         "manylinux2014_armv8l", "manylinux_2_4_x86_64", "manylinux_02_17_x86_64", "musllinux_1_2_x86_64",
         "musllinux_2_0_x86_64", "manylinux_2_17_armv7l", "win32", "manylinux2014_aarch64"]
    ),
)  # fmt: skip
targets = st.sampled_from(
    [HERE, "glibc:2.28,python=3.13t", "glibc:2.28,python=3.12d", "musl:1.2,python=3.12", "glibc:2.28,python=pp311",
     "glibc:3.1,python=3.12", "glibc:2.28,python=3.12,arch=armv8l", "glibc:2.28,python=3.12,manylinux=no",
     "glibc:2.28,python=2.7"]
)  # fmt: skip


@given(parts, targets)
def test_there_is_a_reason_where_and_only_where_a_tag_is_refused(tag: tuple[str, str, str], text: str) -> None:
    found = list(refusals(*tag, target(text)))
    assert (not found) is compatible("-".join(tag), target(text))
    assert compatible("-".join(tag), target(text)) is ("-".join(tag) in accepted_tags(target(text)))


@given(parts, targets)
def test_reasons_come_in_the_order_of_the_axes(tag: tuple[str, str, str], text: str) -> None:
    found = [ORDER.index(each.axis) for each in refusals(*tag, target(text)) if each.axis is not Axis.TAG]
    assert found == sorted(found)


def test_what_is_no_tag() -> None:
    for text in ("", "cp312", "cp312-cp312", "a-b-c-d", "--"):
        with pytest.raises(UsageError, match="a tag is python-abi-platform"):
            compatible(text, target(HERE))


# ----- the command


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tags", "--on", "debian:12,arch=aarch64", "--as", "uv", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "perennial.tags/1"
    assert document["as"] == {"installer": "uv", "version": "0.13.8"}
    assert document["target"]["libc"] == {"name": "glibc", "version": "2.36"}
    assert document["target"]["python"]["version"] == "3.11"
    assert document["tags"] == list(accepted_tags(target("debian:12,arch=aarch64"), Installer.UV))


@pytest.mark.parametrize(
    ("options", "first", "count"),
    [
        (["--list"], "cp311-cp311-linux_x86_64", 914),
        (["--platforms"], "linux_x86_64", 36),
    ],
)
def test_plain_lists(options: list[str], first: str, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tags", "--on", "debian:12", *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], len(lines)) == (first, count)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--on", "nowhere:1"], 2, "nowhere:1: neither a release"),
        (["--on", "/nowhere"], 3, "/nowhere: no such folder"),
        (["--interpreter", "/nowhere"], 3, "/nowhere: no such file"),
        (["--interpreter", "/bin/true", "--run"], 3, "is no Python that answers"),
        (["--run"], 2, "--run is for a Python of this system"),
        (["--interpreter", "/x", "--on", "debian:12"], 2, "--on is the folder of the root file system"),
        (["--on", "/,arch=s390x"], 2, "arch= is for releases"),
        (["--on", "glibc:2.28,arch=mips", "--as", "uv"], 2, "uv knows no architecture mips"),
    ],
)
def test_errors_are_one_line(arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tags", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_what_this_imports() -> None:
    """A library that installers may depend on: neither packaging, nor subprocess, nor the knowledge."""
    heavy = "packaging subprocess ctypes ast json httpx rich perennial.knowledge perennial.audit perennial.elf.read"
    code = (
        "import sys; from perennial import accepted_tags, best, parse_target, this_system; "
        "accepted_tags(this_system()); best([], parse_target('glibc:2.28')); "
        f"print(sorted(set({heavy.split()}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_of_the_interface_are_not_those_of_packages() -> None:
    """perennial.audit is a package, too; whoever imports the name from perennial means the function."""
    code = "from perennial import audit, accepted_tags; assert callable(audit) and callable(accepted_tags)"
    subprocess.run([sys.executable, "-c", code], check=True)
