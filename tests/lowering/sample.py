"""The packages that are lowered, and what is known of each: `sample.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.lowering.sdists import Sdist
from tests.wheels.download import LockedWheel

_SAMPLE: Final = Path(__file__).with_name("sample.toml")
_WORKLOADS: Final = Path(__file__).with_name("workloads")
_OF_REPAIR: Final = Path(__file__).parents[1] / "repair" / "sources"  # which are about the same projects
PYPI: Final = "pypi"


class AsDebian(NamedTuple):
    """Debian packages whose files become a wheel."""

    packages: tuple[str, ...]


Origin = Sdist | AsDebian | LockedWheel
"""What pip builds in a suite's workshop, what Debian has built for the suite, what a project has published."""


class Sample(NamedTuple):
    """A package as one suite builds it, or as PyPI has it."""

    name: str  # of the project, and of its workload
    suite: str  # whose compiler and libraries it is built with; or PYPI
    written_in: str  # in words, for people
    # What becomes of it on the oldest system as it was built: "works", or an expression that finds what is said.
    raw: str
    origin: Origin
    to: str = "manylinux_2_17"
    options: tuple[str, ...] = ()  # of perennial lower and repair
    # Other packages of the sample that it is exercised with: of PyPI, or else of trixie.
    beside: tuple[str, ...] = ()
    pure: tuple[str, ...] = ()  # what needs no lowering: Debian packages of its suite, or wheels that are locked
    own_tests: tuple[str, ...] = ()  # the project's own, by their paths in the wheel
    sdist_tests: str = ""  # or in the sdist

    def __str__(self) -> str:
        return f"{self.name}-{self.suite}"

    @property
    def workload(self) -> Path:
        """What exercises it, and ends by printing "works"."""
        path = _WORKLOADS / f"{self.name.replace('-', '_')}.py"
        return path if path.is_file() else _OF_REPAIR / f"{self.name}_works.py"

    @property
    def companions(self) -> tuple[Sample, ...]:
        """The packages of `beside`."""
        suite = PYPI if self.suite == PYPI else "trixie"
        return tuple(sample(name, suite) for name in self.beside)


@cache
def samples() -> tuple[Sample, ...]:
    """All of them, in the file's order."""
    return tuple(map(_sample, _tables("package")))


def sample(name: str, suite: str) -> Sample:
    """One by name and suite."""
    return next(each for each in samples() if (each.name, each.suite) == (name, suite))


def locked(project: str) -> LockedWheel:
    """A wheel that is used as it is."""
    return next(LockedWheel(**table) for table in _tables("beside") if table["project"] == project)


@cache
def _tables(kind: str) -> tuple[dict[str, Any], ...]:
    return tuple(tomllib.loads(_SAMPLE.read_text(encoding="utf-8"))[kind])


def _sample(table: dict[str, Any]) -> Sample:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    origin: Origin
    if "debian" in values:
        origin = AsDebian(values.pop("debian"))
    elif "sdist" in values:
        origin = Sdist(values.pop("sdist"), values.pop("sha256"))
    else:
        why = f"lowered to {values.get('to', 'manylinux_2_17')}"
        origin = LockedWheel(values["name"], values.pop("version"), values.pop("wheel"), values.pop("sha256"), why)
    return Sample(origin=origin, **values)
