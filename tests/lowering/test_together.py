"""Lowered wheels beside others: what they bring along is theirs alone."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any, Final

import pytest

from tests.coload.test_wheels import today
from tests.lowering.sample import Sample, sample
from tests.lowering.test_sample import available
from tests.lowering.wheels import lowered_wheel, raw_wheel, run_workload, system, works
from tests.roots.lowering import NEWEST, OLDEST
from tests.roots.make import skip_unless_ci
from tests.support.run_perennial import run_perennial
from tests.wheels.download import UnavailableError, obtain

pytestmark = pytest.mark.lowering

TOGETHER: Final = Path(__file__).with_name("workloads") / "together.py"
# With GCC 16's libstdc++ and traps, with GCC 14's, and with substitutes over the system's; and numpy, with another.
THREE: Final = (("kiwisolver", "sid"), ("greenlet", "trixie"), ("contourpy", "trixie"))
# Each way of lowering, and each language; none of them is among the large wheels.
BESIDE_LARGE: Final = (
    *THREE,
    *(
        ("bcrypt", "trixie"),
        ("gevent", "trixie"),
        ("levenshtein", "trixie"),
        ("orjson", "trixie"),
        ("psutil", "trixie"),
    ),
    *(("pynacl", "pypi"), ("rapidfuzz", "pypi"), ("uvloop", "trixie"), ("zstandard", "trixie")),
)


def wanted(names: tuple[tuple[str, str], ...]) -> list[Sample]:
    return [available(sample(*each)) for each in names]


@pytest.mark.parametrize("suite", [OLDEST, NEWEST])
def test_three_of_cxx_in_one_process(suite: str) -> None:
    three = wanted(THREE)
    assert [each.options for each in three] == [("--cxx", "private", "--allow-trap")] * 2 + [()]
    wheels = (*map(lowered_wheel, three), lowered_wheel(sample("numpy", "trixie")))
    for order in permutations(each.name for each in three):
        outcome = run_workload(TOGETHER, wheels, system(suite), ",".join(order))
        assert works(outcome), (order, outcome)
        copies = outcome.output.splitlines()[-2].split()
        own = [path for path in copies if ".libs/" in path]
        assert len(copies) - len(own) == 1, copies  # the system's
        assert len({path.rpartition("/")[2] for path in own}) == len(own) == 3, copies


def test_nothing_new_beside_large_wheels(tmp_path: Path) -> None:
    """What coload finds between lowered wheels and the large ones of today, it finds with the raw ones as well."""
    try:
        large = [obtain(wheel) for wheel in today()]
    except UnavailableError as error:
        skip_unless_ci(str(error))
    assert len(large) >= 25

    def found(wheels: list[Path]) -> set[tuple[Any, ...]]:
        outcome = run_perennial("coload", "--json", "--on", "debian:13", *map(str, [*wheels, *large]), cwd=tmp_path)
        assert outcome.code in (0, 1), outcome.errors
        conflicts = outcome.document["conflicts"]
        return {(each["rule"], tuple(map(_project, each["order"])), each["symbol"]) for each in conflicts}

    sample_of_ways = wanted(BESIDE_LARGE)
    before, after = found(list(map(raw_wheel, sample_of_ways))), found(list(map(lowered_wheel, sample_of_ways)))
    assert after - before == set()


def _project(filename: str) -> str:
    return filename.partition("-")[0]
