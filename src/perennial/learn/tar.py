"""Tar archives, streamed: POSIX.1-2024 `pax` (ustar and extended headers) and GNU's extensions.

The standard library's `tarfile` reads a whole long name or extended header into memory, however
long it claims to be, and repairs or guesses where a header is broken. A layer or a package
comes from anybody, and half of it unread is a release with libraries missing: here, everything
has a bound, the archive is only ever read forward, and what is broken is an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from perennial.errors import ArchiveError
from perennial.lean_typing import Final
from perennial.learn.limits import Budget
from perennial.learn.members import Kind, Member, clean_name, decode_name
from perennial.learn.streams import ByteReader

_BLOCK: Final = 512
_LONGEST_EXTENDED: Final = 1 << 20  # bytes of one extended header; it holds names and attributes
_KINDS: Final = {
    b"0": Kind.FILE, b"\0": Kind.FILE, b"7": Kind.FILE, b"1": Kind.HARD_LINK, b"2": Kind.SYMLINK,
    b"5": Kind.DIRECTORY,
}  # fmt: skip


def read_tar(reader: ByteReader, budget: Budget) -> Iterator[Member]:
    """The members of an uncompressed archive, in their order.

    Two blocks of zeros end it; so does the end of the data between two members, for .apk files
    are several archives in a row, all but the last without an end.
    """
    archive = _Tar(reader, budget)
    while (member := archive.next()) is not None:
        yield member
    reader.drain()  # the check of a compressed stream stands at its end


class _Tar:
    def __init__(self, reader: ByteReader, budget: Budget) -> None:
        self._reader = reader
        self._budget = budget
        self._unread = 0  # bytes of the last member and its padding
        self._padding = 0

    def next(self) -> Member | None:
        self._reader.skip(self._unread - self._padding, "a member")
        self._reader.read(self._padding)  # which umoci (0.4.7) leaves out at the end of a layer
        self._unread = self._padding = 0
        extended: dict[str, bytes] = {}  # what stands before the header and outdoes it
        while True:
            header = self._reader.read(_BLOCK)
            if not header or header == bytes(_BLOCK):
                return None  # what follows the first block of zeros is padding
            if len(header) < _BLOCK:
                raise self._wrong("ends in the middle of a header")
            self._check(header)
            kind, size = header[156:157], self._number(header[124:136], "size")
            if kind == b"L":
                extended["path"] = self._data(size).partition(b"\0")[0]  # GNU's long name: data of a member of its own
            elif kind == b"K":
                extended["linkpath"] = self._data(size).partition(b"\0")[0]
            elif kind == b"x":
                extended |= self._records(size)
            elif kind == b"g":
                self._records(size)  # a comment for all members, as git writes; never a path
            else:
                return self._member(header, kind, size, extended)

    def _member(self, header: bytes, kind: bytes, size: int, extended: dict[str, bytes]) -> Member:
        self._budget.spend_entry()
        if kind == b"S":
            self._skip_sparse_map(header)
        if "size" in extended:
            size = self._decimal(extended["size"])
        name = decode_name(extended["path"]) if "path" in extended else _name(header)
        target = decode_name(extended["linkpath"]) if "linkpath" in extended else _field(header[157:257])
        for text in (name, target):
            if len(text) > self._budget.limits.name:
                raise self._wrong("a name longer than a path can be")
        kind_of = _KINDS.get(kind, Kind.OTHER)
        if kind_of is Kind.FILE and name.endswith("/"):
            kind_of = Kind.DIRECTORY  # as V7 tar writes them
        if kind_of in (Kind.HARD_LINK, Kind.SYMLINK, Kind.DIRECTORY):
            size = 0  # POSIX: no data follows, whatever the field says
        if kind_of is Kind.HARD_LINK:
            target = clean_name(target, self._budget.archive)
        self._unread = -(-size // _BLOCK) * _BLOCK
        self._padding = self._unread - size
        return Member(clean_name(name, self._budget.archive), kind_of, size, target, lambda: self._content(name))

    def _content(self, name: str) -> bytes:
        size = self._unread - self._padding
        if size > self._budget.limits.library:
            raise ArchiveError(
                f"larger than {self._budget.limits.library} bytes", archive=self._budget.archive, member=name
            )
        data = self._reader.exactly(size, "a member")
        self._unread = self._padding
        return data

    def _check(self, header: bytes) -> None:
        """The sum of the header's bytes, its own field counted as spaces; some old tars summed signed bytes."""
        said = self._number(header[148:156], "chksum")
        rest = header[:148] + b" " * 8 + header[156:]
        total = sum(rest)
        if said not in (total, total - 256 * sum(byte > 127 for byte in rest)):
            raise self._wrong("a header whose checksum is wrong")

    def _number(self, field: bytes, what: str) -> int:
        """Octal digits, or, as GNU writes large ones, a big-endian number with the top bit set."""
        if field[0] & 0x80:
            return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        digits = field.strip(b"\0 ")
        try:
            return int(digits, 8) if digits else 0
        except ValueError:
            raise self._wrong(f"{what} {digits!r} is no octal number") from None

    def _data(self, size: int) -> bytes:
        if size > _LONGEST_EXTENDED:
            raise self._wrong(f"an extended header of {size} bytes")
        data = self._reader.exactly(size, "an extended header")
        self._reader.skip(-size % _BLOCK, "an extended header")
        return data

    def _records(self, size: int) -> dict[str, bytes]:
        """An extended header: records of `length keyword=value newline`."""
        data = self._data(size)
        records: dict[str, bytes] = {}
        position = 0
        while position < len(data):
            space = data.find(b" ", position, position + 20)
            length = self._decimal(data[position:space]) if space > 0 else 0
            record = data[space + 1 : position + length]
            keyword, equals, value = record.partition(b"=")
            if position + length > len(data) or not equals or not value.endswith(b"\n"):
                raise self._wrong("an extended header that is no list of records")
            records[keyword.decode("utf-8", "replace")] = value[:-1]
            position += length
        return records

    def _decimal(self, digits: bytes) -> int:
        if not digits.isdigit() or len(digits) > 19:
            raise self._wrong(f"{digits[:20]!r} is no length")
        return int(digits)

    def _skip_sparse_map(self, header: bytes) -> None:
        """GNU's old sparse format continues its map in blocks that precede the data."""
        more = header[482]
        while more:
            more = self._reader.exactly(_BLOCK, "a sparse map")[504]

    def _wrong(self, reason: str) -> ArchiveError:
        return ArchiveError(f"{reason} (tar, before byte {self._reader.position})", archive=self._budget.archive)


def _name(header: bytes) -> str:
    """A ustar header has a prefix; GNU's, which ends its magic by a space, has something else there."""
    prefix = _field(header[345:500]) if header[257:263] == b"ustar\0" else ""
    name = _field(header[:100])
    return f"{prefix}/{name}" if prefix else name


def _field(raw: bytes) -> str:
    return decode_name(raw.partition(b"\0")[0])
