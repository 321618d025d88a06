"""Zip archives written field by field, for those that no library would write.

Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 (layout), 4.4 (fields), 4.5.3 (zip64 extra) and
6.1 (encryption flag). An honest `RawZip` is a good archive; whatever is given beyond the data is
written as it stands, and may disagree with everything else.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

STORED: Final = 0
DEFLATED: Final = 8
FLAG_ENCRYPTED: Final = 0x1
FLAG_DESCRIPTOR: Final = 0x8
FLAG_UTF8: Final = 0x800
REGULAR: Final = 0o100644 << 16
SYMLINK: Final = 0o120777 << 16

_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_EOCD = struct.Struct("<IHHHHIIH")
_EOCD64 = struct.Struct("<IQHHIIQQQQ")
_LOCATOR64 = struct.Struct("<IIQI")
_DOS_DATE: Final = 0x21  # 1980-01-01
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one of an entry's two headers says, where it is not what is true."""

    name: bytes | str | None = None
    flags: int | None = None
    method: int | None = None
    crc: int | None = None
    compressed_size: int | None = None
    size: int | None = None
    extra: bytes | None = None
    version: int | None = None
    name_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEntry:
    """One member. `name` as text is UTF-8, flagged so where it is not ASCII; bytes go in unflagged."""

    name: bytes | str
    data: bytes = b""
    repeat: int = 1  # the member is `data` that often; it is never held in memory whole
    method: int = STORED  # DEFLATED deflates; anything else stores
    payload: bytes | None = None  # what stands for the compressed data
    flags: int = 0
    external_attr: int = REGULAR
    extra: bytes = b""
    comment: bytes = b""
    descriptor: Literal["signed", "unsigned"] | None = None
    zip64: bool = False  # sizes and offset are in zip64 extras on both sides
    local: Side = field(default_factory=Side)
    central: Side = field(default_factory=Side)
    in_local: bool = True  # False: only the central directory knows it
    in_central: bool = True  # False: only a local header
    same_local_as: int | None = None  # the index of the entry whose local header is shared
    local_offset: int | None = None  # what the central directory says instead of the truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Eocd:
    """What the end-of-central-directory record says, where it is not what is true."""

    disk: int | None = None
    entries_here: int | None = None
    entries: int | None = None
    size: int | None = None
    offset: int | None = None
    comment_length: int | None = None


class _Truth(NamedTuple):
    name: bytes
    flags: int
    crc: int
    payload: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RawZip:
    """An archive. Offsets count from its first byte, unless `prefix_counts` is False."""

    entries: tuple[RawEntry, ...] = ()
    prefix: bytes = b""
    prefix_counts: bool = True
    before_central: bytes = b""
    comment: bytes = b""
    trailing: bytes = b""
    eocd: Eocd | None = field(default_factory=Eocd)  # None: there is none
    zip64: bool = False  # with zip64 EOCD and locator, the 32-bit fields saturated
    zip64_eocd: Eocd = field(default_factory=Eocd)
    truncate: int | None = None  # only that many bytes; negative counts from the end

    @classmethod
    def of(cls, *entries: RawEntry) -> RawZip:
        """Just these members."""
        return cls(entries=entries)

    def build(self) -> bytes:
        """The archive's bytes."""
        out = bytearray(self.prefix)
        shift = 0 if self.prefix_counts else len(self.prefix)
        truths = [_truth(entry) for entry in self.entries]
        offsets: list[int] = []
        for entry, truth in zip(self.entries, truths, strict=True):
            if entry.same_local_as is not None:
                offsets.append(offsets[entry.same_local_as])
                continue
            offsets.append(len(out) - shift)
            if entry.in_local:
                out += _local(entry, truth)
        out += self.before_central
        start = len(out) - shift
        count = 0
        for entry, truth, offset in zip(self.entries, truths, offsets, strict=True):
            if entry.in_central:
                out += _central(entry, truth, offset)
                count += 1
        out += self._end(count, start, len(out) - shift - start)
        return bytes(out[: self.truncate])

    def _end(self, count: int, start: int, size: int) -> bytes:
        out = b""
        if self.zip64:
            said = self.zip64_eocd
            out += _EOCD64.pack(
                0x06064B50,
                _EOCD64.size - 12,
                45,
                45,
                _or(said.disk, 0),
                0,
                _or(said.entries_here, count),
                _or(said.entries, count),
                _or(said.size, size),
                _or(said.offset, start),
            )
            out += _LOCATOR64.pack(0x07064B50, 0, start + size, 1)
            count, size, start = _FULL16, _FULL32, _FULL32
        if self.eocd is not None:
            said = self.eocd
            out += _EOCD.pack(
                0x06054B50,
                _or(said.disk, 0),
                0,
                _or(said.entries_here, count),
                _or(said.entries, count),
                _or(said.size, size),
                _or(said.offset, start),
                _or(said.comment_length, len(self.comment)),
            )
            out += self.comment
        return out + self.trailing


def _or(said: int | None, true: int) -> int:
    return true if said is None else said


def _encoded(name: bytes | str) -> bytes:
    return name.encode() if isinstance(name, str) else name


def _truth(entry: RawEntry) -> _Truth:
    name = _encoded(entry.name)
    flags = entry.flags | (FLAG_DESCRIPTOR if entry.descriptor else 0)
    if isinstance(entry.name, str) and not entry.name.isascii():
        flags |= FLAG_UTF8
    if entry.repeat == 1:
        crc = zlib.crc32(entry.data)
        payload = _deflate(entry.data, 1, 0) if entry.method == DEFLATED else entry.data
    else:
        # a megabyte at a time, or the pattern where it is longer
        together = min(entry.repeat, max(1, (1 << 20) // max(1, len(entry.data))))
        rounds, rest = divmod(entry.repeat, together)
        chunk = entry.data * together
        crc = 0
        for _ in range(rounds):
            crc = zlib.crc32(chunk, crc)
        crc = zlib.crc32(entry.data * rest, crc)
        whole = entry.method == DEFLATED
        payload = _deflate(chunk, rounds, rest * len(entry.data)) if whole else entry.data * entry.repeat
    if entry.payload is not None:
        payload = entry.payload
    return _Truth(name, flags, crc, payload, len(entry.data) * entry.repeat)


def _deflate(chunk: bytes, rounds: int, rest: int) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    out = [deflater.compress(chunk) for _ in range(rounds)]
    out.append(deflater.compress(chunk[:rest]))
    return b"".join([*out, deflater.flush()])


def _local(entry: RawEntry, truth: _Truth) -> bytes:
    said = entry.local
    name = truth.name if said.name is None else _encoded(said.name)
    sizes = (truth.size, len(truth.payload))
    crc, size, compressed = truth.crc, *sizes
    if entry.descriptor:
        crc = size = compressed = 0
    extra = entry.extra
    if entry.zip64:
        extra += struct.pack("<HHQQ", 1, 16, size, compressed)
        size = compressed = _FULL32
    extra = extra if said.extra is None else said.extra
    head = _LOCAL.pack(
        0x04034B50,
        _or(said.version, 45 if entry.zip64 else 20),
        _or(said.flags, truth.flags),
        _or(said.method, entry.method),
        0,
        _DOS_DATE,
        _or(said.crc, crc),
        _or(said.compressed_size, compressed),
        _or(said.size, size),
        _or(said.name_length, len(name)),
        len(extra),
    )
    tail = b""
    if entry.descriptor:
        signature = b"PK\x07\x08" if entry.descriptor == "signed" else b""
        tail = signature + struct.pack("<IQQ" if entry.zip64 else "<III", truth.crc, len(truth.payload), truth.size)
    return head + name + extra + truth.payload + tail


def _central(entry: RawEntry, truth: _Truth, offset: int) -> bytes:
    said = entry.central
    name = truth.name if said.name is None else _encoded(said.name)
    size, compressed = truth.size, len(truth.payload)
    offset = _or(entry.local_offset, offset)
    extra = entry.extra
    if entry.zip64:
        extra += struct.pack("<HHQQQ", 1, 24, size, compressed, offset)
        size = compressed = offset = _FULL32
    extra = extra if said.extra is None else said.extra
    head = _CENTRAL.pack(
        0x02014B50,
        3 << 8 | 45,  # made by Unix: external_attr holds a mode
        _or(said.version, 45 if entry.zip64 else 20),
        _or(said.flags, truth.flags),
        _or(said.method, entry.method),
        0,
        _DOS_DATE,
        _or(said.crc, truth.crc),
        _or(said.compressed_size, compressed),
        _or(said.size, size),
        _or(said.name_length, len(name)),
        len(extra),
        len(entry.comment),
        0,
        0,
        entry.external_attr,
        offset,
    )
    return head + name + extra + entry.comment


def overlapping(outer: str, inner: str, data: bytes) -> RawZip:
    """A stored member whose data is another member's local header and data (a "quoted" bomb)."""
    within = RawEntry(name=inner, data=data)
    header = _local(within, _truth(within))
    at = _LOCAL.size + len(_encoded(outer))
    return RawZip.of(
        RawEntry(name=outer, data=header), RawEntry(name=inner, data=data, in_local=False, local_offset=at)
    )


_E = RawEntry
_ONE = _E(name="a.txt", data=b"first")
_TWO = _E(name="b.txt", data=b"second member")

HOSTILE: Final[Mapping[str, RawZip]] = {
    "local name disagrees": RawZip.of(_E(name="a.txt", data=b"x", local=Side(name="b.txt"))),
    "local size disagrees": RawZip.of(_E(name="a.txt", data=b"x", local=Side(size=7))),
    "local compressed size disagrees": RawZip.of(_E(name="a.txt", data=b"x", local=Side(compressed_size=7))),
    "local crc disagrees": RawZip.of(_E(name="a.txt", data=b"x", local=Side(crc=1))),
    "local method disagrees": RawZip.of(_E(name="a.txt", data=b"x", local=Side(method=DEFLATED))),
    "crc wrong": RawZip.of(_E(name="a.txt", data=b"x", local=Side(crc=1), central=Side(crc=1))),
    "size wrong": RawZip.of(_E(name="a", data=b"xy", method=8, local=Side(size=1), central=Side(size=1))),
    "duplicate names": RawZip.of(_ONE, _E(name="a.txt", data=b"other")),
    "absolute name": RawZip.of(_E(name="/etc/passwd", data=b"x")),
    "name goes up": RawZip.of(_E(name="a/../../b.txt", data=b"x")),
    "backslash in name": RawZip.of(_E(name="a\\b.txt", data=b"x")),
    "symlink": RawZip.of(_E(name="link", data=b"../../etc/passwd", external_attr=SYMLINK)),
    "encrypted": RawZip.of(_E(name="a.txt", data=b"x" * 13, flags=FLAG_ENCRYPTED)),
    "unknown method": RawZip.of(_E(name="a.txt", data=b"x", method=99)),
    "corrupt deflate": RawZip.of(_E(name="a.txt", data=b"x" * 9, method=DEFLATED, payload=b"\xff" * 9)),
    "truncated in the local header": RawZip(entries=(_ONE, _TWO), truncate=20),
    "truncated in the central directory": RawZip(entries=(_ONE, _TWO), truncate=-40),
    "truncated in the end record": RawZip(entries=(_ONE, _TWO), truncate=-1),
    "no end record": RawZip(entries=(_ONE,), eocd=None),
    "empty file": RawZip(truncate=0),
    "bomb": RawZip.of(_E(name="bomb", data=b"\0" * 1024, repeat=1 << 15, method=DEFLATED)),
    "overlapping members": overlapping("outer", "inner", b"data"),
    "two members share a local header": RawZip.of(_ONE, _E(name="c.txt", data=b"first", same_local_as=0)),
    "member past the end": RawZip.of(_E(name="a.txt", data=b"x", local_offset=1 << 30)),
    "central directory past the end": RawZip(entries=(_ONE,), eocd=Eocd(offset=1 << 30)),
    "central directory too long": RawZip(entries=(_ONE,), eocd=Eocd(size=1 << 30)),
    "fewer entries announced": RawZip(entries=(_ONE, _TWO), eocd=Eocd(entries=1, entries_here=1)),
    "more entries announced": RawZip(entries=(_ONE, _TWO), eocd=Eocd(entries=9, entries_here=9)),
    "comment length wrong": RawZip(entries=(_ONE,), eocd=Eocd(comment_length=500)),
    "several disks": RawZip(entries=(_ONE,), eocd=Eocd(disk=1)),
    "member in the central directory only": RawZip.of(_ONE, _E(name="c.txt", data=b"x", in_local=False)),
    "member in a local header only": RawZip.of(_ONE, _E(name="c.txt", data=b"x", in_central=False)),
    "name with NUL": RawZip.of(_E(name=b"a.txt\0.so", data=b"x")),
    "empty name": RawZip.of(_E(name=b"", data=b"x")),
    "name longer than the header": RawZip.of(_E(name="a", data=b"x", central=Side(name_length=60000))),
    "name not UTF-8": RawZip.of(_E(name=b"\xff\xfe.txt", data=b"x", flags=FLAG_UTF8)),
    "name in cp437": RawZip.of(_E(name="naïve.txt".encode("cp437"), data=b"x")),
    "zip64 extra cut short": RawZip.of(_E(name="a", data=b"x", zip64=True, central=Side(extra=b"\1\0\x18\0\0\0"))),
    "zip64 end disagrees": RawZip(entries=(_ONE,), zip64=True, zip64_eocd=Eocd(entries=1 << 40)),
}
"""Archives that a careful reader refuses, or reads with care, by what is wrong with them."""
