"""What comes out of a derivation, as values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from perennial.knowledge import DistributionRelease
from perennial.lean_typing import NamedTuple
from perennial.platform_tag import PlatformTag


class Policy(NamedTuple):
    """What one tag lets a wheel assume.

    `versions` maps each allowed library that has version nodes to the nodes it is sure to
    define. `derived_from` is the floor: all releases that count and that the tag promises to
    run on. `provisional` says that the floor is not yet, or not on this architecture, the whole
    truth: no release has exactly this C library, or it is so young that few have it.
    """

    tag: PlatformTag
    libraries: frozenset[str]
    versions: Mapping[str, frozenset[str]]
    derived_from: tuple[DistributionRelease, ...]
    provisional: bool

    def provides(self, soname: str, version: str) -> bool:
        """Whether a need for a version of a library is sure to be met.

        A library without version nodes meets every need: ld.so says "no version information
        available" and goes on (glibc, `match_symbol` in elf/dl-version.c, where DT_VERDEF is
        missing); musl's dynamic linker never looks at version needs.
        """
        if soname not in self.libraries:
            return False
        nodes = self.versions.get(soname)
        return nodes is None or version in nodes


class Limit(StrEnum):
    """What keeps a library or node out of every lower tag."""

    NOTHING = "nothing"  # it is in the lowest tag that the architecture has
    RELEASES = "releases"  # a release with such a C library lacks it
    UPSTREAM = "upstream"  # glibc itself does not define it before
    OTHER_ARCHITECTURE = "other-architecture"  # the only releases with that glibc, elsewhere, lack it
    FORECAST = "forecast"  # too young: distributions will come that are likely to lack it
    FROZEN = "frozen"  # PEP 513, 571 or 599 says so
    ALLOWED = "allowed"  # lower tags do not allow the library
    UNKNOWN = "unknown"  # no library of any release is known to define it, or it is not allowed


class Provision(NamedTuple):
    """From which tag on something is provided, and why not before."""

    since: tuple[int, int] | None  # the lowest X.Y; None: no tag provides it
    witnesses: tuple[DistributionRelease, ...]  # the releases that lack it, highest C library first
    limit: Limit
    despite: tuple[DistributionRelease, ...] = ()  # that lack it and have such a C library: something outranks them
    published: str | None = None  # the perennial whose published policy does, None where a PEP does
