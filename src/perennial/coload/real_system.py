"""A real system's libraries: a root file system, `/` or an unpacked image, and an interpreter in it.

Libraries are found as the loader finds them (ld.so.cache, the folders of ld.so.conf, those built in), and
read as they are asked for: those that every process has, those that wheels load and that refer to their own
symbols, what the interpreter needs, and then what the packages turn out to need.
"""

from __future__ import annotations

import re

from perennial.arch import Architecture
from perennial.coload.library import Library, read_library
from perennial.coload.profile import C_LIBRARY, Profile, standalone_program
from perennial.errors import ElfFormatError, UnreadableError
from perennial.lean_typing import Final
from perennial.platform_tag import Libc
from perennial.system import Root, loader_search

# What wheels commonly take from the system, beside the C library
_COMMON: Final = ("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1", "libatomic.so.1", "libz.so.1", "libexpat.so.1")
_MOST_LIBRARIES: Final = 2000
_GLIBC: Final = re.compile(r"^GLIBC_(\d+)\.(\d+)$")


class RealSystem:
    """The libraries below a root; `interpreter` is a path inside of it, None for one without libraries of its own.

    Raises `UnreadableError` where the root has no glibc for the architecture, or the interpreter cannot be read.
    """

    def __init__(self, root: str, architecture: Architecture, interpreter: str | None) -> None:
        self._root: Final = Root(root)
        self._name: Final = "this system" if root == "/" else root
        self._architecture: Final = architecture
        self._search: Final = loader_search(self._root, Libc.GLIBC, architecture)
        self._libraries: Final[dict[str, Library | None]] = {}
        self._load((*C_LIBRARY, *_COMMON))
        libc = self._libraries["libc.so.6"]
        if libc is None:
            raise UnreadableError(f"{root}: has no libc.so.6 for {architecture}")
        self._glibc: Final = _glibc(libc)
        there = [name for name, library in self._libraries.items() if library is not None]
        self._program: Final = (
            standalone_program(libc.elf.abi, there) if interpreter is None else self._read_program(interpreter)
        )
        self._load(self._program.elf.needed)

    def profile(self, needed: frozenset[str]) -> Profile:
        self._load(sorted(needed))
        libraries = {name: library for name, library in self._libraries.items() if library is not None}
        return Profile(self._name, self._architecture.value, self._glibc, self._program, libraries)

    def _load(self, sonames: tuple[str, ...] | list[str]) -> None:
        """Reads libraries, and those that they need."""
        todo = list(sonames)
        while todo and len(self._libraries) < _MOST_LIBRARIES:
            soname = todo.pop()
            if soname not in self._libraries and "/" not in soname:
                library = self._libraries[soname] = self._find(soname)
                if library is not None:
                    todo += library.elf.needed

    def _find(self, soname: str) -> Library | None:
        for candidate in self._search.candidates(soname):
            try:
                data = self._root.read(candidate.path)
                if data is not None:
                    library = read_library(data, self._root.resolve(candidate.path), None)
                    if library.elf.architecture is self._architecture:
                        return library
            except (ElfFormatError, UnreadableError, OSError):
                continue  # a linker script, or another architecture's format: the loader goes on, too
        return None

    def _read_program(self, path: str) -> Library:
        data = self._root.read(path)
        if data is None:
            raise UnreadableError(f"{path}: no such file")
        library = read_library(data, self._root.resolve(path), None)
        if library.elf.architecture is not self._architecture:
            raise UnreadableError(f"{path}: is not a program for {self._architecture}")
        return library


def _glibc(libc: Library) -> tuple[int, int]:
    versions = [
        (int(found[1]), int(found[2]))
        for definitions in libc.linkage.definitions.values()
        for definition in definitions
        if (found := _GLIBC.match(definition.version or ""))
    ]
    return max(versions, default=(2, 0))
