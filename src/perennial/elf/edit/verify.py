"""Reads an edited file back: what it says must be what was wanted, and all else must be as it was.

Facts are compared as values (`facts.py` says which they must be). Everything else is compared as
ranges of bytes: each byte that was loaded is the same at the same place, but for headers and
those tables that may change or move, and what has moved reads the same at its new address.
Symbols, hashes and relocations are therefore never looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from perennial.elf.constants import (
    DT_GNU_HASH,
    DT_HASH,
    DT_MIPS_RLD_MAP_REL,
    DT_NEEDED,
    DT_PLTGOT,
    DT_RPATH,
    DT_RUNPATH,
    DT_SONAME,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMTAB,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERNEEDNUM,
    DT_VERSYM,
    EI_NIDENT,
    PT_DYNAMIC,
    PT_GNU_PROPERTY,
    PT_GNU_STACK,
    PT_INTERP,
    PT_LOAD,
    PT_NOTE,
    PT_NULL,
    PT_PHDR,
    SHF_ALLOC,
    SHT_NOBITS,
    SHT_NULL,
)
from perennial.elf.edit.changes import ElfChanges
from perennial.elf.edit.pointers import pointers_into
from perennial.elf.edit.records import Segment
from perennial.elf.edit.runs import TableSizes, string_run
from perennial.elf.edit.skeleton import Skeleton, read_skeleton
from perennial.elf.edit.strip import Sections, is_loaded
from perennial.elf.edit.verify_blank import check_blanked, ranges_blanked
from perennial.elf.edit.verify_references import check_references
from perennial.elf.edit.verify_relocations import (
    check_relocations,
    relocations_changed,
    relocations_moved,
    tags_that_change,
)
from perennial.elf.edit.verify_tables import check_sections, check_versions, symbols_after, wrong
from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from perennial.errors import ElfEditError, ElfFormatError
from perennial.lean_typing import Final

Range = tuple[int, int]
_PIECE: Final = 1 << 17
_TABLES: Final = (DT_HASH, DT_GNU_HASH, DT_SYMTAB, DT_STRTAB, DT_VERSYM, DT_VERDEF, DT_VERNEED)
# What facts state, where tables are, and what counts them; DT_MIPS_RLD_MAP_REL is relative to its own place.
_MAY_CHANGE: Final = frozenset({
    *_TABLES, DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_VERNEEDNUM, DT_MIPS_RLD_MAP_REL,
})  # fmt: skip
_MAY_MOVE: Final = frozenset({PT_NOTE, PT_GNU_PROPERTY, PT_INTERP, PT_DYNAMIC})


def verify(before: Skeleton, edited: bytes, wanted: ElfFile, changes: ElfChanges, sections: Sections) -> None:
    """`wanted` are the facts that the edited file must have, `sections` those that are kept.

    Raises `ElfEditError` where the edited file is not as it must be: then nothing may be written.
    """
    try:
        after = read_skeleton(edited)
        _check_facts(wanted, read_elf(edited), changes)
    except ElfFormatError as error:
        raise wrong(f"cannot be read any more: {error}") from error
    _check_segments(before, after)
    moved = tuple(_moved_tables(before, after))
    _check_bytes(before, after, moved, changes)
    _check_header(before, after)
    if before.dynamic.exists:
        _check_tables(before, after, changes, sections)
        check_versions(before, after, changes)
        if changes.rebind:
            check_references(before, after, changes)
        check_blanked(before, after, changes)
    if before.dynamic.exists and (changes.expand_relr or changes.clear_plt_marks):
        check_relocations(before, after, changes)
    check_sections(before, after, sections)


def _check_facts(wanted: ElfFile, found: ElfFile, changes: ElfChanges) -> None:
    if (changes.remove_needed or changes.rebind) and set(found.imports) <= set(wanted.imports):
        # the reader looks further for symbols that explain a version need, and there are fewer needs now
        found = found._replace(undefined=wanted.undefined)
    for field, value, is_value in zip(wanted._fields, wanted, found, strict=True):
        if value != is_value:
            raise wrong(f"has another {field} than it should: {str(is_value)[:200]} instead of {str(value)[:200]}")


def _check_segments(before: Skeleton, after: Skeleton) -> None:
    """Segments are what they were, but for those that follow what has moved, and one more PT_LOAD."""

    def fixed(segments: tuple[Segment, ...]) -> list[Segment]:
        aside = {*_MAY_MOVE, PT_LOAD, PT_NULL, PT_PHDR, PT_GNU_STACK}
        return [segment for segment in segments if segment.type not in aside]

    if fixed(before.segments) != fixed(after.segments):
        raise wrong("has other segments")
    # A segment goes where nothing is left in it.
    addresses = {load.vaddr for load in after.loads}
    old = tuple(
        load for load in before.loads if load.vaddr in addresses or after.data[load.offset : load.end].strip(b"\0")
    )
    new = after.loads
    if len(new) not in (len(old), len(old) + 1):
        raise wrong(f"has {len(new)} PT_LOAD segments instead of {len(old)}")
    for was, now in zip(old, new, strict=False):
        grown = now._replace(filesz=was.filesz, memsz=was.memsz)
        if grown != was or now.filesz < was.filesz or now.filesz - was.filesz != now.memsz - was.memsz:
            raise wrong(f"maps other bytes at {was.vaddr:#x}")
    page = max([load.align for load in new] + [1])
    for lower, upper in pairwise(new):
        if lower.vaddr + lower.memsz > upper.vaddr:
            raise wrong(f"maps {upper.vaddr:#x} twice")
    last = new[-1]
    if len(new) > len(old):
        top = max(load.vaddr + load.memsz for load in old)
        if (last.vaddr - last.offset) % page or last.vaddr // page <= (top - 1) // page:
            raise wrong("has a new segment without pages of its own")
    if any(load.end > len(after.data) for load in new):
        raise wrong("ends before its segments do")


def _moved_tables(before: Skeleton, after: Skeleton) -> Iterator[Range]:
    """Where in the old file tables were that are now somewhere else."""
    if not before.dynamic.exists:
        return
    sizes = TableSizes(before)
    for tag in _TABLES:
        was, now = before.dynamic.get(tag), after.dynamic.get(tag)
        if was is None or was == now:
            continue
        size = sizes.of(tag)
        if size is not None:
            start = _offset(before, was)
            yield start, start + size
    yield from relocations_moved(before, after)


def _offset(elf: Skeleton, address: int) -> int:
    return elf.image.span_from(address, "address")[0]


def _check_bytes(before: Skeleton, after: Skeleton, moved: tuple[Range, ...], changes: ElfChanges) -> None:
    """All bytes that were loaded are where they were, but for `may_differ`."""
    may_differ = sorted([*moved, *_edited(before, after, changes)])
    position = 0
    for low, end in [*may_differ, (before.loaded_end, before.loaded_end)]:
        start = min(low, before.loaded_end)
        if not _is_same(before, after, position, start):
            raise wrong(f"differs in bytes between offsets {position:#x} and {start:#x}")
        position = max(position, end)
    gone = [span for span in (*moved, (before.headers_end, after.headers_end)) if span[1] > span[0]]
    if not all(_is_same(before, after, start, end) for start, end in gone):
        pointer = pointers_into(before, gone)
        if pointer is not None:
            raise ElfEditError(f"a relocation points to {pointer:#x}, into a table that would have to move")


def _is_same(before: Skeleton, after: Skeleton, start: int, end: int) -> bool:
    """Piece by piece: copies of whole libraries take longer than holding them against each other."""
    pieces = ((at, min(at + _PIECE, end)) for at in range(start, end, _PIECE))
    return all(before.data[low:high] == after.data[low:high] for low, high in pieces)


def _edited(before: Skeleton, after: Skeleton, changes: ElfChanges) -> Iterator[Range]:
    """What stays where it is and may read otherwise."""
    yield 0, EI_NIDENT + before.records.ehdr.size
    yield before.header.phoff, max(before.headers_end, after.headers_end)
    if before.sections:
        yield before.section_headers
    # Not loaded, although a tool like patchelf may have put segments behind them; _check_sections looks at them.
    yield from (
        (s.offset, s.end)
        for s in before.sections
        if not s.flags & SHF_ALLOC and s.type not in (SHT_NOBITS, SHT_NULL) and not is_loaded(before, s)
    )
    new = {load.vaddr: load for load in after.loads}
    for was, now in ((load, new[load.vaddr]) for load in before.loads if load.vaddr in new):
        if now.filesz > was.filesz:
            yield was.end, now.end
    if not before.dynamic.exists:
        return
    yield before.dynamic.offset, before.dynamic.offset + before.dynamic.size
    if before.dynamic.address != after.dynamic.address:
        yield from _global_offset_tables(before)
    strings, longer = string_run(before), string_run(after)
    if strings is not None and longer is not None and strings.address == longer.address:
        yield strings.end, strings.offset + longer.size
    sizes = TableSizes(before)
    tags = {DT_SYMTAB}  # section symbols, hidden symbols; _check_tables looks closer
    if (
        changes.rename_needed
        or changes.remove_needed
        or changes.rename_versions
        or changes.expand_relr
        or changes.clear_plt_marks
        or changes.rebind
    ):
        tags |= {DT_VERNEED, DT_VERDEF}
    if changes.remove_needed or changes.rebind:
        tags |= {DT_VERSYM}
    if changes.rebind:
        tags |= {DT_HASH}
    yield from relocations_changed(before, changes)
    yield from ranges_blanked(before, changes)
    for tag in tags:
        address = before.dynamic.get(tag)
        if address is not None:
            start = _offset(before, address)
            yield start, start + (sizes.of(tag) or sizes.least(tag))


def _global_offset_tables(elf: Skeleton) -> Iterator[Range]:
    """Their first words, which are the address of PT_DYNAMIC."""
    size = elf.records.pointer.size
    address = elf.dynamic.get(DT_PLTGOT)
    places = [s.offset for s, name in zip(elf.sections, elf.names, strict=True) if name in (b".got", b".got.plt")]
    if address is not None and elf.image.is_mapped(address):
        places.append(_offset(elf, address))
    for place in places:
        if elf.records.pointer.unpack_from(elf.data, place)[0] == elf.dynamic.address:
            yield place, place + size


def _check_tables(before: Skeleton, after: Skeleton, changes: ElfChanges, sections: Sections) -> None:
    """What may have moved reads the same: strings, hashes, symbols, version indexes, notes, interpreter."""
    sizes = TableSizes(before)
    for tag, name in ((DT_HASH, "DT_HASH"), (DT_GNU_HASH, "DT_GNU_HASH"), (DT_VERSYM, "DT_VERSYM")):
        if tag in (DT_VERSYM, DT_HASH) and changes.rebind:
            continue  # check_references looks closer
        if tag == DT_VERSYM and (changes.remove_needed or _needs_no_version(after, changes)):
            continue
        if _content(before, tag, sizes) != _content(after, tag, sizes):
            raise wrong(f"has another {name}")
    old, new = string_run(before), string_run(after)
    if old is not None and (new is None or not after.data.startswith(before.data[old.offset : old.end], new.offset)):
        raise wrong("has lost strings")
    _check_symbols(before, after, sizes, (changes, sections))
    for kind in (PT_NOTE, PT_GNU_PROPERTY, PT_INTERP):
        if _contents(before, kind) != _contents(after, kind):
            raise wrong("has other notes or another interpreter")
    may_change = _MAY_CHANGE | tags_that_change(before, changes)
    was, now = ([entry for entry in elf.dynamic.entries if entry[0] not in may_change] for elf in (before, after))
    if was != now:
        raise wrong("has other entries in PT_DYNAMIC")


def _needs_no_version(after: Skeleton, changes: ElfChanges) -> bool:
    """Whether DT_VERSYM may be gone with the last version that was needed."""
    return (changes.expand_relr or changes.clear_plt_marks) and all(
        after.dynamic.get(tag) is None for tag in (DT_VERNEED, DT_VERDEF, DT_VERSYM)
    )


def _content(elf: Skeleton, tag: int, sizes: TableSizes) -> bytes | None:
    address = elf.dynamic.get(tag)
    if address is None:
        return None
    offset, available = elf.image.span_from(address, "table")
    size = sizes.of(tag) or sizes.least(tag)
    return elf.data[offset : offset + min(size, available)]


def _contents(elf: Skeleton, kind: int) -> list[bytes]:
    """The bytes of segments, which are those at their address where they are mapped."""
    return [elf.data[s.offset : s.end] for s in elf.segments if s.type == kind]


def _check_symbols(before: Skeleton, after: Skeleton, sizes: TableSizes, wanted: tuple[ElfChanges, Sections]) -> None:
    old, new = _content(before, DT_SYMTAB, sizes), _content(after, DT_SYMTAB, sizes)
    changes = wanted[0]
    if old is not None and (old != new or changes.hide_symbols or changes.blank_symbols or changes.unique_to_global):
        old = symbols_after(before, after, old, _offset(before, before.dynamic.get(DT_SYMTAB) or 0), wanted)
    if old != new:
        raise wrong("has other dynamic symbols")


def _check_header(before: Skeleton, after: Skeleton) -> None:
    """The file header says the same, but for its two tables."""
    was, now = before.header, after.header
    if before.data[:EI_NIDENT] != after.data[:EI_NIDENT] or was != now._replace(
        phnum=was.phnum, shoff=was.shoff, shnum=was.shnum, shstrndx=was.shstrndx
    ):
        raise wrong("has another header")
