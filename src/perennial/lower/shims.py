"""The libraries of ours that come into a wheel: functions that older systems lack, over those that they have.

They are built from the sources in `shim/` by scripts/build_shims.py, one for each architecture, and lie in `data/`.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Final, NamedTuple

from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf

_DATA: Final = os.path.join(os.path.dirname(__file__), "data")
_NAMES: Final = {"c": "libperennial-shim", "cxx": "libperennial-shimxx"}


class Shim(NamedTuple):
    """A prebuilt library: `path` is where it lies, `exports` the functions that it has."""

    kind: str
    path: str
    size: int
    elf: ElfFile
    exports: frozenset[str]

    @property
    def soname(self) -> str:
        return self.elf.soname or os.path.basename(self.path)


@cache
def load_shim(kind: str, arch: str) -> Shim | None:
    """The shim of a kind (`c`, `cxx`) for an architecture; None where there is none."""
    path = os.path.join(_DATA, f"{_NAMES[kind]}-{arch}.so")
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return None
    elf = read_elf(data, exports=True)
    exports = frozenset(symbol.name for symbol in elf.exports or () if symbol.defined)
    return Shim(kind, path, len(data), elf._replace(exports=None), exports)
