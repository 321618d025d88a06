"""The part of reading back that looks at symbols, versions and section headers.

Symbols are compared as one run of bytes, in which those that stand for moved sections have followed them;
of versions there are few, and each is looked at.
"""

from __future__ import annotations

from perennial.arch import EM_X86_64
from perennial.elf.constants import (
    DT_REL,
    DT_RELA,
    DT_RELASZ,
    DT_RELR,
    DT_RELSZ,
    SHF_ALLOC,
    SHF_INFO_LINK,
    SHN_ABS,
    SHN_UNDEF,
    SHT_DYNAMIC,
    SHT_GNU_VERDEF,
    SHT_GNU_VERNEED,
    SHT_NOBITS,
    SHT_NULL,
    SHT_REL,
    SHT_RELA,
    SHT_RELR,
    SHT_STRTAB,
    SHT_SYMTAB,
    STB_GLOBAL,
    STB_GNU_UNIQUE,
    STT_FILE,
    STT_SECTION,
    STT_TLS,
    STV_HIDDEN,
)
from perennial.elf.edit.changes import ElfChanges
from perennial.elf.edit.records import Section, sysv_hash
from perennial.elf.edit.runs import string_run
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.strings import StringTable
from perennial.elf.edit.strip import Sections
from perennial.elf.edit.symbols import hide_symbols, renumbered, shifted_values
from perennial.elf.edit.verify_references import names_after
from perennial.elf.edit.version_tables import verdef_rows, verneed_rows
from perennial.errors import ElfEditError
from perennial.lean_typing import Final

# st_info: STB_GLOBAL in the place of STB_GNU_UNIQUE, whatever the type
_WITHOUT_UNIQUE: Final = bytes(
    STB_GLOBAL << 4 | info & 0xF if info >> 4 == STB_GNU_UNIQUE else info for info in range(256)
)


def wrong(what: str) -> ElfEditError:
    return ElfEditError(f"the edited file {what}: nothing was written")


def symbols_after(
    before: Skeleton, after: Skeleton, table: bytes, start: int, wanted: tuple[ElfChanges, Sections]
) -> bytes:
    """The dynamic symbols as they must be: those of `table`, which stands at `start` of the old file."""
    changes, sections = wanted
    symbols = bytearray(table)
    names_after(before, after, symbols, changes)
    for offset, content in hide_symbols(before, changes.hide_symbols):
        symbols[offset - start : offset - start + len(content)] = content
    _hide(before, symbols, {name.encode() for name in changes.blank_symbols})
    if changes.unique_to_global:
        size, place = before.records.symbol.size, before.records.symbol.info
        symbols[place::size] = symbols[place::size].translate(_WITHOUT_UNIQUE)
    shifts = {}
    for old, now in zip(sections.kept, after.sections, strict=True):
        was = before.sections[old]
        if was.address != now.address:
            shifts[old] = (was.address, was.address + was.size, now.address - was.address)
    for offset, content in (
        *shifted_values(before.records, table, shifts),
        *renumbered(before.records, table, {old: new for new, old in enumerate(sections.kept)}),
    ):
        symbols[offset : offset + len(content)] = content
    return bytes(symbols)


def _hide(before: Skeleton, symbols: bytearray, names: set[bytes]) -> None:
    """Where symbols of these names are defined: STV_HIDDEN in the two lowest bits of st_other, no value and no size."""
    fields, strings = before.records.symbol, _strings(before)
    for place in range(0, len(symbols), fields.size) if names else ():
        is_defined = before.records.half.unpack_from(symbols, place + fields.shndx)[0] != SHN_UNDEF
        if is_defined and strings[before.records.word.unpack_from(symbols, place)[0]] in names:
            symbols[place + fields.other] = symbols[place + fields.other] & ~3 | STV_HIDDEN
            is_absolute = before.records.half.unpack_from(symbols, place + fields.shndx)[0] == SHN_ABS
            if not is_absolute and symbols[place + fields.info] & 0xF not in (STT_SECTION, STT_FILE, STT_TLS):
                for field in (place + fields.value, place + fields.extent):
                    symbols[field : field + before.records.pointer.size] = bytes(before.records.pointer.size)


def check_versions(before: Skeleton, after: Skeleton, changes: ElfChanges) -> None:
    """Hashes, flags and indexes, which facts leave out; names are facts."""
    removed = {name.encode() for name in changes.remove_needed}
    old, new = _strings(before), _strings(after)
    kept = [row for row in verneed_rows(before) if old[row[0]] not in removed]
    if changes.expand_relr:
        kept = [row for row in kept if old[row[1]] != b"GLIBC_ABI_DT_RELR"]
    if changes.clear_plt_marks and before.header.machine == EM_X86_64:
        names = {b"GLIBC_ABI_DT_X86_64_PLT", b"GLIBC_2.36"} - {new[row[1]] for row in verneed_rows(after)}
        kept = [row for row in kept if old[row[1]] not in names]  # which of them, facts say
    found = list(verneed_rows(after))
    if changes.rebind:
        kept = found  # check_references looks at these
    if len(kept) != len(found):
        raise wrong("has another number of version needs")
    for needed, still in () if changes.rebind else zip(kept, found, strict=True):
        _check_row(needed[1:], still[1:], old, new)
    definitions, others = list(verdef_rows(before)), list(verdef_rows(after))
    if len(definitions) != len(others):
        raise wrong("has another number of version definitions")
    for was, now in zip(definitions, others, strict=True):
        _check_row(was, now, old, new)


def _check_row(was: tuple[int, ...], now: tuple[int, ...], old: StringTable, new: StringTable) -> None:
    """Rows of (name, hash, flags, index)."""
    name = new[now[0]]
    hashed = was[1] if name == old[was[0]] else sysv_hash(name)
    if now[1:] != (hashed, *was[2:]):
        raise wrong(f"has another version record for {name.decode('utf-8', 'backslashreplace')}")


def _strings(elf: Skeleton) -> StringTable:
    run = string_run(elf)
    return StringTable(b"" if run is None else elf.data[run.offset : run.end])


def check_sections(before: Skeleton, after: Skeleton, sections: Sections) -> None:
    """Section headers tell the truth, and sections that no loader reads hold what they held."""
    if len(after.sections) != len(sections.kept):
        raise wrong("has another number of sections")
    numbers = {old: new for new, old in enumerate(sections.kept)}
    for old, now in zip(sections.kept, after.sections, strict=True):
        was, name = before.sections[old], before.name_of(old)
        written_out = was.type == SHT_RELR and before.dynamic.get(DT_RELR) == was.address and now != was
        if written_out:
            _check_written_out(after, now, name)
            continue
        if before.names[old] != after.names[numbers[old]] or _plain(was) != _plain(now):
            raise wrong(f"has another section instead of {name}")
        if now.link != numbers.get(was.link, 0) or (_info_is_section(was) and now.info != numbers.get(was.info, 0)):
            raise wrong(f"links section {name} to another")
        if was.type in (SHT_NOBITS, SHT_NULL):
            if was[2:6] != now[2:6]:
                raise wrong(f"has another section {name}")
        elif was.flags & SHF_ALLOC:
            _check_loaded(before, after, (was, now), name)
        else:
            wanted = sections.contents.get(old, before.data[was.offset : was.end])
            found = after.data[now.offset : now.end]
            if wanted != found and not (was.type == SHT_SYMTAB and len(wanted) == len(found)):
                raise wrong(f"has another section {name}")


def _check_written_out(after: Skeleton, section: Section, name: str) -> None:
    """DT_RELR's section is empty, or the table of all relocations."""
    tags = {SHT_RELA: (DT_RELA, DT_RELASZ), SHT_REL: (DT_REL, DT_RELSZ)}
    if after.dynamic.get(DT_RELR) is not None or (
        section.size and (section.address, section.size) != tuple(map(after.dynamic.get, tags.get(section.type, ())))
    ):
        raise wrong(f"has another section {name}")


def _plain(section: Section) -> tuple[int, ...]:
    return section.type, section.flags, section.align, section.entsize


def _info_is_section(section: Section) -> bool:
    return bool(section.flags & SHF_INFO_LINK) or section.type in (SHT_REL, SHT_RELA)


def _check_loaded(before: Skeleton, after: Skeleton, pair: tuple[Section, Section], name: str) -> None:
    was, now = pair
    may_grow = (SHT_STRTAB, SHT_DYNAMIC, SHT_GNU_VERNEED, SHT_REL, SHT_RELA)
    if now.size != was.size and now.type not in may_grow:
        raise wrong(f"has another size of section {name}")
    if was.address == now.address and was.offset != now.offset:
        raise wrong(f"has section {name} at another offset")
    if was.address != now.address:
        if after.image.span_from(now.address, "sh_addr")[0] != now.offset:
            raise wrong(f"has section {name} where nothing is mapped")
        kinds = (SHT_DYNAMIC, SHT_GNU_VERNEED, SHT_GNU_VERDEF)  # looked at record by record
        if (
            now.type not in kinds
            and now.entsize == 0
            and before.data[was.offset : was.end] != after.data[now.offset : now.offset + was.size]
        ):
            raise wrong(f"has another section {name}")
