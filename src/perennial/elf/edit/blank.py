"""Definitions that are taken out of a file: nobody finds them, and their bytes are zeros.

So a library of many small functions can be given to those who use a few of them: zeros cost nothing in a wheel, and
nothing can be done with the rest. Nothing moves, since distances in code stay what they are.

What is blanked must be nobody else's. Other dynamic symbols say so by what they cover, and relocations by what they
name or point to. That code of the same file calls a function directly is written nowhere: whoever blanks it has to
know. A relocation that writes into what is blanked is refused as well, harmless as it would be to hidden data: it may
name a symbol that goes on being looked up, and in memory the bytes would be no zeros.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from struct import Struct

from perennial.arch import EM_ARM, EM_PPC64
from perennial.elf.constants import (
    DT_FINI,
    DT_FINI_ARRAY,
    DT_FINI_ARRAYSZ,
    DT_GNU_HASH,
    DT_HASH,
    DT_INIT,
    DT_INIT_ARRAY,
    DT_INIT_ARRAYSZ,
    DT_JMPREL,
    DT_PLTREL,
    DT_PLTRELSZ,
    DT_REL,
    DT_RELA,
    DT_RELASZ,
    DT_RELR,
    DT_RELRSZ,
    DT_RELSZ,
    DT_STRTAB,
    DT_SYMTAB,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERSYM,
    EI_NIDENT,
    PT_GNU_RELRO,
    PT_GNU_STACK,
    PT_INTERP,
    PT_LOAD,
    PT_NULL,
    PT_TLS,
    SHN_ABS,
    SHN_UNDEF,
    STT_FILE,
    STT_FUNC,
    STT_GNU_IFUNC,
    STT_NOTYPE,
    STT_SECTION,
    STT_TLS,
)
from perennial.elf.edit.pointers import packed_places, pointers_into
from perennial.elf.edit.runs import TableSizes
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.symbols import dynamic_symbols, hide_symbols
from perennial.elf.edit.versions import Patch
from perennial.errors import ElfEditError
from perennial.lean_typing import Final, NamedTuple

_ET_EXEC: Final = 2
_EF_PPC64_ABI: Final = 3
_ASIDE: Final = frozenset({PT_LOAD, PT_NULL, PT_TLS, PT_GNU_RELRO, PT_GNU_STACK})
_TABLES: Final = (DT_HASH, DT_GNU_HASH, DT_SYMTAB, DT_STRTAB, DT_VERSYM, DT_VERDEF, DT_VERNEED)
_SIZED: Final = (
    (DT_REL, DT_RELSZ), (DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ), (DT_RELR, DT_RELRSZ),
    (DT_INIT_ARRAY, DT_INIT_ARRAYSZ), (DT_FINI_ARRAY, DT_FINI_ARRAYSZ),
)  # fmt: skip

Range = tuple[int, int]


class _Extent(NamedTuple):
    """What a defined symbol covers, in addresses."""

    start: int
    end: int
    number: int
    kind: int
    name: bytes


def blank_symbols(elf: Skeleton, names: tuple[str, ...]) -> tuple[Patch, ...]:
    """STV_HIDDEN and no value for the defined symbols of these names, in all their versions, and zeros for what they
    cover.
    """
    wanted = {name.encode() for name in names}
    extents = tuple(_extents(elf)) if wanted else ()
    blank = [extent for extent in extents if extent.name in wanted]
    if not blank:
        return ()
    if elf.header.type == _ET_EXEC:
        raise ElfEditError(f"{_name(blank[0])} may be used anywhere: it is a program of fixed addresses")
    if any(extent.kind == STT_FUNC for extent in blank) and _has_descriptors(elf):
        raise ElfEditError(f"{_name(blank[0])} is a descriptor of a function that is elsewhere")
    spans = _merged([(extent.start, extent.end) for extent in blank])
    ranges = list(_in_file(elf, spans))
    _check_alone(spans, [extent for extent in extents if extent.name not in wanted])
    _check_no_table(elf, ranges)
    _check_relocations(elf, spans, {extent.number: extent for extent in blank})
    if (pointer := pointers_into(elf, ranges)) is not None:
        raise ElfEditError(f"a relocation points to {pointer:#x}, which is to become zero")
    zeros = [Patch(low, bytes(high - low)) for low, high in ranges if elf.data[low:high].strip(b"\0")]
    hidden = hide_symbols(elf, tuple(name.decode() for name in {extent.name for extent in blank}))
    return (*hidden, *_without_value(elf, blank), *zeros)


def _without_value(elf: Skeleton, blank: list[_Extent]) -> Iterator[Patch]:
    """Zeros for st_value and st_size: what has no value is no definition to any loader (glibc, `check_match`; musl,
    `find_sym`), while visibility counts in glibc since 2.24 and nowhere else. Of thread-local storage and what is
    absolute, zero is a value.
    """
    table, start, _ = dynamic_symbols(elf)
    fields = elf.records.symbol
    for extent in blank:
        place = extent.number * fields.size
        (section,) = elf.records.half.unpack_from(table, place + fields.shndx)
        for field in (fields.value, fields.extent) if section != SHN_ABS and extent.kind != STT_TLS else ():
            size = elf.records.pointer.size
            if any(table[place + field : place + field + size]):
                yield Patch(start + place + field, bytes(size))


def _has_descriptors(elf: Skeleton) -> bool:
    """ELFv1 of 64-bit PowerPC: a function's symbol is its entry in .opd, with the size of its code."""
    abi = elf.header.flags & _EF_PPC64_ABI
    return elf.header.machine == EM_PPC64 and (abi == 1 or (abi == 0 and not elf.records.little_endian))


def _extents(elf: Skeleton) -> Iterator[_Extent]:
    table, _, strings = dynamic_symbols(elf)
    fields, pointer, half, word = elf.records.symbol, elf.records.pointer, elf.records.half, elf.records.word
    storage = next((segment for segment in elf.segments if segment.type == PT_TLS), None)
    for number in range(len(table) // fields.size):
        place = number * fields.size
        (section,), kind = half.unpack_from(table, place + fields.shndx), table[place + fields.info] & 0xF
        if section == SHN_UNDEF or kind in (STT_SECTION, STT_FILE):
            continue
        (start,), (size,) = (pointer.unpack_from(table, place + field) for field in (fields.value, fields.extent))
        if section == SHN_ABS or (kind == STT_TLS and (storage is None or start >= storage.filesz)):
            start = size = 0  # of .tbss, which lies where other things lie
        elif kind == STT_TLS and storage is not None:
            size = min(size, storage.filesz - start)
            start += storage.vaddr  # what each thread begins with
        elif kind in (STT_FUNC, STT_GNU_IFUNC) and elf.header.machine == EM_ARM:
            start &= ~1  # of Thumb's instructions (AAELF32, "Symbol values")
        (name,) = word.unpack_from(table, place)
        yield _Extent(start, start + size, number, kind, strings[name : max(strings.find(b"\0", name), name)])


def _merged(ranges: list[Range]) -> list[Range]:
    merged: list[Range] = []
    for start, end in sorted(each for each in ranges if each[1] > each[0]):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _in_file(elf: Skeleton, spans: list[Range]) -> Iterator[Range]:
    """Offsets, for what the file has bytes of."""
    for start, end in spans:
        for load in elf.loads:
            low, high = max(start, load.vaddr), min(end, load.vaddr + load.filesz)
            if low < high:
                yield low - load.vaddr + load.offset, high - load.vaddr + load.offset


def _within(spans: list[Range], address: int) -> bool:
    index = bisect_right(spans, (address, 1 << 65)) - 1
    return index >= 0 and address < spans[index][1]


def _check_alone(spans: list[Range], others: list[_Extent]) -> None:
    for other in others:
        covered = _within(spans, other.start)
        if other.end == other.start and other.kind == STT_NOTYPE:
            covered = covered and all(start != other.start for start, _ in spans)  # the end of what is before
        first = bisect_right(spans, (other.start, 1 << 65))
        if covered or (first < len(spans) and spans[first][0] < other.end):
            raise ElfEditError(f"{_name(other)} has a part of what is to become zero")


def _check_no_table(elf: Skeleton, ranges: list[Range]) -> None:
    """Refuses symbols that claim what a loader reads."""
    taken = [(0, EI_NIDENT + elf.records.ehdr.size), (elf.header.phoff, elf.headers_end), elf.section_headers]
    taken += [(segment.offset, segment.end) for segment in elf.segments if segment.type not in _ASIDE]
    sizes = TableSizes(elf)
    lengths = [(tag, sizes.of(tag) or sizes.least(tag)) for tag in _TABLES if elf.dynamic.get(tag) is not None]
    lengths += [(tag, elf.dynamic.get(size) or 0) for tag, size in _SIZED if elf.dynamic.get(tag) is not None]
    for tag, length in lengths:
        span = elf.dynamic.table.span(tag, "table") if length else None
        if span is not None:
            taken.append((span[0], span[0] + length))
    for low, high in ranges:
        if any(start < high and low < end for start, end in taken):
            raise ElfEditError(f"what is to become zero from offset {low:#x} on is no code or data")


def _check_relocations(elf: Skeleton, spans: list[Range], blank: dict[int, _Extent]) -> None:
    for place, symbol, addend in _relocations(elf):
        if symbol in blank:
            raise ElfEditError(f"a relocation needs {_name(blank[symbol])}, which is to become zero")
        if _within(spans, place) or (symbol == 0 and addend is not None and _within(spans, addend)):
            raise ElfEditError(f"a relocation at {place:#x} has to do with what is to become zero")
    for place in packed_places(elf):
        if _within(spans, place):
            raise ElfEditError(f"a relocation at {place:#x} has to do with what is to become zero")
    # GNU ld has e_entry of libraries say where .text begins, and nobody goes there.
    entry = elf.header.entry if any(segment.type == PT_INTERP for segment in elf.segments) else None
    for address in (entry, elf.dynamic.get(DT_INIT), elf.dynamic.get(DT_FINI)):
        if address is not None and _within(spans, address & ~1 if elf.header.machine == EM_ARM else address):
            raise ElfEditError(f"the loader calls {address:#x}, which is to become zero")


def _relocations(elf: Skeleton) -> Iterator[tuple[int, int, int | None]]:
    """(r_offset, symbol, r_addend) of each relocation; an addend that stands in its place is None."""
    wide = elf.records.bits == 64
    of_calls = elf.dynamic.get(DT_PLTREL) == DT_RELA
    for tag, size_tag, has_addend in (
        (DT_REL, DT_RELSZ, False),
        (DT_RELA, DT_RELASZ, True),
        (DT_JMPREL, DT_PLTRELSZ, of_calls),
    ):
        span, size = elf.dynamic.table.span(tag, "relocations"), elf.dynamic.get(size_tag)
        if span is None or not size:
            continue
        pointer = elf.records.pointer.format
        form = Struct(pointer + pointer[-1] * (2 if has_addend else 1))
        end = span[0] + min(size, span[1]) // form.size * form.size
        for place, info, *addend in form.iter_unpack(elf.data[span[0] : end]):
            yield place, info >> (32 if wide else 8), addend[0] if addend else None


def _name(extent: _Extent) -> str:
    return extent.name.decode("utf-8", "backslashreplace")
