"""Zip archives, written the one way that every reader understands.

Sizes and CRC stand in the local headers (no data descriptors), names are ASCII or UTF-8 with
bit 11 set, there is nothing between, before or behind the members, there are no comments, and no extra
fields but zip64's, where a size, an offset or the number of members asks for them. Sections are those
of PKWARE's APPNOTE.TXT 6.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from perennial.lean_typing import Final, NamedTuple, Protocol
from perennial.wheel.directory import DEFLATED, FLAG_UTF8, UNIX, Entry

_LOCAL: Final = Struct("<4s3HL3L2H")  # 4.3.7; time and date as one number
_CENTRAL: Final = Struct("<4s4HL3L5H2L")  # 4.3.12; likewise
_EOCD64: Final = Struct("<4sQ2H2L4Q")  # 4.3.14
_LOCATOR64: Final = Struct("<4sLQL")  # 4.3.15
_EOCD: Final = Struct("<4s4H2LH")  # 4.3.16

# 4.4.3: what a reader has to know
_NEEDED_PLAIN: Final = 10
_NEEDED_DEFLATE: Final = 20
_NEEDED_ZIP64: Final = 45
_MADE_BY: Final = UNIX << 8 | _NEEDED_ZIP64

_ZIP64_EXTRA: Final = 0x0001
_FULL16: Final = 0xFFFF
_FULL32: Final = 0xFFFFFFFF

_FIRST_YEAR: Final = 1980
_LAST_YEAR: Final = _FIRST_YEAR + 127


class Sink(Protocol):
    """What is written to, from its beginning."""

    def write(self, data: bytes, /) -> object: ...


class Moment(NamedTuple):
    """A time of no time zone, as zip archives have them; for reproducible ones, in UTC."""

    year: int
    month: int = 1
    day: int = 1
    hour: int = 0
    minute: int = 0
    second: int = 0

    @property
    def dos(self) -> int:
        """In MS-DOS's format (4.4.6): 1980 to 2107 in steps of two seconds, what lies outside at the nearer end."""
        if self.year < _FIRST_YEAR:
            return Moment(_FIRST_YEAR).dos
        if self.year > _LAST_YEAR:
            return Moment(_LAST_YEAR, 12, 31, 23, 59, 58).dos
        date = self.year - _FIRST_YEAR << 9 | self.month << 5 | self.day
        return date << 16 | self.hour << 11 | self.minute << 5 | self.second // 2


def new_entry(name: str, mode: int, date_time: int) -> Entry:
    """A member made on Unix, `mode` being st_mode; it has no content yet."""
    return Entry(name, b"", 0, 0, 0, 0, 0, 0, mode, _MADE_BY, date_time, mode << 16)


class ZipWriter:
    """Writes members one after the other; `entries` are those that were written, as a reader will find them."""

    def __init__(self, sink: Sink) -> None:
        self._sink: Final = sink
        self._position = 0
        self.entries: Final[list[Entry]] = []

    def add(self, entry: Entry, data: Iterable[bytes]) -> None:
        """Writes a member whose method, CRC and sizes are those of `data`, as it is to be stored."""
        raw_name = entry.name.encode("utf-8")
        flags = 0 if raw_name.isascii() else FLAG_UTF8
        entry = entry._replace(raw_name=raw_name, flags=flags, header_offset=self._position)
        sizes = (entry.compressed_size, entry.size)
        extra = b""
        if max(sizes) >= _FULL32:
            # 4.5.3: in a local header both sizes stand, in this order
            extra, sizes = _zip64(entry.size, entry.compressed_size), (_FULL32, _FULL32)
        header = _LOCAL.pack(
            b"PK\3\4", _needed(entry, extra), flags, entry.method, entry.date_time, entry.crc, *sizes,
            len(raw_name), len(extra),
        )  # fmt: skip
        self._write(header + raw_name + extra)
        start = self._position
        for piece in data:
            self._write(piece)
        if self._position - start != entry.compressed_size:
            raise ValueError(f"{entry.name!r}: {self._position - start} bytes and not {entry.compressed_size}")
        self.entries.append(entry)

    def finish(self) -> None:
        """Writes the central directory, and what leads to it."""
        start = self._position
        for entry in self.entries:
            self._write(_central(entry))
        self._write(_end(len(self.entries), self._position - start, start))

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self._position += len(data)


def _needed(entry: Entry, zip64: bytes) -> int:
    if zip64:
        return _NEEDED_ZIP64
    return _NEEDED_DEFLATE if entry.method == DEFLATED or entry.is_directory else _NEEDED_PLAIN


def _zip64(*values: int) -> bytes:
    return Struct(f"<2H{len(values)}Q").pack(_ZIP64_EXTRA, 8 * len(values), *values)


def _central(entry: Entry) -> bytes:
    # 4.5.3: here, just those that do not fit, in this order
    wide = [value for value in (entry.size, entry.compressed_size, entry.header_offset) if value >= _FULL32]
    extra = _zip64(*wide) if wide else b""
    compressed, size, offset = (
        min(value, _FULL32) for value in (entry.compressed_size, entry.size, entry.header_offset)
    )
    header = _CENTRAL.pack(
        b"PK\1\2", entry.made_by, _needed(entry, extra), entry.flags, entry.method, entry.date_time, entry.crc,
        compressed, size, len(entry.raw_name), len(extra), 0, 0, 0, entry.attributes, offset,
    )  # fmt: skip
    return header + entry.raw_name + extra


def _end(count: int, size: int, offset: int) -> bytes:
    zip64 = b""
    if count >= _FULL16 or size >= _FULL32 or offset >= _FULL32:
        # 4.3.14.1: the record's size leaves out its first 12 bytes
        zip64 = _EOCD64.pack(
            b"PK\6\6", _EOCD64.size - 12, _MADE_BY, _NEEDED_ZIP64, 0, 0, count, count, size, offset
        ) + _LOCATOR64.pack(b"PK\6\7", 0, offset + size, 1)  # fmt: skip
    count = min(count, _FULL16)
    return zip64 + _EOCD.pack(b"PK\5\6", 0, 0, count, count, min(size, _FULL32), min(offset, _FULL32), 0)
