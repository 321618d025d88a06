"""File names of wheels: held against packaging, which installers use."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from perennial.errors import WheelFilenameError
from perennial.wheel.filename import WheelFilename

REAL = [
    "numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
    "opencv_python_headless-5.0.0.93-cp37-abi3-manylinux_2_28_x86_64.whl",
    "six-1.16.0-py2.py3-none-any.whl",
    "demo-1.0-1-py3-none-any.whl",
    "demo-1.0-2rc-py3-none-any.whl",
    "Zope.Interface-5.0-cp39-cp39-macosx_10_9_universal2.whl",
    "torch-2.1.0+cu118-cp311-cp311-linux_x86_64.whl",
    "a-1!2.0.post1.dev3-cp311-cp311-musllinux_1_2_aarch64.whl",
    "Demo-1.0-CP311-CP311-Manylinux2014_X86_64.whl",
]


def agrees(name: str) -> None:
    """Everything that both say is the same."""
    distribution, version, build, tags = parse_wheel_filename(name)
    ours = WheelFilename.parse(name)
    assert ours.text == name
    assert canonicalize_name(ours.distribution) == distribution
    assert Version(ours.version.replace("_", "-")) == version
    assert (ours.build or "") == "".join(map(str, build))
    assert ours.tags == {(tag.interpreter, tag.abi, tag.platform) for tag in tags}


@pytest.mark.parametrize("name", REAL)
def test_real_names(name: str) -> None:
    agrees(name)


def test_a_name_taken_apart() -> None:
    name = WheelFilename.parse("demo-1.0-7b-cp39.cp310-abi3.none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl")
    assert (name.distribution, name.version, name.build) == ("demo", "1.0", "7b")
    assert name.pythons == ("cp39", "cp310")
    assert name.abis == ("abi3", "none")
    assert [tag.text for tag in name.platforms] == ["manylinux2014_x86_64", "manylinux_2_17_x86_64"]
    assert len(name.tags) == 8
    assert name.tags == set(product(name.pythons, name.abis, [tag.text for tag in name.platforms]))


def test_tags_are_compared_in_lower_case_and_the_name_kept() -> None:
    name = WheelFilename.parse("Demo-1.0-CP311-CP311-Manylinux2014_X86_64.whl")
    assert name.text.startswith("Demo-1.0-CP311")
    assert name.platforms[0].version == (2, 17)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("demo-1.0.tar.gz", "ends in .whl"),
        ("demo-1.0-py3-none-any.WHL", "ends in .whl"),
        ("whl", "ends in .whl"),
        (".whl", "this one has 1"),
        ("demo-1.0-py3-any.whl", "this one has 4"),
        ("demo-1.0-1-2-py3-none-any.whl", "this one has 7"),
        ("demo--py3-none-any.whl", "five or six parts"),
        ("demo-1.0-b1-py3-none-any.whl", "does not begin with a digit"),
        ("demo-1.0-\u00b2-py3-none-any.whl", "does not begin with a digit"),
        ("demo\x1b[31m\n-1.0.whl", "demo\\x1b[31m\\n-1.0.whl: "),
    ],
)
def test_names_that_are_refused(name: str, said: str) -> None:
    with pytest.raises(WheelFilenameError) as caught:
        WheelFilename.parse(name)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()
    with pytest.raises(InvalidWheelFilename):
        parse_wheel_filename(name)


def test_a_name_longer_than_a_file_can_have() -> None:
    """packaging reads it; a number of 5000 digits is more than Python converts."""
    with pytest.raises(WheelFilenameError, match="longer than a file name can be") as caught:
        WheelFilename.parse("demo-1.0-py3-none-manylinux_" + "9" * 5000 + "_1_x86_64.whl")
    assert len(str(caught.value)) < 200


LENIENT = [
    "demo__x-1.0-py3-none-any.whl",  # two underscores: a name that packaging takes for malformed
    "demo-1.0_final-py3-none-any.whl",
    "demo x-1.0-py3-none-any.whl",
    "demo-not.a.version-py3-none-any.whl",
]


@pytest.mark.parametrize("name", LENIENT)
def test_names_that_packaging_refuses_and_indexes_have(name: str) -> None:
    """Their tags are what is to be judged (module docstring)."""
    with pytest.raises(InvalidWheelFilename):
        parse_wheel_filename(name)
    assert WheelFilename.parse(name).platforms[0].is_any


NAMES = ["demo", "Demo.x", "a_b", "1.0", "2!1.0rc1", "1.0+local.1", "7", "7b", "b7", "", ".", "x..y", "é", "٣"]
TAGS = ["py3", "cp39.cp310", "none", "abi3", "any", "manylinux2014_x86_64", "linux_armv7l.any", "musllinux_1_2_i686"]
parts = st.sampled_from(NAMES + TAGS)


@settings(max_examples=500)
@given(st.lists(parts, min_size=3, max_size=8), st.sampled_from([".whl", ".whl", ".whl", ".zip", ""]))
def test_what_packaging_reads_is_read_alike(names: list[str], extension: str) -> None:
    name = "-".join(names) + extension
    try:
        parse_wheel_filename(name)
    except InvalidWheelFilename:
        is_read_or_refused(name)
    else:
        agrees(name)


def is_read_or_refused(name: str) -> None:
    try:
        found = WheelFilename.parse(name)
    except WheelFilenameError as error:
        message = str(error)
    else:
        message = ""
        assert found.text == name
        assert ".".join(found.abis) == name.split("-")[-2].lower()
    assert message.isprintable()


@settings(max_examples=300)
@given(st.text(max_size=40))
def test_any_text_at_all(text: str) -> None:
    is_read_or_refused(text + ".whl")
