"""Archives: what is refused, with which line, and what is read."""

from __future__ import annotations

import io
import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perennial.errors import ArchiveError
from perennial.wheel.archive import Archive
from perennial.wheel.limits import ArchiveLimits
from tests.support.raw_zip import DEFLATED, FLAG_UTF8, Eocd
from tests.support.wheel_builder import HOSTILE, RawEntry, RawZip, Side, wheel_bytes

DISAGREES = "disagrees with the central directory"

# What the one line says; None for archives that are read.
SAID: dict[str, str | None] = {
    "local name disagrees": "'a.txt': its local header gives another name, b'b.txt'",
    "local size disagrees": DISAGREES,
    "local compressed size disagrees": DISAGREES,
    "local crc disagrees": DISAGREES,
    "local method disagrees": DISAGREES,
    "crc wrong": "its content has CRC 8cdc1683 and should have 00000001",
    "size wrong": "inflates to more than 1 bytes instead of 1",
    "duplicate names": "'a.txt': stands twice in the archive",
    "absolute name": "'/etc/passwd': an absolute name",
    "name goes up": "a name that leads out of the wheel",
    "backslash in name": "a NUL or a backslash",
    "symlink": None,
    "encrypted": "'a.txt': encrypted",
    "unknown method": "compressed with method 99",
    "corrupt deflate": "its deflate stream is damaged",
    "truncated in the local header": "no end-of-central-directory record",
    "truncated in the central directory": "no end-of-central-directory record",
    "truncated in the end record": "cut off within its end-of-central-directory record",
    "no end record": "no end-of-central-directory record",
    "empty file": "not a zip archive",
    "bomb": None,  # 32 MiB: below what is refused on sight
    "overlapping members": "'outer': overlaps what follows it",
    "two members share a local header": "'a.txt': overlaps what follows it",
    "member past the end": "something stands before its first member",
    "central directory past the end": "the central directory should lie at bytes 1073741824 to",
    "central directory too long": "the central directory should lie at bytes",
    "fewer entries announced": "51 bytes of the central directory belong to no member",
    "more entries announced": "the central directory breaks off after 2 of 9 members",
    "comment length wrong": "cut off within its comment",
    "several disks": "one part of an archive in several parts",
    "member in the central directory only": "overlaps what follows it",
    "member in a local header only": "'a.txt': its data end at byte 40, and what follows it begins at 76",
    "name with NUL": "'a.txt\\x00.so': a name with a NUL or a backslash",
    "empty name": "a name with an empty part",
    "name longer than the header": "the central directory breaks off within a member's name",
    "name not UTF-8": "the name b'\\xff\\xfe.txt' should be UTF-8 and is not",
    "name in cp437": None,
    "zip64 extra cut short": "needs a zip64 extra field and has none, or a short one",
    "zip64 end disagrees": "one part of an archive in several parts",
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[RawZip | bytes], Path]:
    def write(archive: RawZip | bytes) -> Path:
        path = tmp_path / "a.zip"
        path.write_bytes(archive if isinstance(archive, bytes) else archive.build())
        return path

    return write


Write = Callable[[RawZip | bytes], Path]


def contents(path: Path, limits: ArchiveLimits | None = None) -> dict[str, bytes]:
    with Archive(str(path), limits or ArchiveLimits()) as archive:
        return {entry.name: b"".join(archive.chunks(entry)) for entry in archive.entries}


def refusal(path: Path, limits: ArchiveLimits | None = None) -> ArchiveError:
    with pytest.raises(ArchiveError) as caught:
        contents(path, limits)
    message = str(caught.value)
    assert message.isprintable()  # one line, and nothing that a terminal would obey
    assert message.startswith(str(path))
    return caught.value


def test_each_hostile_archive_is_listed_here() -> None:
    assert SAID.keys() == HOSTILE.keys()


@pytest.mark.parametrize("what", [what for what, said in SAID.items() if said is not None])
def test_hostile_archives_are_refused(write: Write, what: str) -> None:
    said = SAID[what]
    assert said is not None
    assert said in str(refusal(write(HOSTILE[what])))


@pytest.mark.parametrize("what", [what for what, said in SAID.items() if said is None])
def test_some_are_only_odd(write: Write, what: str) -> None:
    archive = HOSTILE[what]
    (name, content), *others = contents(write(archive)).items()
    entry = archive.entries[0]
    assert others == []
    assert name == (entry.name if isinstance(entry.name, str) else entry.name.decode("cp437"))
    assert content == entry.data * entry.repeat


def test_symlinks_are_marked(write: Write) -> None:
    with Archive(str(write(HOSTILE["symlink"])), ArchiveLimits()) as archive:
        assert [entry.is_symlink for entry in archive.entries] == [True]


# ----- what is read

TEXT = b"some text, " * 50_000


@pytest.mark.parametrize("method", [0, DEFLATED])
@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("descriptor", [None, "signed", "unsigned"])
def test_every_form_of_an_honest_member(write: Write, method: int, zip64: bool, descriptor: str | None) -> None:
    honest = RawZip(
        entries=(
            RawEntry(name="a/", method=method),
            RawEntry(name="a/é.txt", data=TEXT, method=method, zip64=zip64, descriptor=descriptor),  # type: ignore[arg-type]
            RawEntry(name="empty", method=method),
        ),
        zip64=zip64,
        comment=b"a comment",
    )
    assert contents(write(honest)) == {"a/": b"", "a/é.txt": TEXT, "empty": b""}


def test_an_empty_file_may_have_no_deflate_stream_at_all(write: Write) -> None:
    archive = RawZip.of(RawEntry(name="empty", method=DEFLATED, payload=b""))
    assert contents(write(archive)) == {"empty": b""}


def test_python_writes_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/", "")
        archive.writestr("x/y", TEXT)
        with archive.open("x/z", "w", force_zip64=True) as stream:
            stream.write(TEXT)
    assert contents(path) == {"x/": b"", "x/y": TEXT, "x/z": TEXT}


class Unseekable(io.RawIOBase):
    """A pipe: zipfile must write sizes and CRC behind the data."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.written += bytes(data)
        return len(bytes(data))


@pytest.mark.parametrize("zip64", [False, True])
def test_python_writes_into_a_pipe_what_is_read(write: Write, zip64: bool) -> None:
    pipe = Unseekable()
    with (
        zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x", "w", force_zip64=zip64) as stream,
    ):
        stream.write(TEXT)
    assert contents(write(bytes(pipe.written))) == {"x": TEXT}


def test_pieces_are_neither_large_nor_many(write: Write) -> None:
    """A stream of blocks of a byte each: 400,000 of them, and no piece of a byte."""
    noise = random.Random(1).randbytes(3 << 20)
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    bytewise = b"".join(b"\0\1\0\xfe\xff" + bytes([n & 255]) for n in range(400_000)) + b"\3\0"
    raw = bytes(n & 255 for n in range(400_000))
    archive = RawZip.of(
        RawEntry(name="noise", data=noise, method=DEFLATED, payload=deflater.compress(noise) + deflater.flush()),
        RawEntry(name="stored", data=noise),
        RawEntry(name="bytewise", data=raw, method=DEFLATED, payload=bytewise),
    )
    with Archive(str(write(archive)), ArchiveLimits()) as opened:
        for entry, expected in zip(opened.entries, (noise, noise, raw), strict=True):
            pieces = list(opened.chunks(entry))
            assert b"".join(pieces) == expected
            assert max(map(len, pieces)) <= (1 << 18) + (1 << 12)
            assert all(len(piece) >= 1 << 12 for piece in pieces[:-1])


@pytest.mark.parametrize("kept", [1, 2, 3, 4])
def test_a_piece_is_full_where_the_head_of_a_block_is_cut(write: Write, kept: int) -> None:
    """What comes next out of the inflater is nothing, for want of the other bytes of the head."""
    start = 30 + len("a")  # of the local header, up to the data
    first, noise = _prefix(yields=1 << 18, size=(1 << 17) - start - kept)
    payload = first + b"\1\3\0\xfc\xffend"
    data = bytes((1 << 18) - len(noise)) + noise + b"end"
    archive = RawZip.of(RawEntry(name="a", data=data, method=DEFLATED, payload=payload))
    with Archive(str(write(archive)), ArchiveLimits()) as opened:
        assert b"".join(opened.chunks(opened.entries[0])) == data


def _prefix(*, yields: int, size: int) -> tuple[bytes, bytes]:
    """The first `size` bytes of a stream, whole blocks, of which come zeros and the noise that is given too."""
    for length in range(size, 0, -1):
        noise = random.Random(2).randbytes(length)
        deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        stream = deflater.compress(bytes(yields - length)) + deflater.flush(zlib.Z_FULL_FLUSH)
        for at in range(0, length, 0xFFFF):
            block = noise[at : at + 0xFFFF]
            stream += b"\0" + struct.pack("<2H", len(block), 0xFFFF - len(block)) + block
        if len(stream) == size:
            return stream, noise
    raise AssertionError


def test_blocks_that_yield_nothing_are_skipped(write: Write) -> None:
    """A megabyte of empty stored blocks around the first byte of an ELF file must not hide the others."""
    empty = b"\0\0\0\xff\xff" * 200_000
    payload = empty + b"\0\1\0\xfe\xff\x7f" + empty + b"\1\3\0\xfc\xffELF"
    archive = RawZip.of(RawEntry(name="a", data=b"\x7fELF", method=DEFLATED, payload=payload))
    with Archive(str(write(archive)), ArchiveLimits()) as opened:
        assert list(opened.chunks(opened.entries[0])) == [b"\x7fELF"]


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"\0\0\0\xff\xff" * 9, "its deflate stream does not end"),
        (b"", "its deflate stream does not end"),
        (b"\1\1\0\xfe\xffx\3\0", "2 bytes follow the end of its deflate stream"),
        (b"\1\1\0\xfe\xffx" + bytes(1 << 18), f"{1 << 18} bytes follow the end of its deflate stream"),
        (b"\1\2\0\xfd\xffxx", "inflates to more than 1 bytes instead of 1"),
        (b"\3\0", "inflates to 0 bytes instead of 1"),
    ],
)
def test_deflate_streams_that_do_not_fit(write: Write, payload: bytes, said: str) -> None:
    archive = RawZip.of(RawEntry(name="a", data=b"x", method=DEFLATED, payload=payload))
    assert said in str(refusal(write(archive)))


# ----- two readings of one archive


def unicode_path(name: bytes, other: bytes) -> bytes:
    """APPNOTE 4.6.9."""
    return struct.pack("<HHBI", 0x7075, 5 + len(other), 1, zlib.crc32(name)) + other


AMBIGUOUS: dict[str, tuple[RawZip, str]] = {
    "prefix": (RawZip(entries=(RawEntry(name="a"),), prefix=b"#!/bin/sh\n", prefix_counts=False), "put in front"),
    "counted prefix": (RawZip(entries=(RawEntry(name="a"),), prefix=b"#!/bin/sh\n"), "something stands before"),
    "trailing": (RawZip(entries=(RawEntry(name="a"),), trailing=b"xyz"), "3 bytes follow the end of the archive"),
    "gap": (RawZip(entries=(RawEntry(name="a"),), before_central=b"hidden"), "what follows it begins at"),
    "second name": (
        RawZip.of(RawEntry(name="a.txt", central=Side(extra=unicode_path(b"a.txt", b"b.txt")))),
        "has a second name in its extra field",
    ),
    "file and folder": (RawZip.of(RawEntry(name="a"), RawEntry(name="a/")), "stands twice"),
    "folder with content": (RawZip.of(RawEntry(name="a/", data=b"x")), "a folder, and yet it has content"),
    "drive": (RawZip.of(RawEntry(name="c:evil")), "an absolute name"),
    "double slash": (RawZip.of(RawEntry(name="a//b")), "an empty part"),
    "dot": (RawZip.of(RawEntry(name="a/./b")), "an empty part"),
    "encrypted locally": (RawZip.of(RawEntry(name="a", local=Side(flags=1))), DISAGREES),
    "other alphabet locally": (RawZip.of(RawEntry(name="a", local=Side(flags=FLAG_UTF8))), DISAGREES),
    "line break": (RawZip.of(RawEntry(name="a\nb")), "'a\\nb': a name with a control character"),
    "escape sequence": (RawZip.of(RawEntry(name="a\x9b31m")), "a name with a control character"),
    "strong encryption": (RawZip.of(RawEntry(name="a", flags=0x40)), "encrypted"),
    "zip64 on two disks": (RawZip(entries=(RawEntry(name="a"),), zip64=True, zip64_eocd=Eocd(disk=1)), "several parts"),
    "zip64 beyond the limit": (
        RawZip(entries=(RawEntry(name="a"),), zip64=True, zip64_eocd=Eocd(entries=1 << 40, entries_here=1 << 40)),
        "1099511627776 members; the limit is 200000",
    ),
    "zip64 counts differ": (
        RawZip(entries=(RawEntry(name="a"),), zip64=True, zip64_eocd=Eocd(entries_here=2)),
        "several parts",
    ),
    "end records differ": (
        RawZip(entries=(RawEntry(name="a"),), zip64=True, eocd=Eocd(entries=2)),
        "its two end records disagree about the number of members: 2 and 1",
    ),
    "stored sizes differ": (
        RawZip.of(RawEntry(name="a", data=b"x", local=Side(size=2), central=Side(size=2))),
        "stored, and yet its two sizes differ: 1 and 2",
    ),
    "surplus directory": (
        RawZip(entries=(RawEntry(name="a"), RawEntry(name="b")), eocd=Eocd(entries=1, entries_here=1)),
        "47 bytes of the central directory belong to no member",
    ),
}


@pytest.mark.parametrize("what", AMBIGUOUS)
def test_what_two_readers_would_read_differently_is_refused(write: Write, what: str) -> None:
    archive, said = AMBIGUOUS[what]
    assert said in str(refusal(write(archive)))


def test_the_zip64_record_reaches_up_to_its_locator(write: Write) -> None:
    data = bytearray(RawZip(entries=(RawEntry(name="a"),), zip64=True).build())
    struct.pack_into("<Q", data, data.index(b"PK\6\6") + 4, 20)
    assert "does not reach up to the locator" in str(refusal(write(bytes(data))))


@pytest.mark.parametrize("at", range(4, 16, 4))
def test_data_descriptors_are_compared(write: Write, at: int) -> None:
    honest = RawZip.of(RawEntry(name="a", data=b"xyz", descriptor="signed")).build()
    data = bytearray(honest)
    data[honest.index(b"PK\7\x08") + at] ^= 1
    assert "its data descriptor disagrees" in str(refusal(write(bytes(data))))


# ----- limits


def test_limits_can_be_set(write: Write) -> None:
    path = write(RawZip.of(RawEntry(name="a", data=b"1"), RawEntry(name="b", data=b"2" * 1000, method=DEFLATED)))
    limits = ArchiveLimits()
    assert "2 members; the limit is 1" in str(refusal(path, limits._replace(members=1)))
    assert "inflates to 1001 bytes; the limit is 1000" in str(refusal(path, limits._replace(inflated=1000)))
    tight = limits._replace(ratio=2, ratio_from=100)
    assert "member 'b': inflates from 11 to 1000 bytes; the limit is a factor of 2" in str(refusal(path, tight))
    assert contents(path, limits._replace(members=2, inflated=1001, ratio=100, ratio_from=100))


def test_many_members_may_not_inflate_more_than_one(write: Write) -> None:
    """Each is below the size from which the ratio counts, and together they are a bomb."""
    each = RawEntry(name="x", data=b"\0" * 1024, repeat=1 << 13, method=DEFLATED)
    path = write(RawZip(entries=tuple(replace(each, name=f"x{n}") for n in range(9))))
    assert "the limit is a factor of 200" in str(refusal(path))


def test_a_directory_beyond_all_measure_is_not_read(write: Write) -> None:
    entries = tuple(RawEntry(name=f"{n}", comment=b"c" * 0xFFFF) for n in range(1025))
    assert "at most 67108864 are read" in str(refusal(write(RawZip(entries=entries))))


# ----- damage and strange files


def test_truncated_anywhere(tmp_path: Path) -> None:
    data = wheel_bytes(members={"demo/__init__.py": b"x = 1\n" * 20})
    path = tmp_path / "a.zip"
    for end in range(len(data)):
        path.write_bytes(data[:end])
        with pytest.raises(ArchiveError) as caught:
            contents(path)
        assert str(caught.value).isprintable()


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, said in (
        ("fifo", "not a regular file"),
        ("", "not a regular file"),
        ("missing", "No such file or directory"),
        ("loop", "symbolic link"),
        ("x" * 300, "File name too long"),
        ("nul\0byte", "null"),
        ("/dev/null", "not a regular file"),
    ):
        with pytest.raises(ArchiveError) as caught:
            contents(tmp_path / name)
        assert said in str(caught.value)
        assert str(caught.value).isprintable()


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"")
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # who may read everything
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(folder.stat().st_mode | 0o055)
        os.seteuid(65534)
    try:
        assert "Permission denied" in str(refusal(path))
    finally:
        os.seteuid(user)


def test_a_file_that_shrinks_while_it_is_read(write: Write) -> None:
    path = write(RawZip.of(RawEntry(name="a", data=TEXT)))
    with Archive(str(path), ArchiveLimits()) as archive:
        path.write_bytes(b"PK")
        with pytest.raises(ArchiveError, match="cut off"):
            list(archive.chunks(archive.entries[0]))


def test_paths_with_control_characters_do_not_reach_the_message(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\n\u202e.zip"
    path.write_bytes(b"")
    with pytest.raises(ArchiveError) as caught:
        contents(path)
    assert str(caught.value).isprintable()
    assert "a\\x1b[31m\\n\\u202e.zip: not a zip archive" in str(caught.value)


# ----- how a member begins


ELF = b"\x7fELF"


def begins(archive: RawZip, path: Path) -> list[bool]:
    path.write_bytes(archive.build())
    with Archive(str(path), ArchiveLimits()) as opened:
        return [opened.may_begin_with(entry, ELF) for entry in opened.entries]


@pytest.mark.parametrize("method", [0, DEFLATED])
@pytest.mark.parametrize(
    "content", [ELF, ELF + TEXT * 9, TEXT, ELF[:3], b"", b"\x7fELf", random.Random(1).randbytes(9999)]
)
@pytest.mark.parametrize("name", ["a", "long" * 400])
def test_whether_an_honest_member_begins_like_elf(tmp_path: Path, method: int, content: bytes, name: str) -> None:
    archive = RawZip.of(RawEntry(name=name, data=content, method=method))
    (found,) = begins(archive, tmp_path / "a.zip")
    # A name that fills what is looked at leaves it open.
    assert found is content.startswith(ELF) or (found and len(name) > 1000)


@pytest.mark.parametrize(
    "payload",
    [
        b"\0\0\0\xff\xff" * 300 + b"\1\4\0\xfb\xff" + ELF,  # the content begins behind what is looked at
        b"\0\1\0\xfe\xff\x7f" + b"\0\0\0\xff\xff" * 300 + b"\1\3\0\xfc\xffELF",
        b"\0\0\0\xff\xff" * 9,  # never begins
        b"\3\0" + ELF,  # ends before it begins
        b"\1\3\0\xfc\xffELF",  # ends early: no installer unpacks it
        b"\7",  # of no known kind
        b"",
    ],
)
def test_how_a_member_begins_is_open_where_a_kilobyte_does_not_say(tmp_path: Path, payload: bytes) -> None:
    archive = RawZip.of(RawEntry(name="a", data=ELF, method=DEFLATED, payload=payload))
    assert begins(archive, tmp_path / "a.zip") == [True]


def test_the_local_header_is_checked_all_the_same(tmp_path: Path) -> None:
    for what, said in SAID.items():
        if said == DISAGREES:
            with pytest.raises(ArchiveError, match=said):
                begins(HOSTILE[what] if isinstance(HOSTILE[what], RawZip) else RawZip(), tmp_path / "a.zip")
