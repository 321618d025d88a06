"""Where a library outside the wheel is found: by the loader's rules, with every place that was looked into.

For a name without a slash, glibc's loader looks (ld.so(8); `_dl_map_object`, elf/dl-load.c)

1. in DT_RPATH of the object and of those that caused it to be loaded, unless the object has DT_RUNPATH;
2. in LD_LIBRARY_PATH;
3. in DT_RUNPATH of the object;
4. in the system's own folders (`perennial.system.loader_search`).

musl's looks into LD_LIBRARY_PATH first, and makes no difference between RPATH and RUNPATH: both are inherited
(`load_library`, ldso/dynlink.c).

In one thing this search departs from the loader's, on purpose. The folders `glibc-hwcaps/*` hold variants for newer
processors, and which of them is taken depends on the machine: a wheel gets the variant for all.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator

from perennial.arch import Architecture
from perennial.elf.model import ElfFile
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.repair.library import Library, LibraryFiles, Outcome
from perennial.repair.options import Host, Places
from perennial.system import LoaderSearch, Root, loader_search


class Look(NamedTuple):
    """One path that was tried, on whose account, and what was there."""

    path: str
    origin: str  # "RPATH of /usr/lib/liba.so", "LD_LIBRARY_PATH", "/etc/ld.so.cache"
    outcome: Outcome


class Search(NamedTuple):
    """One name that was looked for, and all places up to the one where it was found."""

    name: str
    needed_by: str
    looks: tuple[Look, ...]
    library: Library | None


class SearchEntry(NamedTuple):
    """A folder of a search path, inside a root."""

    folder: str
    origin: str
    root: Root


SearchEntries = tuple[SearchEntry, ...]


class Requester(NamedTuple):
    """An object that needs libraries: `own` is its RUNPATH or RPATH, `inherited` the RPATH of those that load it.

    `has_runpath` says that `own` is for itself alone.
    """

    name: str
    own: SearchEntries
    has_runpath: bool
    inherited: SearchEntries

    @property
    def handed_down(self) -> SearchEntries:
        """What those that it loads inherit."""
        return self.inherited if self.has_runpath else (*self.own, *self.inherited)


class Searcher:
    """Looks for libraries of one kind of process."""

    def __init__(self, places: Places, architecture: Architecture, libc: Libc | None) -> None:
        self._machine: Final = Root("/")
        self.root: Final = self._machine if places.root == "/" else Root(places.root)
        self._libc: Final = libc or Libc.GLIBC
        self._architecture: Final = architecture
        self._library_path: Final = places.library_path
        self._replaced: Final = places.replaced
        self._is_own: Final = places.root != "/" or places.host == Host(architecture, self._libc)
        self._files: Final = LibraryFiles(architecture, libc)
        self._system: LoaderSearch | None = None

    @property
    def knows_system(self) -> bool:
        """Whether there is a system whose folders such a process would look into."""
        return self._is_own or self._replaced is not None

    def requester(self, name: str, elf: ElfFile, origin: str | None, inherited: SearchEntries, root: Root) -> Requester:
        """An object by its facts; `origin` is its folder inside the root, None for a member of the wheel, whose
        $ORIGIN is nowhere yet.
        """
        kind, text = ("RPATH", elf.rpath) if elf.runpath is None else ("RUNPATH", elf.runpath)
        stays = elf.runpath is not None and self._libc is not Libc.MUSL
        folders = (_expand(entry, origin) for entry in (text or "").split(":"))
        own = tuple(SearchEntry(folder, f"{kind} of {name}", root) for folder in folders if folder is not None)
        return Requester(name, own, stays, inherited)

    def requester_of(self, library: Library, inherited: SearchEntries) -> Requester:
        """A library as an object that needs others. Its $ORIGIN is the folder in which it was found, links and all."""
        return self.requester(library.path, library.elf, posixpath.dirname(library.path), inherited, library.root)

    def find(self, name: str, requester: Requester) -> Search:
        """Looks everywhere up to the place where the library is."""
        looks: list[Look] = []
        for path, origin, root in self._candidates(name, requester):
            found = self._files.look(root, path)
            outcome = Outcome.FOUND if isinstance(found, Library) else found
            looks.append(Look(path, origin, outcome))
            if isinstance(found, Library):
                return Search(name, requester.name, tuple(looks), found)
        return Search(name, requester.name, tuple(looks), None)

    def at(self, path: str) -> Search:
        """The library at a path of this machine that somebody has named."""
        path = os.path.abspath(path)
        found = self._files.look(self._machine, path)
        library = found if isinstance(found, Library) else None
        outcome = Outcome.FOUND if isinstance(found, Library) else found
        return Search(posixpath.basename(path), "--include", (Look(path, "--include", outcome),), library)

    def _candidates(self, name: str, requester: Requester) -> Iterator[tuple[str, str, Root]]:
        if "/" in name:
            path = _expand(name, None)
            if path is not None:
                yield path, f"its name in {requester.name}", self.root
            return
        for entry in self._in_order(requester):
            yield f"{entry.folder.rstrip('/')}/{name}", entry.origin, entry.root
        if self._replaced is not None:
            for folder in self._replaced:
                yield f"{folder.rstrip('/')}/{name}", "--ldpaths", self._machine
        elif self._is_own:
            if self._system is None:
                self._system = loader_search(self.root, self._libc, self._architecture)
            for candidate in self._system.candidates(name):
                yield candidate.path, candidate.origin, self.root

    def _in_order(self, requester: Requester) -> SearchEntries:
        library_path = tuple(SearchEntry(folder, "library path", self._machine) for folder in self._library_path)
        if self._libc is Libc.MUSL:
            return (*library_path, *requester.own, *requester.inherited)
        if requester.has_runpath:
            return (*library_path, *requester.own)
        return (*requester.own, *requester.inherited, *library_path)


def _expand(entry: str, origin: str | None) -> str | None:
    """A folder of a search path; None for one that depends on the process ($LIB, $PLATFORM, a relative one)."""
    for token in ("$ORIGIN", "${ORIGIN}"):
        if entry == token or entry.startswith(f"{token}/"):
            if origin is None:
                return None
            entry = origin + entry[len(token) :]
            break
    return posixpath.normpath(entry) if entry.startswith("/") and "$" not in entry else None
