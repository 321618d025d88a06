"""The libraries of ours that come into a wheel: functions that older systems lack, over those that they have.

They are built from the sources in `shim/` by scripts/build_shims.py, one for each architecture. All of them lie in one
archive: perennial's own wheel is for every system, and one that has ELF files is for one.
"""

from __future__ import annotations

import os
import zipfile
from functools import cache

from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from perennial.lean_typing import Final, NamedTuple

ARCHIVE: Final = os.path.join(os.path.dirname(__file__), "data", "shims.zip")
_NAMES: Final = {"c": "libperennial-shim", "cxx": "libperennial-shimxx"}


class Shim(NamedTuple):
    """A prebuilt library: its bytes, and the functions that it has."""

    kind: str
    content: bytes
    elf: ElfFile
    exports: frozenset[str]
    soname: str


@cache
def load_shim(kind: str, arch: str) -> Shim:
    """The shim of a kind (`c`, `cxx`) for one of `SHIM_ARCHS`: for others, no treatment asks for one."""
    name = f"{_NAMES[kind]}-{arch}.so"
    with zipfile.ZipFile(ARCHIVE) as archive:
        content = archive.read(name)
    elf = read_elf(content, exports=True)
    exports = frozenset(symbol.name for symbol in elf.exports or () if symbol.defined)
    return Shim(kind, content, elf._replace(exports=None), exports, name)
