"""Symbol tables, changed without looking at every symbol in turn.

A table of n records is n strided slices: bytes.translate and array.index find the few that matter
at the speed of C, in .dynsym and in .symtab alike.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from sys import byteorder

from perennial.elf.constants import (
    DT_STRTAB,
    DT_SYMTAB,
    SHN_LORESERVE,
    SHN_UNDEF,
    STB_GLOBAL,
    STB_GNU_UNIQUE,
    STV_HIDDEN,
)
from perennial.elf.edit.records import Records
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.version_tables import symbol_total
from perennial.elf.edit.versions import Patch
from perennial.errors import ElfEditError

_VISIBILITY = 3  # ELF64_ST_VISIBILITY


def section_indexes(records: Records, table: bytes) -> array[int]:
    """st_shndx of each symbol."""
    size, place = records.symbol.size, records.symbol.shndx
    raw = bytearray(len(table) // size * 2)
    raw[0::2] = table[place::size]
    raw[1::2] = table[place + 1 :: size]
    indexes = array("H", bytes(raw))
    if records.little_endian != (byteorder == "little"):
        indexes.byteswap()
    return indexes


def name_offsets(records: Records, table: bytes) -> array[int]:
    """st_name of each symbol."""
    size = records.symbol.size
    raw = bytearray(len(table) // size * 4)
    for byte in range(4):
        raw[byte::4] = table[byte::size]
    offsets = array("I", bytes(raw))
    if records.little_endian != (byteorder == "little"):
        offsets.byteswap()
    return offsets


def largest_extent(elf: Skeleton) -> int:
    """The largest st_size of the dynamic symbols."""
    table, _, _ = dynamic_symbols(elf)
    size, place, width = elf.records.symbol.size, elf.records.symbol.extent, elf.records.pointer.size
    raw = bytearray(len(table) // size * width)
    for byte in range(width):
        raw[byte::width] = table[place + byte :: size]
    extents = array("Q" if width == 8 else "I", bytes(raw))
    if elf.records.little_endian != (byteorder == "little"):
        extents.byteswap()
    return max(extents, default=0)


def places_of(values: array[int], wanted: int) -> Iterator[int]:
    """Where a value stands."""
    place = -1
    while True:
        try:
            place = values.index(wanted, place + 1)
        except ValueError:
            return
        yield place


def hide_symbols(elf: Skeleton, names: tuple[str, ...]) -> tuple[Patch, ...]:
    """STV_HIDDEN for the defined symbols of these names, in all their versions.

    glibc passes over hidden symbols since 2.24, and a file's own references to them bind to itself. Before that, and
    in musl, lookups find them (see `perennial.elf.visibility`).
    """
    if not names:
        return ()
    table, start, strings = dynamic_symbols(elf)
    size, other = elf.records.symbol.size, elf.records.symbol.other
    sections, offsets = section_indexes(elf.records, table), name_offsets(elf.records, table)
    wanted = {offset: name for name in names for offset in _places_in(strings, name.encode())}
    found = [index for index, offset in enumerate(offsets) if offset in wanted and sections[index] != SHN_UNDEF]
    missing = sorted(set(names) - {wanted[offsets[index]] for index in found})
    if missing:
        raise ElfEditError(f"it defines no symbol {missing[0]!r} that could be hidden")
    patches = []
    for index in found:
        value = table[index * size + other]
        if value & _VISIBILITY != STV_HIDDEN:
            patches.append(Patch(start + index * size + other, bytes([value & ~_VISIBILITY | STV_HIDDEN])))
    return tuple(patches)


def unique_to_global(elf: Skeleton, *, wanted: bool) -> tuple[Patch, ...]:
    """STB_GLOBAL for what is STB_GNU_UNIQUE, defined or not.

    glibc's `do_lookup_unique` gives all files of a process the first definition of a name that it came to, whatever
    its version and however the file was opened. As global symbols they are found as all others are.
    """
    if not wanted:
        return ()
    table, start, _ = dynamic_symbols(elf)
    size, place = elf.records.symbol.size, elf.records.symbol.info
    return tuple(
        Patch(start + number * size + place, bytes([STB_GLOBAL << 4 | info & 0xF]))
        for number, info in enumerate(table[place::size])
        if info >> 4 == STB_GNU_UNIQUE
    )


def dynamic_symbols(elf: Skeleton) -> tuple[bytes, int, bytes]:
    """The dynamic symbols, their offset in the file, and their strings."""
    if not elf.dynamic.exists:
        return b"", 0, b""
    span = elf.dynamic.table.span(DT_SYMTAB, "DT_SYMTAB")
    strings = elf.dynamic.table.span(DT_STRTAB, "DT_STRTAB")
    if span is None or strings is None:
        return b"", 0, b""
    size = min(symbol_total(elf) * elf.records.symbol.size, span[1])
    return elf.data[span[0] : span[0] + size], span[0], elf.data[strings[0] : sum(strings)]


def _places_in(strings: bytes, name: bytes) -> Iterator[int]:
    """All offsets at which a string reads `name`; names may share their ends."""
    place = strings.find(name + b"\0")
    while place >= 0:
        yield place
        place = strings.find(name + b"\0", place + 1)


def shifted_values(records: Records, table: bytes, shifts: Mapping[int, tuple[int, int, int]]) -> Iterator[Patch]:
    """The values of symbols that lie in sections that move.

    `shifts` says for a section's index which addresses move, from and to, and by how much. Offsets are from the
    table's start.
    """
    if not shifts:
        return
    size, place, pointer = records.symbol.size, records.symbol.value, records.pointer
    sections = section_indexes(records, table)
    for index, (low, high, distance) in shifts.items():
        for number in places_of(sections, index):
            offset = number * size + place
            (value,) = pointer.unpack_from(table, offset)
            if low <= value <= high:
                yield Patch(offset, pointer.pack(value + distance))


def renumbered(records: Records, table: bytes, numbers: Mapping[int, int]) -> Iterator[Patch]:
    """st_shndx for sections that have another index now; from the table's start."""
    changed = {old: new for old, new in numbers.items() if old != new and old < SHN_LORESERVE}
    if not changed:
        return
    size, place, half = records.symbol.size, records.symbol.shndx, records.half
    sections = section_indexes(records, table)
    for old, new in changed.items():
        for number in places_of(sections, old):
            yield Patch(number * size + place, half.pack(new))
