"""Archives beyond what 32-bit sizes and offsets and a 16-bit count can say; no threshold is lowered for them.

Zeros make that bearable: they deflate to nothing, and where they are stored the file has a hole.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import pytest

from perennial.wheel.archive import Archive
from perennial.wheel.deflate import installed_deflater
from perennial.wheel.limits import MIB, ArchiveLimits
from perennial.wheel.write import NewMember, WriteOptions, write_archive, write_wheel
from perennial.wheel.zip_writer import Moment, ZipWriter, new_entry
from tests.support.raw_zip import DEFLATED
from tests.support.wheel_builder import wheel, wheel_bytes

OPTIONS: Final = WriteOptions(installed_deflater())
RECORD: Final = "demo-1.0.dist-info/RECORD"
TEXT: Final = b"".join(b"value_%d = %d\n" % (n, n * n) for n in range(2000))
HUGE: Final = (4 << 30) + 3 * MIB
CRC_OF_ZEROS: Final = 0xA07CFA47  # of HUGE of them, which takes seconds; every reader below holds them against it
ZEROS: Final = bytes(MIB)
DATE: Final = Moment(2020).dos


class SparseFile:
    """A file that takes up no room where zeros are written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file: Final = file

    def write(self, data: bytes) -> None:
        if len(data) >= 4096 and data == ZEROS[: len(data)]:
            self._file.seek(len(data), os.SEEK_CUR)
        else:
            self._file.write(data)


def zeros(size: int) -> Iterator[bytes]:
    for position in range(0, size, MIB):
        yield ZEROS[: min(MIB, size - position)]


def add_small_wheel(writer: ZipWriter) -> None:
    """The members of a wheel behind the huge one, which RECORD has with a hash that nobody computes here."""
    with zipfile.ZipFile(io.BytesIO(wheel_bytes(tags="py3-none-any", members={"demo/after.py": TEXT}))) as small:
        for name in small.namelist():
            data = small.read(name)
            if name == RECORD:
                data = f"demo/huge.bin,sha256=AAAA,{HUGE}\n".encode() + data
            entry = new_entry(name, 0o100644, DATE)
            writer.add(entry._replace(crc=zlib.crc32(data), compressed_size=len(data), size=len(data)), (data,))


def unzip_says_nothing_against(path: Path, *members: str) -> None:
    unzip = shutil.which("unzip")
    if unzip is None:
        pytest.skip("Info-ZIP's unzip is not installed")
    done = subprocess.run([unzip, "-tqq", path, *members], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_member_of_more_than_4_gib(tmp_path: Path) -> None:
    """Deflated to some megabytes: a block of zeros that refers to nothing before it, over and over."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflater.compress(ZEROS) + deflater.flush(zlib.Z_FULL_FLUSH)
    stream = block * (HUGE // MIB) + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    source, out = tmp_path / "source.whl", tmp_path / "out.whl"
    with source.open("wb") as file:
        writer = ZipWriter(file)
        huge = new_entry("demo/huge.bin", 0o100644, DATE)
        huge = huge._replace(method=DEFLATED, crc=CRC_OF_ZEROS, compressed_size=len(stream), size=HUGE)
        writer.add(huge, (stream,))
        add_small_wheel(writer)
        writer.finish()
    # Not `verified`: the member is inflated on the way, and its bytes counted beyond 32 bits.
    with Archive(str(source), ArchiveLimits()._replace(ratio=2000)) as archive:
        write_wheel(archive, str(out), {"demo/new.py": NewMember(b"")}, OPTIONS)
    with zipfile.ZipFile(out) as made:
        assert made.getinfo("demo/huge.bin").file_size == HUGE
        assert made.getinfo("demo/huge.bin").compress_size == len(stream)
        assert made.read("demo/after.py") == TEXT
        rows = {row[0]: row[2] for row in csv.reader(made.read(RECORD).decode().splitlines())}
        assert rows["demo/huge.bin"] == str(HUGE)
    unzip_says_nothing_against(out)  # of all of it, CRC included


def test_members_beyond_4_gib(tmp_path: Path) -> None:
    """The archive itself is larger; on disk it is nearly all hole."""
    source, out = tmp_path / "source.whl", tmp_path / "out.whl"
    with source.open("wb") as file:
        writer = ZipWriter(SparseFile(file))
        huge = new_entry("demo/huge.bin", 0o100644, DATE)
        writer.add(huge._replace(crc=CRC_OF_ZEROS, compressed_size=HUGE, size=HUGE), zeros(HUGE))
        add_small_wheel(writer)
        writer.finish()
    changes = {"demo/new.py": NewMember(b"behind the hole")}
    with Archive(str(source), ArchiveLimits()) as archive, out.open("wb") as file:
        write_archive(archive, SparseFile(file), changes, OPTIONS._replace(verified=True))
    assert out.stat().st_blocks * 512 < 64 * MIB, "no hole"
    with zipfile.ZipFile(out) as made:
        assert made.getinfo("demo/new.py").header_offset > HUGE
        assert made.read("demo/new.py") == b"behind the hole"
        assert made.read("demo/after.py") == TEXT
        assert made.getinfo("demo/huge.bin").compress_size == HUGE
        with made.open("demo/huge.bin") as member:
            assert member.read(10) == bytes(10)
    with Archive(str(out), ArchiveLimits()) as archive:
        after = next(entry for entry in archive.entries if entry.name == "demo/after.py")
        assert archive.read(after, MIB) == TEXT
    unzip_says_nothing_against(out, "demo/after.py", "demo/new.py", RECORD)


def test_sizes_and_offset_beyond_4_gib_are_told_apart(tmp_path: Path) -> None:
    """All three differ, and stand in the order of 4.5.3. Only headers are looked at: the data are no deflate stream."""
    path = tmp_path / "headers.zip"
    with path.open("wb") as file:
        writer = ZipWriter(SparseFile(file))
        for name in ("one", "other"):
            entry = new_entry(name, 0o100644, DATE)._replace(method=DEFLATED)
            writer.add(entry._replace(crc=7, compressed_size=HUGE, size=HUGE + 5), zeros(HUGE))
        writer.finish()
    with zipfile.ZipFile(path) as made:
        one, other = made.infolist()
    assert (one.file_size, one.compress_size, one.header_offset) == (HUGE + 5, HUGE, 0)
    assert (other.file_size, other.compress_size, other.header_offset) == (
        HUGE + 5,
        HUGE,
        writer.entries[1].header_offset,
    )
    assert other.header_offset > HUGE


@pytest.mark.parametrize("count", [0xFFFE, 0xFFFF, 0x10000])
def test_more_members_than_16_bits_count(tmp_path: Path, count: int) -> None:
    members = {f"demo/{n}.py": b"" for n in range(count - 4)}
    source = wheel(tmp_path, members=members, compression="stored")
    out = tmp_path / "out.whl"
    with Archive(str(source), ArchiveLimits()) as archive:
        write_wheel(archive, str(out), {"demo/one.py": NewMember(b"1")}, OPTIONS)
    with zipfile.ZipFile(out) as made:
        assert len(made.namelist()) == count
        assert made.read("demo/one.py") == b"1"
        assert made.namelist()[-1] == RECORD
    has_zip64_record = out.read_bytes().count(b"PK\6\6") > 0
    assert has_zip64_record == (count >= 0xFFFF)
    unzip_says_nothing_against(out, "demo/one.py", RECORD)
