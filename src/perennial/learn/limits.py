"""What may be in an archive before it is refused.

A root file system or a package comes from anybody. Nothing of it is written to disk, and
what is held in memory is one library at a time and the package database, so that the limits
bound time and memory, and need not be tight: they stand well above the largest known images.
"""

from __future__ import annotations

from perennial.errors import ArchiveError
from perennial.lean_typing import Final, NamedTuple


class Limits(NamedTuple):
    """Upper bounds for one source; bytes are counted after decompression."""

    total: int = 64 << 30  # the largest images of deep-learning frameworks have some 20 GiB
    entries: int = 4_000_000
    library: int = 512 << 20  # libLLVM has 150 MiB; none of the allowed libraries has 30
    document: int = 512 << 20  # an rpm database of a full desktop has some 200 MiB
    name: int = 4096  # PATH_MAX


DEFAULT_LIMITS: Final = Limits()


class Budget:
    """What is left of the limits, for one source."""

    def __init__(self, archive: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self.archive = archive
        self.limits = limits
        self._bytes = limits.total
        self._entries = limits.entries

    def spend_bytes(self, count: int) -> None:
        self._bytes -= count
        if self._bytes < 0:
            raise ArchiveError(f"unpacks to more than {self.limits.total} bytes", archive=self.archive)

    def spend_entry(self) -> None:
        self._entries -= 1
        if self._entries < 0:
            raise ArchiveError(f"has more than {self.limits.entries} entries", archive=self.archive)
