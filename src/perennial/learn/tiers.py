"""How deep in an installation each package comes, from a Debian-style package index.

PEP 600 asks what "a mainstream distribution installs by default", and that depends on what
one installs: a container base, a server, a desktop. The tiers are dependency closures, each on
top of the one before (Debian Policy, 2.5 and 3.8):

    essential   Essential: yes, Priority: required, and apt: debootstrap's "minbase"
    python      and python3
    standard    and Priority: important and standard: the installer's "standard system utilities"
    desktop     and the desktop task
    optional    every other package

The last two come with what they recommend, as the installer does it, and minimal installations do
not. A dependency with alternatives is met by one that is there already or about to be, and else by
the first that exists; a virtual package by the first that provides it, in the order of names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perennial.knowledge.snapshot import DESKTOP, ESSENTIAL, OPTIONAL, PYTHON, STANDARD
from perennial.learn.debian_index import BinaryPackage

_DESKTOP_TASKS = ("task-desktop", "task-gnome-desktop")


def package_tiers(packages: Mapping[str, BinaryPackage]) -> dict[str, str]:
    """Package -> tier."""
    closure = _Closure(packages)
    tiers: dict[str, str] = {}
    minbase = {p.name for p in packages.values() if p.essential or p.priority == "required"} | {"apt"}
    standard = {p.name for p in packages.values() if p.priority in ("important", "standard")}
    for tier, names, recommends in (
        (ESSENTIAL, minbase, False),
        (PYTHON, {"python3"}, False),
        (STANDARD, standard, True),
        (DESKTOP, set(_DESKTOP_TASKS), True),
    ):
        for name in closure.install(names, recommends=recommends):
            tiers[name] = tier
    return {name: tiers.get(name, OPTIONAL) for name in packages}


class _Closure:
    """A system that grows by installing packages."""

    def __init__(self, packages: Mapping[str, BinaryPackage]) -> None:
        self._packages = packages
        self._installed: set[str] = set()
        self._there: set[str] = set()  # what is installed or about to be, and what these packages provide
        self._providers: dict[str, str] = {}
        for name in sorted(packages):
            for virtual in packages[name].provides:
                self._providers.setdefault(virtual, name)

    def install(self, names: Iterable[str], *, recommends: bool) -> list[str]:
        """Installs packages with what they need; returns all that came in."""
        todo = sorted((name for name in names if name in self._packages), reverse=True)
        for name in todo:
            self._there.update((name, *self._packages[name].provides))
        added: list[str] = []
        later: list[BinaryPackage] = []
        while todo or later:
            if not todo:
                # Dependencies come first: what they bring in may be one of a recommendation's alternatives.
                package = later.pop(0)
                todo += self._missing(package.recommends)
                continue
            name = todo.pop()
            if name in self._installed:
                continue
            package = self._packages[name]
            self._installed.add(name)
            self._there.update((name, *package.provides))
            added.append(name)
            todo += self._missing(package.depends)
            if recommends:
                later.append(package)
        return added

    def _missing(self, relations: Iterable[tuple[str, ...]]) -> list[str]:
        chosen = []
        for alternatives in relations:
            if not self._there.isdisjoint(alternatives):
                continue
            found = next((real for name in alternatives if (real := self._real(name)) is not None), None)
            if found is not None:
                chosen.append(found)
        return chosen[::-1]

    def _real(self, name: str) -> str | None:
        return name if name in self._packages else self._providers.get(name)
