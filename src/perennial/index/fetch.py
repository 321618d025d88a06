"""From a requirement to a wheel on disk.

    links   = what every find-links place and every index offers      (local, client, simple_page)
    link    = the one that is meant, or a line on why none is          (choose, why_not)
    path    = where it lies: a local file, the cache, or downloaded    (cache, client)

All indexes are equal, as for pip: the candidates of all are put together, and the newest
version wins wherever it comes from. One that does not have the project is passed over; one
that cannot be reached is an error, for the answer would silently be another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from perennial.errors import FetchError
from perennial.index.links import ProjectPage, SourceLink, WheelLink
from perennial.index.redact import redact
from perennial.lean_typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from perennial.index.cache import WheelCache
    from perennial.index.client import IndexClient
    from perennial.index.links import WheelChoice
    from perennial.index.requirement import ProjectRequirement
    from perennial.index.settings import IndexSettings
    from perennial.progress import Progress

# PEP 691, "Version + Format Selection"; JSON first, as it alone gives the size.
_ACCEPT_PAGE: Final = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_LARGEST_PAGE: Final = 256 << 20  # bytes; the largest known ones are some 10 MB
_NOT_HERE: Final = (404, 410)
_NOT_FOR_YOU: Final = (401, 403)  # some indexes answer so for what they do not have


class Catalogue(NamedTuple):
    """What all places together offer of one project."""

    wheels: tuple[WheelLink, ...]  # sorted by file name, each name once
    other_files: int
    sources: tuple[SourceLink, ...]  # by file name, each once
    refusal: FetchError | None  # of an index that would not say


def list_wheels(project: str, settings: IndexSettings) -> tuple[WheelLink, ...]:
    """All wheels of a project that the indexes and find-links places offer, yanked ones included.

    Sorted by file name; () where there are none. FetchError where an index cannot be reached.
    """
    return list_files(project, settings).wheels


def list_files(project: str, settings: IndexSettings) -> Catalogue:
    """All wheels and source distributions of a project, as `list_wheels` has them."""
    from packaging.utils import canonicalize_name

    from perennial.index.client import IndexClient

    with IndexClient(settings) as client:
        found = _catalogue(canonicalize_name(project), settings, client)
    if not found.wheels and found.refusal is not None:
        raise found.refusal
    return found


def fetch_link(
    link: WheelLink,
    settings: IndexSettings,
    *,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """The path of a wheel that `list_files` named, downloaded if need be; FetchError where it cannot be had."""
    from perennial.index.cache import WheelCache, default_cache_dir
    from perennial.index.client import IndexClient

    with IndexClient(settings) as client:
        return _obtain(link, client, WheelCache(cache_dir or default_cache_dir(os.environ)), progress, use_cache=True)


def fetch_wheel(
    requirement: str,
    choice: WheelChoice,
    settings: IndexSettings,
    *,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    no_cache: bool = False,
) -> Path:
    """The path of the wheel that a requirement means, downloaded if need be.

    `cache_dir` None is PERENNIAL_CACHE_DIR or the user's cache folder; with `no_cache` what
    lies there is not used, and replaced. UsageError where the requirement or the choice
    makes no sense, FetchError where there is no such wheel or it cannot be had.
    """
    from perennial.index.cache import WheelCache, default_cache_dir
    from perennial.index.client import IndexClient, UnreachableError
    from perennial.index.python_target import PythonTarget
    from perennial.index.requirement import parse_requirement

    wanted = parse_requirement(requirement)
    if choice.python is not None:
        PythonTarget.parse(choice.python)
    cache = WheelCache(cache_dir or default_cache_dir(os.environ))
    with IndexClient(settings) as client:
        try:
            link = _choose(wanted, choice, _catalogue(wanted.name, settings, client), settings)
        except UnreachableError:
            stored = None if no_cache else _stored(wanted, choice, cache)
            if stored is None:
                raise
            link = stored
        return _obtain(link, client, cache, progress, use_cache=not no_cache)


def _choose(wanted: ProjectRequirement, choice: WheelChoice, found: Catalogue, settings: IndexSettings) -> WheelLink:
    from perennial.index.choose import by_version, choose
    from perennial.index.why_not import why_not

    link = choose(found.wheels, wanted, choice)
    if link is not None:
        return link
    if not by_version(found.wheels):
        if found.refusal is not None:
            raise found.refusal
        places = ", ".join(map(redact, (*settings.find_links, *settings.index_urls)))
        if not places:
            raise FetchError(f"{wanted.name}: pip's setting no-index (PIP_NO_INDEX) forbids asking an index for it")
        if found.other_files:
            raise FetchError(f"{wanted.name} has no wheels, only source distributions (looked in {places})")
        raise FetchError(f"there is no project {wanted.name}: check the spelling (looked in {places})")
    raise FetchError(why_not(found.wheels, wanted, choice))


def _stored(wanted: ProjectRequirement, choice: WheelChoice, cache: WheelCache) -> WheelLink | None:
    """A wheel from the cache, where everything is said so exactly that the index could name no other."""
    from perennial.index.choose import choose

    if not wanted.is_pinned or choice.python is None or choice.libc is None:
        return None
    return choose(cache.links_of(wanted.name), wanted, choice)


# --- what there is ------------------------------------------------------------------------


def _catalogue(project: str, settings: IndexSettings, client: IndexClient) -> Catalogue:
    """Find-links places first, then indexes, in their order: the first to name a file wins."""
    from packaging.utils import canonicalize_name

    from perennial.index.client import RefusedError
    from perennial.index.local import read_local_links, read_local_project

    pages: list[ProjectPage] = []
    refusal: FetchError | None = None
    for url in settings.find_links:
        page = read_local_links(url) if url.startswith("file:") else _page(url, client)
        named = (link for link in page.wheels if canonicalize_name(link.filename.partition("-")[0]) == project)
        own = (each for each in page.sources if canonicalize_name(each.filename.rpartition("-")[0]) == project)
        pages.append(ProjectPage(tuple(named), 0, tuple(own)))
    for url in settings.index_urls:
        try:
            if url.startswith("file:"):
                pages.append(read_local_project(url, project))
            else:
                pages.append(_page(f"{url}/{project}/", client))
        except RefusedError as error:
            if error.status not in _NOT_FOR_YOU:
                raise
            refusal = refusal or error
    wheels = _each_once(link for page in pages for link in page.wheels)
    sources = {source.filename: source for page in reversed(pages) for source in reversed(page.sources)}
    others = sum(page.other_files for page in pages)
    return Catalogue(wheels, others, tuple(sources[name] for name in sorted(sources)), refusal)


def _page(url: str, client: IndexClient) -> ProjectPage:
    """A page over HTTP; an empty one where the index does not have it."""
    from perennial.index.client import RefusedError
    from perennial.index.simple_page import parse_page

    chunks: list[bytes] = []

    def begin(_: int | None) -> Callable[[bytes], None]:
        chunks.clear()
        size = 0

        def add(data: bytes) -> None:
            nonlocal size
            size += len(data)
            if size > _LARGEST_PAGE:
                raise FetchError(f"{redact(url)} is larger than {_LARGEST_PAGE >> 20} MiB: no page of a package index")
            chunks.append(data)

        return add

    try:
        answer = client.get(url, accept=_ACCEPT_PAGE, begin=begin)
    except RefusedError as error:
        if error.status in _NOT_HERE:
            return ProjectPage()
        raise
    return parse_page(b"".join(chunks), content_type=answer.content_type, url=answer.url)


def _each_once(links: Iterable[WheelLink]) -> tuple[WheelLink, ...]:
    """One link a file name: the first, or the first with a hash that proves something."""
    chosen: dict[str, WheelLink] = {}
    for link in links:
        known = chosen.get(link.filename)
        if known is None or (not known.proofs and link.proofs):
            chosen[link.filename] = link
    return tuple(chosen[name] for name in sorted(chosen))


# --- getting it ---------------------------------------------------------------------------


def _obtain(
    link: WheelLink, client: IndexClient, cache: WheelCache, progress: Progress | None, *, use_cache: bool
) -> Path:
    if link.url.startswith("file:"):
        return _local_wheel(link)
    stored = cache.find(link) if use_cache else None
    return stored or cache.store(link, lambda begin: _download(link, client, progress, begin))


def _local_wheel(link: WheelLink) -> Path:
    """A wheel that is on this machine already stays where it is."""
    from perennial.index.cache import verify_file
    from perennial.index.local import path_of

    path = path_of(link.url)
    try:
        verify_file(link, path)
        if not path.is_file():
            raise FetchError(f"{link.filename} is listed and not there: {path}")
    except OSError as error:
        raise FetchError(f"{link.filename} cannot be read at {path}: {error.strerror}") from error
    return path


def _download(
    link: WheelLink,
    client: IndexClient,
    progress: Progress | None,
    begin_file: Callable[[], Callable[[bytes], None]],
) -> None:
    def begin(total: int | None) -> Callable[[bytes], None]:
        write = begin_file()
        if progress is None:
            return write
        progress.start(link.filename, link.size if total is None else total)

        def write_and_tell(data: bytes) -> None:
            write(data)
            progress.advance(len(data))

        return write_and_tell

    try:
        client.get(link.url, accept="*/*", begin=begin)
    finally:
        if progress is not None:
            progress.finish()
