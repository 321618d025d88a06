"""Where a system's dynamic linker looks for a soname that no RPATH, RUNPATH or LD_LIBRARY_PATH has found.

glibc looks into ld.so.cache, then into the folders that are built into it (`_dl_map_object` in elf/dl-load.c). The
cache is ldconfig's, made from the folders that ld.so.conf names, then from those built in. A sysroot often has
ld.so.conf and no cache, so that the configured folders stand between the two here. musl has no cache: it reads
/etc/ld-musl-ARCH.path, and where there is none, its three folders (`load_library` in ldso/dynlink.c).

Nobody can read out of ld.so which folders are built in, without running it. Those of all mainstream distributions are
listed; what is of another architecture in them, the caller does not take.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from perennial.arch import Architecture
from perennial.errors import UnreadableError
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.system.loader_cache import LoaderCache, read_loader_cache
from perennial.system.root import Root

CACHE: Final = "/etc/ld.so.cache"
CONFIGURATION: Final = "/etc/ld.so.conf"
_DEEPEST_INCLUDE: Final = 8
_BLANKS: Final = " \t\f\r\v"

# Debian's multiarch folders (Debian wiki, Multiarch/Tuples), and musl's names of architectures.
_TRIPLETS: Final = {
    Architecture.X86_64: "x86_64-linux-gnu",
    Architecture.I686: "i386-linux-gnu",
    Architecture.AARCH64: "aarch64-linux-gnu",
    Architecture.ARMV7L: "arm-linux-gnueabihf",
    Architecture.PPC64LE: "powerpc64le-linux-gnu",
    Architecture.PPC64: "powerpc64-linux-gnu",
    Architecture.S390X: "s390x-linux-gnu",
    Architecture.RISCV64: "riscv64-linux-gnu",
    Architecture.LOONGARCH64: "loongarch64-linux-gnu",
}
_MUSL_NAMES: Final = {
    Architecture.I686: "i386",
    Architecture.ARMV7L: "armhf",
    Architecture.PPC64LE: "powerpc64le",
    Architecture.PPC64: "powerpc64",
}
_LIB32: Final = (Architecture.I686, Architecture.ARMV7L)


class SearchFolder(NamedTuple):
    """A folder in which libraries are looked for, and who says so."""

    path: str  # inside the root, as it is written there
    origin: str  # "/etc/ld.so.conf.d/local.conf:2"


class Candidate(NamedTuple):
    """A file that the loader would try; `origin` is "/etc/ld.so.cache" or the folder's."""

    path: str
    origin: str


class LoaderSearch(NamedTuple):
    """The search of one root for one C library and architecture."""

    cache: LoaderCache | None  # None where there is none
    architecture: Architecture
    folders: tuple[SearchFolder, ...]  # configured, then built in; each once
    problems: tuple[str, ...]  # configuration that could not be read, or that means nothing

    def candidates(self, soname: str) -> Iterator[Candidate]:
        """What the loader would try for a name without a slash, in its order.

        Whether it is there, and of the right architecture, the caller finds out.
        """
        if self.cache is not None:
            for path in self.cache.find(soname, self.architecture):
                yield Candidate(path, CACHE)
        for folder in self.folders:
            yield Candidate(f"{folder.path.rstrip('/')}/{soname}", folder.origin)


def loader_search(root: Root, libc: Libc, architecture: Architecture) -> LoaderSearch:
    """The search that a root's configuration describes; what cannot be read of it is among the problems."""
    if libc is Libc.MUSL:
        return LoaderSearch(None, architecture, _musl_folders(root, architecture), ())
    problems: list[str] = []
    cache = None
    try:
        data = root.read(CACHE)
        cache = read_loader_cache(data, CACHE) if data else None
    except UnreadableError as error:
        problems.append(str(error))
    reader = _Configuration(root, problems)
    reader.read(CONFIGURATION, 0)
    folders: dict[str, SearchFolder] = {}
    for folder in (*reader.folders, *_built_in(architecture)):
        folders.setdefault(folder.path, folder)
    return LoaderSearch(cache, architecture, tuple(folders.values()), tuple(problems))


def _built_in(architecture: Architecture) -> Iterator[SearchFolder]:
    """Debian's glibc has its multiarch folders before /lib; elsewhere slibdir and libdir are lib64 of 64-bit ports."""
    names = [f"lib/{_TRIPLETS[architecture]}"]
    if architecture not in _LIB32:
        names.append("lib64")
    if architecture is Architecture.RISCV64:
        names.append("lib64/lp64d")  # sysdeps/unix/sysv/linux/riscv/configure.ac
    for name in (*names, "lib"):
        for path in (f"/{name}", f"/usr/{name}"):
            yield SearchFolder(path, "built into glibc")


def _musl_folders(root: Root, architecture: Architecture) -> tuple[SearchFolder, ...]:
    path = f"/etc/ld-musl-{_MUSL_NAMES.get(architecture, architecture.value)}.path"
    data = root.read(path)
    if data is None:
        return tuple(SearchFolder(folder, "built into musl") for folder in ("/lib", "/usr/local/lib", "/usr/lib"))
    words = data.decode("utf-8", "surrogateescape").replace("\n", ":").split(":")
    # path_open skips empty parts; a relative one would depend on the folder that the process was started in
    return tuple(SearchFolder(folder, path) for folder in words if folder.startswith("/"))


class _Configuration:
    """Reads ld.so.conf as `parse_conf` of glibc's elf/ldconfig.c does."""

    def __init__(self, root: Root, problems: list[str]) -> None:
        self._root = root
        self._problems = problems
        self._open: list[str] = []
        self.folders: list[SearchFolder] = []

    def read(self, path: str, depth: int) -> None:
        """Adds the folders of a file, and of those that it includes."""
        if path in self._open or depth > _DEEPEST_INCLUDE:
            self._problems.append(f"{path} includes itself")
            return
        try:
            data = self._root.read(path)
        except UnreadableError as error:
            self._problems.append(str(error))
            return
        self._open.append(path)
        for number, line in enumerate((data or b"").decode("utf-8", "surrogateescape").split("\n"), 1):
            # "the file format does not know any form of quoting": # ends a line wherever it stands
            words = line.partition("#")[0].strip(_BLANKS)
            if words[:7] == "include" and words[7:8] in (" ", "\t"):
                for pattern in words[8:].split():
                    self._include(path, pattern, depth)
            elif words and not (words[:5].lower() == "hwcap" and words[5:6] in (" ", "\t")):
                self._add(words, f"{path}:{number}")
        self._open.pop()

    def _include(self, path: str, pattern: str, depth: int) -> None:
        if not pattern.startswith("/"):
            pattern = f"{path.rpartition('/')[0]}/{pattern}"
        for found in self._glob(pattern):
            self.read(found, depth + 1)

    def _add(self, words: str, origin: str) -> None:
        # "=libc5" and its like said for which library a folder is, when there were several
        folder = words.partition("=")[0].rstrip(_BLANKS).rstrip("/") or "/"
        if folder.startswith("/"):
            self.folders.append(SearchFolder(folder, origin))
        else:
            self._problems.append(f"{origin}: {folder!r} is not an absolute path, and means nothing")

    def _glob(self, pattern: str) -> list[str]:
        """glob(3) inside the root, sorted; hidden names have to be asked for."""
        found = [""]
        for part in pattern.strip("/").split("/"):
            if any(char in part for char in "*?["):
                found = [
                    f"{folder}/{name}"
                    for folder in found
                    for name in self._root.names(folder)
                    if fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
                ]
            else:
                found = [f"{folder}/{part}" for folder in found]
        return [path for path in sorted(found) if self._root.is_file(path)]
