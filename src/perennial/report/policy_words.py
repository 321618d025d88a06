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


def by_family(releases: Iterable[DistributionRelease], among: Iterable[DistributionRelease] | None = None) -> list[str]:
    """["Debian 11, 12, testing", "Fedora 36–44"]: one text for releases of one name, by name.

    A dash stands for all that is between, of the releases `among` which these are chosen; without
    them nothing is drawn together.
    """
    wanted = {release.id for release in releases} if among is not None else None
    stems: dict[str, list[DistributionRelease]] = {}
    for release in sorted(releases if among is None else among, key=_age):
        stems.setdefault(_stem(release), []).append(release)
    texts = [_series(stem, members, wanted) for stem, members in stems.items()]
    return sorted(filter(None, texts), key=str.casefold)


def _series(stem: str, members: list[DistributionRelease], wanted: set[str] | None) -> str:
    """The name once, then the wanted members; three and more neighbours are drawn together."""
    runs: list[list[DistributionRelease]] = []
    adjoins = False
    for release in members:
        if wanted is not None and release.id not in wanted:
            adjoins = False
            continue
        grows = adjoins and _number(release) > _number(runs[-1][-1]) if runs else False
        if grows and wanted is not None and not release.rolling:
            runs[-1].append(release)
        else:
            runs.append([release])
        adjoins = True
    if not runs:
        return ""
    parts = [
        f"{_last(run[0], stem)}–{_last(run[-1], stem)}"
        if len(run) > 2
        else ", ".join(_last(release, stem) for release in run)
        for run in runs
    ]
    return f"{stem} {', '.join(parts)}".strip()


def _stem(release: DistributionRelease) -> str:
    """`openSUSE Leap` of openSUSE Leap 15.6"""
    return release.name.rpartition(" ")[0]


def _last(release: DistributionRelease, stem: str) -> str:
    return release.name.removeprefix(stem).strip()


def _age(release: DistributionRelease) -> tuple[bool, tuple[int, int], tuple[int, ...], str]:
    return (release.rolling, release.libc_version, _number(release), release.id)


def _number(release: DistributionRelease) -> tuple[int, ...]:
    """The numbers of a version: (15, 6) of 15.6, (10,) of p10 and of stream10."""
    parts = release.version.lstrip("abcdefghijklmnopqrstuvwxyz").split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()


def families(releases: Iterable[DistributionRelease], among: Iterable[DistributionRelease] | None = None) -> str:
    """All of it on one line: `Debian 11, 12; RHEL 8`; `none` where there is none."""
    texts = by_family(releases, among)
    return ("; " if any("," in text for text in texts) else ", ").join(texts) or "none"


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
    if height.limit is Limit.UPSTREAM and height.since is not None:
        return f"{start}: glibc itself has {node} from {dotted(height.since)} on"
    then = f"no tag has {node} yet" if height.since is None else f"{tag_name(libc, height.since)} has {node}"
    return f"{start}: {_reason(height, node)}; {then}"


def _reason(height: Height, node: str) -> str:
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
