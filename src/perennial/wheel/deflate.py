"""Deflating: libdeflate where it has a wheel, zlib elsewhere.

At the same level libdeflate's output is smaller, and takes a third of zlib's time
(docs/explanation/performance.md). Every inflater reads either, but they are not the same bytes: which
engine made them is part of what a reproducible output depends on, and is therefore a value that is
handed in, and never chosen here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from enum import StrEnum

from perennial.errors import UsageError
from perennial.lean_typing import Final

try:
    from deflate import deflate_compress
except ImportError:
    libdeflate: Callable[[bytes, int], bytes | bytearray] | None = None
else:
    libdeflate = deflate_compress

LEVELS: Final = range(10)
DEFAULT_LEVEL: Final = 6
_RAW_DEFLATE: Final = -15


class Deflater(StrEnum):
    """What deflates."""

    LIBDEFLATE = "libdeflate"
    ZLIB = "zlib"

    @property
    def is_installed(self) -> bool:
        return self is Deflater.ZLIB or libdeflate is not None


def installed_deflater() -> Deflater:
    """libdeflate, or zlib where that is not installed."""
    return Deflater.LIBDEFLATE if Deflater.LIBDEFLATE.is_installed else Deflater.ZLIB


def deflate(content: bytes, level: int, deflater: Deflater) -> bytes | None:
    """A raw deflate stream; None where that would not be smaller than `content`, and always at level 0.

    Raises `UsageError` where the deflater is not installed.
    """
    if level not in LEVELS:
        raise ValueError(f"level {level} is not between 0 and 9")
    if level == 0 or not content:
        return None
    made = _libdeflate(content, level) if deflater is Deflater.LIBDEFLATE else _zlib(content, level)
    return made if len(made) < len(content) else None


def _libdeflate(content: bytes, level: int) -> bytes:
    if libdeflate is None:
        raise UsageError("libdeflate is not installed here: pip install deflate, or deflate with zlib")
    return bytes(libdeflate(content, level))


def _zlib(content: bytes, level: int) -> bytes:
    # Memory level and strategy are spelled out: another build of zlib may have other defaults.
    made = zlib.compressobj(level, zlib.DEFLATED, _RAW_DEFLATE, 8, zlib.Z_DEFAULT_STRATEGY)
    return made.compress(content) + made.flush()
