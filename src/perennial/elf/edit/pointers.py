"""Relocations that put the address of a place in the file into data.

Nothing but PT_DYNAMIC and headers should have the address of a table that the editor moves. If data
has it nevertheless, a relocation relative to the load address says so.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from sys import byteorder

from perennial.elf.constants import DT_REL, DT_RELA, DT_RELASZ, DT_RELR, DT_RELRSZ, DT_RELSZ
from perennial.elf.edit.skeleton import Skeleton
from perennial.errors import ElfFormatError


def pointers_into(elf: Skeleton, ranges: Iterable[tuple[int, int]]) -> int | None:
    """An address in one of these ranges of the file that a relocation refers to; None where none does."""
    if not elf.dynamic.exists:
        return None
    spans = []
    for start, end in ranges:
        load = next((load for load in elf.loads if load.offset <= start < load.end), None)
        if load is not None:
            spans.append((start - load.offset + load.vaddr, end - load.offset + load.vaddr))
    if not spans:
        return None
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    for targets in (_addends(elf), _implicit(elf), _packed(elf)):
        for address in targets:
            if low <= address < high and any(first <= address < last for first, last in spans):
                return address
    return None


def _table(elf: Skeleton, tag: int, size_tag: int) -> array[int]:
    """A table of words, in the byte order of this machine."""
    words = array("Q" if elf.records.bits == 64 else "I")
    size = elf.dynamic.get(size_tag)
    span = elf.dynamic.table.span(tag, "relocations")
    if span is None or not size:
        return words
    if size > span[1]:
        raise ElfFormatError("relocations reach beyond their segment", field="DT_RELASZ", offset=span[0], value=size)
    words.frombytes(elf.data[span[0] : span[0] + size // words.itemsize * words.itemsize])
    if elf.records.little_endian != (byteorder == "little"):
        words.byteswap()
    return words


def _addends(elf: Skeleton) -> Iterator[int]:
    """r_addend, where there is no symbol that it would be relative to."""
    words = _table(elf, DT_RELA, DT_RELASZ)
    shift = 32 if elf.records.bits == 64 else 8
    if len(words) % 3:
        words = words[: len(words) // 3 * 3]
    return (addend for info, addend in zip(words[1::3], words[2::3], strict=True) if not info >> shift)


def _implicit(elf: Skeleton) -> Iterator[int]:
    """What stands where DT_REL's relocations point to."""
    words = _table(elf, DT_REL, DT_RELSZ)
    shift = 32 if elf.records.bits == 64 else 8
    infos = words[1::2]
    return stored(elf, (place for place, info in zip(words, infos, strict=False) if not info >> shift) if infos else ())


def _packed(elf: Skeleton) -> Iterator[int]:
    """What stands where DT_RELR's relocations point to."""
    return stored(elf, packed_places(elf))


def packed_places(elf: Skeleton) -> Iterator[int]:
    """Where DT_RELR's relocations point to (gABI, "Relative Relocation Table")."""
    size = elf.records.pointer.size
    base = 0
    for word in _table(elf, DT_RELR, DT_RELRSZ):
        if not word & 1:
            yield word
            base = word + size
            continue
        bits, place = word >> 1, base
        while bits:
            if bits & 1:
                yield place
            bits >>= 1
            place += size
        base += (8 * size - 1) * size


def stored(elf: Skeleton, places: Iterable[int]) -> Iterator[int]:
    """The words at some addresses; places without bytes of the file hold zero."""
    unpack, size = elf.records.pointer.unpack_from, elf.records.pointer.size
    loads = [(load.vaddr, load.vaddr + load.filesz - size, load.offset - load.vaddr) for load in elf.loads]
    for place in places:
        for low, high, distance in loads:
            if low <= place <= high:
                yield unpack(elf.data, place + distance)[0]
                break
