"""A release that only somebody's own snapshots know.

Of such a release the shipped table says nothing, but its snapshots say what a policy needs: the C
library's version, and how far each library's nodes reach. It is nobody's mainstream by itself. A
list that names it makes it part of a floor, and then it is taken as it was learned: a library that
was not among the learned ones is one that it lacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from perennial.knowledge.release import NOT_COUNTED, DistributionRelease
from perennial.knowledge.snapshot import ABSENT, Snapshot
from perennial.knowledge.tables import numbers, pair
from perennial.lean_typing import Final
from perennial.platform_tag import Libc

REASON: Final = "learned here, and on no list"

# Where each family is looked for, and the node that counts: GLIBC_2.36 and not GLIBC_ABI_DT_RELR.
_FAMILIES: Final = {
    "GLIBC": "libc.so.6",
    "GLIBCXX": "libstdc++.so.6",
    "CXXABI": "libstdc++.so.6",
    "GCC": "libgcc_s.so.1",
    "ZLIB": "libz.so.1",
    "LIBATOMIC": "libatomic.so.1",
}
_NUMBERED: Final = re.compile(r"([A-Z]+)_([0-9]+(?:\.[0-9]+)*)")
_MUSL_PACKAGE: Final = re.compile(r"1\.[0-9]+\.[0-9]+")


def learned_releases(snapshots: Iterable[Snapshot], known: Iterable[str]) -> tuple[DistributionRelease, ...]:
    """The releases of snapshots that are none of `known`, by id; none of them counts.

    A snapshot without a C library whose version can be told makes no release.
    """
    there = frozenset(known)
    grouped: dict[str, list[Snapshot]] = {}
    for snapshot in snapshots:
        if snapshot.release not in there and not snapshot.release.startswith("musl:"):  # musl itself, no distribution
            grouped.setdefault(snapshot.release, []).append(snapshot)
    found = (_release(identity, group) for identity, group in sorted(grouped.items()))
    return tuple(release for release in found if release is not None)


def _release(identity: str, snapshots: list[Snapshot]) -> DistributionRelease | None:
    tops: dict[str, str] = {}
    for snapshot in snapshots:
        for family, top in _tops(snapshot).items():
            tops[family] = max(tops.get(family, top), top, key=numbers)
    musl = {version for snapshot in snapshots if (version := _musl(snapshot)) is not None}
    libc_release = tops.get("GLIBC") or min(musl, key=numbers, default=None)
    if libc_release is None or libc_release.count(".") == 0:
        return None
    family, _, version = identity.partition(":")
    return DistributionRelease(
        id=identity,
        name=f"{family} {version}",
        family=family,
        version=version,
        libc=Libc.GLIBC if "GLIBC" in tops else Libc.MUSL,
        libc_version=pair(libc_release),
        libc_release=libc_release,
        released=None,
        end_of_life=None,
        extended_end_of_life=None,
        rolling=True,  # who keeps it knows how long; to everybody else it has no end
        architectures=frozenset(snapshot.architecture for snapshot in snapshots),
        tops=tops,
        x86_64_level=None,
        python=None,
        kernel=None,
        measured_on=None,  # its day is no reason to judge others by another one
        mainstream=NOT_COUNTED,
        mainstream_reason=REASON,
    )


def _tops(snapshot: Snapshot) -> dict[str, str]:
    nodes = {library.soname: library.nodes for library in snapshot.libraries if library.tier != ABSENT}
    tops: dict[str, str] = {}
    for family, soname in _FAMILIES.items():
        matches = (_NUMBERED.fullmatch(node) for node in nodes.get(soname, ()))
        found = [match[2] for match in matches if match is not None and match[1] == family]
        if found:
            tops[family] = max(found, key=numbers)
    return tops


def _musl(snapshot: Snapshot) -> str | None:
    """musl's version is in the name of its package only."""
    match = _MUSL_PACKAGE.match(snapshot.packages.get("musl", ""))
    return None if match is None else match[0]
