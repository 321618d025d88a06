"""rpm's database, in the three formats that rpm has had: headers of all installed packages.

    rpmdb.sqlite   since rpm 4.16, Fedora 33 and RHEL 9: SQLite, with an index of the files' names
    Packages.db    ndb, of SUSE: slots of 16 bytes, each leading to a blob (lib/backend/ndb/rpmpkg.c)
    Packages       Berkeley DB, up to RHEL 8: a hash of pages (lib/backend/bdb_ro.c, which reads it without the library)

The latter two have their indices elsewhere; here each header is looked through for the name as bytes, and
only those are taken apart that have it.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Collection, Iterator

from perennial.errors import ArchiveError
from perennial.lean_typing import Final, NamedTuple

_FOLDERS: Final = ("var/lib/rpm", "usr/lib/sysimage/rpm")
_NDB_PAGE: Final = 4096
_BLOCK: Final = 16  # of a slot, and the unit in which ndb counts
_NDB_HEADER: Final = 32
_BDB_HASH_MAGIC: Final = 0x061561
_BDB_PAGE_HEADER: Final = 26
_BDB_HASH_PAGES: Final = (2, 13)  # P_HASH_UNSORTED, P_HASH
_BDB_OVERFLOW: Final = 7
_BDB_ON_PAGE: Final = 1  # H_KEYDATA
_BDB_OFF_PAGE: Final = 3  # H_OFFPAGE


class Source(NamedTuple):
    """Where a database may lie, and how its headers are read: all that may have a file of one of the names."""

    path: str
    headers: Callable[[bytes, Collection[str], str], Iterator[bytes]]


def headers_in_sqlite(data: bytes, names: Collection[str], where: str) -> Iterator[bytes]:
    """The headers of packages that have a file of one of the names."""
    import sqlite3  # noqa: PLC0415 - some builds of Python lack it

    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        try:
            database.deserialize(_without_wal(data))
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'Basenames'").fetchone():
                query = "SELECT blob FROM Packages WHERE hnum IN (SELECT hnum FROM Basenames WHERE key IN (?, ?))"
                for name in names:
                    yield from (bytes(blob) for (blob,) in database.execute(query, (name, name.encode())).fetchall())
            else:
                blobs = database.execute("SELECT blob FROM Packages").fetchall()
                yield from _with_names((bytes(blob) for (blob,) in blobs), names)
        except sqlite3.Error as error:
            raise ArchiveError(f"its rpm database cannot be read: {error}", archive=where) from error


def headers_in_ndb(data: bytes, names: Collection[str], where: str) -> Iterator[bytes]:
    """The same of Packages.db."""
    yield from _with_names(_ndb_blobs(data, where), names)


def headers_in_berkeley_db(data: bytes, names: Collection[str], where: str) -> Iterator[bytes]:
    """The same of Packages, of either byte order."""
    yield from _with_names(_berkeley_db_values(data, where), names)


SOURCES: Final = tuple(
    Source(f"{folder}/{file}", headers)
    for folder in _FOLDERS
    for file, headers in (
        ("rpmdb.sqlite", headers_in_sqlite),
        ("Packages.db", headers_in_ndb),
        ("Packages", headers_in_berkeley_db),
    )
)


def _with_names(blobs: Iterator[bytes], names: Collection[str]) -> Iterator[bytes]:
    wanted = tuple(f"{name}\0".encode() for name in names)  # what stands before it may be another tag's number
    return (blob for blob in blobs if any(name in blob for name in wanted))


def _without_wal(data: bytes) -> bytes:
    """A database in write-ahead mode cannot be opened from memory: the header is made to say otherwise.

    SQLite file format, 1.3.3: bytes 18 and 19 are 1 for a rollback journal and 2 for a write-ahead log.
    """
    return data[:18] + b"\1\1" + data[20:] if data[18:20] == b"\2\2" else data


def _ndb_blobs(data: bytes, where: str) -> Iterator[bytes]:
    if len(data) < _NDB_HEADER or data[:4] != b"RpmP":
        raise _broken(where)
    version, _, pages = struct.unpack_from("<III", data, 4)
    slots = pages * _NDB_PAGE
    if version != 0 or slots > len(data):
        raise _broken(where)
    for at in range(_NDB_HEADER, slots, _BLOCK):
        magic, index, offset, count = struct.unpack_from("<4sIII", data, at)
        if magic != b"Slot":
            raise _broken(where)
        if not offset:
            continue  # a free slot
        start, end = offset * _BLOCK, (offset + count) * _BLOCK
        if end > len(data) or count < 2:
            raise _broken(where)
        blob_magic, blob_index, _, size = struct.unpack_from("<4sIII", data, start)
        if blob_magic != b"BlbS" or blob_index != index or start + 16 + size > end:
            raise _broken(where)
        yield data[start + 16 : start + 16 + size]


def _berkeley_db_values(data: bytes, where: str) -> Iterator[bytes]:
    if len(data) < 512:
        raise _broken(where)
    order = next((order for order in "<>" if struct.unpack_from(f"{order}I", data, 12)[0] == _BDB_HASH_MAGIC), None)
    if order is None:
        raise _broken(where)
    size, last = struct.unpack_from(f"{order}I", data, 20)[0], struct.unpack_from(f"{order}I", data, 32)[0]
    if not 512 <= size <= 1 << 16 or size & (size - 1) or len(data) < (last + 1) * size:
        raise _broken(where)
    pages = _Pages(data, order, size, where)
    for number in range(1, last + 1):
        if pages.kind(number) in _BDB_HASH_PAGES:
            yield from pages.values(number)


class _Pages:
    """The pages of a Berkeley DB hash (dbinc/db_page.h): keys and values in turn, growing down from a page's end."""

    def __init__(self, data: bytes, order: str, size: int, where: str) -> None:
        self._data = data
        self._order = order
        self._size = size
        self._where = where

    def kind(self, number: int) -> int:
        return self._data[number * self._size + 25]

    def values(self, number: int) -> Iterator[bytes]:
        page = self._data[number * self._size : (number + 1) * self._size]
        (count,) = struct.unpack_from(f"{self._order}H", page, 20)
        if _BDB_PAGE_HEADER + 2 * count > self._size:
            raise _broken(self._where)
        offsets = struct.unpack_from(f"{self._order}{count}H", page, _BDB_PAGE_HEADER)
        for key, value in zip(offsets[::2], offsets[1::2], strict=False):
            if not _BDB_PAGE_HEADER < value < key < self._size:
                raise _broken(self._where)
            if page[value] == _BDB_ON_PAGE:
                yield page[value + 1 : key]
            elif page[value] == _BDB_OFF_PAGE and key - value >= 12:
                yield self._overflow(*struct.unpack_from(f"{self._order}II", page, value + 4))

    def _overflow(self, number: int, length: int) -> bytes:
        parts = []
        for _ in range(len(self._data) // self._size):  # no page can be visited twice
            start = number * self._size
            if not length:
                break
            if not number or start + self._size > len(self._data) or self.kind(number) != _BDB_OVERFLOW:
                raise _broken(self._where)
            (following,) = struct.unpack_from(f"{self._order}I", self._data, start + 16)
            (used,) = struct.unpack_from(f"{self._order}H", self._data, start + 22)
            if not 0 < used <= min(length, self._size - _BDB_PAGE_HEADER):
                raise _broken(self._where)
            parts.append(self._data[start + _BDB_PAGE_HEADER : start + _BDB_PAGE_HEADER + used])
            number, length = following, length - used
        return b"".join(parts)


def _broken(where: str) -> ArchiveError:
    return ArchiveError("its rpm database is damaged, or of a format that is not known", archive=where)
