"""Definitions that are in a file's symbol table and no business of others.

The gABI ("Symbol Visibility") has a link-editor remove symbols of STV_HIDDEN and STV_INTERNAL or make them local; some
binutils leave them global (PR ld/19908), and so do editors that take a definition out of a finished file. glibc treats
them as local since 2.24 (`do_lookup_x`, `dl_symbol_visibility_binds_local_p`). Before that, and in musl to this day,
lookups find them. Nobody can rely on them, since systems do not agree. (What nobody is to find anywhere has no value
either: `perennial.elf.edit.blank`.)
"""

from __future__ import annotations

from perennial.elf.constants import STV_HIDDEN, STV_INTERNAL
from perennial.elf.layout import Layout
from perennial.lean_typing import Final

_VISIBILITY: Final = 3  # ELF32_ST_VISIBILITY: the others of st_other's bits are an architecture's own
_IS_LOCAL: Final = bytes(other & _VISIBILITY in (STV_INTERNAL, STV_HIDDEN) for other in range(256))


def without_hidden(symbols: bytes, layout: Layout) -> bytes:
    """Records of a symbol table, with zeros for those that other files are not to find: such have no name."""
    size = layout.sym.size
    is_local = symbols[layout.st_other :: size].translate(_IS_LOCAL)
    at = is_local.find(1)
    if at < 0:
        return symbols
    kept = bytearray(symbols)
    while at >= 0:
        kept[at * size : (at + 1) * size] = bytes(size)
        at = is_local.find(1, at + 1)
    return bytes(kept)
