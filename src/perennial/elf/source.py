"""Where the bytes of an ELF file come from: all of them, or those that were kept.

A wheel's member is inflated once, from front to back, and what loaders read is a few per
cent of it. `KeptBytes` holds these parts and answers like the whole file; asked for a part
that was let go, it raises `BytesNotKept`, and the caller streams the member again with
that range on its list.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from perennial.errors import ElfFormatError
from perennial.lean_typing import Final, Protocol


class BytesNotKept(Exception):  # noqa: N818 - a request to the caller, not an error
    """A range of the file, in bytes, that is needed and was not kept."""

    def __init__(self, offset: int, size: int) -> None:
        super().__init__(offset, size)
        self.offset = offset
        self.size = size


class ByteSource(Protocol):
    """Random access to a file's bytes."""

    @property
    def size(self) -> int:
        """The size of the whole file in bytes."""

    def read(self, offset: int, size: int, field: str) -> bytes:
        """Exactly these bytes; `ElfFormatError`, naming the field, where the file has no such range."""

    def require(self, offset: int, size: int, field: str) -> None:
        """Says that these bytes are going to be read piece by piece; fails where `read` would."""


class WholeFile:
    """A file that is all in memory."""

    __slots__ = ("_data", "size")

    def __init__(self, data: bytes | bytearray) -> None:
        self._data: Final = data
        self.size: Final = len(data)

    def read(self, offset: int, size: int, field: str) -> bytes:
        check_range(offset, size, self.size, field)
        return bytes(self._data[offset : offset + size])

    def require(self, offset: int, size: int, field: str) -> None:
        check_range(offset, size, self.size, field)


class KeptBytes:
    """The kept parts of a file of `size` bytes: pieces in ascending order that do not overlap."""

    __slots__ = ("_pieces", "_starts", "size")

    def __init__(self, size: int, pieces: list[tuple[int, bytes]]) -> None:
        self.size: Final = size
        self._pieces: Final = pieces
        self._starts: Final = [start for start, _ in pieces]

    def read(self, offset: int, size: int, field: str) -> bytes:
        check_range(offset, size, self.size, field)
        if size == 0:
            return b""
        index = bisect_right(self._starts, offset) - 1
        if index >= 0:
            start, data = self._pieces[index]
            if offset + size <= start + len(data):
                return data[offset - start : offset - start + size]
        self._check_kept(offset, size)
        end = offset + size
        return b"".join(data[max(offset - start, 0) : end - start] for start, data in self._from(offset, size))

    def require(self, offset: int, size: int, field: str) -> None:
        check_range(offset, size, self.size, field)
        self._check_kept(offset, size)

    @property
    def kept(self) -> int:
        """How many bytes there are."""
        return sum(len(data) for _, data in self._pieces)

    def joined(self, pieces: list[tuple[int, bytes]]) -> KeptBytes:
        """With further pieces, which do not overlap those that are there."""
        return KeptBytes(self.size, sorted([*self._pieces, *pieces]))

    def without(self, ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The parts of some ranges, (start, end) in ascending order, that were not kept."""
        missing: list[tuple[int, int]] = []
        for low, high in ranges:
            position = low
            for start, data in self._from(low, high - low):
                if position < start:
                    missing.append((position, start))
                position = max(position, start + len(data))
            if position < high:
                missing.append((position, high))
        return missing

    def _check_kept(self, offset: int, size: int) -> None:
        if self.without([(offset, offset + size)]):
            raise BytesNotKept(offset, size)

    def _from(self, offset: int, size: int) -> Iterator[tuple[int, bytes]]:
        """The pieces from the one in which `offset` may lie on, up to the end of the range."""
        for index in range(max(bisect_right(self._starts, offset) - 1, 0), len(self._pieces)):
            if self._starts[index] >= offset + size:
                return
            yield self._pieces[index]


def check_range(offset: int, size: int, available: int, field: str) -> None:
    if size > available - offset:
        raise ElfFormatError(
            f"{size} bytes are wanted there and the file ends at {available:#x}", field=field, offset=offset
        )
