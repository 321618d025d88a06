"""Which X.Y to build for.

The rule is one sentence, `RULE`. It is about tier 1 only, because tier 2 is full of releases
that nobody installs wheels on any more and whose end nobody announced, and about general support, because
whoever pays for more can ask for it (`Support.EXTENDED`).

Only the C library versions of releases in support can be the answer: between two of them, a
higher X.Y loses nobody and allows more.
"""

from __future__ import annotations

from enum import StrEnum

from perennial.knowledge import DistributionRelease
from perennial.knowledge.release import LARGE
from perennial.knowledge.tables import numbers
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy.derive import Policies

Version = tuple[int, int]
Releases = tuple[DistributionRelease, ...]

RULE: Final = "the highest X.Y that loses no release of tier 1 in {support} support"
_MOST_CHANGES: Final = 4

# The first pip that reads a tag: pip's changelog (8.1: PEP 513, 19.0: PEP 571, 19.3: PEP 599, 20.3: PEP 600,
# 21.2: PEP 656).
_PIP_OF_ALIAS: Final = {"manylinux1": "8.1", "manylinux2010": "19.0", "manylinux2014": "19.3"}
_PIP: Final = {Libc.GLIBC: "20.3", Libc.MUSL: "21.2"}


class Support(StrEnum):
    """Which end of life counts."""

    GENERAL = "general"  # that of everybody
    EXTENDED = "extended"  # that of long-term and paid support

    def covers(self, release: DistributionRelease, date: str) -> bool:
        """Whether a release is out and in support on an ISO date."""
        if self is Support.EXTENDED or release.end_of_life is None:
            return release.supported_on(date)
        return (release.released or "") <= date <= release.end_of_life

    def end(self, release: DistributionRelease) -> str | None:
        """The last day of a release's support; None where it is rolling, or not known.

        Where no end was announced, it is five years after the release (see `supported_on`).
        """
        if self is Support.GENERAL and release.end_of_life is not None:
            return release.end_of_life
        announced = max(release.end_of_life or "", release.extended_end_of_life or "")
        if announced or release.rolling or release.released is None:
            return announced or None
        return f"{int(release.released[:4]) + 5}{release.released[4:]}"


class Candidate(NamedTuple):
    """A tag that could be built for.

    `reaches` and `loses` are the releases in support, of both tiers. `pip` is the first version
    that reads a name of the tag, `legacy` that name where it is not the tag itself.
    `compiler` is the newest GCC whose libstdc++ the policy has whole, `libstdcxx` its highest
    node there; None for musl, and where the policy has none.
    """

    tag: PlatformTag
    legacy: PlatformTag | None
    pip: str
    compiler: str | None
    libstdcxx: str | None
    provisional: bool
    reaches: Releases
    loses: Releases

    @property
    def keeps_all(self) -> bool:
        """Whether it loses no release of tier 1."""
        return not any(release.mainstream == LARGE for release in self.loses)


class Change(NamedTuple):
    """From a day on, another tag is the answer, because the last of some releases left support."""

    after: str  # the last day of the old answer
    releases: Releases
    tag: PlatformTag | None  # None: no release of tier 1 that is known today is left


class Recommendation(NamedTuple):
    """`chosen` is None where no release of tier 1 is in support on the architecture."""

    as_of: str
    support: Support
    candidates: tuple[Candidate, ...]  # by rising X.Y
    chosen: Candidate | None
    decided_by: Releases  # of tier 1, which have just the chosen C library
    changes: tuple[Change, ...]


def recommend(policies: Policies, as_of: str, support: Support = Support.GENERAL) -> Recommendation:
    """What to build for on an ISO date; a pure function of the knowledge."""
    supported = tuple(release for release in policies.releases if support.covers(release, as_of))
    versions = {release.libc_version for release in supported if release.libc_version >= policies.lowest}
    if policies.libc is Libc.GLIBC and policies.lowest <= (2, 17):
        versions.add((2, 17))  # the last tag that pips before 20.3 read
    candidates = tuple(_candidate(policies, version, supported) for version in sorted(versions))
    version = _answer(policies, as_of, support)
    chosen = next((each for each in candidates if each.tag.version == version), None)
    return Recommendation(
        as_of=as_of,
        support=support,
        candidates=candidates,
        chosen=chosen,
        decided_by=_deciders(policies, as_of, support, version),
        changes=_changes(policies, as_of, support),
    )


def _answer(policies: Policies, date: str, support: Support) -> Version | None:
    """The rule itself: the oldest C library of a release of tier 1 in support."""
    return min((release.libc_version for release in _large(policies, date, support)), default=None)


def _large(policies: Policies, date: str, support: Support) -> Releases:
    return tuple(
        release
        for release in policies.releases
        if release.mainstream == LARGE and release.libc_version >= policies.lowest and support.covers(release, date)
    )


def _deciders(policies: Policies, date: str, support: Support, version: Version | None) -> Releases:
    return tuple(release for release in _large(policies, date, support) if release.libc_version == version)


def _changes(policies: Policies, as_of: str, support: Support) -> tuple[Change, ...]:
    """How the answer goes on, by what is known today: later releases only have later C libraries."""
    changes: list[Change] = []
    version, date = _answer(policies, as_of, support), as_of
    while version is not None and len(changes) < _MOST_CHANGES:
        deciders = _deciders(policies, date, support, version)
        ends = [end for release in deciders if (end := support.end(release)) is not None]
        if len(ends) < len(deciders):
            break  # a rolling release stays
        last = max(ends)
        date = day_after(last)
        following = _answer(policies, date, support)
        if following != version:
            tag = None if following is None else _tag(policies, following)
            changes.append(Change(last, tuple(r for r in deciders if support.end(r) == last), tag))
        version = following
    return tuple(changes)


def _candidate(policies: Policies, version: Version, supported: Releases) -> Candidate:
    tag = _tag(policies, version)
    names = tag.with_legacy_alias
    legacy = names[0] if len(names) > 1 else None
    compiler, libstdcxx = _toolchain(policies, version)
    return Candidate(
        tag=tag,
        legacy=legacy,
        pip=_PIP[policies.libc] if legacy is None else _PIP_OF_ALIAS[legacy.text.partition("_")[0]],
        compiler=compiler,
        libstdcxx=libstdcxx,
        provisional=policies.is_provisional(version),
        reaches=tuple(release for release in supported if release.libc_version >= version),
        loses=tuple(release for release in supported if release.libc_version < version),
    )


def _toolchain(policies: Policies, version: Version) -> tuple[str | None, str | None]:
    """The newest GCC that needs nothing newer than the policy has, and the policy's highest GLIBCXX node."""
    nodes = policies.policy(version).versions.get("libstdc++.so.6") or frozenset()
    tops = [name.removeprefix("GLIBCXX_") for name in nodes if name.startswith("GLIBCXX_")]
    top = max((numbers(name) for name in tops if name.replace(".", "").isdigit()), default=None)
    if top is None:
        return None, None
    able = [c.version for c in policies.knowledge.toolchains.compilers if numbers(c.tops["GLIBCXX"]) <= top]
    return (able[-1] if able else None), ".".join(map(str, top))


def _tag(policies: Policies, version: Version) -> PlatformTag:
    make = PlatformTag.manylinux if policies.libc is Libc.GLIBC else PlatformTag.musllinux
    return make(version, policies.arch.value)


_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def day_after(date: str) -> str:
    """The ISO date of the next day, by the Gregorian calendar."""
    year, month, day = map(int, date.split("-"))
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day < _DAYS[month - 1] + leap:
        return f"{year:04}-{month:02}-{day + 1:02}"
    return f"{year:04}-{month + 1:02}-01" if month < 12 else f"{year + 1:04}-01-01"
