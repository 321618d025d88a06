"""Where a wheel runs: its needs, held against each distribution release by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from perennial.audit.verdict import Ladder, Need
from perennial.knowledge import DistributionRelease, Knowledge
from perennial.knowledge.nodes import Node
from perennial.lean_typing import NamedTuple
from perennial.platform_tag import Libc


class Lack(NamedTuple):
    """A release on which the wheel does not run, and the first need that it does not meet; None
    where it meets all of them and its loader refuses the wheel for what it is.
    """

    release: DistributionRelease
    need: Need | None


class Coverage(NamedTuple):
    """The releases that count, are in support and have the architecture: those on which the
    wheel runs, and those on which it does not, both by falling C library. `nearest_miss` are
    the newest releases of other families that are out of support and lack something.
    """

    runs: tuple[DistributionRelease, ...]
    fails: tuple[Lack, ...]
    nearest_miss: tuple[Lack, ...]


def cover(
    knowledge: Knowledge,
    arch: str,
    libcs: Iterable[Libc],
    ladder: Ladder,
    *,
    as_of: str,
    refuses: Callable[[DistributionRelease], bool],
) -> Coverage:
    """`as_of` is the ISO date on which releases have to be in support; `refuses` says whether a release's
    loader refuses the wheel, or breaks it, whatever it needs.
    """
    wanted = frozenset(libcs)
    tests = [_test(knowledge, arch, libc, need) for libc in sorted(wanted) for need in _needs(ladder)]
    runs: list[DistributionRelease] = []
    fails: list[Lack] = []
    misses: dict[str, Lack] = {}
    candidates = [r for r in knowledge.releases if r.counts and r.libc in wanted and arch in r.architectures]
    for release in sorted(candidates, key=_age, reverse=True):
        lacking = next((test.need for test in tests if not test.is_met(release)), None)
        if lacking is None and not refuses(release):
            if release.supported_on(as_of):
                runs.append(release)
        elif release.supported_on(as_of):
            fails.append(Lack(release, lacking))
        elif release.released is not None and release.released <= as_of:
            misses.setdefault(release.family, Lack(release, lacking))
    failing = {lack.release.family for lack in fails}
    nearest = tuple(lack for family, lack in misses.items() if family not in failing)
    return Coverage(tuple(runs), tuple(fails), nearest)


def unmet_on(
    knowledge: Knowledge, arch: str, libc: Libc, ladder: Ladder, release: DistributionRelease
) -> tuple[Need, ...]:
    """All needs that one release does not meet, the hardest to meet first, whether or not it counts."""
    tests = [_test(knowledge, arch, libc, need) for need in _needs(ladder)]
    return tuple(test.need for test in tests if not test.is_met(release))


def _needs(ladder: Ladder) -> tuple[Need, ...]:
    """What is hardest to meet first, so that it is what a release is said to lack."""
    return (*ladder.unmet, *(need for step in ladder.steps for need in step.needs))


def _age(release: DistributionRelease) -> tuple[tuple[int, int], str, str]:
    return (release.libc_version, release.released or "", release.id)


class _Test(NamedTuple):
    """A need, looked up once, to be held against many releases."""

    knowledge: Knowledge
    arch: str
    libc: Libc
    need: Need
    node: Node | None
    is_versioned: bool

    def is_met(self, release: DistributionRelease) -> bool:
        if release.libc is not self.libc:
            return True
        since = self.need.provision.since
        if since is not None and release.counts and release.libc_version >= since:
            return True  # policies are what all such releases provide
        if not self.knowledge.provides_library(release, self.arch, self.need.library):
            return False
        need = self.need
        if need.symbol is not None:
            # Below the tag that is sure to have it, what nobody has learned is not to be relied on.
            return self.knowledge.exports(release, self.arch, need.library, need.symbol, need.version) is True
        return not self.is_versioned or (
            self.node is not None and self.knowledge.defines(release, self.arch, self.node)
        )


def _test(knowledge: Knowledge, arch: str, libc: Libc, need: Need) -> _Test:
    library = knowledge.libraries(libc, arch).get(need.library)
    is_versioned = need.version is not None and library is not None and bool(library.families)
    node = knowledge.find_node(libc, arch, need.library, need.version) if need.version is not None else None
    return _Test(knowledge, arch, libc, need, node, is_versioned)
