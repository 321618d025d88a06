"""Inflating: isal where it has a wheel, zlib elsewhere.

Both give the same bytes; isal takes 40 to 60 per cent of zlib's time (docs/explanation/performance.md).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final, Protocol


class Decompressor(Protocol):
    """The part of `zlib.decompressobj` that is used, and that isal offers alike."""

    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


_RAW_DEFLATE: Final = -15

try:
    from isal import isal_zlib
    from isal.igzip_lib import IsalError
except ImportError:
    inflate_error: type[Exception] = zlib.error
    crc32: Callable[[bytes, int], int] = zlib.crc32

    def decompressor() -> Decompressor:
        return zlib.decompressobj(_RAW_DEFLATE)
else:
    inflate_error = IsalError  # type: ignore[assignment]  # its stub declares the class as an instance
    crc32 = isal_zlib.crc32

    def decompressor() -> Decompressor:
        inflater: Decompressor = isal_zlib.decompressobj(_RAW_DEFLATE)
        return inflater
