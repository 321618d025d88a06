"""Which version of a project a target gets, and which it just misses: file names against tags.

As pip decides it: the newest version that has a wheel that fits, or a source distribution, comes first; a
newer one that has only a source distribution is built rather than an older wheel taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from perennial.lean_typing import NamedTuple
from perennial.tags.install import Listing, Version, first_pip, installation, satisfies
from perennial.tags.select import best_by
from perennial.tags.why import Refusal, nearness
from perennial.wheel.filename import WheelFilename

MOST_MISSES = 20  # versions of which the nearest miss is looked for


class Offer(NamedTuple):
    """A wheel that an index has, and what it says of the Python."""

    filename: WheelFilename
    requires_python: str | None = None


class Source(NamedTuple):
    """A source distribution."""

    filename: str
    requires_python: str | None = None


class ProjectVersion(NamedTuple):
    """What an index has of one version of a project."""

    version: str
    wheels: tuple[Offer, ...]
    source: Source | None = None


class Miss(NamedTuple):
    """The wheel of a version that comes nearest, and why a target refuses it."""

    version: str
    filename: str
    refusal: Refusal


class ProjectAnswer(NamedTuple):
    """What a target gets of a project.

    `takes` is the wheel of the newest version that has one that fits, `builds` a newer version that is to be built
    from source first (or any, where no wheel fits); both None where there is nothing. `misses` are the versions
    that are newer than what is taken, newest first, at most `MOST_MISSES`.
    """

    takes: Offer | None
    takes_version: str | None
    builds: str | None
    misses: tuple[Miss, ...]


def project_answer(versions: Sequence[ProjectVersion], there: Listing, *, pip: Version | None = None) -> ProjectAnswer:
    """`versions` newest first, as a requirement allows them."""
    builds: str | None = None
    misses: list[Miss] = []
    for version in versions:
        fitting = [offer for offer in version.wheels if _fits(offer, there, pip)]
        if fitting:
            name = best_by(sorted(offer.filename for offer in fitting), there.ranks)
            offer = next(offer for offer in fitting if offer.filename.text == name)
            return ProjectAnswer(offer, version.version, builds, tuple(misses))
        source = version.source
        if builds is None and source is not None and _python_fits(source.requires_python, there):
            builds = version.version
        if len(misses) < MOST_MISSES:
            miss = nearest(version, there, pip)
            if miss is not None:
                misses.append(miss)
    return ProjectAnswer(None, None, builds, tuple(misses))


def nearest(version: ProjectVersion, there: Listing, pip: Version | None) -> Miss | None:
    """Of a version that does not fit, the wheel that comes nearest."""
    found: Miss | None = None
    for offer in sorted(version.wheels):
        refusal = installation(offer.filename, there, requires_python=offer.requires_python, pip=pip).refusal
        if refusal is not None and (found is None or nearness(refusal) > nearness(found.refusal)):
            found = Miss(version.version, offer.filename.text, refusal)
    return found


def fitting_tags(name: WheelFilename, there: Listing, pip: Version | None) -> Iterable[str]:
    """The tags of a wheel that a target has in its list, and that a pip can read."""
    for parts in name.tags:
        tag = "-".join(parts)
        if tag in there.ranks and (pip is None or pip >= first_pip(tag)):
            yield tag


def _fits(offer: Offer, there: Listing, pip: Version | None) -> bool:
    return any(fitting_tags(offer.filename, there, pip)) and _python_fits(offer.requires_python, there)


def _python_fits(requires_python: str | None, there: Listing) -> bool:
    python = there.target.python
    return requires_python is None or _satisfies(requires_python, python.version, python.micro)


@cache
def _satisfies(requires_python: str, version: tuple[int, int], micro: int | None) -> bool:
    return satisfies(requires_python, version, micro)
