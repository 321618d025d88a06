"""From packages to conflicts: each alone, each ordered pair, or one given order of imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import permutations

from perennial.coload.conflict import Conflict
from perennial.coload.imports import Import, import_after, import_alone
from perennial.coload.loader import System
from perennial.coload.package import Package
from perennial.coload.profile import Profile
from perennial.coload.rules import ALONE_RULES, PAIR_RULES
from perennial.lean_typing import Final, NamedTuple


class Analysis(NamedTuple):
    """What was found. `pairs` counts the ordered pairs that were played through."""

    profile: Profile
    packages: tuple[Package, ...]
    pairs: int
    conflicts: tuple[Conflict, ...]


def analyse_pairs(
    packages: Sequence[Package], profile: Profile, *, advance: Callable[[], None] = lambda: None
) -> Analysis:
    """Every package alone and every ordered pair; `advance` is told of each import that is done."""
    system = _system(packages, profile)
    imports = []
    found: list[Conflict] = []
    for package in packages:
        imports.append(import_alone(package, system))
        found += _alone(imports[-1])
        advance()
    pairs = 0
    for first, second in permutations(imports, 2):
        pairs += 1
        pair = import_after(first, second)
        for rule in PAIR_RULES:
            found += rule.find(pair)
        advance()
    return Analysis(profile, tuple(packages), pairs, _sorted(found))


def analyse_order(
    packages: Sequence[Package], profile: Profile, *, advance: Callable[[], None] = lambda: None
) -> Analysis:
    """The packages imported one after the other, in the order given: each after all that come before it."""
    system = _system(packages, profile)
    found: list[Conflict] = []
    pairs = 0
    for index, package in enumerate(packages):
        alone = import_alone(package, system)
        found += _alone(alone)
        if index:
            pairs += 1
            before = import_alone(_together(packages[:index]), system)
            pair = import_after(before, alone)
            for rule in PAIR_RULES:
                found += (conflict._replace(order=_names(packages[: index + 1])) for conflict in rule.find(pair))
        advance()
    return Analysis(profile, tuple(packages), pairs, _sorted(found))


def _system(packages: Iterable[Package], profile: Profile) -> System:
    installed = {library.path: library for package in packages for library in package.libraries}
    return System(profile.program, profile.libraries, installed, profile.glibc)


def _alone(imported: Import) -> Iterator[Conflict]:
    for rule in ALONE_RULES:
        yield from rule.find_alone(imported)


def _together(packages: Sequence[Package]) -> Package:
    """Several packages as one that is imported in their order."""
    return Package(
        " and ".join(_names(packages)),
        tuple(library for package in packages for library in package.libraries),
        tuple(root for package in packages for root in package.roots),
    )


def _names(packages: Iterable[Package]) -> tuple[str, ...]:
    return tuple(package.name for package in packages)


def _sorted(found: Iterable[Conflict]) -> tuple[Conflict, ...]:
    return tuple(sorted(found, key=_sort_key))


_RANKS: Final = ("error", "warning", "info")


def _sort_key(conflict: Conflict) -> tuple[object, ...]:
    return _RANKS.index(conflict.severity.value), conflict.order, conflict.rule, conflict.symbol or "", conflict.message
