"""The lowest honest tag, and what holds it up.

Policies are monotone in X.Y, so every need has one number: the lowest X.Y whose policy meets
it. The lowest tag that meets all needs is the highest of these numbers, and the needs that
have it are what sets the floor. Take them away, and the next number is the tag that would
be left: this list of steps is the whole explanation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perennial.audit.requirements import Provider, Requirement
from perennial.lean_typing import NamedTuple
from perennial.platform_tag import PlatformTag
from perennial.policy import Limit, Policies, Provision

Version = tuple[int, int]


class Need(NamedTuple):
    """Something that the platform has to provide: a library, one of its versions, or one of its symbols."""

    library: str
    version: str | None  # None: the library as such, or `symbol` at any version
    members: tuple[str, ...]
    symbols: tuple[str, ...]  # of all members together
    provision: Provision
    symbol: str | None = None  # where the need is of this symbol, and not of all that a version stands for

    @property
    def is_library(self) -> bool:
        return self.version is None and self.symbol is None

    @property
    def name(self) -> str:
        """`libz.so.1`, `GLIBC_2.34`, `arc4random`, `malloc_get_state@GLIBC_2.2.5`"""
        if self.symbol is not None:
            return self.symbol if self.version is None else f"{self.symbol}@{self.version}"
        return self.version or self.library


class Step(NamedTuple):
    """The needs that are met from one tag on, and not before."""

    tag: PlatformTag
    needs: tuple[Need, ...]


class Ladder(NamedTuple):
    """All that is needed from the platform: `steps` by falling tag, the first of them sets the
    floor; `unmet` is what no tag provides.
    """

    steps: tuple[Step, ...]
    unmet: tuple[Need, ...]


def build_ladder(
    policies: Policies,
    arch: str,
    requirements: Iterable[Requirement],
    libraries: Mapping[str, tuple[str, ...]],
    symbols: Iterable[Need],
) -> Ladder:
    """Sorts needs by the tag from which on they are met.

    `libraries` are the sonames that are to come from the platform, with the members that need
    them, `symbols` the needs of single symbols. Weak needs and what the wheel provides do not count.
    """
    needs = [*_version_needs(policies, requirements), *_library_needs(policies, libraries), *symbols]
    needs.sort(key=lambda need: (need.library, need.version or "", need.symbol or ""))
    by_version: dict[Version, list[Need]] = {}
    unmet: list[Need] = []
    for need in needs:
        since = need.provision.since
        (unmet if since is None else by_version.setdefault(since, [])).append(need)
    make = PlatformTag.manylinux if policies.libc == "glibc" else PlatformTag.musllinux
    steps = [Step(make(version, arch), tuple(by_version[version])) for version in sorted(by_version, reverse=True)]
    return Ladder(tuple(steps), tuple(unmet))


def _version_needs(policies: Policies, requirements: Iterable[Requirement]) -> Iterable[Need]:
    grouped: dict[tuple[str, str], list[Requirement]] = {}
    for requirement in requirements:
        if requirement.provider is Provider.PLATFORM and not requirement.weak:
            grouped.setdefault((requirement.library, requirement.version), []).append(requirement)
    for (library, version), users in grouped.items():
        members = tuple(sorted({user.member for user in users}))
        symbols = tuple(sorted({symbol for user in users for symbol in user.symbols}))
        yield Need(library, version, members, symbols, policies.node(library, version))


def _library_needs(policies: Policies, libraries: Mapping[str, tuple[str, ...]]) -> Iterable[Need]:
    for library, members in libraries.items():
        provision = policies.library(library)
        if provision.limit is not Limit.NOTHING:
            yield Need(library, None, tuple(sorted(members)), (), provision)


def lowest_tag(ladder: Ladder, policies: Policies, arch: str) -> PlatformTag | None:
    """The lowest tag that provides all that is needed; None where no tag does."""
    if ladder.unmet:
        return None
    if ladder.steps:
        return ladder.steps[0].tag
    make = PlatformTag.manylinux if policies.libc == "glibc" else PlatformTag.musllinux
    return make(policies.lowest, arch)
