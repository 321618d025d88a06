"""Lowered wheels beside others: what they bring along is theirs alone."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Final

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
SEVERITIES: Final = ("info", "warning", "error")
# A large wheel whose own C++ runtime is visible to all takes references of the system's libstdc++, or of a copy.
SAME_KIND: Final = {"captured-shared-library": "global-namespace"}


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

    def found(wheels: list[Path]) -> dict[tuple[str, ...], int]:
        """The worst of each kind, by the order of imports."""
        outcome = run_perennial("coload", "--json", "--on", "debian:13", *map(str, [*wheels, *large]), cwd=tmp_path)
        assert outcome.code in (0, 1), outcome.errors
        worst: dict[tuple[str, ...], int] = {}
        for each in outcome.document["conflicts"]:
            key = (SAME_KIND.get(each["rule"], each["rule"]), *(name.partition("-")[0] for name in each["order"]))
            worst[key] = max(worst.get(key, 0), SEVERITIES.index(each["severity"]))
        return worst

    ways = wanted(BESIDE_LARGE)
    before, after = found(list(map(raw_wheel, ways))), found(list(map(lowered_wheel, ways)))
    new = {key for key, severity in after.items() if severity > before.get(key, -1)}
    private = {each.name for each in ways if "private" in each.options}
    several = {key for key in new if key[0] == "several-libstdcxx" and not private.isdisjoint(key[1:])}
    assert new - several == set()
    # That there are several is what the option is about, and all that it is: a note, no warning.
    assert {after[key] for key in several} == {SEVERITIES.index("info")}
