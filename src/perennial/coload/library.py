"""A shared object or program as the simulated loader sees it."""

from __future__ import annotations

from collections.abc import Container

from perennial.elf.linkage import Linkage, read_linkage
from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from perennial.elf.source import ByteSource
from perennial.lean_typing import Final, NamedTuple

DF_STATIC_TLS: Final = 0x10


class Library(NamedTuple):
    """One file. `path` is where it is installed, absolute within the simulated system; `package` is the
    wheel or distribution that brings it, None for the system's own files and the interpreter.
    """

    path: str
    package: str | None
    elf: ElfFile
    linkage: Linkage
    symbolic: bool

    @property
    def name(self) -> str:
        """The soname, or the file's name."""
        return self.elf.soname or self.path.rpartition("/")[2]


def read_library(
    data: bytes | ByteSource, path: str, package: str | None, names: Container[str] | None = None
) -> Library:
    """A file's facts, with the linkage of `names` (None: of all). Raises `ElfFormatError`."""
    linkage = read_linkage(data, names)
    return Library(path, package, read_elf(data), linkage, symbolic=linkage.is_symbolic)
