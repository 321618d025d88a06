"""What an index has of a project, by version: for questions about all of it, where `choose` wants one wheel. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perennial.errors import WheelFilenameError
from perennial.index.choose import by_version
from perennial.index.fetch import Catalogue
from perennial.index.links import SourceLink, WheelLink
from perennial.index.requirement import ProjectRequirement
from perennial.lean_typing import TYPE_CHECKING
from perennial.tags.project import Offer, ProjectVersion, Source
from perennial.wheel.filename import WheelFilename

if TYPE_CHECKING:
    from packaging.version import Version


def project_versions(found: Catalogue, requirement: ProjectRequirement) -> tuple[ProjectVersion, ...]:
    """The versions that a requirement allows, newest first, each with its wheels by name and its source.

    As pip: pre-releases where the specifier takes them, yanked files only where a version is pinned (PEP 592).
    Names that are no wheel's are left out.
    """
    wheels = by_version(link for link in found.wheels if link.yanked is None or requirement.is_pinned)
    sources = dict(_sources(found.sources, requirement))
    allowed = sorted(requirement.specifier.filter({*wheels, *sources}), reverse=True)
    return tuple(
        ProjectVersion(str(version), tuple(_offers(wheels.get(version, ()))), sources.get(version))
        for version in allowed
    )


def _offers(links: Iterable[WheelLink]) -> Iterator[Offer]:
    for link in sorted(links):
        try:
            yield Offer(WheelFilename.parse(link.filename), link.requires_python)
        except WheelFilenameError:
            continue


def _sources(links: Iterable[SourceLink], requirement: ProjectRequirement) -> Iterator[tuple[Version, Source]]:
    from packaging.utils import InvalidSdistFilename, parse_sdist_filename

    for link in links:
        try:
            _, version = parse_sdist_filename(link.filename)
        except InvalidSdistFilename:
            continue  # a documentation archive, or a name from before PEP 625
        if link.yanked is None or requirement.is_pinned:
            yield version, Source(link.filename, link.requires_python)
