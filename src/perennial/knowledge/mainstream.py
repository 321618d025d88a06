"""An organisation's own list of what is mainstream, and the knowledge as it was on a day.

The list is text: one release or family a line, with a tier and a reason where they matter.

    # what our customers run
    rhel:8+                     1  until 2029, by contract
    ubuntu:22.04
    amazonlinux

`rhel:8` is one release, `rhel:8+` is that and all later numbered ones of its family, `rhel` is
the whole family. The tier is 1 where none is given; 0 leaves a release out that its family brings
in. What is not listed does not count, releases that were learned here among it.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from difflib import get_close_matches

from perennial.errors import UsageError, printable
from perennial.knowledge.knowledge import Knowledge
from perennial.knowledge.release import DistributionRelease
from perennial.knowledge.tables import numbers

Mainstream = dict[str, tuple[int, str]]  # family or release id -> tier, reason

_TIERS = ("0", "1", "2")
_NO_REASON = "on your list"


def parse_mainstream(text: str, name: str, releases: Iterable[DistributionRelease]) -> Mainstream:
    """Reads a list; `name` stands in messages. `releases` are those that there are.

    Raises `UsageError` for what names none of them, and for a list that names nothing.
    """
    known = tuple(releases)
    families = {release.family for release in known}
    ids = {release.id for release in known}
    listed: Mainstream = {}
    for number, line in enumerate(text.splitlines(), 1):
        scope, *rest = line.partition("#")[0].split() or [""]
        if not scope:
            continue
        tier = int(rest.pop(0)) if rest and rest[0] in _TIERS else 1
        judged = (tier, " ".join(rest) or _NO_REASON)
        if scope.endswith("+") and scope[:-1] in ids:
            listed |= dict.fromkeys(_from_on(scope[:-1], known), judged)
        elif scope in ids or scope in families:
            listed[scope] = judged
        else:
            close = get_close_matches(scope, sorted(ids | families), 1)
            hint = f"did you mean {close[0]}?" if close else "write a family (debian) or a release (debian:12)"
            raise UsageError(f"{name}:{number}: there is no release {printable(scope)}: {hint}")
    if not any(tier for tier, _ in listed.values()):
        raise UsageError(f"{name}: lists no release that counts")
    return listed


def judged(releases: Iterable[DistributionRelease], mainstream: Mainstream) -> tuple[DistributionRelease, ...]:
    """The releases with the tier and reason that a list gives them; those that it does not name stay as they are."""
    found = ((release, mainstream.get(release.id) or mainstream.get(release.family)) for release in releases)
    return tuple(
        release if tier is None else release._replace(mainstream=tier[0], mainstream_reason=tier[1])
        for release, tier in found
    )


def knowledge_on(knowledge: Knowledge, date: str) -> Knowledge:
    """The knowledge with the releases that were out on an ISO date.

    What is rolling counts as it is known, which is not how it was: so a rolling release counts only from
    the day on which it was measured. Of the time after the knowledge's own date nothing is
    known but ends of life, and those are asked for by date. What was published later than that day
    promises nothing on it.
    """
    if date >= knowledge.as_of:
        return knowledge
    earlier = copy(knowledge)
    earlier.releases = tuple(release for release in knowledge.releases if _was_out(release, date))
    earlier.as_of = date
    earlier.keeps_promises = False
    return earlier


def _was_out(release: DistributionRelease, date: str) -> bool:
    if release.rolling:
        return (release.measured_on or "") <= date
    return (release.released or "") <= date


def _from_on(identity: str, releases: Iterable[DistributionRelease]) -> list[str]:
    """A release and the later ones of its family, as far as their versions are numbers."""
    family, _, version = identity.partition(":")
    if not _is_number(version):
        raise UsageError(f"{identity}+: {version} is no number, so that nothing is later")
    return [
        release.id
        for release in releases
        if release.family == family and _is_number(release.version) and numbers(release.version) >= numbers(version)
    ]


def _is_number(version: str) -> bool:
    return all(part.isascii() and part.isdigit() for part in version.split("."))
