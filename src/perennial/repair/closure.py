"""What a wheel's files lack, and all that comes along with it: the libraries to graft, and what each name then means.

The wheel's own libraries come first: what the loader finds in the wheel stays as it is, and what is in
the wheel and not found is made to be found. Only then is a library looked for outside, and its own
needs after it, breadth first and each soname once, as the loader would.
"""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from perennial.audit.checks.links_libpython import is_libpython
from perennial.audit.context import Content
from perennial.audit.resolve import Bundled, Missing, ProvidedByPlatform
from perennial.repair.library import Library
from perennial.repair.search import Look, Requester, Search, SearchEntries, SearchEntry, Searcher
from perennial.repair.wishes import Wishes


class FromPlatform(NamedTuple):
    """The system brings it."""


class InWheel(NamedTuple):
    """A member of the wheel; `reachable` says whether the loader finds it there already."""

    path: str
    reachable: bool


class Grafted(NamedTuple):
    """A library that is copied into the wheel, by its digest."""

    digest: str


class Elsewhere(NamedTuple):
    """Excluded, or brought by another wheel, and if that is known, in `folder` below site-packages."""

    folder: str | None


class Removed(NamedTuple):
    """Not to be needed at all: libpython."""


class NotFound(NamedTuple):
    """Nowhere to be had, or not to be copied; `looks` are the places, `soname` what was found and may not be copied."""

    looks: tuple[Look, ...]
    soname: str | None = None


Target = FromPlatform | InWheel | Grafted | Elsewhere | Removed | NotFound
Targets = Mapping[str, Target]

FROM_PLATFORM: Final = FromPlatform()
REMOVED: Final = Removed()


class Closure(NamedTuple):
    """What each name means to each of the wheel's files, and to each library that is grafted (by digest).

    `loaded_by_name` are libraries that were asked for and that no file needs.
    """

    members: Mapping[str, Targets]
    libraries: Mapping[str, Library]
    needs: Mapping[str, Targets]
    loaded_by_name: tuple[str, ...]
    searches: tuple[Search, ...]


def close(
    content: Content,
    provided: frozenset[str],
    searcher: Searcher,
    wishes: Wishes,
    lost: Collection[tuple[str, str]] = (),
) -> Closure:
    """Follows all needs of a wheel's files; `provided` are the sonames that the system brings.

    `lost` are (member, soname) of libraries in the wheel that are found now, and would no longer be.
    """
    return _Closer(content, provided, searcher, wishes, lost).run()


class _Closer:
    def __init__(
        self,
        content: Content,
        provided: frozenset[str],
        searcher: Searcher,
        wishes: Wishes,
        lost: Collection[tuple[str, str]],
    ) -> None:
        self._content: Final = content
        self._lost: Final = lost
        self._provided: Final = provided
        self._searcher: Final = searcher
        self._wishes: Final = wishes
        self._libraries: Final[dict[str, Library]] = {}
        self._needs: Final[dict[str, dict[str, Target]]] = {}
        self._searches: Final[dict[tuple[str, str], Search]] = {}
        self._loaders: Final = _loaders(content)
        self._inside: Final = _names_inside(content)
        self._included: Final[dict[str, Library]] = {}

    def run(self) -> Closure:
        self._find_included()
        members = {member.path: self._member(member.path) for member, _ in self._content.files}
        return Closure(members, self._libraries, self._needs, self._load_by_name(), tuple(self._searches.values()))

    def _find_included(self) -> None:
        for path in self._wishes.included_paths:
            search = self._searcher.at(path)
            self._searches[path, search.needed_by] = search
            if search.library is not None:
                self._included[search.library.name] = search.library

    def _load_by_name(self) -> tuple[str, ...]:
        """Grafts what was asked for and is in nobody's needs yet."""
        needed = {name for targets in self._needs.values() for name in targets}
        needed |= {name for member, _ in self._content.files for name in self._content.resolutions.of(member.path)}
        found = []
        nobody = Requester("--include", (), has_runpath=False, inherited=())
        for name in sorted({*self._wishes.included_names, *self._included}):
            if name in needed:
                continue
            loaded: dict[str, Target] = {}
            queue: deque[tuple[Library, SearchEntries]] = deque()
            target = self._outside(name, nobody, loaded, queue)
            self._drain(queue, loaded)
            if isinstance(target, Grafted):
                found.append(target.digest)
        return tuple(sorted(set(found)))

    def _member(self, path: str) -> Targets:
        """What a file of the wheel needs, and everything that has to come with that."""
        elf = next(elf for member, elf in self._content.files if member.path == path)
        requester = self._searcher.requester(path, elf, None, self._inherited(path), self._searcher.root)
        loaded: dict[str, Target] = {}
        queue: deque[tuple[Library, SearchEntries]] = deque()
        targets: dict[str, Target] = {}
        for name, resolution in self._content.resolutions.of(path).items():
            self._wishes.excludes(name)  # takes note of what matches, also where it changes nothing
            match resolution:
                case Bundled(path=there):
                    targets[name] = InWheel(there, reachable=(path, name) not in self._lost)
                case ProvidedByPlatform() if self._leaves_to_platform(name):
                    targets[name] = FROM_PLATFORM
                case Missing(unreachable=there) if there and not self._wishes.excludes(name):
                    targets[name] = InWheel(there[0], reachable=False)
                case _:
                    targets[name] = self._outside(name, requester, loaded, queue)
        self._drain(queue, loaded)
        return targets

    def _leaves_to_platform(self, name: str) -> bool:
        return name in self._provided and not self._is_included(name)

    def _is_included(self, name: str) -> bool:
        return name in self._included or self._wishes.includes(name)

    def _inherited(self, path: str) -> SearchEntries:
        """The RPATHs of the wheel's files that load this one; which of them does, is not known."""
        entries: list[SearchEntry] = []
        for loader in self._loaders.get(path, ()):
            elf = next(elf for member, elf in self._content.files if member.path == loader)
            if elf.runpath is None:
                entries += self._searcher.requester(loader, elf, None, (), self._searcher.root).own
        return tuple(dict.fromkeys(entries))

    def _drain(self, queue: deque[tuple[Library, SearchEntries]], loaded: dict[str, Target]) -> None:
        """Follows the needs of libraries that have been found, breadth first."""
        while queue:
            library, inherited = queue.popleft()
            requester = self._searcher.requester_of(library, inherited)
            needs = self._needs[library.digest]
            for name in library.elf.needed:
                if name in needs:
                    continue
                if self._leaves_to_platform(name):
                    needs[name] = FROM_PLATFORM
                elif name in self._inside and not self._is_included(name):
                    needs[name] = InWheel(self._inside[name], reachable=False)
                else:
                    needs[name] = self._outside(name, requester, loaded, queue)

    def _outside(
        self,
        name: str,
        requester: Requester,
        loaded: dict[str, Target],
        queue: deque[tuple[Library, SearchEntries]],
    ) -> Target:
        """What a name means that neither the system nor the wheel brings."""
        known = loaded.get(name)
        if known is not None:
            return known
        if self._wishes.excludes(name):
            target: Target = Elsewhere(None)
        elif (folder := self._wishes.provider_folder(name)) is not None:
            target = Elsewhere(folder or None)
        elif is_libpython(name) and not self._is_included(name):
            target = REMOVED
        else:
            target = self._search(name, requester, queue)
        loaded[name] = target
        return target

    def _search(self, name: str, requester: Requester, queue: deque[tuple[Library, SearchEntries]]) -> Target:
        library = self._included.get(name)
        looks: tuple[Look, ...] = ()
        if library is None:
            if self._wishes.forbids(name):
                return NotFound(())
            search = self._searcher.find(name, requester)
            self._searches[name, requester.name] = search
            library, looks = search.library, search.looks
        if library is None:
            return NotFound(looks)
        if self._wishes.excludes_path(name, library.path, library.file):
            return Elsewhere(None)
        if self._wishes.forbids(library.name) and not self._is_included(name):
            return NotFound(looks, library.name)  # under another name, as libstdc++.so is libstdc++.so.6
        if library.digest not in self._libraries:
            self._libraries[library.digest] = library
            self._needs[library.digest] = {}
            queue.append((library, requester.handed_down))
        return Grafted(library.digest)


def _loaders(content: Content) -> Mapping[str, tuple[str, ...]]:
    """The wheel's files that load each of its libraries, themselves or through others."""
    users = content.resolutions.bundled_users()
    found: dict[str, tuple[str, ...]] = {}
    for path in users:
        seen: dict[str, None] = {}
        waiting = list(users[path])
        while waiting:
            user = waiting.pop(0)
            if user != path and user not in seen:
                seen[user] = None
                waiting += users.get(user, ())
        found[path] = tuple(sorted(seen))
    return found


def _names_inside(content: Content) -> Mapping[str, str]:
    """The sonames of the wheel's own libraries."""
    return dict(sorted(_named(content), reverse=True))


def _named(content: Content) -> Iterator[tuple[str, str]]:
    for member, elf in content.files:
        if elf.soname is not None and not elf.is_program:
            yield elf.soname, member.path
        name = posixpath.basename(member.path)
        if elf.soname is None and name.startswith("lib"):
            yield name, member.path
