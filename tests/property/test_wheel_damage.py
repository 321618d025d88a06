"""A wheel with any damage is read, or refused by one of two errors; nothing else happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.errors import ArchiveError, WheelFilenameError
from perennial.wheel.wheel import Wheel, read_wheel
from tests.support.elf_builder import Export, Import, elf
from tests.support.raw_zip import DEFLATED, RawEntry, RawZip
from tests.support.wheel_builder import entries_of, wheel_bytes

NAME = "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
MEMBERS = {
    "demo/x.so": elf(imports=(Import("memcpy", "GLIBC_2.14", "libc.so.6"),), exports=(Export("e"),)),
    "demo/é.py": b"pass\n" * 40,
    "demo-1.0.data/scripts/run": b"#!python\n",
}
_DEFLATED = wheel_bytes(members=MEMBERS)
_STORED = wheel_bytes(members=MEMBERS, compression="stored")
_ZIP64 = RawZip(
    entries=tuple(
        RawEntry(name=entry.name, data=entry.data, method=DEFLATED, zip64=True, descriptor="signed")
        for entry in entries_of(_DEFLATED)
    ),
    zip64=True,
    comment=b"comment",
).build()
WHEELS = (_DEFLATED, _STORED, _ZIP64)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage") / NAME


def outcome(path: Path, data: bytes) -> Wheel | str:
    path.write_bytes(data)
    try:
        return read_wheel(path)
    except (ArchiveError, WheelFilenameError) as error:
        message = str(error)
        assert message.isprintable()
        return message


def test_the_three_say_the_same(path: Path) -> None:
    facts = [outcome(path, data) for data in WHEELS]
    members = [found.members for found in facts if isinstance(found, Wheel)]
    assert len(members) == 3
    assert members[0] == members[1] == members[2]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(WHEELS)))
    for _ in range(draw(st.integers(1, 4))):
        # the records at the end decide the most
        near_end = st.integers(max(len(data) - 500, 0), max(len(data) - 1, 0))
        at = draw(st.integers(0, max(len(data) - 1, 0)) | near_end)
        match draw(st.sampled_from(["set", "set", "word", "insert", "remove", "truncate", "copy"])):
            case "set":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "word":
                data[at : at + 4] = draw(st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\1\0\0\0", b"PK\1\2", b"PK\5\6"]))
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=30))
            case "remove":
                del data[at : at + draw(st.integers(1, 50))]
            case "copy":
                size = draw(st.integers(1, 200))
                data[at:at] = data[max(at - size, 0) : at]
            case _:
                del data[at:]
    return bytes(data)


@settings(max_examples=1000)
@given(damaged())
def test_damage_is_read_or_refused(path: Path, data: bytes) -> None:
    """What is read in spite of it has the members' true content: CRC and sizes were held against it."""
    found = outcome(path, data)
    if isinstance(found, Wheel):
        honest = outcome(path, _DEFLATED)
        assert isinstance(honest, Wheel)
        assert {member.digest for member in found.members} == {member.digest for member in honest.members}


def test_every_byte_changed(path: Path) -> None:
    """Each byte of a wheel has its bits inverted, one at a time; most of them matter."""
    refused = 0
    for position in range(len(_DEFLATED)):
        data = bytearray(_DEFLATED)
        data[position] ^= 0xFF
        refused += isinstance(outcome(path, bytes(data)), str)
    assert refused > 0.8 * len(_DEFLATED)
