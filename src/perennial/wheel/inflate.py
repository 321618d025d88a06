"""Inflating: isal where it has a wheel, zlib elsewhere; and libdeflate for what is inflated as a whole.

All give the same bytes; isal takes 40 to 60 per cent of zlib's time, and libdeflate 80 per cent of isal's
(docs/explanation/performance.md).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from struct import Struct

from perennial.lean_typing import Final, Protocol


class Inflater(Protocol):
    """One deflate stream, in the manner of the standard library's bz2 and lzma: what it was given and has not yet
    used it keeps, and it wants no more input before it has handed out what that yields.
    """

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_RAW_DEFLATE: Final = -15


class ZlibInflater:
    """zlib's object, with that interface."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream: Final = zlib.decompressobj(_RAW_DEFLATE)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        rest = self._stream.unconsumed_tail
        return self._stream.decompress(rest + data if rest else data, max_length)


# isal's counterpart of zlib's object lets its output grow by doubling, and inflates a chunk in five steps. This one
# allocates `max_length` at once: 3 to 6 per cent of the time that inflating takes.
try:
    from isal.igzip_lib import IgzipDecompressor, IsalError
    from isal.isal_zlib import crc32 as _crc32
except ImportError:
    inflate_error: type[Exception] = zlib.error
    crc32: Callable[[bytes, int], int] = zlib.crc32
    new_inflater: Callable[[], Inflater] = ZlibInflater
else:
    inflate_error = IsalError  # type: ignore[assignment]  # its stub declares the class as an instance
    crc32 = _crc32
    new_inflater = IgzipDecompressor  # for raw deflate by default


def inflate_front(data: bytes, size: int) -> bytes:
    """The first bytes, up to `size`, that the beginning of a deflate stream yields.

    Nothing, where the stream is damaged. zlib's objects take half of isal's time to make.
    """
    try:
        return zlib.decompressobj(_RAW_DEFLATE).decompress(data, size)
    except zlib.error:
        return b""


# The compressed data of a member, its size and its CRC -> its content; None where that is not what they inflate to.
InflateWhole = Callable[[bytes | memoryview, int, int], bytes | bytearray | None]


def inflate_in_one_step(data: bytes | memoryview, size: int, crc: int) -> bytes | None:
    """With what inflates streams."""
    inflater = new_inflater()
    try:
        content = inflater.decompress(bytes(data), size + 1)
    except inflate_error:
        return None
    if len(content) != size or not inflater.eof or inflater.unused_data or crc32(content, 0) != crc:
        return None
    return content


try:
    from deflate import DeflateError, gzip_decompress
except ImportError:
    inflate_whole: InflateWhole = inflate_in_one_step
    LARGEST_WHOLE = 1 << 18  # bytes; larger ones are inflated in pieces, which stay in a core's cache
else:
    _HEADER: Final = b"\x1f\x8b\x08" + bytes(7)  # RFC 1952, 2.3
    _TRAILER: Final = Struct("<2L")

    def inflate_with_libdeflate(data: bytes | memoryview, size: int, crc: int) -> bytes | bytearray | None:
        """libdeflate does not tell where in its input a stream ended, and nothing may follow. But it compares what does
        with a gzip trailer. Where the right one is nowhere but at the end, the stream ends there, or nothing fits.
        """
        trailer = _TRAILER.pack(crc, size)
        packed = b"".join((_HEADER, data, trailer))
        if not size or packed.rfind(trailer, 0, -1) >= 0:
            return inflate_in_one_step(data, size, crc)
        try:
            content: bytearray = gzip_decompress(packed, size)
        except DeflateError:
            return None
        return content

    inflate_whole = inflate_with_libdeflate
    LARGEST_WHOLE = 1 << 22
