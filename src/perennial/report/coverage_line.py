"""`Debian 11+, Ubuntu 20.04+, RHEL 8+; not on Amazon Linux 2, RHEL 7`: where a wheel runs, for people."""

from __future__ import annotations

from collections.abc import Iterable

from perennial.audit.coverage import Coverage, Lack
from perennial.knowledge import DistributionRelease
from perennial.lean_typing import Final

# The families that are named first, in the order in which most people look for theirs. Rebuilds
# of RHEL follow it, so that naming it is enough.
_BEST_KNOWN: Final = ("debian", "ubuntu", "rhel", "amazonlinux", "fedora", "opensuse", "alpine")
_MOST_MISSES: Final = 4


def coverage_line(coverage: Coverage) -> str:
    """One line; `nowhere` is said where no release in support runs the wheel."""
    failing = {lack.release.id for lack in coverage.fails}
    runs = [
        text
        for family in _BEST_KNOWN
        if (text := _family(family, coverage.runs, [lack.release for lack in coverage.fails], failing))
    ]
    others = {release.family for release in coverage.runs} - set(_BEST_KNOWN)
    if others:
        runs.append(f"{len(others)} other {'family' if len(others) == 1 else 'families'}")
    misses = [lack.release.name for lack in _misses(coverage)][:_MOST_MISSES]
    line = ", ".join(runs) if runs else "no release in support"
    return f"{line}; not on {', '.join(misses)}" if misses else line


def _family(
    family: str, runs: Iterable[DistributionRelease], fails: Iterable[DistributionRelease], failing: set[str]
) -> str:
    """`Debian 11+` where it runs on all numbered releases from 11 on; `Debian 11, 12` where newer ones fail."""
    own = [release for release in runs if release.family == family]
    numbered = sorted((r for r in own if _number(r)), key=_number)
    if not numbered:
        return own[0].name if own else ""
    name = numbered[0].name.removesuffix(numbered[0].version).rstrip()
    oldest = _number(numbered[0])
    if any(release.family == family and _number(release) > oldest for release in fails if release.id in failing):
        return f"{name} {', '.join(release.version for release in numbered)}"
    return f"{name} {numbered[0].version}+"


def _misses(coverage: Coverage) -> list[Lack]:
    """The newest release of each well-known family that fails, those in support first."""
    chosen: dict[str, Lack] = {}
    for lack in (*coverage.fails, *coverage.nearest_miss):
        known = chosen.get(lack.release.family)
        if lack.release.family in _BEST_KNOWN and (known is None or _number(lack.release) > _number(known.release)):
            chosen[lack.release.family] = lack
    in_support = {lack.release.id for lack in coverage.fails}
    return sorted(
        chosen.values(),
        key=lambda lack: (lack.release.id not in in_support, _BEST_KNOWN.index(lack.release.family)),
    )


def _number(release: DistributionRelease) -> tuple[int, ...]:
    parts = release.version.split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()
