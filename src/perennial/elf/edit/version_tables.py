"""The tables of symbol versions, record by record, where they stand.

The reader of `elf/versions.py` says what they mean; an editor also has to know the places, and the fields that mean
nothing to a loader.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from perennial.elf.constants import DT_VERDEF, DT_VERNEED, VERSYM_VERSION
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.symbol_count import count_symbols
from perennial.errors import ElfFormatError
from perennial.lean_typing import NamedTuple

_MOST_VERSIONS = VERSYM_VERSION


class Aux(NamedTuple):
    """A vernaux and where it stands; `row` is as in the file."""

    place: int
    row: tuple[int, int, int, int, int]


class Need(NamedTuple):
    """A verneed, where it stands, and its vernauxes."""

    place: int
    version: int
    file: int
    versions: tuple[Aux, ...]


def read_needs(elf: Skeleton) -> Iterator[Need]:
    """The table as it stands. The reader, which has seen the file before, accepts the same chains."""
    span = elf.dynamic.table.span(DT_VERNEED, "DT_VERNEED")
    if span is None:
        return
    position, end = span[0], sum(span)
    head, aux = elf.records.verneed, elf.records.vernaux
    total = 0
    while True:
        version, _count, file, first, following = _unpack(head, elf.data, position, end, "DT_VERNEED")
        versions = []
        place = position + first
        while True:
            row = _unpack(aux, elf.data, place, end, "vn_aux")
            versions.append(Aux(place, (row[0], row[1], row[2], row[3], row[4])))
            total += 1
            if row[4] == 0:
                break
            if row[4] < aux.size or total > _MOST_VERSIONS:
                raise ElfFormatError("records of the chain overlap", field="vna_next", offset=place, value=row[4])
            place += row[4]
        yield Need(position, version, file, tuple(versions))
        if following == 0:
            return
        if following < head.size:
            raise ElfFormatError("records of the chain overlap", field="vn_next", offset=position, value=following)
        position += following


def _unpack(record: Struct, data: bytes, position: int, end: int, field: str) -> tuple[int, ...]:
    if position + record.size > end:
        raise ElfFormatError("points past the end of its segment", field=field, offset=position)
    return record.unpack_from(data, position)


def needs_extent(elf: Skeleton, needs: tuple[Need, ...]) -> tuple[int, int]:
    """From where to where in the file the table reaches."""
    ends = [need.place + elf.records.verneed.size for need in needs]
    ends += [aux.place + elf.records.vernaux.size for need in needs for aux in need.versions]
    return needs[0].place, max(ends)


def verneed_rows(elf: Skeleton) -> Iterator[tuple[int, int, int, int, int]]:
    """(vn_file, vna_name, vna_hash, vna_flags, vna_other) of each version that is needed."""
    for need in read_needs(elf):
        for aux in need.versions:
            yield need.file, aux.row[3], *aux.row[:3]


def verneed_extent(elf: Skeleton) -> tuple[int, int] | None:
    """From where to where DT_VERNEED's table reaches; None where there is none."""
    needs = tuple(read_needs(elf))
    return needs_extent(elf, needs) if needs else None


def symbol_total(elf: Skeleton) -> int:
    """How many dynamic symbols there are, at least."""
    return count_symbols(elf.image, elf.dynamic.table).total


def verdef_names(elf: Skeleton) -> Iterator[tuple[int, int, int, bool]]:
    """(offset of vda_name, vd_flags, offset of vd_hash, whether it is the version's own name)."""
    span = elf.dynamic.table.span(DT_VERDEF, "DT_VERDEF")
    if span is None:
        return
    position, end = span[0], sum(span)
    head, aux = elf.records.verdef, elf.records.verdaux
    total = 0
    while True:
        _version, flags, _index, count, _hash, first, following = _unpack(head, elf.data, position, end, "DT_VERDEF")
        place = position + first
        for number in range(max(count, 1)):
            _name, step = _unpack(aux, elf.data, place, end, "vd_aux")
            yield place, flags, position + 8, number == 0
            total += 1
            if step == 0:
                break
            if step < aux.size or total > _MOST_VERSIONS:
                raise ElfFormatError("records of the chain overlap", field="vda_next", offset=place, value=step)
            place += step
        if following == 0:
            return
        if following < head.size:
            raise ElfFormatError("records of the chain overlap", field="vd_next", offset=position, value=following)
        position += following


def verdef_rows(elf: Skeleton) -> Iterator[tuple[int, int, int, int]]:
    """(vda_name, vd_hash, vd_flags, vd_ndx) of each version that is defined; its parents have its other fields."""
    word, half = elf.records.word, elf.records.half
    for place, flags, hash_place, is_first in verdef_names(elf):
        if is_first:
            (name,), (hashed,) = word.unpack_from(elf.data, place), word.unpack_from(elf.data, hash_place)
            yield name, hashed, flags, half.unpack_from(elf.data, hash_place - 4)[0]


def verdef_extent(elf: Skeleton) -> tuple[int, int] | None:
    """From where to where DT_VERDEF's table reaches; None where there is none."""
    names = tuple(verdef_names(elf))
    if not names:
        return None
    ends = [place + elf.records.verdaux.size for place, _, _, _ in names]
    ends += [hash_place - 8 + elf.records.verdef.size for _, _, hash_place, _ in names]
    return names[0][2] - 8, max(ends)
