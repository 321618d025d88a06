"""RPM packages: a lead, a signature, a header, and a cpio archive that is compressed.

The format is the RPM reference manual's "RPM V4 Package Format". There is one library for it on
the index, `rpmfile`; it holds the whole unpacked payload in memory, believes the counts in the
header and seeks backwards in compressed streams, none of which a file from anybody allows. What
is needed is short: two tags of the header, and cpio's "new ASCII" format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from perennial.errors import ArchiveError
from perennial.lean_typing import BinaryIO, Final
from perennial.learn.limits import Budget
from perennial.learn.members import Kind, Member, clean_name, decode_name
from perennial.learn.streams import ByteReader, decompressed, file_chunks
from perennial.system.rpm_header import TAG_NAME, RpmHeader

MAGIC: Final = b"\xed\xab\xee\xdb"
HEADER_MAGIC: Final = b"\x8e\xad\xe8\x01"
_LEAD: Final = 96
_MOST_ENTRIES: Final = 1 << 16  # rpm's own limits (lib/header.c): 64 Ki tags
_LARGEST_STORE: Final = 256 << 20  # and 256 MiB of data


class Rpm:
    """One package; `members` may be asked for once."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self._file = file
        self._budget = budget
        if file.read(_LEAD)[:4] != MAGIC:
            raise ArchiveError("is no RPM package", archive=budget.archive)
        self._header(padded=True)  # the signature; what it signs is not judged here
        header = self._header(padded=False)
        self.name = header.text(TAG_NAME)
        self.version = header.version
        if not self.name:
            raise ArchiveError("has no name in its header", archive=budget.archive)

    def members(self) -> Iterator[Member]:
        """The files that the package installs."""
        chunks = decompressed(file_chunks(self._file), self._budget)
        return read_cpio(ByteReader(chunks, self._budget.archive), self._budget)

    def _header(self, *, padded: bool) -> RpmHeader:
        lead = self._exactly(16)
        magic, _, entries, size = struct.unpack(">4sIII", lead)
        if magic != HEADER_MAGIC or entries > _MOST_ENTRIES or size > _LARGEST_STORE:
            raise ArchiveError("has a broken RPM header", archive=self._budget.archive)
        index, store = self._exactly(16 * entries), self._exactly(size)
        if padded:
            self._exactly(-size % 8)
        return RpmHeader(index, store, self._budget.archive)

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise ArchiveError("ends in the middle of its header", archive=self._budget.archive)
        return data


_CPIO_MAGICS: Final = (b"070701", b"070702")
_CPIO_HEADER: Final = 110  # magic, then 13 numbers of 8 hexadecimal digits
_TRAILER: Final = "TRAILER!!!"
_FILE_KINDS: Final = {0o100000: Kind.FILE, 0o040000: Kind.DIRECTORY, 0o120000: Kind.SYMLINK}
_LONGEST_TARGET: Final = 4096


def read_cpio(reader: ByteReader, budget: Budget) -> Iterator[Member]:
    """The members of an archive in the "new ASCII" format (cpio(5)).

    Of files with several names, only the last member has the data; the others read as empty.
    """
    while True:
        budget.spend_entry()
        header = reader.exactly(_CPIO_HEADER, "a cpio header")
        digits = header[6:]
        if header[:6] not in _CPIO_MAGICS or not all(byte in b"0123456789abcdefABCDEF" for byte in digits):
            raise ArchiveError(f"a broken cpio header before byte {reader.position}", archive=budget.archive)
        numbers = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
        mode, size, name_size = numbers[1], numbers[6], numbers[11]
        if not 0 < name_size <= budget.limits.name:
            raise ArchiveError(f"a name of {name_size} bytes in a cpio header", archive=budget.archive)
        raw = reader.exactly(name_size, "a cpio name").partition(b"\0")[0]
        reader.skip(-(_CPIO_HEADER + name_size) % 4, "a cpio name")
        if raw == _TRAILER.encode():
            return
        kind = _FILE_KINDS.get(mode & 0o170000, Kind.OTHER)
        target = ""
        left = size
        if kind is Kind.SYMLINK:
            if size > _LONGEST_TARGET:
                raise ArchiveError("a link longer than a path can be", archive=budget.archive)
            target, left = decode_name(reader.exactly(size, "a link")), 0
        body = _Body(reader, left, budget)
        yield Member(clean_name(decode_name(raw), budget.archive), kind, size, target, body.read)
        reader.skip(body.left + -size % 4, "a cpio member")


class _Body:
    """A member's data, read at most once."""

    def __init__(self, reader: ByteReader, size: int, budget: Budget) -> None:
        self._reader = reader
        self._budget = budget
        self.left = size

    def read(self) -> bytes:
        if self.left > self._budget.limits.library:
            raise ArchiveError(f"a member of {self.left} bytes", archive=self._budget.archive)
        data, self.left = self._reader.exactly(self.left, "a cpio member"), 0
        return data
