"""Which wheel of a project is meant: pure functions over links.

As pip with --only-binary: the newest version that satisfies the specifier and has a wheel
that fits. Pre-releases are taken as packaging takes them, yanked files only where a version
is pinned exactly (PEP 592). Within a version, the first of: a Linux wheel before a pure one,
glibc before musl, the closest (interpreter, ABI), the newest libc, the highest build number,
and at last the file name, so that the same page always gives the same wheel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from perennial.arch import architecture_of_tag
from perennial.index.links import WheelChoice, WheelLink
from perennial.index.python_target import PythonTarget
from perennial.index.requirement import ProjectRequirement
from perennial.lean_typing import TYPE_CHECKING, NamedTuple
from perennial.platform_tag import Libc, PlatformTag

if TYPE_CHECKING:
    from packaging.version import Version


class WheelTag(NamedTuple):
    """One tag of a wheel (PEP 425)."""

    interpreter: str
    abi: str
    platform: PlatformTag


class Candidate(NamedTuple):
    """A link whose file name has been read."""

    link: WheelLink
    build: tuple[int, str]
    tags: tuple[WheelTag, ...]


def choose(links: Iterable[WheelLink], requirement: ProjectRequirement, choice: WheelChoice) -> WheelLink | None:
    """The wheel that is meant; None where none fits (`why_not` then says why)."""
    versions = by_version(links)
    for version in allowed_versions(versions, requirement):
        found = best(candidates(versions[version], requirement), choice)
        if found is not None:
            return found
    return None


def by_version(links: Iterable[WheelLink]) -> dict[Version, list[WheelLink]]:
    """The links by version; names that are no wheel's are left out, as installers do."""
    from packaging.version import InvalidVersion, Version

    grouped: dict[str, list[WheelLink]] = {}
    for link in links:
        parts = link.filename[:-4].split("-")
        if len(parts) in (5, 6):
            grouped.setdefault(parts[1], []).append(link)
    versions: dict[Version, list[WheelLink]] = {}
    for text, group in grouped.items():
        try:
            versions.setdefault(Version(text.replace("_", "-")), []).extend(group)
        except InvalidVersion:
            continue
    return versions


def allowed_versions(versions: Mapping[Version, Sequence[WheelLink]], requirement: ProjectRequirement) -> list[Version]:
    """The versions that satisfy the requirement and are not wholly yanked, newest first."""
    offered = [v for v, links in versions.items() if any(_may_use(link, requirement) for link in links)]
    return sorted(requirement.specifier.filter(offered), reverse=True)


def candidates(links: Iterable[WheelLink], requirement: ProjectRequirement) -> list[Candidate]:
    """The links that may be used, with their names read; sorted by name."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    found = []
    for link in sorted(links):
        if not _may_use(link, requirement):
            continue
        try:
            _, _, build, tags = parse_wheel_filename(link.filename)
        except InvalidWheelFilename:
            continue
        read = sorted(WheelTag(t.interpreter, t.abi, PlatformTag.parse(t.platform)) for t in tags)
        found.append(Candidate(link, build or (-1, ""), tuple(read)))
    return found


def best(offered: Sequence[Candidate], choice: WheelChoice) -> WheelLink | None:
    """The wheel of one version that fits best."""
    target = None if choice.python is None else PythonTarget.parse(choice.python)
    fitting = [
        (_platform_rank(tag.platform, choice), tag, candidate)
        for candidate in offered
        if target is None or target.accepts(candidate.link.requires_python)
        for tag in candidate.tags
    ]
    placed = [(rank, tag, candidate) for rank, tag, candidate in fitting if rank is not None]
    if target is None and placed:
        nearest = min(rank[:2] for rank, _, _ in placed)
        placed = [entry for entry in placed if entry[0][:2] == nearest]
        target = newest_python(tag for _, tag, _ in placed)
    ranked = [
        ((rank[:2], python, rank[2:], -candidate.build[0], candidate.link.filename), candidate.link)
        for rank, tag, candidate in placed
        if (python := python_rank(tag, target)) is not None
    ]
    return min(ranked, key=lambda entry: entry[0])[1] if ranked else None


def newest_python(tags: Iterable[WheelTag]) -> PythonTarget | None:
    """The newest CPython that tags name, with the GIL where there is one; or else the newest PyPy."""
    ranked = []
    for tag in tags:
        if tag.interpreter[:2] not in ("cp", "pp") or not tag.interpreter[3:].isdigit():
            continue
        target = PythonTarget.parse(tag.interpreter)
        threaded = tag.abi in (f"{tag.interpreter}t", "abi3t")
        ranked.append((target.implementation == "cp", not threaded, target._replace(threaded=threaded)))
    return max(ranked)[2] if ranked else None


def python_rank(tag: WheelTag, target: PythonTarget | None) -> int | None:
    """How close a tag's interpreter and ABI are to the target, 0 the closest; None: it does not run there."""
    if target is None:
        # Only wheels that name no Python that we know are left: Python 3 ones first.
        return 0 if tag.interpreter.startswith("py3") else 1
    pairs = target.pairs()
    rank = pairs.get((tag.interpreter, tag.abi))
    return pairs.get((tag.interpreter, "*")) if rank is None else rank


def fits_architecture(platform: PlatformTag, architecture: str) -> bool:
    """Whether a Linux tag is for processes of that architecture, under whatever name."""
    if platform.arch is None:
        return False
    known = architecture_of_tag(architecture)
    return platform.arch == architecture or (known is not None and architecture_of_tag(platform.arch) is known)


def _platform_rank(platform: PlatformTag, choice: WheelChoice) -> tuple[int, ...] | None:
    """Linux before pure; glibc before musl; the newest libc; the very name of the architecture."""
    if platform.is_any:
        return (1, 0)
    if not fits_architecture(platform, choice.architecture):
        return None
    if choice.libc is not None and platform.libc not in (choice.libc, None):
        return None
    # A plain linux tag names no libc; glibc is the likely one, and its version is the lowest.
    libc = int(platform.libc is Libc.MUSL and choice.libc is None)
    major, minor = platform.version or (0, 0)
    return (0, libc, -major, -minor, int(platform.arch != choice.architecture))


def _may_use(link: WheelLink, requirement: ProjectRequirement) -> bool:
    return link.yanked is None or requirement.is_pinned
