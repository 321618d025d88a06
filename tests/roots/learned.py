"""The roots that what perennial learns is held against: two suites, two architectures.

On this machine's own architecture packages are installed, by their own scripts. Of others, nothing
can be run: the packages are unpacked, and dpkg's records written from what they say themselves.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from perennial.arch import Architecture
from perennial.knowledge.symbol_store import load_symbols
from tests.roots.machines import MACHINES
from tests.roots.make import Contents, Recipe


class Suite(NamedTuple):
    """A Debian suite on an architecture; `release` as the knowledge calls it."""

    name: str
    release: str
    architecture: Architecture

    def __str__(self) -> str:
        return f"{self.name}-{MACHINES[self.architecture].debian}"

    @property
    def recipe(self) -> Recipe:
        """What is installed: the packages that the shipped knowledge was read from, whatever their version."""
        machine = MACHINES[self.architecture]
        store = load_symbols(self.architecture.value)
        found = [name for info in store.snapshots if info.release == self.release for name in info.packages]
        own = machine.runs_natively
        return Recipe(
            name=f"learned-{self}",
            suite=self.name,
            machine=machine,
            packages=tuple(sorted({"base-files", *found})),
            contents=Contents.INSTALLED if own else Contents.RECORDED,
        )


SUITES: Final = tuple(
    Suite(name, release, architecture)
    for name, release in (("bookworm", "debian:12"), ("trixie", "debian:13"))
    for architecture in (Architecture.X86_64, Architecture.AARCH64)
)
RECIPES: Final = tuple(suite.recipe for suite in SUITES)
