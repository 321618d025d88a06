"""What one distribution release provides on one architecture, on one day.

A snapshot is what `perennial distro learn` brings home: for each library that a wheel may take
from the platform, the package it comes in, how deep in an installation that package is found,
the version nodes, and every symbol that a lookup from another file can find. Stable releases
change: Debian 13 gained nodes by update after its release, so that a snapshot has a date and a
kind, and the versions of the packages that it was read from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perennial.lean_typing import Final, NamedTuple
from perennial.symbol_version import version_sort_key

# How deep in an installation a library comes, shallowest first: in every installation, with the
# distribution's own Python, in its standard system, in its desktop, on request, not at all.
ESSENTIAL: Final = "essential"
PYTHON: Final = "python"
STANDARD: Final = "standard"
DESKTOP: Final = "desktop"
OPTIONAL: Final = "optional"
ABSENT: Final = "absent"
TIERS: Final = (ESSENTIAL, PYTHON, STANDARD, DESKTOP, OPTIONAL, ABSENT)

KINDS: Final = ("release", "updates")  # as on the day of its release, or with updates since

Export = tuple[str, str | None]  # symbol, version node


class ProvidedLibrary(NamedTuple):
    """A library of a release.

    `tier` is None where it was not found out. One with tier "absent" is known to be in no
    package of the release: it has no package, no nodes and no exports.
    """

    soname: str
    package: str  # "" where it was not found out
    tier: str | None
    build_id: str | None
    nodes: tuple[str, ...]  # without the base node, which only names the file; sorted
    exports: tuple[Export, ...]  # sorted
    versioned_only: tuple[str, ...] = ()  # symbols that a reference without a version does not find; sorted


class SnapshotInfo(NamedTuple):
    """A snapshot without its libraries."""

    release: str  # debian:12
    architecture: str
    date: str  # ISO 8601
    kind: str  # one of KINDS
    packages: Mapping[str, str]  # name -> version, of the packages that the libraries come in

    @property
    def key(self) -> tuple[str, str, str]:
        """What a later snapshot of the same thing has in common with this one."""
        return self.release, self.architecture, self.kind


class Snapshot(NamedTuple):
    """What a release provides on one architecture, on one day."""

    release: str
    architecture: str
    date: str
    kind: str
    packages: Mapping[str, str]
    libraries: tuple[ProvidedLibrary, ...]  # sorted by soname

    @property
    def info(self) -> SnapshotInfo:
        return SnapshotInfo(self.release, self.architecture, self.date, self.kind, self.packages)


def sorted_nodes(nodes: Iterable[str]) -> tuple[str, ...]:
    """The order in which nodes stand everywhere: by family, then by number."""
    return tuple(sorted(set(nodes), key=version_sort_key))


def sorted_exports(exports: Iterable[Export]) -> tuple[Export, ...]:
    """The order in which exports stand everywhere: by symbol, then by version, the unversioned first."""
    return tuple(sorted(set(exports), key=_export_key))


def absent_library(soname: str) -> ProvidedLibrary:
    """A library that a release is known not to have."""
    return ProvidedLibrary(soname, "", ABSENT, None, (), ())


def canonical(snapshot: Snapshot) -> Snapshot:
    """The same snapshot with everything in its one order, so that equal ones compare and encode equal."""
    return snapshot._replace(
        packages=dict(sorted(snapshot.packages.items())),
        libraries=tuple(
            library._replace(
                nodes=sorted_nodes(library.nodes),
                exports=sorted_exports(library.exports),
                versioned_only=tuple(sorted(set(library.versioned_only))),
            )
            for library in sorted(snapshot.libraries, key=lambda library: library.soname)
        ),
    )


def _export_key(export: Export) -> tuple[str, bool, str]:
    symbol, version = export
    return symbol, version is not None, version or ""
