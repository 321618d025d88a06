"""Streaming: what is read does not depend on how a file is cut up, nor on how much of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from perennial.elf.library_strings import LibraryStrings
from perennial.elf.read import read_elf
from perennial.elf.source import BytesNotKept, KeptBytes, WholeFile
from perennial.elf.stream import ElfCollector, StreamedElf, is_elf, read_stream, read_whole
from perennial.errors import ElfFormatError
from tests.support.elf_builder import (
    ElfSpec,
    Export,
    Import,
    Need,
    NeedVersion,
    build_elf,
    build_elf_with_layout,
    mutate,
)

SIZES = (1, 7, 64, 4096, 65536, 1 << 18)


@dataclass
class Member:
    """A file that can be streamed again, and counts how often it was."""

    data: bytes
    chunk: int
    passes: int = 0
    streamed: int = field(default=0, init=False)

    def chunks(self) -> Iterator[bytes]:
        self.passes += 1
        for start in range(0, len(self.data), self.chunk):
            piece = self.data[start : start + self.chunk]
            self.streamed += len(piece)
            yield piece

    def read(self, *, front: int = 4 << 20) -> StreamedElf:
        collector = ElfCollector(len(self.data), front=front)
        for chunk in self.chunks():
            collector.feed(chunk)
        return read_stream(collector, self.chunks)


NO_DLOPEN = (Import("memcpy", "GLIBC_2.14", "libc.so.6"),)


def spec(**fields: object) -> ElfSpec:
    values = {
        "soname": "liba.so",
        "needed": ("libc.so.6",),
        "imports": (Import("memcpy", "GLIBC_2.14", "libc.so.6"), Import("dlopen", "GLIBC_2.34", "libc.so.6")),
        "exports": tuple(Export(f"e{n}", "V") for n in range(40)),
        "build_id": b"1234",
    }
    return ElfSpec(**(values | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layout", ["gnu-new", "gnu-old", "tables-last"])
def test_the_facts_do_not_depend_on_the_cuts(layout: str, size: int) -> None:
    data = build_elf(spec(layout=layout, rodata=b"\0libfoo.so.1\0", text_size=30_000))
    member = Member(data, size)
    streamed = member.read()
    assert streamed.elf == read_elf(data)
    assert "libfoo.so.1" in streamed.library_strings
    assert member.passes == 1


@pytest.mark.parametrize("layout", ["gnu-new", "gnu-old", "tables-last"])
@pytest.mark.parametrize("end", [None, -1, -300, 40_000, 20_000, 2000, 100, 64, 20, 4])
def test_a_file_that_is_all_in_memory_says_the_same(layout: str, end: int | None) -> None:
    data = build_elf(spec(layout=layout, rodata=b"\0libfoo.so.1\0", text_size=30_000))[:end]
    streamed, whole = Member(data, 1000).read(), read_whole(bytearray(data))
    assert str(whole.elf) == str(streamed.elf)  # errors do not compare
    assert whole.library_strings == streamed.library_strings
    assert isinstance(whole.elf, ElfFormatError) is isinstance(streamed.elf, ElfFormatError)


def test_program_headers_far_behind_do_not_tell_where_constants_are() -> None:
    """A collector looks for them in the first 64 KiB, and takes a file without for constants from end to end."""
    data = bytearray(build_elf(spec(layout="gnu-new", rodata=b"", text_size=30_000)))
    data += bytes(70_000 - len(data)) + data[64 : 64 + 56 * 20]
    data[32:40] = (70_000).to_bytes(8, "little")  # e_phoff
    data += b"\0libfar.so.1\0"
    streamed, whole = Member(bytes(data), 1000).read(), read_whole(bytes(data))
    assert not isinstance(whole.elf, ElfFormatError)
    assert streamed == whole
    assert "libfar.so.1" in whole.library_strings


@pytest.mark.parametrize("layout", ["gnu-new", "gnu-old", "tables-last"])
def test_what_was_not_kept_is_fetched_in_one_more_pass(layout: str) -> None:
    """The tables lie behind five megabytes of code, as patchelf leaves them, or before them."""
    data = build_elf(spec(layout=layout, text_size=5 << 20, imports=NO_DLOPEN))
    member = Member(data, 1 << 16)
    assert member.read(front=0).elf == read_elf(data)
    assert member.passes <= 2


@pytest.mark.parametrize("layout", ["gnu-new", "gnu-old", "tables-last"])
@pytest.mark.parametrize("front", [1 << 16, 4 << 20])
def test_looking_for_names_takes_no_pass_of_its_own(layout: str, front: int) -> None:
    data = build_elf(spec(layout=layout, text_size=3 << 20, rodata=b"\0libfoo.so.1\0"))
    member = Member(data, 1 << 14)
    assert "libfoo.so.1" in member.read(front=front).library_strings
    assert member.passes == 1


def test_the_second_pass_goes_no_further_than_it_must() -> None:
    """Symbols beyond the part that is kept at first, and 20 MB of code behind them."""
    data = build_elf(
        spec(exports=tuple(Export(f"{'n' * 400}{n}") for n in range(5000)), text_size=20 << 20, imports=NO_DLOPEN)
    )
    member = Member(data, 1 << 16)
    assert member.read(front=1 << 16).elf == read_elf(data)
    assert member.passes == 2
    assert member.streamed < 1.3 * len(data)


def test_an_error_is_the_same_error() -> None:
    data = mutate(spec(layout="tables-last", text_size=1 << 20), {"DT_STRSZ": 1 << 30})
    with pytest.raises(ElfFormatError) as caught:
        read_elf(data)
    streamed = Member(data, 1 << 16).read(front=4096)
    assert str(streamed.elf) == str(caught.value)
    assert streamed.library_strings == ()


def test_tables_in_too_many_places_are_refused() -> None:
    """Each hop of the version chain leads a megabyte further; nothing says so beforehand."""
    needs = tuple(Need(f"lib{n}.so", (NeedVersion("V"),)) for n in range(12))
    parts = ElfSpec(verneeds=needs, layout="tables-last")
    data, at = build_elf_with_layout(parts)
    start, step = at["verneed[0].vn_version"], 1 << 20
    records = [data[start + 32 * n : start + 32 * (n + 1)] for n in range(12)]
    spread = bytearray(mutate(parts, {"PT_LOAD[3].p_filesz": 1 << 40}))
    spread += bytes(start + 12 * step + 64 - len(spread))
    for number, record in enumerate(records):
        spread[start + number * step : start + number * step + 32] = record
        following = step if number < 11 else 0
        spread[start + number * step + 12 : start + number * step + 16] = following.to_bytes(4, "little")
    whole = read_elf(bytes(spread))
    assert [need.file for need in whole.verneeds] == [need.library for need in needs]
    streamed = Member(bytes(spread), 1 << 18).read(front=0).elf
    assert isinstance(streamed, ElfFormatError)
    assert "places" in streamed.reason


@pytest.mark.parametrize(
    ("make", "error"),
    [(lambda: KeptBytes(100, [(0, b"a" * 10), (10, b"b" * 10), (50, b"c" * 10)]), BytesNotKept)],
)
def test_kept_bytes(make: Callable[[], KeptBytes], error: type[Exception]) -> None:
    kept = make()
    assert kept.read(0, 10, "x") == b"a" * 10
    assert kept.read(5, 10, "x") == b"a" * 5 + b"b" * 5
    assert kept.read(55, 5, "x") == b"c" * 5
    assert kept.read(100, 0, "x") == b""
    kept.require(3, 17, "x")
    wanted = [(0, 5), (8, 12), (15, 30), (40, 70), (80, 90)]
    assert kept.without(wanted) == [(20, 30), (40, 50), (60, 70), (80, 90)]
    joined = kept.joined([(20, b"d" * 30)])
    assert joined.kept == 60
    assert joined.read(15, 40, "x") == b"b" * 5 + b"d" * 30 + b"c" * 5
    for offset, size in ((15, 10), (20, 1), (45, 10), (59, 2), (99, 1)):
        with pytest.raises(error):
            kept.read(offset, size, "x")
        with pytest.raises(error):
            kept.require(offset, size, "x")
    for source in (kept, WholeFile(bytes(100))):
        for offset, size in ((95, 6), (101, 0), (1 << 70, 1), (0, 1 << 70)):
            with pytest.raises(ElfFormatError):
                source.read(offset, size, "x")
            with pytest.raises(ElfFormatError):
                source.require(offset, size, "x")


def test_is_elf() -> None:
    assert is_elf(b"\x7fELF...")
    assert not is_elf(b"\x7fEL")
    assert not is_elf(b"")


# ----- names of libraries


def found(data: bytes, size: int) -> tuple[str, ...]:
    strings = LibraryStrings()
    for start in range(0, len(data), size):
        strings.feed(start, data[start : start + size])
    return strings.found()


TEXT = (
    b"libfirst.so\0junk\0/usr/lib/libpath.so.1\0opening libafter.so.2.3\0xlibnot.so\0lib.so\0libx.sox\0"
    b"libver.so.1.2.3.4\0libtoo.so.1.2.3.4.5\0libunended.so  libcpp-1_2+3.so\0lib" + b"y" * 101 + b".so\0"
    b"\xfflibbytes.so\0liba.so.so\0/"
    + b"p" * 300
    + b"/libfar.so\0\n/opt/x/libdir.so\0"
    + b"z" * 5000
    + b"\0liblast.so\0"
)
NAMES = (
    "/opt/x/libdir.so",
    "/usr/lib/libpath.so.1",
    "liba.so.so",
    "libafter.so.2.3",
    "libbytes.so",
    "libcpp-1_2+3.so",
    "libfirst.so",
    "liblast.so",
    "libver.so.1.2.3.4",
)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 13, 50, 100, 369, 1000, 1 << 20])
def test_library_strings_do_not_depend_on_the_cuts(size: int) -> None:
    assert found(TEXT, size) == NAMES


def test_a_gap_between_two_pieces_joins_nothing() -> None:
    strings = LibraryStrings()
    strings.feed(0, b"\0liba")
    strings.feed(100, b".so\0libb.so\0")
    strings.feed(500, b"\0libc.so")
    assert strings.found() == ("libb.so",)


def test_a_file_full_of_names_hints_at_nothing() -> None:
    many = b"".join(b"lib%d.so\0" % number for number in range(1001))
    assert found(many, 333) == ()
    assert len(found(many[:-11], 333)) == 1000
    assert found(b"lib.so\0" * 10_001 + b"liba.so\0", 1 << 16) == ()


def test_only_files_that_import_dlopen_have_library_strings() -> None:
    data = build_elf(spec(imports=(Import("memcpy"),), rodata=b"\0libfoo.so.1\0"))
    assert Member(data, 1 << 16).read().library_strings == ()


def test_code_is_not_searched() -> None:
    code = b"\0libcode.so\0"
    for layout, seen in (("gnu-new", False), ("gnu-old", True)):  # in the latter constants lie among the code
        data = build_elf(spec(layout=layout, text=code, rodata=b"\0libdata.so\0", pad_segments=True))
        names = Member(data, 64).read().library_strings
        assert ("libcode.so" in names) is seen
        assert "libdata.so" in names
