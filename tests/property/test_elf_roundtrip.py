"""What an ELF file says is what is read, and what is no ELF file ends in one kind of error.

The oracle is the builder's spec (tests/support/elf_spec.py), which owes nothing to perennial.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from sys import byteorder
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.arch import ElfAbi
from perennial.elf.dynamic_symbols import NO_SYMBOLS, Binding, DynamicSymbol, SymbolColumns
from perennial.elf.export_hashes import has_word, hash_many, hash_word, not_among
from perennial.elf.model import ElfFile, ElfType, StackPermission, TlsSegment, Verdef, Vernaux, Verneed
from perennial.elf.read import read_elf
from perennial.elf.stream import ElfCollector, StreamedElf, read_stream
from perennial.errors import ElfFormatError
from tests.support.elf_builder import (
    ARCHES,
    ET_CORE,
    ET_DYN,
    ET_EXEC,
    ET_REL,
    ElfSpec,
    Export,
    Import,
    Need,
    NeedVersion,
    build_elf,
    symbol_order,
)
from tests.support.elf_builder import Verdef as SpecVerdef
from tests.support.elf_tables import exports_in_order, gnu_hash

# ----- what a spec says


def as_read(name: str) -> str:
    """Names are bytes; those that are no UTF-8 are shown escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def expected(spec: ElfSpec) -> ElfFile:
    """The facts, exports included, that a file built from `spec` holds."""
    abi = ElfAbi(spec.bits, spec.little_endian, spec.machine, spec.flags)
    loadable = spec.type in (ET_EXEC, ET_DYN)
    dynamic = loadable and not spec.static
    x86 = loadable and spec.machine in (3, 62)
    stack = {
        None: StackPermission.UNSTATED,
        "rw": StackPermission.NOT_EXECUTABLE,
        "rwx": StackPermission.EXECUTABLE,
    }
    facts = ElfFile(
        abi=abi,
        os_abi=spec.os_abi,
        type=ElfType(spec.type),
        is_dynamic=dynamic,
        interpreter=spec.interpreter if loadable else None,
        soname=None,
        needed=(),
        rpath=None,
        runpath=None,
        verneeds=(),
        verdefs=(),
        undefined=NO_SYMBOLS,
        exports=None,
        export_hashes=None,
        flags=0,
        flags_1=0,
        has_text_relocations=False,
        has_relr=False,
        stack=stack[spec.stack] if loadable else StackPermission.UNSTATED,
        tls=TlsSegment(*spec.tls) if loadable and spec.tls and spec.tls[0] else None,
        build_id=spec.build_id.hex() if loadable and spec.build_id is not None else None,
        x86_isa_needed=(spec.x86_isa_needed or 0) if x86 else 0,
        x86_isa_used=(spec.x86_isa_used or 0) if x86 else 0,
    )
    if not dynamic:
        return facts
    counted = 1 + count_that_loaders_see(spec)
    symbols = [symbol_read(symbol) for symbol in symbol_order(spec)[: counted - 1]]
    return facts._replace(
        soname=None if spec.soname is None else as_read(spec.soname),
        needed=tuple(map(as_read, spec.needed)),
        rpath=None if spec.rpath is None else as_read(spec.rpath),
        runpath=None if spec.runpath is None else as_read(spec.runpath),
        verneeds=verneeds_read(spec),
        verdefs=verdefs_read(spec),
        undefined=SymbolColumns.of(symbol for symbol in symbols if not symbol.defined),
        exports=tuple(symbol for symbol in symbols if symbol.defined),
        export_hashes=hashes_read(spec),
        flags=spec.dt_flags or 0,
        flags_1=spec.dt_flags_1 or 0,
        has_text_relocations=spec.textrel or bool((spec.dt_flags or 0) & 4),
        has_relr=spec.relr,
    )


def hashes_read(spec: ElfSpec) -> bytes | None:
    """A word for each export, in the order of the table; none where nothing is in it, and none of programs."""
    if spec.hash_style not in ("gnu", "both") or not spec.exports or spec.interpreter is not None:
        return None
    return array("I", [gnu_hash(export.name) | 1 for export in exports_in_order(spec)]).tobytes()


def count_that_loaders_see(spec: ElfSpec) -> int:
    """How many symbols a hash table or a relocation leads to (gABI, "Hash Table")."""
    if spec.hash_style in ("sysv", "both") or (spec.hash_style == "gnu" and spec.exports):
        return len(spec.imports) + len(spec.exports)
    return len(spec.imports) if spec.relocations else 0


def symbol_read(symbol: Import | Export) -> DynamicSymbol:
    binding = Binding.WEAK if symbol.weak else Binding.GLOBAL
    version = None if symbol.version is None else as_read(symbol.version)
    if isinstance(symbol, Import):
        library = None if symbol.library is None else as_read(symbol.library)
        return DynamicSymbol(as_read(symbol.name), version, library, binding, defined=False)
    return DynamicSymbol(
        as_read(symbol.name), version, None, Binding.UNIQUE if symbol.unique else binding, defined=True
    )


def verneeds_read(spec: ElfSpec) -> tuple[Verneed, ...]:
    number = 2 + len(spec.all_verdefs)  # 0 is local, 1 the file's base version
    needs = []
    for need in spec.all_verneeds:
        versions = []
        for version in need.versions:
            versions.append(Vernaux(as_read(version.name), version.weak, number))
            number += 1
        needs.append(Verneed(as_read(need.library), tuple(versions)))
    return tuple(needs)


def verdefs_read(spec: ElfSpec) -> tuple[Verdef, ...]:
    if not spec.all_verdefs:
        return ()
    base = Verdef(as_read(spec.soname or ""), 1, is_base=True, weak=False, parents=())
    return (
        base,
        *(
            Verdef(as_read(v.name), number, is_base=False, weak=v.weak, parents=tuple(map(as_read, v.parents)))
            for number, v in enumerate(spec.all_verdefs, 2)
        ),
    )


# ----- specs

# Surrogates stand for bytes that are no UTF-8.
characters = st.sampled_from("abcXYZ019_@.+-$é€\U0001f600\udc80\udcff")
names = st.text(characters, min_size=1, max_size=12) | st.sampled_from(["memcpy", "x" * 300, "_ZN1a1bEv"])
versions = st.sampled_from(
    ["GLIBC_2.2.5", "GLIBC_2.14", "GLIBC_2.34", "GLIBC_2.36", "GLIBC_ABI_DT_RELR", "GLIBC_ABI_DT_X86_64_PLT", "V1", "é"]
)
libraries = st.sampled_from(["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "libé.so"])
kinds: st.SearchStrategy[Literal["func", "object", "notype", "tls"]] = st.sampled_from(
    ["func", "object", "notype", "tls"]
)


@st.composite
def imports(draw: st.DrawFn) -> Import:
    version = draw(st.none() | versions)
    library = None if version is None else draw(libraries)
    return Import(draw(names), version, library, weak=draw(st.booleans()), kind=draw(kinds))


exports = st.builds(
    Export,
    name=names,
    version=st.none() | versions,
    weak=st.booleans(),
    unique=st.booleans(),
    hidden_version=st.booleans(),
    kind=kinds,
)
needs = st.builds(
    Need,
    library=libraries,
    versions=st.lists(
        st.builds(NeedVersion, versions, st.booleans()), min_size=1, max_size=4, unique_by=lambda v: v.name
    ).map(tuple),
)
verdefs = st.builds(SpecVerdef, name=versions, weak=st.booleans(), parents=st.lists(versions, max_size=3).map(tuple))
few_names = st.none() | names
words = st.integers(0, 2**32 - 1)


@st.composite
def specs(draw: st.DrawFn) -> ElfSpec:
    page = draw(st.sampled_from([0x1000, 0x10000, 64]))
    return ElfSpec.for_arch(
        draw(st.sampled_from(sorted(ARCHES))),
        os_abi=draw(st.sampled_from([0, 3])),
        type=draw(st.sampled_from([ET_DYN, ET_DYN, ET_DYN, ET_EXEC, ET_REL, ET_CORE])),
        static=draw(st.sampled_from([False, False, False, True])),
        soname=draw(few_names),
        needed=draw(st.lists(names, max_size=5).map(tuple)),
        rpath=draw(few_names),
        runpath=draw(few_names),
        interpreter=draw(st.none() | st.just("/lib64/ld-linux-x86-64.so.2")),
        dt_flags=draw(st.none() | words),
        dt_flags_1=draw(st.none() | words),
        textrel=draw(st.booleans()),
        imports=draw(st.lists(imports(), max_size=12).map(tuple)),
        verneeds=draw(st.lists(needs, max_size=2, unique_by=lambda need: need.library).map(tuple)),
        exports=draw(st.lists(exports, max_size=12).map(tuple)),
        verdefs=draw(st.lists(verdefs, max_size=3, unique_by=lambda verdef: verdef.name).map(tuple)),
        hash_style=draw(st.sampled_from(["gnu", "sysv", "both", "none"])),
        relocations=draw(st.booleans()),
        relr=draw(st.booleans()),
        stack=draw(st.sampled_from([None, "rw", "rwx"])),
        tls=draw(st.none() | st.tuples(st.integers(0, 4096), st.sampled_from([1, 8, 64]))),
        build_id=draw(st.none() | st.binary(min_size=1, max_size=32)),
        x86_isa_needed=draw(st.none() | st.integers(0, 15)),
        x86_isa_used=draw(st.none() | st.integers(0, 15)),
        rodata=draw(st.binary(max_size=40)),
        bss_size=draw(st.sampled_from([0, 100])),
        base=draw(st.sampled_from([0, 0x10000, 0x400000])),
        page_size=page,
        layout=draw(st.sampled_from(["gnu-new", "gnu-old", "tables-last"])),
        pad_segments=draw(st.booleans()),
        section_headers=draw(st.booleans()),
    )


# ----- laws


@settings(max_examples=400)
@given(specs())
def test_what_was_said_is_read(spec: ElfSpec) -> None:
    """gABI, "Program Loading and Dynamic Linking": sections or not, any class, order and layout."""
    data = build_elf(spec)
    facts = expected(spec)
    assert read_elf(data, exports=True) == facts
    assert read_elf(data) == facts._replace(exports=None)


@settings(max_examples=150)
@given(specs(), st.lists(st.integers(1, 3000), min_size=1, max_size=8), st.integers(0, 3))
def test_a_streamed_file_says_the_same(spec: ElfSpec, sizes: list[int], pages: int) -> None:
    """However it is cut, and however little of it is kept at first."""
    data = build_elf(spec)
    assert streamed(data, sizes, pages).elf == read_elf(data)


def streamed(data: bytes, sizes: list[int], pages: int) -> StreamedElf:
    def chunks() -> list[bytes]:
        cuts, position = [0], 0
        while position < len(data):
            position += sizes[len(cuts) % len(sizes)]
            cuts.append(min(position, len(data)))
        return [data[start:end] for start, end in pairwise(cuts)]

    collector = ElfCollector(len(data), front=pages << 12)
    for chunk in chunks():
        collector.feed(chunk)
    return read_stream(collector, chunks)


def outcome(data: bytes, *, exports: bool) -> ElfFile | str:
    try:
        return read_elf(data, exports=exports)
    except ElfFormatError as error:
        return checked(error)


def checked(error: ElfFormatError) -> str:
    message = str(error)
    assert message.isprintable()
    assert error.field
    assert error.offset >= 0
    return message


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An ELF file with some bytes changed, put in, taken out, or cut off."""
    data = bytearray(build_elf(draw(specs())))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["set", "set", "word", "word", "insert", "remove", "truncate"])):
            case "set":
                data[at] = draw(st.integers(0, 255))
            case "word":
                at &= ~3
                data[at : at + 4] = draw(st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\x01"]))
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=9))
            case "remove":
                del data[at : at + draw(st.integers(1, 9))]
            case _:
                del data[at + 1 :]
        if not data:
            break
    return bytes(data)


@settings(max_examples=800)
@given(damaged())
def test_damage_ends_in_facts_or_in_the_one_error(data: bytes) -> None:
    """Any other exception fails the test; and asking for exports changes nothing else."""
    full, brief = outcome(data, exports=True), outcome(data, exports=False)
    if isinstance(full, str):
        assert isinstance(brief, ElfFile) or brief == full
    else:
        assert brief == full._replace(exports=None)


@settings(max_examples=200)
@given(damaged(), st.integers(1, 3000), st.integers(0, 2))
def test_damage_is_judged_alike_when_streamed(data: bytes, size: int, pages: int) -> None:
    result = streamed(data, [size], pages).elf
    if isinstance(result, ElfFormatError) and "places" in str(result):
        return  # what a file may cost when it is streamed is bounded, and only then
    assert (str(result) if isinstance(result, ElfFormatError) else result) == outcome(data, exports=False)


@settings(max_examples=300)
@given(st.binary(max_size=400), st.sampled_from(["", "\x7fELF", "\x7fELF\x02\x01\x01", "\x7fELF\x01\x02\x01"]))
def test_any_bytes_at_all(data: bytes, front: str) -> None:
    data = front.encode("latin-1") + data
    result = outcome(data, exports=True)
    assert isinstance(result, str) or (data.startswith(b"\x7fELF") and len(data) >= 52)


@pytest.mark.parametrize("arch", ["x86_64", "i686", "s390x"])
def test_truncated_anywhere(arch: str) -> None:
    spec = ElfSpec.for_arch(
        arch,
        soname="liba.so",
        needed=("libc.so.6",),
        imports=(Import("a", "V", "libc.so.6"),),
        exports=(Export("b", "W"),),
        layout="tables-last",
        build_id=b"1234",
    )
    data = build_elf(spec)
    for end in range(len(data)):
        with pytest.raises(ElfFormatError):
            read_elf(data[:end], exports=True)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=600))
def test_hash_words_are_bernsteins_hash(name: str) -> None:
    """glibc, `_dl_new_hash`; the lowest bit is the table's own."""
    assert hash_word(name) == gnu_hash(name) | 1


@given(
    st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=80), max_size=30),
    st.data(),
)
def test_hashes_of_many_names(names: list[str], data: st.DataObject) -> None:
    long = data.draw(st.integers(0, 600))
    names += ["\x7f" * long, "\x7f" * (long // 7)]
    assert sorted(hash_many(names)) == sorted((gnu_hash(name) | 1, name) for name in names)


@given(
    st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=80), max_size=30),
    st.data(),
)
def test_names_that_no_table_has(names: list[str], data: st.DataObject) -> None:
    names = list(dict.fromkeys(names))
    tables = data.draw(st.lists(st.lists(st.sampled_from(names or [""]), max_size=10), max_size=3))
    packed = [array("I", [gnu_hash(name) | 1 for name in table]).tobytes() for table in tables]
    listed = {gnu_hash(name) | 1 for table in tables for name in table}
    assert not_among(names, packed) == {name for name in names if gnu_hash(name) | 1 not in listed}


def test_a_word_is_found_only_where_words_stand() -> None:
    packed = array("I", [0x11223345, 0x55667789, 0x11223345]).tobytes()
    assert has_word(packed, 0x55667789)
    assert not has_word(packed, int.from_bytes(packed[2:6], byteorder))
    assert has_word(packed[2:] + packed[:2] + packed, 0x11223345)
    assert not has_word(b"", 1)


def test_long_names_have_the_same_hash() -> None:
    for size in (510, 511, 512, 513, 5000):
        assert hash_word("_Z" + "x" * (size - 2)) == gnu_hash("_Z" + "x" * (size - 2)) | 1
