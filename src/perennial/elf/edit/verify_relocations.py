"""The part of reading back that looks at relocations: DT_RELR written out, and jump slots without their addends.

The places and their addends are decoded by what searches for pointers (`pointers.py`), and not by what wrote the table.
"""

from __future__ import annotations

from collections.abc import Iterator

from perennial.arch import EM_X86_64
from perennial.elf.constants import (
    DT_JMPREL,
    DT_PLTREL,
    DT_PLTRELSZ,
    DT_REL,
    DT_RELA,
    DT_RELACOUNT,
    DT_RELAENT,
    DT_RELASZ,
    DT_RELCOUNT,
    DT_RELENT,
    DT_RELR,
    DT_RELRENT,
    DT_RELRSZ,
    DT_RELSZ,
    DT_X86_64_PLT,
    DT_X86_64_PLTENT,
    DT_X86_64_PLTSZ,
    SHT_REL,
    SHT_RELA,
)
from perennial.elf.edit.changes import ElfChanges
from perennial.elf.edit.pointers import packed_places, stored
from perennial.elf.edit.relative import table_of
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.verify_tables import wrong
from perennial.lean_typing import Final

_RELOCATION_TAGS: Final = frozenset({
    DT_RELR, DT_RELRSZ, DT_RELRENT, DT_RELA, DT_RELASZ, DT_RELAENT, DT_RELACOUNT, DT_REL, DT_RELSZ, DT_RELENT,
    DT_RELCOUNT, DT_JMPREL,
})  # fmt: skip
_PLT_TAGS: Final = frozenset({DT_X86_64_PLT, DT_X86_64_PLTSZ, DT_X86_64_PLTENT})
_PAIRS: Final = ((DT_RELA, DT_RELASZ), (DT_REL, DT_RELSZ), (DT_RELR, DT_RELRSZ))
_WITH_ADDENDS: Final = ((DT_JMPREL, DT_PLTRELSZ), (DT_RELA, DT_RELASZ))
_R_X86_64_JUMP_SLOT: Final = 7


def tags_that_change(before: Skeleton, changes: ElfChanges) -> frozenset[int]:
    """The entries of PT_DYNAMIC that may say something else, or be gone."""
    return (_RELOCATION_TAGS if changes.expand_relr else frozenset()) | (
        _PLT_TAGS if _clears_addends(before, changes) else frozenset()
    )


def relocations_moved(before: Skeleton, after: Skeleton) -> Iterator[tuple[int, int]]:
    """Where in the old file tables of relocations were that are gone or elsewhere."""
    for tag, size_tag in _PAIRS:
        size = before.dynamic.get(size_tag)
        if before.dynamic.get(tag) not in (None, after.dynamic.get(tag)) and size:
            span = before.dynamic.table.span(tag, "relocations")
            if span is not None:
                yield span[0], span[0] + size


def relocations_changed(before: Skeleton, changes: ElfChanges) -> Iterator[tuple[int, int]]:
    """Where in the old file there are tables that may have other addends at the same place."""
    for tag, size_tag in _WITH_ADDENDS if _clears_addends(before, changes) else ():
        span = before.dynamic.table.span(tag, "relocations") if before.dynamic.get(tag) is not None else None
        if span is not None:
            yield span[0], span[0] + (before.dynamic.get(size_tag) or 0)


def check_relocations(before: Skeleton, after: Skeleton, changes: ElfChanges) -> None:
    """The tables say the same, but for what was wanted of them."""
    if _clears_addends(before, changes) and any(after.dynamic.get(tag) is not None for tag in _PLT_TAGS):
        raise wrong("still has DT_X86_64_PLT")
    if _wanted(before, DT_JMPREL, DT_PLTRELSZ, changes) != _content(after, DT_JMPREL, DT_PLTRELSZ):
        raise wrong("has other relocations in DT_JMPREL")
    places = tuple(packed_places(before)) if changes.expand_relr and before.dynamic.get(DT_RELR) is not None else ()
    if places:
        _check_expanded(before, after, changes, places)
        return
    for tag, size_tag in _PAIRS[:2]:
        is_same = all(before.dynamic.get(each) == after.dynamic.get(each) for each in (tag, size_tag))
        if not is_same or _wanted(before, tag, size_tag, changes) != _content(after, tag, size_tag):
            raise wrong("has other relocations")
    if changes.expand_relr:
        _check_no_relr(after)


def _check_no_relr(after: Skeleton) -> None:
    if any(after.dynamic.get(tag) is not None for tag in (DT_RELR, DT_RELRSZ, DT_RELRENT)):
        raise wrong("still has DT_RELR")


def _check_expanded(before: Skeleton, after: Skeleton, changes: ElfChanges, places: tuple[int, ...]) -> None:
    """First what DT_RELR says, then all that there was, in its order."""
    _check_no_relr(after)
    form = table_of(before)
    found = _content(after, form.tag, form.size_tag)
    new = len(places) * form.entry.size
    rows = [(place, form.relative) for place in places]
    if form.has_addends:
        addends = stored(before, places)
        rows = [(*row, addend) for row, addend in zip(rows, addends, strict=True)]  # type: ignore[misc]
    wanted = _wanted(before, form.tag, form.size_tag, changes)
    if list(form.entry.iter_unpack(found[:new])) != rows or found[new:] != wanted:
        raise wrong("has other relocations")
    if after.dynamic.get(form.entry_tag) != form.entry.size:
        raise wrong("has relocations of another size")
    counted, counts = before.dynamic.get(form.count_tag), after.dynamic.get(form.count_tag)
    if counts is not None and counts != (counted or 0) + len(places):
        raise wrong("counts its relative relocations wrongly")
    _check_section(after, form.tag, form.size_tag)
    other, other_size = (DT_REL, DT_RELSZ) if form.tag == DT_RELA else (DT_RELA, DT_RELASZ)
    if _wanted(before, other, other_size, changes) != _content(after, other, other_size):
        raise wrong("has other relocations")


def _check_section(after: Skeleton, tag: int, size_tag: int) -> None:
    """A section header that begins where the table does reaches no further."""
    address, size = after.dynamic.get(tag) or 0, after.dynamic.get(size_tag) or 0
    index = after.section_at(address, SHT_RELA if tag == DT_RELA else SHT_REL)
    if index is not None and after.sections[index].size > size:
        raise wrong("has a section of relocations that is longer than their table")


def _content(elf: Skeleton, tag: int, size_tag: int) -> bytes:
    span = elf.dynamic.table.span(tag, "relocations") if elf.dynamic.get(tag) is not None else None
    return b"" if span is None else elf.data[span[0] : span[0] + (elf.dynamic.get(size_tag) or 0)]


def _clears_addends(before: Skeleton, changes: ElfChanges) -> bool:
    return changes.clear_plt_marks and before.header.machine == EM_X86_64


def _wanted(before: Skeleton, tag: int, size_tag: int, changes: ElfChanges) -> bytes:
    """A table as it must be: r_addend is the last third of an entry, ELF64_R_TYPE the lower half of the second."""
    old = _content(before, tag, size_tag)
    if not _clears_addends(before, changes) or (tag, size_tag) not in _WITH_ADDENDS:
        return old
    if tag == DT_JMPREL and before.dynamic.get(DT_PLTREL) not in (None, DT_RELA):
        return old
    wide = before.records.pointer.size == 8
    new, word = bytearray(old), before.records.pointer.size
    for place in range(0, len(old) - 3 * word + 1, 3 * word):
        info = old[place + word : place + word + 4] if wide else old[place + word : place + word + 1]
        if int.from_bytes(info, "little") == _R_X86_64_JUMP_SLOT:
            new[place + 2 * word : place + 3 * word] = bytes(word)
    return bytes(new)
