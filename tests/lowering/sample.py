"""The packages that are lowered, and what is known of each: `sample.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests.lowering.sdists import Sdist

_SAMPLE: Final = Path(__file__).with_name("sample.toml")
_WORKLOADS: Final = Path(__file__).with_name("workloads")
_OF_REPAIR: Final = Path(__file__).parents[1] / "repair" / "sources"  # which are about the same projects


class Sample(NamedTuple):
    """A package as one suite builds it."""

    name: str  # of the project, and of its workload
    suite: str  # whose compiler and libraries it is built with
    written_in: str  # in words, for people
    # What becomes of it on the oldest system as it was built: "works", or an expression that finds what is said.
    raw: str
    debian: tuple[str, ...] = ()  # the packages that it is taken from, or else
    sdist: Sdist | None = None  # the one that pip builds
    to: str = "manylinux_2_17"
    options: tuple[str, ...] = ()  # of perennial repair
    beside: tuple[str, ...] = ()  # other packages of the sample, of trixie's, that it is exercised with
    pure: tuple[str, ...] = ()  # Debian packages in Python alone, of its own suite
    own_tests: str = ""  # the project's own, by their path in the wheel
    sdist_tests: str = ""  # or in the sdist

    def __str__(self) -> str:
        return f"{self.name}-{self.suite}"

    @property
    def workload(self) -> Path:
        """What exercises it, and ends by printing "works"."""
        path = _WORKLOADS / f"{self.name.replace('-', '_')}.py"
        return path if path.is_file() else _OF_REPAIR / f"{self.name}_works.py"


@cache
def samples() -> tuple[Sample, ...]:
    """All of them, in the file's order."""
    tables = tomllib.loads(_SAMPLE.read_text(encoding="utf-8"))["package"]
    return tuple(map(_sample, tables))


def sample(name: str, suite: str) -> Sample:
    """One by name and suite."""
    return next(each for each in samples() if (each.name, each.suite) == (name, suite))


def _sample(table: dict[str, str | list[str]]) -> Sample:
    lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
    texts = {key: value for key, value in table.items() if isinstance(value, str)}
    filename, digest = texts.pop("sdist", None), texts.pop("sha256", "")
    sdist = None if filename is None else Sdist(filename, digest)
    return Sample(**texts, **lists, sdist=sdist)  # type: ignore[arg-type]  # the tests of the table check the types
