"""A draft becomes bytes: patches, what moves, headers, tail."""

from __future__ import annotations

from perennial.elf.constants import (
    DT_FINI,
    DT_FINI_ARRAY,
    DT_GNU_HASH,
    DT_HASH,
    DT_INIT,
    DT_INIT_ARRAY,
    DT_JMPREL,
    DT_MIPS_RLD_MAP_REL,
    DT_NULL,
    DT_PLTGOT,
    DT_PREINIT_ARRAY,
    DT_REL,
    DT_RELA,
    DT_RELR,
    DT_STRTAB,
    DT_SYMTAB,
    DT_SYMTAB_SHNDX,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERSYM,
    EI_NIDENT,
    PT_DYNAMIC,
    PT_GNU_PROPERTY,
    PT_INTERP,
    PT_NOTE,
    PT_PHDR,
    SHF_ALLOC,
    SHF_INFO_LINK,
    SHN_ABS,
    SHT_DYNSYM,
    SHT_GNU_VERNEED,
    SHT_NOBITS,
    SHT_REL,
    SHT_RELA,
    SHT_RELR,
    SHT_STRTAB,
    SHT_SYMTAB,
)
from perennial.elf.edit.draft import Draft
from perennial.elf.edit.layout import Placed
from perennial.elf.edit.records import Section, Segment, pack_segments
from perennial.elf.edit.relative import table_of
from perennial.elf.edit.runs import string_run
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.strip import left_behind
from perennial.elf.edit.symbols import name_offsets, places_of, renumbered, section_indexes, shifted_values
from perennial.elf.edit.tail import lay_out
from perennial.elf.edit.versions import Patch
from perennial.lean_typing import Final

_POINTERS: Final = frozenset({
    DT_PLTGOT, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_INIT, DT_FINI, DT_REL, DT_JMPREL, DT_INIT_ARRAY,
    DT_FINI_ARRAY, DT_PREINIT_ARRAY, DT_SYMTAB_SHNDX, DT_RELR, DT_GNU_HASH, DT_VERSYM, DT_VERDEF, DT_VERNEED,
})  # fmt: skip
_FOLLOW: Final = frozenset({PT_NOTE, PT_GNU_PROPERTY, PT_INTERP, PT_DYNAMIC})
_EM_MIPS: Final = 8


def emit(elf: Skeleton, draft: Draft) -> bytes:
    """The new file."""
    moves_tail = draft.layout.tail_moves or draft.is_stripped
    out = bytearray(elf.data[: elf.loaded_end] if moves_tail else elf.data)
    for patch in (*draft.patches, *left_behind(elf, draft.sections)):
        _write(out, patch)
    contents = _take_away(draft, out)
    if draft.layout.grown_from is not None:
        out += bytes(draft.layout.grown_to - len(out))
    for placed, content in contents:
        out[placed.offset : placed.offset + len(content)] = content
    strings = string_run(elf)
    if draft.added_strings and strings is not None and not any(p.run == strings for p in draft.layout.placed):
        out[strings.end : strings.end + len(draft.added_strings)] = draft.added_strings
    _write_dynamic(elf, draft, out)
    segments = _segments(elf, draft)
    table = pack_segments(elf.records, segments)
    table = table.ljust(elf.headers_end - elf.header.phoff, b"\0")
    out[elf.header.phoff : elf.header.phoff + len(table)] = table
    sections, headers_at = _add_tail(elf, draft, out, moves_tail=moves_tail)
    header = elf.header._replace(phnum=len(segments), shoff=headers_at, shnum=len(sections))
    if elf.sections:
        header = header._replace(shstrndx=_numbers(draft).get(elf.header.shstrndx, elf.header.shstrndx))
    elf.records.ehdr.pack_into(out, EI_NIDENT, *header)
    for index, section in enumerate(sections):
        elf.records.shdr.pack_into(out, headers_at + index * elf.records.shdr.size, *section)
    return bytes(out)


def _write(out: bytearray, patch: Patch, base: int = 0) -> None:
    start = base + patch.offset
    out[start : start + len(patch.content)] = patch.content


def _take_away(draft: Draft, out: bytearray) -> list[tuple[Placed, bytes]]:
    """The content of what moves. Its old place becomes zeros where a section header proves that it
    is nobody else's: zeros cost nothing in a wheel, and a stale copy costs what the table costs.
    """
    contents = []
    for placed in draft.layout.placed:
        run = placed.run
        content = bytes(out[run.offset : run.end])
        table = next((table for table in draft.tables if table.run == run), None)
        if table is not None:
            content = table.content if table.ahead is None else table.content[: table.ahead] + content
        if run.tag == DT_STRTAB:
            content += draft.added_strings
        if run.owned and run.tag is not None:
            out[run.offset : run.end] = bytes(run.size)
        if run.name != ".dynamic":
            contents.append((placed, content))
    return contents


def _moved(moves: tuple[Placed, ...], address: int) -> int:
    """Where what was at `address` is now."""
    for placed in moves:
        if placed.run.address <= address < placed.run.address + placed.run.size:
            return address + placed.address - placed.run.address
    return address


def _ahead(draft: Draft, address: int) -> int:
    """How many bytes stand in front of what was in the table at `address`, which there were not."""
    for table in draft.tables:
        if table.run.address <= address < table.run.address + table.run.size:
            return table.ahead or 0
    return 0


def _dynamic_place(elf: Skeleton, draft: Draft) -> tuple[int, int, int]:
    """Offset, address and size of PT_DYNAMIC."""
    for placed in draft.layout.placed:
        if placed.run.name == ".dynamic":
            return placed.offset, placed.address, placed.size
    return elf.dynamic.offset, elf.dynamic.address, elf.dynamic.capacity * elf.records.dyn.size


def _write_dynamic(elf: Skeleton, draft: Draft, out: bytearray) -> None:
    if not elf.dynamic.exists:
        return
    offset, address, size = _dynamic_place(elf, draft)
    entry = elf.records.dyn.size
    content = bytearray()
    for index, (tag, value) in enumerate(draft.entries):
        new = value
        if tag in _POINTERS:
            new = _moved(draft.layout.placed, value)
            if tag == DT_JMPREL and new != value:
                new += _ahead(draft, value)
        elif tag == DT_MIPS_RLD_MAP_REL and elf.header.machine == _EM_MIPS:
            # relative to the entry itself
            before = elf.dynamic.address + [t for t, _ in elf.dynamic.entries].index(tag) * entry
            new = value + before - (address + index * entry) & (1 << elf.records.bits) - 1
        content += elf.records.dyn.pack(tag, new)
    content += elf.records.dyn.pack(DT_NULL, 0) * (size // entry - len(draft.entries))
    out[offset : offset + size] = content
    if address != elf.dynamic.address:
        _follow_dynamic(elf, address, out)


def _follow_dynamic(elf: Skeleton, address: int, out: bytearray) -> None:
    """The first word of the GOT is _DYNAMIC's address in most processor supplements."""
    pointer = elf.records.pointer
    places = {s.offset for s, name in zip(elf.sections, elf.names, strict=True) if name in (b".got", b".got.plt")}
    span = elf.dynamic.table.span(DT_PLTGOT, "DT_PLTGOT") if _is_backed(elf, elf.dynamic.get(DT_PLTGOT)) else None
    if span is not None:
        places.add(span[0])
    for place in places:
        if place + pointer.size <= elf.loaded_end and pointer.unpack_from(out, place)[0] == elf.dynamic.address:
            pointer.pack_into(out, place, address)


def _is_backed(elf: Skeleton, address: int | None) -> bool:
    return address is not None and elf.image.is_mapped(address)


def _segments(elf: Skeleton, draft: Draft) -> tuple[Segment, ...]:
    """The program headers, with those that say where something is that has moved."""
    table = draft.layout.segments
    extra = (len(table) - len(elf.segments)) * elf.records.phdr.size
    segments = []
    for segment in table:
        if segment.type == PT_PHDR:
            segments.append(segment._replace(filesz=segment.filesz + extra, memsz=segment.memsz + extra))
        elif segment.type in _FOLLOW and segment.filesz:
            segments.append(_moved_segment(segment, draft.layout.placed))
        else:
            segments.append(segment)
    return tuple(segments)


def _moved_segment(segment: Segment, moves: tuple[Placed, ...]) -> Segment:
    for placed in moves:
        run = placed.run
        if run.offset <= segment.offset and segment.end <= run.end:
            moved = segment.moved(placed.offset - run.offset, placed.address - run.address)
            is_table = segment.type == PT_DYNAMIC
            return moved._replace(filesz=placed.size, memsz=placed.size) if is_table else moved
    return segment


def _numbers(draft: Draft) -> dict[int, int]:
    """The new index of each section that is kept, by its old one."""
    return {old: new for new, old in enumerate(draft.sections.kept)}


def _add_tail(elf: Skeleton, draft: Draft, out: bytearray, *, moves_tail: bool) -> tuple[list[Section], int]:
    """Appends what follows the loaded bytes, and returns all section headers and where they go."""
    if not elf.sections:
        if moves_tail:
            out += elf.data[elf.loaded_end :]
        return [], elf.header.shoff
    if moves_tail:
        tail = lay_out(elf, draft.sections, len(out))
        out += tail.content
        old, headers_at = tail.sections, tail.headers_at
    else:
        old, headers_at = elf.sections, elf.header.shoff
    numbers = _numbers(draft)
    sections = []
    shifts: dict[int, tuple[int, int, int]] = {}
    for index, section in zip(draft.sections.kept, old, strict=True):
        moved = _moved_section(elf, draft, section)
        if moved.address != section.address:
            high = section.address + section.size
            shifts[index] = (section.address, high, moved.address - section.address)
        if section.type == SHT_GNU_VERNEED and draft.versions.needs_left is not None:
            moved = moved._replace(info=draft.versions.needs_left, size=draft.versions.needs_size)
        sections.append(_relinked(moved, numbers))
    for section in sections:
        if section.type in (SHT_SYMTAB, SHT_DYNSYM):
            strings = sections[min(section.link, len(sections) - 1)]
            _update_symbols(elf, draft, out, (section, strings), shifts)
    return sections, headers_at


def _moved_section(elf: Skeleton, draft: Draft, section: Section) -> Section:
    """With the place of the run that it is in, and the size of the table that it is."""
    if not section.flags & SHF_ALLOC or section.type == SHT_NOBITS:
        return section
    original = section
    for placed in draft.layout.placed:
        run = placed.run
        if section.size and run.offset <= section.offset and section.end <= run.end:
            section = section._replace(
                offset=section.offset + placed.offset - run.offset,
                address=section.address + placed.address - run.address,
            )
            if ahead := _ahead(draft, original.address):
                return _behind_new(section, ahead, is_first=original.offset == run.offset)
            if placed.size != run.size and original.offset == run.offset:
                section = section._replace(size=placed.size)
            return _written_out(elf, section) if section.type == SHT_RELR else section
    if section.type == SHT_RELR and section.address == elf.dynamic.get(DT_RELR) and draft.expands_relr:
        return section._replace(size=0)
    strings = string_run(elf)
    if strings is not None and draft.added_strings and section.type == SHT_STRTAB and section.offset == strings.offset:
        return section._replace(size=strings.size + len(draft.added_strings))
    return section


def _behind_new(section: Section, ahead: int, *, is_first: bool) -> Section:
    """One of the sections of a table that has new entries in front: the first has them."""
    if is_first:
        return section._replace(size=section.size + ahead)
    return section._replace(offset=section.offset + ahead, address=section.address + ahead)


def _written_out(elf: Skeleton, section: Section) -> Section:
    """The header of DT_RELR's table, for the one that has its relocations now. Names stay."""
    form = table_of(elf)
    symbols = elf.section_at(elf.dynamic.get(DT_SYMTAB) or 0, SHT_DYNSYM)
    return section._replace(type=form.section_type, entsize=form.entry.size, link=symbols or 0, info=0)


def _relinked(section: Section, numbers: dict[int, int]) -> Section:
    section = section._replace(link=numbers.get(section.link, 0))
    if section.flags & SHF_INFO_LINK or section.type in (SHT_REL, SHT_RELA):
        section = section._replace(info=numbers.get(section.info, 0))
    return section


def _update_symbols(
    elf: Skeleton,
    draft: Draft,
    out: bytearray,
    tables: tuple[Section, Section],
    shifts: dict[int, tuple[int, int, int]],
) -> None:
    """Symbols of sections that have moved or are counted otherwise, and _DYNAMIC; `tables` are symbols and names."""
    section, strings = tables
    table = bytes(out[section.offset : section.end])
    for patch in shifted_values(elf.records, table, shifts):
        _write(out, patch, section.offset)
    for patch in renumbered(elf.records, table, _numbers(draft)):
        _write(out, patch, section.offset)
    if not any(placed.run.name == ".dynamic" for placed in draft.layout.placed):
        return
    place = out.find(b"\0_DYNAMIC\0", strings.offset, strings.end)
    if place < 0:
        return
    size, value = elf.records.symbol.size, elf.records.symbol.value
    new = _dynamic_place(elf, draft)[1]
    indexes = section_indexes(elf.records, table)
    for number in places_of(name_offsets(elf.records, table), place + 1 - strings.offset):
        if indexes[number] == SHN_ABS:
            elf.records.pointer.pack_into(out, section.offset + number * size + value, new)
