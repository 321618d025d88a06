"""A zip archive on disk, whose members are streamed and never unpacked."""

from __future__ import annotations

import os
from _thread import allocate_lock  # threading's Lock, without importing that (1 ms)
from collections.abc import Iterator
from io import FileIO
from struct import Struct
from types import TracebackType

from perennial.errors import ArchiveError
from perennial.lean_typing import Final, Self
from perennial.wheel.directory import (
    FLAG_DESCRIPTOR,
    FLAG_ENCRYPTED,
    FLAG_UTF8,
    STORED,
    Entry,
    directory_span,
    parse_directory,
    tail_size,
    widen,
)
from perennial.wheel.inflate import LARGEST_WHOLE, crc32, inflate_error, inflate_front, inflate_whole, new_inflater
from perennial.wheel.limits import ArchiveLimits

_LOCAL: Final = Struct("<4s5H3L2H")  # 4.3.7: signature, version, flags, method, time, date, crc, sizes, lengths
_DESCRIPTOR_SIGNATURE: Final = b"PK\x07\x08"
_COMPARED_FLAGS: Final = FLAG_ENCRYPTED | FLAG_DESCRIPTOR | FLAG_UTF8

# Compressed bytes read, and inflated bytes handed out, at a time: what stays in a core's cache.
_READ: Final = 1 << 17
_HAS_PREAD: Final = hasattr(os, "pread")  # Windows has not
_PEEK: Final = 1 << 10
_CHUNK: Final = 1 << 18
# Deflate may spend any number of bytes on blocks that yield nothing or next to nothing; smaller
# pieces than this are handed out only at a member's end.
_LEAST: Final = 1 << 12


class Archive:
    """Opens `path` and checks everything about it that can be checked without inflating.

    Raises `ArchiveError`, here and while members are streamed.
    """

    def __init__(self, path: str, limits: ArchiveLimits) -> None:
        self.path: Final = path
        self.limits: Final = limits
        self._file: Final = _open(path)
        self._lock: Final = allocate_lock()
        try:
            self.file_size: Final = os.fstat(self._file.fileno()).st_size
            tail = self._read_at(self.file_size - tail_size(self.file_size), tail_size(self.file_size))
            offset, size, count = directory_span(self.path, self.file_size, tail, limits)
            self.entries: Final = parse_directory(self.path, self._read_at(offset, size), count, limits)
            self._following: Final = _check_order(self.path, self.entries, offset)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """May be called more than once."""
        self._file.close()

    def chunks(self, entry: Entry) -> Iterator[bytes]:
        """The member's content, inflated, in pieces of 4 to 260 KiB, but for the last.

        When the last piece has been taken, size and CRC are right, or `ArchiveError` was raised.
        """
        region = self._following[entry.header_offset] - entry.header_offset
        front = self._read_at(entry.header_offset, min(region, _READ), entry)
        start = self._check_local_header(entry, front)
        total = crc = 0
        for chunk in self._stored(entry, start) if entry.method == STORED else self._inflated(entry, start, front):
            total += len(chunk)
            if total > entry.size:
                break
            crc = crc32(chunk, crc)
            yield chunk
        if total != entry.size:
            more = "more than " if total > entry.size else ""
            raise self._refuse(entry, f"inflates to {more}{min(total, entry.size)} bytes instead of {entry.size}")
        if crc != entry.crc:
            raise self._refuse(entry, f"its content has CRC {crc:08x} and should have {entry.crc:08x}")

    def small(self, entry: Entry) -> bytes | bytearray | None:
        """The whole content of a small member, checked as `chunks` does; None for a larger one.

        Most members of most wheels are small, and one call for each is a third faster than a generator.
        """
        region = self._following[entry.header_offset] - entry.header_offset
        if region > LARGEST_WHOLE or entry.size > LARGEST_WHOLE or not entry.compressed_size:
            return None
        front = self._read_at(entry.header_offset, region, entry)
        start = self._check_local_header(entry, front)
        # Where it is not what the directory says, `chunks` tells what is wrong, and where.
        if entry.method == STORED:
            content = front[start : start + entry.size]
            return content if crc32(content, 0) == entry.crc else None
        return inflate_whole(memoryview(front)[start : start + entry.compressed_size], entry.size, entry.crc)

    def may_begin_with(self, entry: Entry, prefix: bytes) -> bool:
        """Whether a member's content begins with `prefix`, or might: where it is false, it does not.

        Reads a few hundred bytes; its local header is checked, and nothing else of it. What ends before its stated
        size is left open, too: no installer can unpack it, and whoever reads it is told so.
        """
        region = self._following[entry.header_offset] - entry.header_offset
        front = self._read_at(entry.header_offset, min(region, _PEEK), entry)
        start = self._check_local_header(entry, front)
        data = front[start : start + entry.compressed_size]
        if entry.method != STORED:
            data = inflate_front(data, len(prefix))
        return data.startswith(prefix) if len(data) >= min(len(prefix), entry.size) else True

    def raw(self, entry: Entry) -> Iterator[bytes]:
        """The member's data as they are stored, deflated or not; only its local header is checked."""
        region = self._following[entry.header_offset] - entry.header_offset
        front = self._read_at(entry.header_offset, min(region, _READ), entry)
        start = self._check_local_header(entry, front)
        data = front[start : start + entry.compressed_size]
        yield data
        for position in range(len(data), entry.compressed_size, _CHUNK):
            size = min(_CHUNK, entry.compressed_size - position)
            yield self._read_at(entry.header_offset + start + position, size, entry)

    def check(self, entry: Entry) -> None:
        """Reads the member, whose content and CRC are right when this returns."""
        if self.small(entry) is None:
            for _ in self.chunks(entry):
                pass

    def read(self, entry: Entry, limit: int) -> bytes:
        """A small member as a whole; one of more than `limit` bytes is refused."""
        if entry.size > limit:
            raise self._refuse(entry, f"has {entry.size} bytes; such a file has at most {limit}")
        return b"".join(self.chunks(entry))

    def sha256(self) -> str:
        """The digest of the archive itself, in hexadecimal."""
        import hashlib

        digest = hashlib.sha256()
        for position in range(0, self.file_size, _CHUNK):
            digest.update(self._read_at(position, min(_CHUNK, self.file_size - position)))
        return digest.hexdigest()

    def _check_local_header(self, entry: Entry, front: bytes) -> int:
        """Holds the local header against the directory; returns where the data begin, counted from the header.

        `front` is the member's region of the archive, or the first part of a large one.
        """
        if not front.startswith(b"PK\3\4") or len(front) < _LOCAL.size:
            raise self._refuse(entry, f"no local header stands at byte {entry.header_offset}")
        _, _, flags, method, _time, _date, crc, compressed, size, name_size, extra_size = _LOCAL.unpack_from(front)
        start: int = _LOCAL.size + name_size + extra_size
        if start > len(front):
            front = self._read_at(entry.header_offset, start, entry)
        name, extra = front[_LOCAL.size : start - extra_size], front[start - extra_size : start]
        if name != entry.raw_name:
            raise self._refuse(entry, f"its local header gives another name, {name!r}")
        if 0xFFFFFFFF in (size, compressed):
            size, compressed = widen(self.path, entry.name, extra, (size, compressed))
        here, there = (method, crc, compressed, size), (entry.method, entry.crc, entry.compressed_size, entry.size)
        # With a data descriptor the header may leave zeros, which the descriptor fills in (4.4.4).
        deferred = bool(flags & FLAG_DESCRIPTOR) and here == (entry.method, 0, 0, 0)
        if (flags ^ entry.flags) & _COMPARED_FLAGS or (here != there and not deferred):
            raise self._refuse(
                entry, "its local header disagrees with the central directory about method, CRC, size or flags"
            )
        end = entry.header_offset + start + entry.compressed_size
        following = self._following[entry.header_offset]
        if flags & FLAG_DESCRIPTOR:
            self._check_descriptor(entry, end, following)
        elif end != following:
            raise self._refuse(entry, f"its data end at byte {end}, and what follows it begins at {following}")
        return start

    def _check_descriptor(self, entry: Entry, offset: int, following: int) -> None:
        """4.3.9: CRC and sizes after the data, with or without signature, in 4 or 8 bytes."""
        size = following - offset
        data = self._read_at(offset, size, entry) if 0 <= size <= 24 else b""
        width = 8 if size in (20, 24) else 4
        try:
            expected = b"".join(
                value.to_bytes(bytes_, "little")
                for value, bytes_ in ((entry.crc, 4), (entry.compressed_size, width), (entry.size, width))
            )
        except OverflowError:
            expected = None
        if expected is None or data not in (expected, _DESCRIPTOR_SIGNATURE + expected):
            raise self._refuse(entry, "its data descriptor disagrees with the central directory")

    def _stored(self, entry: Entry, start: int) -> Iterator[bytes]:
        offset = entry.header_offset + start
        for position in range(0, entry.compressed_size, _CHUNK):
            yield self._read_at(offset + position, min(_CHUNK, entry.compressed_size - position), entry)

    def _inflated(self, entry: Entry, start: int, front: bytes) -> Iterator[bytes]:
        if entry.compressed_size == entry.size == 0:
            return  # no stream at all, as some writers leave it for empty files
        inflater = new_inflater()
        data = front[start : start + entry.compressed_size]
        position = len(data)
        held = b""
        try:
            while not inflater.eof:
                hungry = inflater.needs_input
                if hungry and not data and position < entry.compressed_size:
                    size = min(_READ, entry.compressed_size - position)
                    data = self._read_at(entry.header_offset + start + position, size, entry)
                    position += size
                chunk = inflater.decompress(data, _CHUNK)
                # What it has kept of its input may yield nothing; then it wants more.
                if not chunk and not data and inflater.needs_input is hungry and not inflater.eof:
                    raise self._refuse(entry, "its deflate stream does not end")
                data = b""
                if held:
                    chunk = held + chunk
                if len(chunk) >= _LEAST:
                    held = b""
                    yield chunk
                else:
                    held = chunk
        except inflate_error as error:
            raise self._refuse(entry, f"its deflate stream is damaged ({error})") from error
        if held:
            yield held
        surplus = len(inflater.unused_data) + entry.compressed_size - position
        if surplus:
            raise self._refuse(entry, f"{surplus} bytes follow the end of its deflate stream")

    def _read_at(self, offset: int, size: int, entry: Entry | None = None) -> bytes:
        try:
            data = self._read_some(offset, size)
            while len(data) < size and (more := self._read_some(offset + len(data), size - len(data))):
                data += more
        except (OSError, ValueError, OverflowError) as error:
            member = None if entry is None else entry.name
            raise ArchiveError(_os_reason(error), archive=self.path, member=member) from error
        if len(data) != size:
            raise ArchiveError(
                f"cut off: {size} bytes are wanted at {offset}, and the file ends at {self.file_size}",
                archive=self.path, member=None if entry is None else entry.name,
            )  # fmt: skip
        return data

    def _read_some(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes; several threads may read at the same time."""
        if _HAS_PREAD:
            return os.pread(self._file.fileno(), size, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

    def _refuse(self, entry: Entry, reason: str) -> ArchiveError:
        return ArchiveError(reason, archive=self.path, member=entry.name)


def _open(path: str) -> FileIO:
    try:
        if not os.path.isfile(path):
            os.stat(path)  # names the reason, if there is one
            raise ArchiveError("not a regular file", archive=path)
        return open(path, "rb", buffering=0)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ArchiveError(_os_reason(error), archive=path) from error


def _os_reason(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _check_order(archive: str, entries: tuple[Entry, ...], end: int) -> dict[int, int]:
    """Where what follows each member begins, by the member's own offset.

    Members must fill the archive from its first byte up to the directory, one behind the
    other, so that a reader that goes header by header meets these and no others. Where each
    one's data end depends on its local header, and is checked when it is streamed.
    """
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    starts = [*(entry.header_offset for entry in ordered), end]
    if starts[0] != 0:
        raise ArchiveError("something stands before its first member", archive=archive)
    for entry, following in zip(ordered, starts[1:], strict=True):
        if entry.header_offset + _LOCAL.size + len(entry.raw_name) + entry.compressed_size > following:
            raise ArchiveError("overlaps what follows it in the archive", archive=archive, member=entry.name)
    return {entry.header_offset: following for entry, following in zip(ordered, starts[1:], strict=True)}
