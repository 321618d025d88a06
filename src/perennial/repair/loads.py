"""What a name means to each file in one load, as ld.so would load it on this machine.

ld.so takes the needed entries breadth first. A name that a loaded object was found by, or has as its DT_SONAME, is that
object; any other is looked for on account of the object that needs it and of those that caused it to be loaded (glibc,
`_dl_map_object`, elf/dl-load.c). musl's does not look at DT_SONAME (`load_library`, ldso/dynlink.c). So what a need of
a library means may depend on what was loaded before it.

A file of the wheel is loaded by itself, with the DT_RPATHs of all files of the wheel that load it: which of
them does, is not known. With it comes what it needs, files of the wheel among it. The wheel's own libraries come first:
what the loader finds in the wheel stays as it is, and what is in the wheel and not found is made to be found. Only then
is a library looked for outside.
"""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Collection, Iterator, Mapping

from perennial.audit.checks.links_libpython import is_libpython
from perennial.audit.context import Content
from perennial.audit.resolve import Bundled, Missing, ProvidedByPlatform, Resolution
from perennial.lean_typing import Final
from perennial.platform_tag import Libc
from perennial.repair.copies import Loaded
from perennial.repair.library import Library
from perennial.repair.search import Look, Requester, Search, SearchEntries, SearchEntry, Searcher
from perennial.repair.targets import FROM_PLATFORM, REMOVED, Elsewhere, Grafted, InWheel, NotFound, Target
from perennial.repair.wishes import Wishes


class _Load:
    """What one load has come to: files by name, by soname and by path, and those whose needs are still to follow."""

    def __init__(self, root: str) -> None:
        self.root: Final = root
        self.names: Final[dict[str, Target]] = {}
        self.sonames: Final[dict[str, Grafted]] = {}
        self.places: Final[dict[str, int]] = {}
        self.queue: Final[deque[tuple[int, Requester]]] = deque()


class Loads:
    """Plays loads through. `files` are those of all loads so far; a `Grafted` is the place in there."""

    def __init__(
        self,
        content: Content,
        provided: frozenset[str],
        searcher: Searcher,
        wishes: Wishes,
        lost: Collection[tuple[str, str]],
    ) -> None:
        self._content: Final = content
        self._elves: Final = {member.path: elf for member, elf in content.files}
        self._lost: Final = lost
        self._provided: Final = provided
        self._searcher: Final = searcher
        self._wishes: Final = wishes
        self._loaders: Final = _loaders(content)
        self._inside: Final = _names_inside(content)
        self._included: Final[dict[str, Library]] = {}
        self._searches: Final[dict[tuple[str, str, str | None], Search]] = {}
        self.files: Final[list[Loaded]] = []
        self._find_included()
        self._looks_outside: Final = frozenset(self._looking_outside())

    @property
    def searches(self) -> tuple[Search, ...]:
        """What was looked for, by whom; once, where several loads found the same."""
        return tuple(self._searches.values())

    @property
    def asked_for(self) -> tuple[str, ...]:
        """The names of the libraries of `--include`."""
        return tuple(sorted({*self._wishes.included_names, *self._included}))

    def of_member(self, path: str) -> int:
        """Loads a file of the wheel by itself, and says where in `files` it is."""
        load = _Load(path)
        place = self._enter(path, self._inherited(path), load)
        self._follow(load)
        return place

    def of_name(self, name: str) -> Target:
        """Loads a library by its name, as dlopen does."""
        load = _Load("--include")
        target = self._outside(name, Requester(load.root, (), has_runpath=False, inherited=()), load)
        self._follow(load)
        return target

    # ----- before any load

    def _find_included(self) -> None:
        for path in self._wishes.included_paths:
            search = self._searcher.at(path)
            self._note(search, path)
            if search.library is not None:
                self._included[search.library.name] = search.library

    def _looking_outside(self) -> Iterator[str]:
        """The wheel's files that need, themselves or through others, what is not where it should be: only
        these have a say in what comes along.
        """
        for member, _ in self._content.files:
            needs = self._content.resolutions.of(member.path).items()
            if not all(self._is_settled(name, resolution) for name, resolution in needs):
                yield member.path
                yield from self._loaders.get(member.path, ())

    def _is_settled(self, name: str, resolution: Resolution) -> bool:
        return isinstance(resolution, Bundled) or (
            isinstance(resolution, ProvidedByPlatform) and self._leaves_to_platform(name)
        )

    def _inherited(self, path: str) -> SearchEntries:
        """The RPATHs of the wheel's files that load this one."""
        entries: list[SearchEntry] = []
        for loader in self._loaders.get(path, ()):
            elf = self._elves[loader]
            entries += self._searcher.requester(loader, elf, None, (), self._searcher.root).handed_down
        return tuple(dict.fromkeys(entries))

    # ----- one load

    def _follow(self, load: _Load) -> None:
        """Follows the needs of what has been loaded, breadth first."""
        while load.queue:
            place, requester = load.queue.popleft()
            file = self.files[place]
            if file.library is None:
                for name, resolution in self._content.resolutions.of(file.subject).items():
                    file.targets[name] = self._of_member(file.subject, name, resolution, requester, load)
            else:
                for name in file.library.elf.needed:
                    if name not in file.targets:
                        file.targets[name] = self._of_library(name, requester, load)

    def _of_member(self, path: str, name: str, resolution: Resolution, requester: Requester, load: _Load) -> Target:
        self._wishes.excludes(name)  # takes note of what matches, also where it changes nothing
        match resolution:
            case Bundled(path=there):
                return self._in_wheel(there, requester, load, reachable=(path, name) not in self._lost)
            case ProvidedByPlatform() if self._leaves_to_platform(name):
                return FROM_PLATFORM
            case Missing(unreachable=there) if there and not self._wishes.excludes(name):
                return self._in_wheel(there[0], requester, load, reachable=False)
            case _:
                return self._outside(name, requester, load)

    def _of_library(self, name: str, requester: Requester, load: _Load) -> Target:
        if self._leaves_to_platform(name):
            return FROM_PLATFORM
        if name in self._inside and not self._is_included(name):
            return self._in_wheel(self._inside[name], requester, load, reachable=False)
        return self._outside(name, requester, load)

    def _leaves_to_platform(self, name: str) -> bool:
        return name in self._provided and not self._is_included(name)

    def _is_included(self, name: str) -> bool:
        return name in self._included or self._wishes.includes(name)

    def _in_wheel(self, path: str, requester: Requester, load: _Load, *, reachable: bool) -> Target:
        if path not in load.places and path in self._looks_outside:
            self._enter(path, requester.handed_down, load)
        return InWheel(path, reachable)

    def _enter(self, path: str, inherited: SearchEntries, load: _Load) -> int:
        requester = self._searcher.requester(path, self._elves[path], None, inherited, self._searcher.root)
        return self._add(Loaded(load.root, path, None, {}), path, requester, load)

    def _add(self, file: Loaded, path: str, requester: Requester, load: _Load) -> int:
        place = load.places[path] = len(self.files)
        self.files.append(file)
        load.queue.append((place, requester))
        return place

    def _outside(self, name: str, requester: Requester, load: _Load) -> Target:
        """What a name means that neither the system nor the wheel brings."""
        known = load.names.get(name)
        if known is None:
            known = load.names[name] = self._decide(name, requester, load)
        return known

    def _decide(self, name: str, requester: Requester, load: _Load) -> Target:
        if self._wishes.excludes(name):
            return Elsewhere(None)
        if (folder := self._wishes.provider_folder(name)) is not None:
            return Elsewhere(folder or None)
        if is_libpython(name) and not self._is_included(name):
            return REMOVED
        library = self._included.get(name)
        looks: tuple[Look, ...] = ()
        if library is None:
            if self._wishes.forbids(name):
                return NotFound(())
            if name in load.sonames and self._content.libc is not Libc.MUSL:
                return load.sonames[name]
            search = self._searcher.find(name, requester)
            self._note(search, None if search.library is None else search.library.file)
            library, looks = search.library, search.looks
        if library is None:
            return NotFound(looks)
        if self._wishes.excludes_path(name, library.path, library.file):
            return Elsewhere(None)
        if self._wishes.forbids(library.name) and not self._is_included(name):
            return NotFound(looks, library.name)  # under another name, as libstdc++.so is libstdc++.so.6
        return self._graft(library, requester, load)

    def _graft(self, library: Library, requester: Requester, load: _Load) -> Grafted:
        place = load.places.get(library.file)
        if place is None:
            own = self._searcher.requester_of(library, requester.handed_down)
            place = self._add(Loaded(load.root, library.digest, library, {}), library.file, own, load)
            load.sonames.setdefault(library.elf.soname or "", Grafted(place))
        return Grafted(place)

    def _note(self, search: Search, found: str | None) -> None:
        self._searches.setdefault((search.name, search.needed_by, found), search)


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
