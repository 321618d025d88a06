"""Which sections and symbols no loader reads and nobody wants any more; as GNU strip decides it.

`strip --strip-debug` leaves out sections that by their name hold debugging information
(bfd/elf.c, `_bfd_elf_make_section_from_shdr`), and of the symbol table the names of source files
and of sections. `strip --strip-all` leaves out the whole symbol table, and relocations that were
kept for linkers. Neither touches what is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping

from perennial.elf.constants import (
    SHF_ALLOC,
    SHT_NOBITS,
    SHT_NULL,
    SHT_REL,
    SHT_RELA,
    SHT_STRTAB,
    SHT_SYMTAB,
    SHT_SYMTAB_SHNDX,
    STT_FILE,
    STT_SECTION,
)
from perennial.elf.edit.changes import StripLevel
from perennial.elf.edit.records import Section
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.symbols import places_of, section_indexes
from perennial.elf.edit.versions import Patch
from perennial.lean_typing import Final, NamedTuple

_DEBUG: Final = (
    b".debug", b".zdebug", b".gnu.debuglto_.debug_", b".gnu.linkonce.wi.", b".line", b".stab", b".gdb_index",
)  # fmt: skip


class Sections(NamedTuple):
    """`kept` are indexes, in their order; `contents` are new bytes by old index; `first_global` is the new sh_info of
    a symbol table of which local symbols are gone.
    """

    kept: tuple[int, ...]
    contents: Mapping[int, bytes]
    names: Mapping[int, int]  # sh_name by old index
    first_global: Mapping[int, int]


def all_sections(elf: Skeleton) -> Sections:
    return Sections(tuple(range(len(elf.sections))), {}, {}, {})


def strip_sections(elf: Skeleton, level: StripLevel) -> Sections:
    """What is left. The same as `all_sections` where nothing is to be stripped."""
    if level is StripLevel.NOTHING or not elf.sections:
        return all_sections(elf)
    gone = _unwanted(elf, level)
    kept = tuple(index for index in range(len(elf.sections)) if index not in gone)
    contents, first_global = {}, {}
    for index in kept:
        section = elf.sections[index]
        if section.type == SHT_SYMTAB and not section.flags & SHF_ALLOC and not _has_long_indexes(elf, index):
            table, locals_left = _without_debug_symbols(elf, index, gone)
            if len(table) < section.size:
                contents[index], first_global[index] = table, locals_left
    names: dict[int, int] = {}
    if gone and elf.header.shstrndx in kept and not _is_linked_to(elf, elf.header.shstrndx):
        contents[elf.header.shstrndx], names = _section_names(elf, kept)
    return Sections(kept, contents, names, first_global)


def _unwanted(elf: Skeleton, level: StripLevel) -> set[int]:
    gone: set[int] = set()
    for index, (section, name) in enumerate(zip(elf.sections, elf.names, strict=True)):
        if section.flags & SHF_ALLOC or section.type == SHT_NULL or index == elf.header.shstrndx:
            continue
        if is_loaded(elf, section):
            continue
        is_symbols = section.type in (SHT_SYMTAB, SHT_SYMTAB_SHNDX)
        if name.startswith(_DEBUG) or (level is StripLevel.ALL and is_symbols):
            gone.add(index)
    for index, section in enumerate(elf.sections):
        if section.flags & SHF_ALLOC or index == elf.header.shstrndx:
            continue
        if section.type in (SHT_REL, SHT_RELA) and (section.info in gone or section.link in gone):
            gone.add(index)
    strings = {elf.sections[index].link for index in gone if elf.sections[index].type == SHT_SYMTAB}
    for index in strings - {0, elf.header.shstrndx}:
        if index >= len(elf.sections):
            continue
        section = elf.sections[index]
        users = [i for i, other in enumerate(elf.sections) if other.link == index and i not in gone]
        if section.type == SHT_STRTAB and not section.flags & SHF_ALLOC and not users:
            gone.add(index)
    return gone


def _has_long_indexes(elf: Skeleton, symbols: int) -> bool:
    return any(section.type == SHT_SYMTAB_SHNDX and section.link == symbols for section in elf.sections)


def _is_linked_to(elf: Skeleton, index: int) -> bool:
    """Whether symbols have their names in this table too, so that it must keep its offsets."""
    return any(section.link == index for section in elf.sections)


# bytes.translate to 1 where st_info says STT_SECTION or STT_FILE and STB_LOCAL
_DEBUG_INFO: Final = bytes(info in (STT_SECTION, STT_FILE) for info in range(256))


def _without_debug_symbols(elf: Skeleton, index: int, gone: set[int]) -> tuple[bytes, int]:
    """The table without the names of files and sections, and without what was in sections that go; and how many local
    symbols are left.

    Non-alloc relocations refer to symbols by number: where there are any, all symbols stay.
    """
    section = elf.sections[index]
    table = elf.data[section.offset : section.end]
    if any(other.type in (SHT_REL, SHT_RELA) and other.link == index for other in elf.sections):
        return table, section.info
    size = elf.records.symbol.size
    flags = bytearray(table[elf.records.symbol.info :: size].translate(_DEBUG_INFO))
    sections = section_indexes(elf.records, table)
    for number in gone:
        for place in places_of(sections, number):
            flags[place] = 1
    parts, start = [], 0
    place = flags.find(1, 1)
    while place >= 0:
        parts.append(table[start * size : place * size])
        start = place + 1
        place = flags.find(1, start)
    parts.append(table[start * size :])
    return b"".join(parts), section.info - flags.count(1, 1, section.info)


def _section_names(elf: Skeleton, kept: tuple[int, ...]) -> tuple[bytes, dict[int, int]]:
    """A new table of the names that are left, and where in it they stand."""
    text = bytearray(b"\0")
    places: dict[bytes, int] = {b"": 0}
    names = {}
    for index in kept:
        name = elf.names[index]
        if name not in places:
            places[name] = len(text)
            text += name + b"\0"
        names[index] = places[name]
    return bytes(text), names


def is_loaded(elf: Skeleton, section: Section) -> bool:
    """Whether a segment loads some of its bytes, whatever its flags say."""
    return any(load.offset < section.end and load.end > section.offset for load in elf.loads)


def left_behind(elf: Skeleton, sections: Sections) -> tuple[Patch, ...]:
    """What to write where sections are changed or left out that lie in front of loaded bytes, and so cannot make
    the file shorter: zeros at least cost nothing in a wheel.
    """
    patches = []
    for index, section in enumerate(elf.sections):
        content = sections.contents.get(index, b"")
        if section.offset >= elf.loaded_end or section.type in (SHT_NOBITS, SHT_NULL):
            continue
        if (index in sections.kept and index not in sections.contents) or is_loaded(elf, section):
            continue
        patches.append(Patch(section.offset, content + bytes(section.size - len(content))))
    return tuple(patches)
