"""Real wheels: the two that crashed are found out, and those of today, which work together, are let pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.roots.make import skip_unless_ci
from tests.support.run_perennial import Outcome, run_perennial
from tests.wheels.download import LockedWheel, UnavailableError, coload_wheels, locked_wheels, obtain

pytestmark = pytest.mark.wheels

CRASHED: Final = ("pyarrow-0.13.0", "tensorflow-1.13.1")
_HISTORIC: Final = "cp36-cp36m-manylinux1_x86_64.whl"
# Large ones that are in wheels.lock already.
_COMMON: Final = frozenset({"numpy", "scipy", "scikit-learn", "pyarrow", "opencv-python-headless"})
PYTHON: Final = "cp311"


def today() -> list[LockedWheel]:
    """The large wheels of one Python on x86_64."""
    found = [
        *(wheel for wheel in coload_wheels() if not wheel.filename.endswith(_HISTORIC)),
        *(wheel for wheel in locked_wheels() if wheel.project in _COMMON and "manylinux" in wheel.filename),
    ]
    return [wheel for wheel in found if wheel.tag[0] in (PYTHON, "cp37", "cp39", "cp310", "py3")]


def coload(folder: Path, wheels: list[LockedWheel], *options: str) -> Outcome:
    try:
        paths = [obtain(wheel) for wheel in wheels]
    except UnavailableError as error:
        skip_unless_ci(str(error))
    return run_perennial("coload", "--json", *options, *map(str, paths), cwd=folder)


def errors(outcome: Outcome) -> list[dict[str, Any]]:
    return [each for each in outcome.document["conflicts"] if each["severity"] == "error"]


@pytest.mark.parametrize("interpreter", [(), ("--standalone",)], ids=["distribution's", "standalone"])
@pytest.mark.parametrize("release", ["debian:11", "debian:12"])
def test_crash_of_2019(release: str, interpreter: tuple[str, ...], tmp_path: Path) -> None:
    """`import pyarrow, tensorflow`: an error in this order and not in the other, and by the symbols' names."""
    pair = [wheel for wheel in coload_wheels() if wheel.filename.endswith(_HISTORIC)]
    outcome = coload(tmp_path, pair, "--on", release, *interpreter)
    assert outcome.code == 1, outcome.errors
    found = errors(outcome)
    order = [wheel.filename for wheel in pair]
    assert tuple("-".join(name.split("-")[:2]) for name in order) == CRASHED
    assert [(each["rule"], each["order"], each["symbol"]) for each in found] == [
        ("split-shared-state", order, "_ZSt11__once_call"),
        ("split-shared-state", order, "_ZSt15__once_callable"),
    ]
    for each in found:
        # The chain: libstdc++ got pyarrow's, where alone it gets its own; tensorflow has libstdc++'s.
        captured, *others = each["bindings"]
        assert (captured["asks"], captured["expected"]) == ("libstdc++.so.6", "libstdc++.so.6")
        assert captured["got"] == "pyarrow/libarrow.so.13"
        assert captured["version"] == "GLIBCXX_3.4.11"
        assert others
        assert {link["got"] for link in others} == {"libstdc++.so.6"}
        assert all(link["asks"].startswith("tensorflow/") for link in others)


def test_no_false_alarm(tmp_path: Path) -> None:
    """Whoever says that there is an error between two of these is wrong: they are imported together every day."""
    wheels = today()
    assert len(wheels) >= 25
    outcome = coload(tmp_path, wheels)
    assert outcome.code in (0, 1), outcome.errors
    assert [(each["rule"], each["order"], each["symbol"], each["message"]) for each in errors(outcome)] == []
    assert outcome.document["pairs"] == len(wheels) * (len(wheels) - 1)
