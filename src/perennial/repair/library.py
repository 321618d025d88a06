"""Shared libraries outside the wheel, each file read once."""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
from collections.abc import Iterator
from enum import StrEnum

from perennial.arch import Architecture
from perennial.audit.requirements import libc_of
from perennial.elf.model import ElfFile
from perennial.elf.stream import ElfCollector, is_elf, read_stream
from perennial.errors import ElfFormatError, UnreadableError
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.system import Root

_CHUNK: Final = 1 << 18


class Library(NamedTuple):
    """A library that can be grafted.

    `path` is where it was found, inside `root`; `file` is the same without links, by which this machine
    opens it. `digest` is the SHA-256 of its content, in hexadecimal: files with the same one are one library.
    `stamp` tells whether the file has been changed since: device, inode, time of the last change in nanoseconds.
    """

    path: str
    file: str
    root: Root
    size: int
    digest: str
    stamp: tuple[int, int, int]
    elf: ElfFile
    library_strings: tuple[str, ...]
    content: bytes | None = None  # of what lies in no file of its own

    @property
    def name(self) -> str:
        """The soname; of a library that has none, the name of its file. Never a path."""
        return posixpath.basename(self.elf.soname or "") or os.path.basename(self.file)


class Outcome(StrEnum):
    """What came of a look at one path."""

    FOUND = "found"
    NOTHING = "nothing there"
    NOT_ELF = "not a shared library"
    UNREADABLE = "cannot be read"
    OTHER_ARCHITECTURE = "for another architecture"
    OTHER_LIBC = "for another C library"


class LibraryFiles:
    """What has been read of the libraries of one kind of process, by file."""

    def __init__(self, architecture: Architecture, libc: Libc | None) -> None:
        self._architecture: Final = architecture
        self._libc: Final = libc
        self._known: Final[dict[tuple[str, str], Library | Outcome]] = {}

    def look(self, root: Root, path: str) -> Library | Outcome:
        """The library at a path inside a root, or why a loader would pass it by.

        glibc's passes by files of another class or machine (`open_verify`, elf/dl-load.c). A file
        for another C library is one that it would load, and that would bring the process down.
        """
        try:
            file = root.outside(path)
            found = os.stat(file)
        except (OSError, ValueError):  # ValueError: a name with a NUL
            return Outcome.NOTHING
        if not stat.S_ISREG(found.st_mode):
            return Outcome.NOTHING
        key = (path, file)
        if key not in self._known:
            self._known[key] = self._read(root, path, file)
        return self._known[key]

    def _read(self, root: Root, path: str, file: str) -> Library | Outcome:
        for (_, other), known in self._known.items():
            if other == file:
                return known._replace(path=path, root=root) if isinstance(known, Library) else known
        try:
            return self._judge(root, path, file)
        except OSError:
            return Outcome.UNREADABLE

    def _judge(self, root: Root, path: str, file: str) -> Library | Outcome:
        digest = hashlib.sha256()
        collector: ElfCollector | None = None
        status = os.stat(file)
        size, stamp = status.st_size, _stamp(status)
        position = 0
        for chunk in _chunks(file):
            if position == 0:
                if not is_elf(chunk):
                    return Outcome.NOT_ELF  # a linker script, as libc.so and libncurses.so are
                collector = ElfCollector(size)
            position += len(chunk)
            digest.update(chunk)
            if collector is not None:
                collector.feed(chunk)
        if collector is None or position != size:
            return Outcome.NOT_ELF
        streamed = read_stream(collector, lambda: _chunks(file))
        elf = streamed.elf
        if isinstance(elf, ElfFormatError) or not elf.is_loadable or not elf.is_dynamic:
            return Outcome.NOT_ELF
        if elf.architecture is not self._architecture:
            return Outcome.OTHER_ARCHITECTURE
        libc = libc_of(elf)
        if self._libc is not None and libc not in (None, self._libc):
            return Outcome.OTHER_LIBC
        return Library(path, file, root, size, digest.hexdigest(), stamp, elf, streamed.library_strings)


def own_library(content: bytes, soname: str, elf: ElfFile) -> Library:
    """A library that perennial brings along, whose facts are known; its soname stands for where it was found."""
    digest = hashlib.sha256(content).hexdigest()
    return Library(soname, soname, Root("/"), len(content), digest, (0, 0, 0), elf, (), content)


def read_library(library: Library) -> bytes:
    """The content that was examined; `UnreadableError` where the file has changed since."""
    if library.content is not None:
        return library.content
    try:
        with open(library.file, "rb") as file:
            data = file.read()
            stamp = _stamp(os.fstat(file.fileno()))
    except OSError as error:
        raise UnreadableError(f"{library.file}: {error.strerror}") from error
    if (len(data), stamp) != (library.size, library.stamp):
        raise UnreadableError(f"{library.file}: has changed while it was being grafted")
    return data


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _chunks(file: str) -> Iterator[bytes]:
    with open(file, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
