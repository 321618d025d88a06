"""Where each DT_NEEDED entry of a wheel's files leads, by ld.so's rules.

The system is one on which the wheel is installed alone; this machine's libraries play no
part. For a name without a slash, ld.so takes, in this order (ld.so(8); glibc,
`_dl_map_object`):

1. an object of that soname that the process has loaded already: the C library's own are, in
   every process that runs Python, so that a copy of one in the wheel is never taken;
2. DT_RPATH of the object and of those that caused it to be loaded, unless the object has
   DT_RUNPATH;
3. DT_RUNPATH of the object itself, which those below do not inherit;
4. the system's own folders.

Folders are those inside the installed environment that $ORIGIN leads to. Most entries are
settled by the object's own path and cost one look-up. Only where that fails and yet the
wheel has a file of that name does the way in which it was loaded matter; then the loading
of each extension module that leads there is played through, breadth first as ld.so does.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from perennial.elf.model import ElfFile
from perennial.lean_typing import Final, NamedTuple
from perennial.wheel.member import WheelMember


class ProvidedByPlatform(NamedTuple):
    """The name is one that some tag allows a wheel to take from the system."""

    soname: str


class Bundled(NamedTuple):
    """The wheel brings the library: `path` is the member's."""

    soname: str
    path: str


class Missing(NamedTuple):
    """Nothing provides it. `unreachable` are members of that name that ld.so would not find."""

    soname: str
    unreachable: tuple[str, ...]


Resolution = ProvidedByPlatform | Bundled | Missing


class Resolutions:
    """What each file's needed sonames lead to."""

    def __init__(self, edges: Mapping[str, Mapping[str, Resolution]], by_soname: Mapping[str, tuple[str, ...]]) -> None:
        self._edges: Final = edges
        self._by_soname: Final = by_soname

    def of(self, member: str) -> Mapping[str, Resolution]:
        """By soname, for the entries of one member."""
        return self._edges[member]

    def of_version_need(self, member: str, library: str) -> Resolution | None:
        """What `vn_file` names: one of the file's own needs, or, where it is not among them, any
        object of that soname (glibc, `find_needed`); None where that is not in the wheel.
        """
        own = self._edges[member].get(library)
        if own is not None:
            return own
        paths = self._by_soname.get(library)
        return Bundled(library, paths[0]) if paths else None

    def __iter__(self) -> Iterator[tuple[str, Resolution]]:
        for member, edges in self._edges.items():
            for resolution in edges.values():
                yield member, resolution

    def bundled_users(self) -> Mapping[str, tuple[str, ...]]:
        """The members that need each bundled library, by the library's path."""
        users: dict[str, list[str]] = {}
        for member, resolution in self:
            if isinstance(resolution, Bundled):
                users.setdefault(resolution.path, []).append(member)
        return {path: tuple(members) for path, members in users.items()}


def resolve(files: Iterable[tuple[WheelMember, ElfFile]], platform: frozenset[str]) -> Resolutions:
    """Resolves every needed entry of `files`; `platform` are the sonames that a system may provide."""
    return _Resolver(tuple(files), platform).run()


# What CPython and its C library have loaded before any extension module: glibc's own, and musl's.
_ALWAYS_LOADED: Final = frozenset(
    {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libc.so"}
)

# How many entries are looked at while loads are played through, before what is left counts as
# missing: real wheels need some thousands.
_MOST_STEPS: Final = 2_000_000

_Chain = tuple[tuple[str, ...], ...]  # folders of DT_RPATH, of the object first, then of its loaders


class _Resolver:
    def __init__(self, files: tuple[tuple[WheelMember, ElfFile], ...], platform: frozenset[str]) -> None:
        self._files: Final = {member.path: elf for member, elf in files}
        self._platform: Final = platform
        self._by_location: Final = {member.location: member.path for member, _ in files}
        # By file name, then by folder: a search path may be as long as somebody likes.
        self._places: Final[dict[str, dict[str, str]]] = {}
        for member, _ in files:
            folder, name = posixpath.split(member.location)
            self._places.setdefault(name, {})[folder] = member.path
        self._folders: Final = {member.path: posixpath.dirname(member.location) for member, _ in files}
        self._own_path: Final = {path: self._search_path(path) for path in self._files}
        self._ranks: Final[dict[tuple[str, ...], dict[str, int]]] = {}
        names: dict[str, list[str]] = {}
        for member, elf in files:
            for name in {posixpath.basename(member.location), elf.soname or ""} - {""}:
                names.setdefault(name, []).append(member.path)
        self._by_name: Final = {name: tuple(sorted(paths)) for name, paths in names.items()}
        self._steps = 0

    def run(self) -> Resolutions:
        edges: dict[str, dict[str, Resolution]] = {}
        pending: set[str] = set()
        for path, elf in self._files.items():
            own = edges[path] = {}
            for name in elf.needed:
                if name in _ALWAYS_LOADED and name in self._platform and elf.interpreter is None:
                    own[name] = ProvidedByPlatform(name)
                    continue
                found = self._on_path(path, name, (self._own_path[path],))
                if found is None and name in self._by_name:
                    pending.add(path)
                own[name] = self._settle(name, found)
        if pending:
            self._play_loads(edges, pending)
        sonames = {name: paths for name, paths in self._by_name.items() if name not in self._platform}
        return Resolutions(edges, sonames)

    def _settle(self, name: str, found: str | None) -> Resolution:
        if found is not None:
            return Bundled(name, found)
        if name in self._platform:
            return ProvidedByPlatform(name)
        return Missing(name, self._by_name.get(name, ()))

    def _on_path(self, path: str, name: str, chain: _Chain) -> str | None:
        """The member that a search through these folders opens."""
        if "/" in name:  # a path, in which $ORIGIN counts too
            location = expand_origin(name, self._folders[path])
            return None if location is None else self._by_location.get(location)
        places = self._places.get(name)
        if places is None:
            return None
        for folders in chain:
            ranks = self._rank(folders)
            there = [(rank, places[folder]) for folder in places if (rank := ranks.get(folder)) is not None]
            if there:
                return min(there)[1]
        return None

    def _rank(self, folders: tuple[str, ...]) -> Mapping[str, int]:
        """Where each folder stands in a search path."""
        if folders not in self._ranks:
            self._ranks[folders] = {folder: rank for rank, folder in reversed(list(enumerate(folders)))}
        return self._ranks[folders]

    def _search_path(self, path: str) -> tuple[str, ...]:
        """The folders that the file's own RUNPATH, or else its RPATH, names."""
        elf = self._files[path]
        text = elf.rpath if elf.runpath is None else elf.runpath
        entries = (expand_origin(entry, self._folders[path]) for entry in (text or "").split(":"))
        return tuple(entry for entry in entries if entry is not None)

    def _play_loads(self, edges: dict[str, dict[str, Resolution]], pending: set[str]) -> None:
        """Settles the entries that depend on how a file came to be loaded: one counts as found
        only if every way of loading it finds it.
        """
        verdicts: dict[tuple[str, str], Resolution] = {}
        for root in self._roots(edges):
            for path, name, resolution in self._load(root, pending, edges):
                known = verdicts.get((path, name))
                if known is None or isinstance(resolution, Missing):
                    verdicts[path, name] = resolution
        for (path, name), resolution in verdicts.items():
            edges[path][name] = resolution

    def _roots(self, edges: Mapping[str, Mapping[str, Resolution]]) -> Iterator[str]:
        """The files that a process asks for by themselves: those that no other file of the wheel needs.

        Extension modules are among them also where another file links them, and of files that only
        need each other the first one is taken.
        """
        targets = {
            target
            for path, own in edges.items()
            for name in own
            for target in self._by_name.get(name, ())
            if target != path
        }
        roots = [path for path in sorted(self._files) if path not in targets or EXTENSION_MODULE.search(path)]
        seen: set[str] = set()
        for path in [*roots, *sorted(self._files)]:
            if path not in seen:
                yield path
                self._mark(path, edges, seen)
            elif EXTENSION_MODULE.search(path) and path in targets:
                yield path

    def _mark(self, path: str, edges: Mapping[str, Mapping[str, Resolution]], seen: set[str]) -> None:
        waiting = [path]
        while waiting:
            current = waiting.pop()
            if current not in seen:
                seen.add(current)
                waiting += [target for name in edges[current] for target in self._by_name.get(name, ())]

    def _load(
        self, root: str, pending: set[str], edges: Mapping[str, Mapping[str, Resolution]]
    ) -> Iterator[tuple[str, str, Resolution]]:
        """Plays the loading of one file, and yields what the pending entries on the way lead to."""
        loaded = dict.fromkeys(self._names_of(root), root)
        queue: deque[tuple[str, _Chain]] = deque([(root, ())])
        while queue:
            path, loaders = queue.popleft()
            elf = self._files[path]
            # An object with RUNPATH looks at no RPATH, and hands down none of its own.
            own = self._own_path[path]
            chain = (own,) if elf.runpath is not None else (own, *loaders)
            handed_down = loaders if elf.runpath is not None or not own else (own, *loaders)
            for name in elf.needed:
                self._steps += 1
                if self._steps > _MOST_STEPS:
                    return
                if path in pending and isinstance(edges[path][name], ProvidedByPlatform):
                    continue
                known = loaded.get(name)
                found = known if known is not None else self._on_path(path, name, chain)
                if path in pending:
                    yield path, name, self._settle(name, found)
                if found is not None and known is None:
                    loaded.setdefault(name, found)
                    for alias in self._names_of(found):
                        loaded.setdefault(alias, found)
                    queue.append((found, handed_down))

    def _names_of(self, path: str) -> tuple[str, ...]:
        soname = self._files[path].soname
        return () if soname is None else (soname,)


EXTENSION_MODULE: Final = re.compile(r"\.(?:cpython-[^/]*|abi3|abi3t|pypy[^/]*)\.so$")
_PYTHON_FOLDER: Final = re.compile(r"^lib(?:64)?/(?:python|pypy)\d(?:\.\d+)?t?/(?:site|dist)-packages(?=/|$)")


def expand_origin(entry: str, origin: str) -> str | None:
    """A folder or file below the environment's root that a path with $ORIGIN means, in a file whose folder is `origin`;
    None for any other place. $LIB and $PLATFORM differ between systems, so what has them counts as elsewhere.
    """
    for token in ("$ORIGIN", "${ORIGIN}"):
        if entry == token or entry.startswith(f"{token}/"):
            rest = entry[len(token) :]
            if "$" in rest:
                return None
            location = posixpath.normpath(f"/{_DEPTH}{origin}{rest}")
            if not location.startswith(f"/{_DEPTH}"):
                return None
            return _PYTHON_FOLDER.sub("lib/python3/site-packages", location.removeprefix(f"/{_DEPTH}"))
    return None


# Stands for the folders above the environment, so that "../.." past its root is noticed.
_DEPTH: Final = "environment/"
