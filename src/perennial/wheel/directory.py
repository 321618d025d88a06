"""The central directory of a zip archive, read strictly.

Zip archives can be read in two ways, from the directory at the end or header by header
from the front, and installers do either. An archive that says different things to the two
is refused, as is one in which it is unclear where it begins or ends: what was audited must be what
every installer unpacks. Sections are those of PKWARE's APPNOTE.TXT 6.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from struct import Struct

from perennial.errors import ArchiveError
from perennial.lean_typing import Final, NamedTuple, NoReturn
from perennial.wheel.limits import MIB, ArchiveLimits

STORED: Final = 0
DEFLATED: Final = 8

FLAG_ENCRYPTED: Final = 0x1
FLAG_DESCRIPTOR: Final = 0x8
FLAG_UTF8: Final = 0x800
_FLAGS_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
UNIX: Final = 3  # 4.4.2

_EOCD: Final = Struct("<4s4H2LH")  # 4.3.16
_EOCD_SIGNATURE: Final = b"PK\5\6"
_LOCATOR64: Final = Struct("<4sLQL")  # 4.3.15
_EOCD64: Final = Struct("<4sQ2H2L4Q")  # 4.3.14
_CENTRAL: Final = Struct("<4s4B4HL2L5H2L")  # 4.3.12
_EXTRA: Final = Struct("<2H")
_ZIP64_EXTRA: Final = 0x0001
_FULL16: Final = 0xFFFF
_FULL32: Final = 0xFFFFFFFF
_LONGEST_COMMENT: Final = 0xFFFF
_UNICODE_PATH_EXTRA: Final = 0x7075
_CONTROL: Final = "[\x00-\x1f\x7f-\x9f]"  # Unicode's category Cc
_LARGEST_DIRECTORY: Final = 64 * MIB  # some 300 bytes for each of the members that the limits allow


class Entry(NamedTuple):
    """A member as the central directory states it. Sizes and offsets in bytes."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    compressed_size: int
    size: int
    header_offset: int
    mode: int  # Unix st_mode, 0 where the archive was not made on Unix
    made_by: int  # 4.4.2: the system in the upper byte, 3 for Unix
    date_time: int  # 4.4.6: MS-DOS date in the upper 16 bits, time in the lower; of no time zone
    attributes: int  # 4.4.15: on Unix, st_mode in the upper 16 bits

    @property
    def is_directory(self) -> bool:
        return self.name.endswith("/")

    @property
    def is_symlink(self) -> bool:
        return self.mode & 0o170000 == 0o120000


class _End(NamedTuple):
    """What the end-of-central-directory records say."""

    entries: int
    size: int
    offset: int
    start: int  # where these records themselves begin: the directory ends there


class _Tail:
    """The end of the file, and errors that name the archive."""

    def __init__(self, archive: str, file_size: int, data: bytes) -> None:
        self.archive: Final = archive
        self.file_size: Final = file_size
        self.data: Final = data
        self.base: Final = file_size - len(data)

    def refuse(self, reason: str) -> NoReturn:
        raise ArchiveError(reason, archive=self.archive)


def tail_size(file_size: int) -> int:
    """How many bytes at the end of a file hold the records that lead to the directory."""
    return min(file_size, _LONGEST_COMMENT + _EOCD.size + _LOCATOR64.size + _EOCD64.size)


def directory_span(archive: str, file_size: int, tail: bytes, limits: ArchiveLimits) -> tuple[int, int, int]:
    """(offset, size, number of entries) of the central directory; `tail` is the end of the file."""
    end = _find_end(_Tail(archive, file_size, tail))
    if end.entries > limits.members:
        raise ArchiveError(f"{end.entries} members; the limit is {limits.members}", archive=archive)
    if end.offset + end.size != end.start:
        raise ArchiveError(
            f"the central directory should lie at bytes {end.offset} to {end.offset + end.size} and its end record "
            f"is at {end.start}: something was put in front of the archive, or cut out of it",
            archive=archive,
        )
    if end.size > _LARGEST_DIRECTORY:
        raise ArchiveError(
            f"a central directory of {end.size} bytes; at most {_LARGEST_DIRECTORY} are read", archive=archive
        )
    return end.offset, end.size, end.entries


def _find_end(tail: _Tail) -> _End:
    position = tail.data.rfind(_EOCD_SIGNATURE)
    if position < 0:
        tail.refuse("not a zip archive, or cut off: it has no end-of-central-directory record")
    if position + _EOCD.size > len(tail.data):
        tail.refuse("cut off within its end-of-central-directory record")
    _, disk, start_disk, here, entries, size, offset, comment = _EOCD.unpack_from(tail.data, position)
    surplus = len(tail.data) - position - _EOCD.size - comment
    if surplus:
        tail.refuse(f"{surplus} bytes follow the end of the archive" if surplus > 0 else "cut off within its comment")
    plain = _End(entries, size, offset, tail.base + position)
    locator = position - _LOCATOR64.size
    if locator >= 0 and tail.data.startswith(b"PK\6\7", locator):
        return _zip64_end(tail, locator, plain)
    if (disk, start_disk) != (0, 0) or here != entries:
        tail.refuse("one part of an archive in several parts")
    return plain


def _zip64_end(tail: _Tail, locator: int, plain: _End) -> _End:
    _, disk, offset64, disks = _LOCATOR64.unpack_from(tail.data, locator)
    position = offset64 - tail.base
    if disk != 0 or disks > 1:
        tail.refuse("one part of an archive in several parts")
    if position < 0 or position + _EOCD64.size > locator or not tail.data.startswith(b"PK\6\6", position):
        tail.refuse(f"its zip64 locator points to byte {offset64}, where there is no zip64 end record")
    _, record, _made, _needed, disk, start, here, entries, size, offset = _EOCD64.unpack_from(tail.data, position)
    # 4.3.14.1: the record's size leaves out its first 12 bytes
    if position + 12 + record != locator:
        tail.refuse(f"its zip64 end record of {record} bytes does not reach up to the locator behind it")
    if (disk, start) != (0, 0) or here != entries:
        tail.refuse("one part of an archive in several parts")
    for name, short, long, full in (
        ("number of members", plain.entries, entries, _FULL16),
        ("directory size", plain.size, size, _FULL32),
        ("directory offset", plain.offset, offset, _FULL32),
    ):
        if short not in (full, long):
            tail.refuse(f"its two end records disagree about the {name}: {short} and {long}")
    return _End(entries, size, offset, offset64)


def parse_directory(archive: str, data: bytes, count: int, limits: ArchiveLimits) -> tuple[Entry, ...]:
    """The entries of a central directory of `count` members, in its order."""
    entries: list[Entry] = []
    seen: set[str] = set()
    position = 0
    for _ in range(count):
        if position + _CENTRAL.size > len(data) or not data.startswith(b"PK\1\2", position):
            raise ArchiveError(
                f"the central directory breaks off after {len(entries)} of {count} members", archive=archive
            )
        entry, position = _parse_entry(archive, data, position)
        check_name(archive, entry.name)
        path = entry.name.removesuffix("/")
        if path in seen:
            raise ArchiveError(
                "stands twice in the archive, and installers differ in which they take",
                archive=archive, member=entry.name,
            )  # fmt: skip
        seen.add(path)
        _check_entry(archive, entry, limits)
        entries.append(entry)
    _check_tree(archive, (entry.name for entry in entries))
    if position != len(data):
        surplus = len(data) - position
        raise ArchiveError(f"{surplus} bytes of the central directory belong to no member", archive=archive)
    total = sum(entry.size for entry in entries)
    compressed = sum(entry.compressed_size for entry in entries)
    if total > limits.inflated:
        raise ArchiveError(f"inflates to {total} bytes; the limit is {limits.inflated}", archive=archive)
    if total > limits.ratio_from and total > limits.ratio * compressed:
        raise ArchiveError(_ratio_reason(compressed, total, limits), archive=archive)
    return tuple(entries)


def _parse_entry(archive: str, data: bytes, position: int) -> tuple[Entry, int]:
    (
        _signature, made_by, system, _needed, _needed_system, flags, method, time, date, crc, compressed, size,
        name_size, extra_size, comment_size, _disk, _internal, external, offset,
    ) = _CENTRAL.unpack_from(data, position)  # fmt: skip
    start = position + _CENTRAL.size
    end = start + name_size + extra_size + comment_size
    if end > len(data):
        raise ArchiveError("the central directory breaks off within a member's name or extra field", archive=archive)
    raw_name = data[start : start + name_size]
    name = decode_name(archive, raw_name, flags)
    if extra_size or _FULL32 in (compressed, size, offset):
        extra = data[start + name_size : start + name_size + extra_size]
        if _UNICODE_PATH_EXTRA in dict(_extra_fields(extra)):
            # 4.6.9; Python's zipfile takes that name from 3.13 on, others do not
            raise ArchiveError("has a second name in its extra field", archive=archive, member=name)
        size, compressed, offset = widen(archive, name, extra, (size, compressed, offset))
    mode = external >> 16 if system == UNIX else 0
    made_by, date_time = system << 8 | made_by, date << 16 | time
    return Entry(
        name, raw_name, flags, method, crc, compressed, size, offset, mode, made_by, date_time, external
    ), end  # fmt: skip


def widen(archive: str, name: str, extra: bytes, values: tuple[int, ...]) -> tuple[int, ...]:
    """Replaces values of 0xffffffff by those of the zip64 extra field (4.5.3), in its order."""
    fields = _zip64_fields(extra)
    widened: list[int] = []
    for value in values:
        if value != _FULL32:
            widened.append(value)
        elif fields:
            widened.append(fields.pop(0))
        else:
            raise ArchiveError("needs a zip64 extra field and has none, or a short one", archive=archive, member=name)
    return tuple(widened)


def _zip64_fields(extra: bytes) -> list[int]:
    for kind, body in _extra_fields(extra):
        if kind == _ZIP64_EXTRA:
            return [int.from_bytes(body[at : at + 8], "little") for at in range(0, len(body) // 8 * 8, 8)]
    return []


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """(header id, content) of each block of an extra field (4.5.1)."""
    position = 0
    while position + _EXTRA.size <= len(extra):
        kind, size = _EXTRA.unpack_from(extra, position)
        position += _EXTRA.size
        yield kind, extra[position : position + size]
        position += size


def decode_name(archive: str, raw: bytes, flags: int) -> str:
    """A member's name: UTF-8 where bit 11 says so, else code page 437 (appendix D)."""
    if raw.isascii():
        return raw.decode("ascii")
    if not flags & FLAG_UTF8:
        return raw.decode("cp437")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ArchiveError(f"the name {raw!r} should be UTF-8 and is not", archive=archive) from None


def _check_tree(archive: str, names: Iterable[str]) -> None:
    """Refuses a name that is a file's and a folder's at once, which nothing can unpack."""
    ordered = sorted(name.replace("/", "\0") for name in names)
    for name, following in pairwise(ordered):
        if not name.endswith("\0") and following.startswith(f"{name}\0"):
            shown = name.replace("\0", "/")
            raise ArchiveError("a file, and yet other members lie below it", archive=archive, member=shown)


def check_name(archive: str, name: str) -> None:
    """Refuses names that lead out of the folder into which a wheel is unpacked, or that two
    installers could take for two different files.
    """
    parts = name.removesuffix("/").split("/")
    if "\0" in name or "\\" in name:
        reason = "a name with a NUL or a backslash means different files to different installers"
    elif name.startswith("/") or (name[1:2] == ":" and name[0].isalpha()):
        reason = "an absolute name"
    elif ".." in parts:
        reason = "a name that leads out of the wheel"
    elif "" in parts or "." in parts:
        reason = "a name with an empty part"
    elif not name.isprintable() and re.search(_CONTROL, name):
        reason = "a name with a control character"
    else:
        return
    raise ArchiveError(reason, archive=archive, member=name)


def _check_entry(archive: str, entry: Entry, limits: ArchiveLimits) -> None:
    if entry.flags & _FLAGS_ENCRYPTED:
        reason = "encrypted"
    elif entry.method not in (STORED, DEFLATED):
        reason = f"compressed with method {entry.method}; installers read 0 (stored) and 8 (deflated)"
    elif entry.method == STORED and entry.size != entry.compressed_size:
        reason = f"stored, and yet its two sizes differ: {entry.compressed_size} and {entry.size}"
    elif entry.is_directory and entry.size:
        reason = "a folder, and yet it has content"
    elif entry.size > limits.ratio_from and entry.size > limits.ratio * entry.compressed_size:
        reason = _ratio_reason(entry.compressed_size, entry.size, limits)
    else:
        return
    raise ArchiveError(reason, archive=archive, member=entry.name)


def _ratio_reason(compressed: int, size: int, limits: ArchiveLimits) -> str:
    return f"inflates from {compressed} to {size} bytes; the limit is a factor of {limits.ratio}"
