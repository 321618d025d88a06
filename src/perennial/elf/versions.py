"""DT_VERNEED and DT_VERDEF: which versions a file needs and which it defines.

Both are chains of variable records, linked by offsets in bytes (LSB Core, "Symbol Version
Tables"). glibc's `_dl_check_map_versions` follows `vn_next` and `vna_next` until they are 0 and
looks neither at vn_cnt nor at DT_VERNEEDNUM, so the same is done here: a count that is too
small hides nothing. Offsets are unsigned, hence chains only move forward, and version
indices have 15 bits, hence there cannot be more than 32,767 of them.
"""

from __future__ import annotations

from struct import Struct

from perennial.elf.constants import DT_VERDEF, DT_VERNEED, VER_FLG_BASE, VER_FLG_WEAK, VERSYM_VERSION
from perennial.elf.dynamic import DynamicTable, StringTable
from perennial.elf.image import Image
from perennial.elf.model import Verdef, Vernaux, Verneed
from perennial.errors import ElfFormatError
from perennial.lean_typing import Final

_MOST_VERSIONS: Final = VERSYM_VERSION


class _Records:
    """Structs for one byte order; versioning has the same layout in both classes."""

    def __init__(self, order: str) -> None:
        self.verneed: Final = Struct(order + "HHIII")  # vn_version, vn_cnt, vn_file, vn_aux, vn_next
        self.vernaux: Final = Struct(order + "IHHII")  # vna_hash, vna_flags, vna_other, vna_name, vna_next
        self.verdef: Final = Struct(order + "HHHHIII")  # vd_version, _flags, _ndx, _cnt, _hash, _aux, _next
        self.verdaux: Final = Struct(order + "II")  # vda_name, vda_next


_RECORDS: Final = {True: _Records("<"), False: _Records(">")}


class _Table:
    """The bytes from a table's start to the end of its segment, read as they are needed.

    `field` is always the link that led to `position`.
    """

    _STEP: Final = 8192

    __slots__ = ("_available", "_data", "_first", "_offset", "_source")

    def __init__(self, image: Image, span: tuple[int, int]) -> None:
        self._source: Final = image.source
        self._offset, self._available = span
        self._first = 0  # the position of _data
        self._data = b""

    def unpack(self, record: Struct, position: int, field: str) -> tuple[int, ...]:
        if not self._first <= position <= self._first + len(self._data) - record.size:
            left = self._available - position
            if record.size > left:
                raise self.malformed("points past the end of its segment", position, field)
            self._data = self._source.read(self._offset + position, min(self._STEP, left), field)
            self._first = position
        return record.unpack_from(self._data, position - self._first)

    def forward(self, position: int, step: int, record: Struct, field: str) -> int:
        """Where the next record of a chain stands; records of a chain never overlap."""
        if step < record.size:
            raise self.malformed("records of the chain overlap", position, field, step)
        return position + step

    def malformed(self, reason: str, position: int, field: str, value: int | None = None) -> ElfFormatError:
        return ElfFormatError(reason, field=field, offset=self._offset + position, value=value)


def read_verneeds(image: Image, dynamic: DynamicTable, strings: StringTable) -> tuple[Verneed, ...]:
    span = dynamic.span(DT_VERNEED, "DT_VERNEED")
    if span is None:
        return ()
    records = _RECORDS[image.layout.little_endian]
    table = _Table(image, span)
    link = "DT_VERNEED"
    needs: list[Verneed] = []
    position = count = 0
    while True:
        version, _cnt, file, aux, following = table.unpack(records.verneed, position, link)
        if version != 1:
            raise table.malformed("only version 1 is defined", position, "vn_version", version)
        versions = _read_vernauxes(table, records, position + aux, strings, _MOST_VERSIONS - count)
        count += len(versions)
        needs.append(Verneed(strings[file], versions))
        if following == 0:
            return tuple(needs)
        link = "vn_next"
        position = table.forward(position, following, records.verneed, link)


def _read_vernauxes(
    table: _Table, records: _Records, position: int, strings: StringTable, most: int
) -> tuple[Vernaux, ...]:
    versions: list[Vernaux] = []
    link = "vn_aux"
    while True:
        if len(versions) >= most:
            raise table.malformed(f"more than {_MOST_VERSIONS} versions are needed", position, "vna_next")
        _hash, flags, other, name, following = table.unpack(records.vernaux, position, link)
        versions.append(Vernaux(strings[name], bool(flags & VER_FLG_WEAK), other & VERSYM_VERSION))
        if following == 0:
            return tuple(versions)
        link = "vna_next"
        position = table.forward(position, following, records.vernaux, link)


def read_verdefs(image: Image, dynamic: DynamicTable, strings: StringTable) -> tuple[Verdef, ...]:
    span = dynamic.span(DT_VERDEF, "DT_VERDEF")
    if span is None:
        return ()
    records = _RECORDS[image.layout.little_endian]
    table = _Table(image, span)
    link = "DT_VERDEF"
    definitions: list[Verdef] = []
    position = count = 0
    while True:
        version, flags, index, cnt, _hash, aux, following = table.unpack(records.verdef, position, link)
        if version != 1:
            raise table.malformed("only version 1 is defined", position, "vd_version", version)
        names = _read_verdauxes(table, records, position + aux, strings, cnt)
        count += len(names)
        if count > _MOST_VERSIONS:
            raise table.malformed(f"more than {_MOST_VERSIONS} versions are defined", position, "vd_next")
        definitions.append(
            Verdef(names[0], index & VERSYM_VERSION, bool(flags & VER_FLG_BASE), bool(flags & VER_FLG_WEAK), names[1:])
        )
        if following == 0:
            return tuple(definitions)
        link = "vd_next"
        position = table.forward(position, following, records.verdef, link)


# Lists of parents are short; nothing at run time reads beyond the first name.
_MOST_PARENTS: Final = 64


def _read_verdauxes(
    table: _Table, records: _Records, position: int, strings: StringTable, count: int
) -> tuple[str, ...]:
    """The version's own name and those of its parents."""
    names: list[str] = []
    link = "vd_aux"
    for _ in range(max(1, min(count, _MOST_PARENTS))):
        name, following = table.unpack(records.verdaux, position, link)
        names.append(strings[name])
        if following == 0:
            break
        link = "vda_next"
        position = table.forward(position, following, records.verdaux, link)
    return tuple(names)
