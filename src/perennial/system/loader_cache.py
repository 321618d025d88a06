"""ld.so.cache: the libraries that ldconfig has found, by soname (glibc's sysdeps/generic/dl-cache.h).

It is the first place of the system's own that glibc's loader looks into. Since 2.32 ldconfig writes only the
format that begins with `glibc-ld.so.cache1.1`; before, an older one stood in front of it. Entries for newer processors
(`glibc-hwcaps/`) are left out: what they are built for, not every machine of the architecture has.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

from perennial.arch import Architecture
from perennial.errors import ArchiveError
from perennial.lean_typing import Final, NamedTuple

_OLD_MAGIC: Final = b"ld.so-1.7.0"
_OLD_HEADER: Final = 16
_OLD_ENTRY: Final = 12
_MAGIC: Final = b"glibc-ld.so.cache1.1"
_HEADER: Final = 48
_ENTRY: Final = 24
_LITTLE, _BIG = 2, 3  # cache_file_new.flags; 0 in caches older than glibc 2.33

# FLAG_ELF_LIBC6 is 3; the bits above say for which processes (sysdeps/generic/ldconfig.h).
_FLAGS: Final = {
    Architecture.X86_64: 0x0303,
    Architecture.I686: 0x0003,
    Architecture.AARCH64: 0x0A03,
    Architecture.ARMV7L: 0x0903,
    Architecture.PPC64LE: 0x0503,
    Architecture.PPC64: 0x0503,
    Architecture.S390X: 0x0403,
    Architecture.RISCV64: 0x1003,
    Architecture.LOONGARCH64: 0x1203,
}


class LoaderCache(NamedTuple):
    """The entries of a cache: flags and soname -> paths, in the order in which they stand."""

    entries: Mapping[tuple[int, str], tuple[str, ...]]

    def find(self, soname: str, architecture: Architecture) -> tuple[str, ...]:
        """The paths that processes of an architecture would be given for a soname."""
        return self.entries.get((_FLAGS[architecture], soname), ())


def read_loader_cache(data: bytes, where: str) -> LoaderCache:
    """The cache in bytes; ArchiveError, naming `where`, where they are none or damaged."""
    base = _base(data, where)
    if len(data) < base + _HEADER:
        raise _damaged(where)
    order = _byte_order(data, base)
    count, _ = struct.unpack_from(f"{order}II", data, base + 20)
    if base + _HEADER + count * _ENTRY > len(data):
        raise _damaged(where)
    entries: dict[tuple[int, str], tuple[str, ...]] = {}
    for at in range(base + _HEADER, base + _HEADER + count * _ENTRY, _ENTRY):
        flags, key, value, _, hwcap = struct.unpack_from(f"{order}iIIIQ", data, at)
        if hwcap == 0:
            known = (flags, _text(data, base + key, where))
            entries[known] = (*entries.get(known, ()), _text(data, base + value, where))
    return LoaderCache(MappingProxyType(entries))


def _base(data: bytes, where: str) -> int:
    """Where the present format begins: offsets of texts count from there."""
    if data.startswith(_OLD_MAGIC) and len(data) >= _OLD_HEADER:
        for order in "<>":
            (count,) = struct.unpack_from(f"{order}I", data, _OLD_HEADER - 4)
            base: int = -(-(_OLD_HEADER + count * _OLD_ENTRY) // 8) * 8  # ALIGN_CACHE
            if data[base : base + len(_MAGIC)] == _MAGIC:
                return base
    if data.startswith(_MAGIC):
        return 0
    raise ArchiveError("is no cache of ld.so, or of a format that is not known", archive=where)


def _byte_order(data: bytes, base: int) -> str:
    stated = data[base + 28] & 3  # cache_file_new_flags_endian_mask
    if stated == _LITTLE:
        return "<"
    if stated == _BIG:
        return ">"
    # A count of entries that fits into the file in one order only.
    little = int.from_bytes(data[base + 20 : base + 24], "little")
    return "<" if base + _HEADER + little * _ENTRY <= len(data) else ">"


def _text(data: bytes, start: int, where: str) -> str:
    end = data.find(b"\0", start)
    if end < 0:
        raise _damaged(where)
    return data[start:end].decode("utf-8", "surrogateescape")


def _damaged(where: str) -> ArchiveError:
    return ArchiveError("is a cache of ld.so that is damaged", archive=where)
