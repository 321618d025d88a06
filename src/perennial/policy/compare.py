"""What a later tag adds to an earlier one, and which releases it loses."""

from __future__ import annotations

from perennial.knowledge import DistributionRelease
from perennial.lean_typing import NamedTuple
from perennial.policy.derive import Policies
from perennial.policy.policy import Policy
from perennial.symbol_version import version_sort_key

Version = tuple[int, int]


class Gain(NamedTuple):
    """The nodes that some libraries have in the later policy and not in the earlier one, in their order."""

    sonames: tuple[str, ...]
    nodes: tuple[str, ...]


class Comparison(NamedTuple):
    """Two policies of one C library and architecture. Nothing is ever taken away: policies are monotone."""

    earlier: Policy
    later: Policy
    libraries: tuple[str, ...]  # that only the later one allows
    gains: tuple[Gain, ...]
    lost: tuple[DistributionRelease, ...]  # of the earlier one's floor, by falling C library


def compare(policies: Policies, one: Version, other: Version) -> Comparison:
    """Compares two tags, whichever is given first."""
    earlier, later = policies.policy(min(one, other)), policies.policy(max(one, other))
    kept = {release.id for release in later.derived_from}
    return Comparison(
        earlier=earlier,
        later=later,
        libraries=tuple(sorted(later.libraries - earlier.libraries)),
        gains=_gains(earlier, later),
        lost=tuple(release for release in earlier.derived_from if release.id not in kept),
    )


def _gains(earlier: Policy, later: Policy) -> tuple[Gain, ...]:
    """Libraries that gain the same nodes stand together: glibc's do."""
    grouped: dict[tuple[str, ...], list[str]] = {}
    for soname in sorted(later.versions):
        if soname in earlier.libraries:
            added = later.versions[soname] - earlier.versions[soname]
            if added:
                grouped.setdefault(tuple(sorted(added, key=version_sort_key)), []).append(soname)
    return tuple(Gain(tuple(sonames), nodes) for nodes, sonames in grouped.items())
