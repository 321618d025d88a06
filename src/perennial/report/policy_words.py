"""What the sheets about policies say in words: releases by family, and why a node is not in a lower tag."""

from __future__ import annotations

from collections.abc import Iterable

from perennial.knowledge import DistributionRelease
from perennial.platform_tag import Libc
from perennial.policy import Limit
from perennial.policy.heights import Height
from perennial.report.text import listed

_MOST_WITNESSES = 3


def dotted(version: tuple[int, int]) -> str:
    """(2, 28) as 2.28"""
    return f"{version[0]}.{version[1]}"


def tag_name(libc: Libc, version: tuple[int, int]) -> str:
    """A tag without its architecture: manylinux_2_28"""
    return f"{'manylinux' if libc is Libc.GLIBC else 'musllinux'}_{version[0]}_{version[1]}"


def by_family(releases: Iterable[DistributionRelease]) -> list[str]:
    """`Debian 11, 12 and 13` as ["Debian 11, 12, 13"]: one text a family, by name, its releases by version."""
    families: dict[str, list[DistributionRelease]] = {}
    for release in releases:
        families.setdefault(release.family, []).append(release)
    texts = [_family(sorted(members, key=_age)) for members in families.values()]
    return sorted(texts, key=str.casefold)


def _family(members: list[DistributionRelease]) -> str:
    """A family's name is said once, as long as the releases spell it alike."""
    parts: list[str] = []
    said = None
    for release in members:
        stem = release.name.removesuffix(release.version)
        if stem == release.name or not stem.strip():
            parts.append(release.name)
            said = None
        else:
            parts.append(release.version if stem == said else release.name)
            said = stem
    return ", ".join(parts)


def _age(release: DistributionRelease) -> tuple[bool, tuple[int, int], tuple[int, ...], str]:
    parts = release.version.split(".")
    number = tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()
    return (release.rolling, release.libc_version, number, release.id)


def families(releases: Iterable[DistributionRelease]) -> str:
    """All of it on one line: `Debian 11, 12; RHEL 8; none` where there is none."""
    return "; ".join(by_family(releases)) or "none"


def why_no_more(height: Height, libc: Libc) -> str:
    """`GLIBCXX ends at 3.4.24: Photon OS 3.0 lacks 3.4.25, which manylinux_2_29 allows`"""
    start = (
        f"{height.family} has no node"
        if height.highest is None
        else f"{height.family} ends at {_short(height, height.highest)}"
    )
    if height.missing is None:
        return f"{start}: none that is newer is known"
    node = _short(height, height.missing)
    then = f"no tag has {node} yet" if height.since is None else f"{tag_name(libc, height.since)} has {node}"
    return f"{start}: {_reason(height, node)}; {then}"


def _reason(height: Height, node: str) -> str:
    if height.limit is Limit.UPSTREAM:
        return f"glibc itself has no {node} before"
    if height.lacking:
        verb = "lacks" if len(height.lacking) == 1 else "lack"
        return f"{listed([release.name for release in height.lacking], _MOST_WITNESSES)} {verb} {node}"
    return _REASONS[height.limit or Limit.UNKNOWN].format(node)


_REASONS = {
    Limit.NOTHING: "nothing stands in the way of {}",
    Limit.RELEASES: "a release lacks {}",
    Limit.UPSTREAM: "glibc itself has no {} before",
    Limit.OTHER_ARCHITECTURE: "few releases here have that glibc, and on other architectures some lack {}",
    Limit.FORECAST: "the compiler that distributions with that glibc are likely to have does not define {}",
    Limit.FROZEN: "the PEP of a legacy tag leaves {} out",
    Limit.ALLOWED: "lower tags do not allow the library of {}",
    Limit.UNKNOWN: "no known release has {}",
}


def limit_words(limit: Limit, libc: Libc) -> str:
    """What a limit means, as a clause after `allowed from manylinux_2_30 on:`."""
    return {
        Limit.NOTHING: "that is the lowest tag there is",
        Limit.RELEASES: f"below it, releases with such a {libc.value} lack it",
        Limit.UPSTREAM: f"{libc.value} itself does not have it before",
        Limit.OTHER_ARCHITECTURE: "below it, the only releases with that glibc are of other architectures, and lack it",
        Limit.FORECAST: "the glibc before is so young that distributions are to be expected that lack it",
        Limit.FROZEN: "the PEP of a legacy tag leaves it out",
        Limit.ALLOWED: "lower tags do not allow the library",
        Limit.UNKNOWN: "no release is known to have it",
    }[limit]


def _short(height: Height, name: str) -> str:
    return name.removeprefix(f"{height.family}_")
