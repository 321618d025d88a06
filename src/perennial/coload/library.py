"""A shared object or program as the simulated loader sees it."""

from __future__ import annotations

from typing import Final, NamedTuple

from perennial.elf.linkage import Linkage
from perennial.elf.model import ElfFile

DF_SYMBOLIC: Final = 0x2
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
