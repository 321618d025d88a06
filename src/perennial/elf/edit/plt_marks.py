"""What `ld -z mark-plt` leaves in x86_64 files, taken away again.

DT_X86_64_PLT and its two companions say where the PLT is, so that glibc from 2.39 on can be told to rewrite its jumps
(tunable glibc.cpu.plt_rewrite). The linker then keeps the address of each jump in r_addend of its R_X86_64_JUMP_SLOT.
The psABI's value of such a relocation is the symbol's, whatever r_addend says, but glibc before 2.36 adds it where it
binds at once (BIND_NOW), and the first call goes astray. So the linker has the file need a version that says so, and
that no symbol has: GLIBC_2.36 of the C library, or with newer binutils GLIBC_ABI_DT_X86_64_PLT, which glibc from 2.42
on defines.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from perennial.elf.constants import (
    DT_JMPREL,
    DT_PLTREL,
    DT_PLTRELSZ,
    DT_RELA,
    DT_RELASZ,
    DT_X86_64_PLT,
    DT_X86_64_PLTENT,
    DT_X86_64_PLTSZ,
)
from perennial.elf.edit.dynamic_entries import Entries
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.versions import Patch, may_have_plt_marks
from perennial.errors import ElfFormatError
from perennial.lean_typing import Final, NamedTuple

PLT_TAGS: Final = frozenset({DT_X86_64_PLT, DT_X86_64_PLTSZ, DT_X86_64_PLTENT})
JUMP_SLOT: Final = 7  # R_X86_64_JUMP_SLOT
_TABLES: Final = ((DT_JMPREL, DT_PLTRELSZ), (DT_RELA, DT_RELASZ))  # the second may hold the first


class Unmarked(NamedTuple):
    entries: Entries
    patches: tuple[Patch, ...] = ()


def clear_plt_marks(elf: Skeleton, entries: Entries, *, wanted: bool) -> Unmarked:
    """Other machines have other things under these numbers, and stay as they are."""
    if not wanted or not may_have_plt_marks(elf):
        return Unmarked(entries)
    places = sorted({place for tag, size_tag in _TABLES for place in _marked(elf, tag, size_tag)})
    zero = bytes(elf.records.pointer.size)
    return Unmarked(
        tuple(entry for entry in entries if entry[0] not in PLT_TAGS), tuple(Patch(place, zero) for place in places)
    )


def _marked(elf: Skeleton, tag: int, size_tag: int) -> Iterator[int]:
    """Where in the file there are addends of jump slots that are not zero."""
    size = elf.dynamic.get(size_tag)
    if not size or (tag == DT_JMPREL and elf.dynamic.get(DT_PLTREL) not in (None, DT_RELA)):
        return
    span = elf.dynamic.table.span(tag, "relocations")
    if span is None:
        return
    if size > span[1]:
        raise ElfFormatError("relocations reach beyond their segment", field="DT_RELASZ", offset=span[0], value=size)
    pointer = elf.records.pointer
    form = Struct(pointer.format + 2 * pointer.format[-1])
    kind = 0xFFFFFFFF if elf.records.bits == 64 else 0xFF  # ELF64_R_TYPE, ELF32_R_TYPE
    whole = size // form.size * form.size
    for number, (_, info, addend) in enumerate(form.iter_unpack(elf.data[span[0] : span[0] + whole])):
        if addend and info & kind == JUMP_SLOT:
            yield span[0] + number * form.size + 2 * pointer.size
