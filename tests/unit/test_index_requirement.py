"""What is a requirement, what is a path, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.errors import UsageError
from perennial.index import looks_like_requirement
from perennial.index.requirement import parse_requirement


@pytest.mark.parametrize(
    "text",
    [
        "numpy",
        "numpy==2.4.6",
        "numpy>=2,<3",
        "scipy ~= 1.11",
        "foo[extra]",
        "a",
        "Foo_Bar.baz",
        "x @ y",
        "n!=1",
    ],
)
def test_requirements(text: str) -> None:
    assert looks_like_requirement(text)


@pytest.mark.parametrize(
    "text",
    [
        "./numpy",
        "dist/numpy",
        "numpy-1.0-py3-none-any.whl",
        "NUMPY.WHL",
        ".",
        "-v",
        "",
        "numpy 1",
        "a\\b",
        "*",
    ],
)
def test_paths(text: str) -> None:
    assert not looks_like_requirement(text)


def test_what_exists_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert looks_like_requirement("numpy")
    (tmp_path / "numpy").mkdir()
    assert not looks_like_requirement("numpy")


@pytest.mark.parametrize(
    ("text", "pinned"),
    [("a==1", True), ("a===1", True), ("a==1.*", False), ("a>=1", False), ("a", False), ("a==1,!=2", True)],
)
def test_pinned(text: str, pinned: bool) -> None:
    assert parse_requirement(text).is_pinned is pinned


def test_names_are_normalized() -> None:
    assert str(parse_requirement("Foo__Bar.baz >=1")) == "foo-bar-baz>=1"


@pytest.mark.parametrize(
    "text", ["numpy==", "numpy; os_name == 'x'", "numpy @ https://user:secret@x.invalid/n.whl", "=="]
)
def test_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_requirement(text)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
