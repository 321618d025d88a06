"""A wheel: where its members go, what is kept of them, and what it may cost."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from perennial.errors import ArchiveError, ElfFormatError, WheelFilenameError
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.member import Reading
from perennial.wheel.record import encode_digest
from perennial.wheel.wheel import Wheel, parse_wheel_file, read_wheel
from tests.support.elf_builder import ET_REL, ElfSpec, Export, Import, elf, mutate
from tests.support.raw_zip import DEFLATED
from tests.support.wheel_builder import HOSTILE, RawEntry, RawZip, alter_line, entries_of, wheel, wheel_bytes

NAME = "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
ELF = elf(soname="x.so", imports=(Import("dlopen"),), exports=(Export("e"),), rodata=b"\0libplugin.so.3\0")


def members(found: Wheel) -> dict[str, str]:
    return {member.path: member.location for member in found.members}


class Steps:
    """Adds up what it is told."""

    total: int | None = None
    done = 0

    def start(self, name: str, total: int | None) -> None:
        assert name == NAME
        self.total = total

    def advance(self, amount: int) -> None:
        self.done += amount

    def finish(self) -> None:
        raise AssertionError("whoever began it ends it")


def test_what_a_wheel_is(tmp_path: Path) -> None:
    path = wheel(tmp_path, members={"demo/z.so": ELF, "demo/__init__.py": b"", "demo/notes.txt": ELF})
    progress = Steps()
    found = read_wheel(path, sha256=True, progress=progress)
    assert found.filename.text == NAME
    assert found.size == path.stat().st_size
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_wheel(path).sha256 is None
    assert [member.path for member in found.members] == sorted(member.path for member in found.members)
    assert progress.total == progress.done == sum(member.size for member in found.members)
    assert [member.path for member, _ in found.elf_members] == ["demo/notes.txt", "demo/z.so"]
    member, facts = found.elf_members[1]
    assert facts == read_elf(ELF)
    assert member.library_strings == ("libplugin.so.3",)
    assert (member.algorithm, member.digest) == ("sha256", encode_digest(hashlib.sha256(ELF).digest()))
    assert found.record is not None
    assert found.record.entries["demo/z.so"].digest == member.digest
    assert found.metadata is not None
    assert found.metadata.root_is_purelib is False
    assert found.metadata.tags == ("cp311-cp311-manylinux_2_17_x86_64",)


def test_members_are_hashed_as_record_wants(tmp_path: Path) -> None:
    edit = alter_line("demo/a", digest="sha512=whatever")
    found = read_wheel(wheel(tmp_path, members={"demo/a": b"x"}, edit_record=edit))
    member = next(member for member in found.members if member.path == "demo/a")
    assert (member.algorithm, member.digest) == ("sha512", encode_digest(hashlib.sha512(b"x").digest()))


def test_locations(tmp_path: Path) -> None:
    """PyPA specification "Binary distribution format", "The .data directory"."""
    site = "lib/python3/site-packages"
    places = {
        "demo/x.so": f"{site}/demo/x.so",
        "top.py": f"{site}/top.py",
        "demo-1.0.data/purelib/a/b.py": f"{site}/a/b.py",
        "demo-1.0.data/platlib/a/x.so": f"{site}/a/x.so",
        "demo-1.0.data/scripts/run": "bin/run",
        "demo-1.0.data/data/share/man/x.1": "share/man/x.1",
        "demo-1.0.data/headers/x.h": "include/x.h",
        "demo-1.0.data/unknown/x": f"{site}/demo-1.0.data/unknown/x",
        "beside-1.0.data/scripts": f"{site}/beside-1.0.data/scripts",
        "other.data/x.so": f"{site}/other.data/x.so",
    }
    found = members(read_wheel(wheel(tmp_path, members=dict.fromkeys(places, b""))))
    assert {path: found[path] for path in places} == places


def test_a_file_that_is_a_folder_too_is_refused(tmp_path: Path) -> None:
    both = wheel(tmp_path, members={"demo/a": b"", "demo/a-b": b"", "demo/a/b": b""})
    with pytest.raises(ArchiveError, match="'demo/a': a file, and yet other members lie below it"):
        read_wheel(both)


def test_a_member_that_only_begins_like_elf_keeps_its_error(tmp_path: Path) -> None:
    found = read_wheel(wheel(tmp_path, members={"a": b"\x7fELF", "b": ELF[:100], "c": b"\x7fEL", "d": ELF}))
    kinds = {member.path: type(member.elf) for member in found.members if len(member.path) == 1}
    assert kinds == {"a": ElfFormatError, "b": ElfFormatError, "c": type(None), "d": ElfFile}
    assert [member.path for member, _ in found.elf_members] == ["d"]


def test_object_files_are_no_elf_members(tmp_path: Path) -> None:
    found = read_wheel(wheel(tmp_path, members={"a.o": elf(type=ET_REL)}))
    assert found.elf_members == ()
    assert isinstance(found.members[0].elf, ElfFile)


def test_wheel_and_record_may_be_missing(tmp_path: Path) -> None:
    found = read_wheel(wheel(tmp_path, members={"a": b""}, omit=("RECORD", "WHEEL")))
    assert (found.metadata, found.record) == (None, None)


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        ((), "has none"),
        (("a-1.dist-info", "b-1.dist-info"), "has 'a-1.dist-info', 'b-1.dist-info'"),
        (("a\u202e-1.dist-info", "b.dist-info"), "has 'a\\u202e-1.dist-info', 'b.dist-info'"),
        (tuple(f"{n}.dist-info" for n in range(9)), "'0.dist-info', '1.dist-info', '2.dist-info', ..."),
        (("x/y.dist-info",), "has none"),
    ],
)
def test_there_is_one_dist_info(tmp_path: Path, folders: tuple[str, ...], said: str) -> None:
    path = tmp_path / NAME
    path.write_bytes(RawZip(entries=tuple(RawEntry(name=f"{folder}/WHEEL") for folder in folders)).build())
    with pytest.raises(ArchiveError) as caught:
        read_wheel(path)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_the_name_is_read_first(tmp_path: Path) -> None:
    with pytest.raises(WheelFilenameError):
        read_wheel(tmp_path / "missing.zip")


def test_folders_are_checked_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / NAME
    honest = entries_of(wheel_bytes(members={"a/b": b""}))
    path.write_bytes(RawZip(entries=(*honest, RawEntry(name="a/"))).build())
    assert "a/" not in members(read_wheel(path))
    disagreeing = RawEntry(name="a/", local=replace(RawEntry(name="a/").local, name="b/"))
    path.write_bytes(RawZip(entries=(*honest, disagreeing)).build())
    with pytest.raises(ArchiveError, match="gives another name"):
        read_wheel(path)


@pytest.mark.parametrize("what", HOSTILE)
def test_a_wheel_with_a_hostile_part(tmp_path: Path, what: str) -> None:
    """An honest wheel's members, and the hostile archive's behind them: refused, or all read."""
    hostile = HOSTILE[what]
    path = tmp_path / NAME
    honest = entries_of(wheel_bytes(members={"demo/a": b"x"}))
    moved = tuple(
        replace(entry, same_local_as=None if entry.same_local_as is None else entry.same_local_as + len(honest))
        for entry in hostile.entries
    )
    path.write_bytes(replace(hostile, entries=honest + moved).build())
    if what in {"symlink", "bomb", "name in cp437"}:
        assert len(read_wheel(path).members) == len(honest) + 1
    else:
        with pytest.raises(ArchiveError) as caught:
            read_wheel(path)
        assert str(caught.value).isprintable()


# ----- the WHEEL file


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (b"Tag: a-b-c\r\nTAG:d-e-f  \nTaG: g", [("tag", "a-b-c"), ("tag", "d-e-f"), ("tag", "g")]),
        (b"Tag: a\n\nTag: body", [("tag", "a")]),
        (b"Tag: a\nno field\nTag: b", [("tag", "a")]),
        (b"Tag: a\n continued: x\nTag: b", [("tag", "a"), ("tag", "b")]),
        (b"Tag: a\x0cTag: b\n", [("tag", "a\x0cTag: b")]),
        (b"Tag : a\n", []),
        (b"Tag: \xff\n", [("tag", "\\xff")]),
        (b"", []),
    ],
)
def test_wheel_is_read_as_installers_read_it(content: bytes, fields: list[tuple[str, str]]) -> None:
    from email.parser import BytesParser

    assert parse_wheel_file(content) == fields
    message = BytesParser().parsebytes(content)
    assert len(message.get_all("Tag") or ()) == sum(1 for name, _ in fields if name == "tag")


def test_the_first_root_is_purelib_counts(tmp_path: Path) -> None:
    """email.message.Message, with which pip reads WHEEL, gives the first of several."""
    content = b"Root-Is-Purelib: true\nRoot-Is-Purelib: false\n"
    found = read_wheel(wheel(tmp_path, members={}, wheel_file=content))
    assert found.metadata is not None
    assert found.metadata.root_is_purelib is True


# ----- what it may cost


def test_facts_have_a_limit(tmp_path: Path) -> None:
    many = elf(imports=tuple(Import(f"i{n}") for n in range(2000)), exports=(Export("e"),))
    path = wheel(tmp_path, members={f"{n}.so": many for n in range(4)})
    assert len(read_wheel(path, ArchiveLimits(facts=2 << 20)).members) == 7
    with pytest.raises(ArchiveError, match="the facts about its members take more than 1048576 bytes"):
        read_wheel(path, ArchiveLimits(facts=1 << 20))


SMALL_PROCESS = """
import resource, sys
from pathlib import Path
from perennial.errors import UnreadableError
from perennial.wheel.wheel import read_wheel
from perennial.wheel.limits import ArchiveLimits

resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]) << 20,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]),) * 2)
try:
    wheel = read_wheel(Path(sys.argv[1]), ArchiveLimits(ratio=2000))
    print(*(member.elf for member in wheel.members if isinstance(member.elf, Exception)))
except UnreadableError as error:
    print("refused:", error)
"""


def in_a_small_process(path: Path, entry: RawEntry, *, megabytes: int = 400, seconds: int = 10) -> str:
    """What is said of a wheel with this member by a process with little memory and time."""
    path = path / NAME
    path.write_bytes(RawZip(entries=(*entries_of(wheel_bytes(members={})), entry)).build())
    command = [sys.executable, "-c", SMALL_PROCESS, str(path), str(megabytes), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("\n") == 1
    return done.stdout


def test_a_large_member_is_streamed(tmp_path: Path) -> None:
    bomb = RawEntry(name="zeros", data=b"\0" * (1 << 20), repeat=256, method=DEFLATED)
    assert in_a_small_process(tmp_path, bomb, megabytes=150) == "\n"


def test_tables_of_more_than_a_quarter_of_a_gigabyte_are_not_kept(tmp_path: Path) -> None:
    """A string table of 300 MB, which deflates to a third of a megabyte."""
    liar = mutate(ElfSpec(soname="x", layout="tables-last"), {"DT_STRSZ": 300 << 20, "PT_LOAD[3].p_filesz": 1 << 40})
    entry = RawEntry(name="big.so", data=liar.ljust(1 << 20, b"\0"), repeat=320, method=DEFLATED)
    assert "or take more than 268435456 bytes" in in_a_small_process(tmp_path, entry, megabytes=450)


def test_millions_of_record_lines_are_not_kept(tmp_path: Path) -> None:
    path = wheel(tmp_path, members={}, record=b"a\n" * (16 << 20))
    found = read_wheel(path)
    assert found.record is not None
    assert len(found.record.malformed) == 1


# ----- how much is read


def test_the_same_elf_files_are_found_however_much_is_read(tmp_path: Path) -> None:
    large = elf(soname="large.so", exports=(Export("e"),), rodata=bytes(5 << 20))
    path = wheel(tmp_path, members={"demo/z.so": ELF, "demo/notes.txt": ELF, "demo/a.py": b"a = 1\n", "demo/l": large})
    progress = Steps()
    found = {reading: read_wheel(path, reading=reading) for reading in Reading}
    assert read_wheel(path, reading=Reading.ELF_FILES, progress=progress) == found[Reading.ELF_FILES]
    assert progress.total == progress.done
    for reading, less in found.items():
        all_read = found[Reading.HASHED]
        is_hashed = reading is Reading.HASHED
        assert [member.digest is not None for member in less.members] == [is_hashed] * len(all_read.members)
        assert [m._replace(digest=None) for m in less.members] == [m._replace(digest=None) for m in all_read.members]


@pytest.mark.parametrize("method", [0, DEFLATED])
def test_damage_is_found_in_what_is_read(tmp_path: Path, method: int) -> None:
    for content, unnoticed in ((b"a = 1\n", {Reading.ELF_FILES}), (ELF, set())):
        entries = entries_of(wheel_bytes(members={"demo/member": content}))
        damaged = tuple(
            replace(entry, method=method, local=replace(entry.local, crc=1), central=replace(entry.central, crc=1))
            if entry.name == "demo/member"
            else entry
            for entry in entries
        )
        path = tmp_path / NAME
        path.write_bytes(RawZip(entries=damaged).build())
        for reading in Reading:
            if reading in unnoticed:
                assert read_wheel(path, reading=reading).members
            else:
                with pytest.raises(ArchiveError, match="CRC"):
                    read_wheel(path, reading=reading)
