"""The part of reading back that looks at relocations: only where DT_RELR was to be written out.

The places and their addends are decoded by what searches for pointers (`pointers.py`), and not by what wrote the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from perennial.elf.constants import (
    DT_JMPREL,
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
    SHT_REL,
    SHT_RELA,
)
from perennial.elf.edit.pointers import packed_places, stored
from perennial.elf.edit.relative import table_of
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.verify_tables import wrong

RELOCATION_TAGS: Final = frozenset({
    DT_RELR, DT_RELRSZ, DT_RELRENT, DT_RELA, DT_RELASZ, DT_RELAENT, DT_RELACOUNT, DT_REL, DT_RELSZ, DT_RELENT,
    DT_RELCOUNT, DT_JMPREL,
})  # fmt: skip
_PAIRS: Final = ((DT_RELA, DT_RELASZ), (DT_REL, DT_RELSZ), (DT_RELR, DT_RELRSZ))


def relocations_moved(before: Skeleton, after: Skeleton) -> Iterator[tuple[int, int]]:
    """Where in the old file tables of relocations were that are gone or elsewhere."""
    for tag, size_tag in _PAIRS:
        size = before.dynamic.get(size_tag)
        if before.dynamic.get(tag) not in (None, after.dynamic.get(tag)) and size:
            span = before.dynamic.table.span(tag, "relocations")
            if span is not None:
                yield span[0], span[0] + size


def check_relocations(before: Skeleton, after: Skeleton) -> None:
    """First what DT_RELR says, then all that there was, in its order; DT_JMPREL says the same."""
    if any(after.dynamic.get(tag) is not None for tag in (DT_RELR, DT_RELRSZ, DT_RELRENT)):
        raise wrong("still has DT_RELR")
    if _content(before, DT_JMPREL, DT_PLTRELSZ) != _content(after, DT_JMPREL, DT_PLTRELSZ):
        raise wrong("has other relocations in DT_JMPREL")
    places = tuple(packed_places(before)) if before.dynamic.get(DT_RELR) is not None else ()
    if not places:
        if any(before.dynamic.get(tag) != after.dynamic.get(tag) for tag in (DT_RELA, DT_RELASZ, DT_REL, DT_RELSZ)):
            raise wrong("has other relocations")
        return
    form = table_of(before)
    wanted = _content(before, form.tag, form.size_tag)
    found = _content(after, form.tag, form.size_tag)
    new = len(places) * form.entry.size
    rows = [(place, form.relative) for place in places]
    if form.has_addends:
        addends = stored(before, places)
        rows = [(*row, addend) for row, addend in zip(rows, addends, strict=True)]  # type: ignore[misc]
    if list(form.entry.iter_unpack(found[:new])) != rows or found[new:] != wanted:
        raise wrong("has other relocations")
    if after.dynamic.get(form.entry_tag) != form.entry.size:
        raise wrong("has relocations of another size")
    counted, counts = before.dynamic.get(form.count_tag), after.dynamic.get(form.count_tag)
    if counts is not None and counts != (counted or 0) + len(places):
        raise wrong("counts its relative relocations wrongly")
    _check_section(after, form.tag, form.size_tag)
    other, other_size = (DT_REL, DT_RELSZ) if form.tag == DT_RELA else (DT_RELA, DT_RELASZ)
    if _content(before, other, other_size) != _content(after, other, other_size):
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
