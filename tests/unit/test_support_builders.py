"""The builders that the other tests rely on, against tools that know nothing of perennial."""

from __future__ import annotations

import io
import platform
import shutil
import struct
import subprocess
import sys
import time
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from tests.support.elf_builder import (
    ARCHES,
    ET_CORE,
    ET_EXEC,
    ET_REL,
    ElfSpec,
    Export,
    Import,
    Need,
    NeedVersion,
    Verdef,
    build_elf,
    build_elf_with_layout,
    elf,
    mutate,
    symbol_order,
)
from tests.support.wheel_builder import (
    HOSTILE,
    RawEntry,
    RawZip,
    Side,
    add_lines,
    alter_line,
    drop_lines,
    entries_of,
    expand_tags,
    overlapping,
    record_line,
    wheel,
)

LIBC = "libc.so.6"


def full_spec(arch: str, **fields: Any) -> ElfSpec:
    """Every feature at once."""
    spec = ElfSpec.for_arch(
        arch,
        soname="libfull.so.1",
        needed=(LIBC, "libm.so.6"),
        runpath="$ORIGIN/../demo.libs",
        interpreter="/lib/ld.so",
        imports=(
            Import("puts", "GLIBC_2.2.5", LIBC),
            Import("environ", "GLIBC_2.2.5", LIBC, kind="object"),
            Import("__gmon_start__", weak=True, kind="notype"),
            Import("errno", "GLIBC_PRIVATE", LIBC, kind="tls"),
            Import("sin", "GLIBC_2.29", "libm.so.6"),
        ),
        verneeds=(Need(LIBC, (NeedVersion("GLIBC_ABI_DT_RELR"), NeedVersion("GLIBC_2.99", weak=True))),),
        exports=(
            Export("first", "V1"),
            Export("data", "V2", kind="object", data=b"hello\0"),
            Export("both", "V2"),
            Export("both", "V1", hidden_version=True),
            Export("unique", kind="object", unique=True),
            Export("protected", weak=True, visibility="protected"),
        ),
        verdefs=(Verdef("V1"), Verdef("V2", weak=True, parents=("V1",))),
        hash_style="both",
        relocations=True,
        relr=True,
        tls=(24, 16),
        build_id=bytes(range(20)),
        x86_isa_needed=7,
        x86_isa_used=3,
        textrel=True,
        dt_flags=8,
        dt_flags_1=1,
        rodata=b"some constant",
        bss_size=0x2345,
    )
    return spec.but(**fields)


def readelf(options: str, data: bytes, folder: Path) -> str:
    """What readelf prints; any complaint of its own is a failure."""
    program = shutil.which("readelf")
    if program is None:
        pytest.skip("readelf is not installed")
    path = folder / "file.so"
    path.write_bytes(data)
    done = subprocess.run([program, options, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "<corrupt" not in done.stdout
    return done.stdout


def parsed(data: bytes) -> Any:
    """pyelftools' view; Any, because its classes find their attributes at run time."""
    return ELFFile(io.BytesIO(data))


@pytest.mark.parametrize("layout", ["gnu-new", "gnu-old", "tables-last"])
@pytest.mark.parametrize("arch", ARCHES)
def test_readelf_reads_everything_where_there_are_sections(arch: str, layout: str, tmp_path: Path) -> None:
    shown = readelf("-aW", build_elf(full_spec(arch, layout=layout, section_headers=True)), tmp_path)
    assert f"ELF{ARCHES[arch].bits}" in shown
    for line in (
        "Library soname: [libfull.so.1]",
        "Shared library: [libm.so.6]",
        "Library runpath: [$ORIGIN/../demo.libs]",
        "puts@GLIBC_2.2.5 (6)",
        "WEAK   DEFAULT  UND __gmon_start__",
        "TLS     GLOBAL DEFAULT  UND errno@GLIBC_PRIVATE",
        "data@@V2",
        "both@V1",
        "WEAK   PROTECTED",
        "Name: GLIBC_2.99  Flags: WEAK",
        "Flags: BASE  Index: 1  Cnt: 1  Name: libfull.so.1",
        "Flags: WEAK  Index: 3  Cnt: 2  Name: V2",
        "Parent 1: V1",
        "Build ID: 000102030405060708090a0b0c0d0e0f10111213",
        "GNU_STACK",
        "Requesting program interpreter: /lib/ld.so",
    ):
        assert line in shown
    assert "Unknown" not in shown


@pytest.mark.parametrize("arch", ARCHES)
def test_readelf_reads_segments_and_dynamic_section_without_sections(arch: str, tmp_path: Path) -> None:
    shown = readelf("-dlW", build_elf(full_spec(arch)), tmp_path)
    assert "Shared library: [libc.so.6]" in shown
    assert "VERNEEDNUM" in shown


@pytest.mark.parametrize(
    ("arch", "hash_style"),
    # pyelftools takes the words of s390x's DT_HASH for four bytes
    [(a, style) for a in ARCHES for style in ("gnu", "sysv", "both") if (a, style) != ("s390x", "sysv")],
)
def test_pyelftools_finds_every_symbol_by_hash_alone(arch: str, hash_style: str) -> None:
    spec = full_spec(arch, hash_style=hash_style, exports=tuple(Export(f"e{i}") for i in range(100)))
    file = parsed(build_elf(spec))
    assert file.num_sections() == 0
    segment = next(file.iter_segments("PT_DYNAMIC"))
    symbols = [symbol.name for symbol in segment.iter_symbols()]
    assert symbols[1:] == [symbol.name for symbol in symbol_order(spec)]
    names = [symbol.name for symbol in spec.imports] + [export.name for export in spec.exports]
    assert sorted(symbols[1:]) == sorted(names)
    assert [tag.needed for tag in segment.iter_tags("DT_NEEDED")] == list(spec.needed)


@pytest.mark.parametrize("arch", ARCHES)
def test_pyelftools_looks_every_export_up_in_the_gnu_hash(arch: str) -> None:
    names = [f"name_{i}" for i in range(300)]
    data = elf(arch=arch, exports=tuple(map(Export, names)), section_headers=True)
    table = parsed(data).get_section_by_name(".gnu.hash")
    assert [table.get_symbol(name).name for name in names] == names
    assert table.get_symbol("absent") is None


@pytest.mark.parametrize("arch", ARCHES)
def test_pyelftools_reads_versions_notes_and_relocations(arch: str) -> None:
    spec = full_spec(arch, section_headers=True)
    file = parsed(build_elf(spec))
    needs = file.get_section_by_name(".gnu.version_r").iter_versions()
    found = [(need.name, [version.name for version in versions]) for need, versions in needs]
    assert found == [(need.library, [v.name for v in need.versions]) for need in spec.all_verneeds]
    assert found[0][1] == ["GLIBC_ABI_DT_RELR", "GLIBC_2.99", "GLIBC_2.2.5", "GLIBC_PRIVATE"]
    defs = file.get_section_by_name(".gnu.version_d").iter_versions()
    assert [[aux.name for aux in auxiliaries] for _, auxiliaries in defs] == [
        ["libfull.so.1"],
        ["V1"],
        ["V2", "V1"],
    ]
    notes = [note for section in file.iter_sections("SHT_NOTE") for note in section.iter_notes()]
    assert [note["n_type"] for note in notes] == ["NT_GNU_PROPERTY_TYPE_0", "NT_GNU_BUILD_ID"]
    properties = [(p["pr_type"], p["pr_data"]) for p in notes[0]["n_desc"]]
    assert [value for _, value in properties] == [7, 3]
    segment = next(file.iter_segments("PT_DYNAMIC"))
    tables = segment.get_relocation_tables()
    kind = "REL" if ARCHES[arch].machine in (3, 40) else "RELA"
    assert {name: table.num_relocations() for name, table in tables.items()} == {
        kind: 3,
        "JMPREL": 2,
        "RELR": 3,
    }
    entries = [*tables[kind].iter_relocations(), *tables["JMPREL"].iter_relocations()]
    assert sorted(entry["r_info_sym"] for entry in entries) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("pad_segments", [False, True])
@pytest.mark.parametrize("base", [0, 0x400000])
@pytest.mark.parametrize("layout", ["gnu-new", "gnu-old", "tables-last"])
@pytest.mark.parametrize("arch", ["x86_64", "i686", "s390x"])
def test_segments_are_congruent_ordered_and_apart(arch: str, layout: str, base: int, pad_segments: bool) -> None:
    """gABI chapter 5: p_vaddr and p_offset agree modulo p_align; LOADs ascend on p_vaddr."""
    for page in (0x1000, 0x10000):
        spec = full_spec(arch, layout=layout, base=base, page_size=page, pad_segments=pad_segments, text_size=5000)
        file = parsed(build_elf(spec))
        loads = [segment.header for segment in file.iter_segments("PT_LOAD")]
        assert len(loads) == {"gnu-new": 4, "gnu-old": 2, "tables-last": 5}[layout]
        assert (loads[0]["p_offset"], loads[0]["p_vaddr"]) == (0, base)
        for load in loads:
            assert (load["p_vaddr"] - load["p_offset"]) % page == 0
        for before, after in pairwise(loads):
            assert (before["p_vaddr"] + before["p_memsz"] - 1) // page < after["p_vaddr"] // page
            assert before["p_offset"] + before["p_filesz"] <= after["p_offset"]


def test_types_and_static_files_have_no_dynamic_section(tmp_path: Path) -> None:
    assert "no dynamic section" in readelf("-dlW", elf(static=True, type=ET_EXEC, base=0x400000), tmp_path)
    assert "no program headers" in readelf("-lW", elf(type=ET_REL, section_headers=True), tmp_path)
    assert "CORE" in readelf("-hW", elf(type=ET_CORE), tmp_path)
    assert "TLS" in readelf("-lW", elf(static=True, tls=(8, 8)), tmp_path)


def test_a_gnu_hash_without_exports_is_what_gnu_ld_writes() -> None:
    """Seen in the output of GNU ld 2.40: symoffset is 1 though symbol 1 is an undefined one."""
    for arch, word in (("x86_64", 8), ("i686", 4), ("s390x", 8)):
        spec = ElfSpec.for_arch(arch, imports=(Import("puts"),))
        data, at = build_elf_with_layout(spec)
        order = "<" if spec.little_endian else ">"
        assert data[at[".gnu.hash"] :].startswith(struct.pack(f"{order}4I", 1, 1, 1, 0) + bytes(word + 4))


def test_words_of_dt_hash_are_eight_bytes_on_s390x_alone() -> None:
    for arch in ARCHES:
        data, at = build_elf_with_layout(ElfSpec.for_arch(arch, imports=(Import("puts"),), hash_style="sysv"))
        width = at["hash.nchain"] - at["hash.nbucket"]
        assert width == (8 if arch == "s390x" else 4)
        code = ("<" if ARCHES[arch].little_endian else ">") + ("Q" if width == 8 else "I")
        assert struct.unpack_from(code, data, at["hash.nchain"]) == (2,)


@pytest.mark.parametrize(
    "fields",
    [
        {"imports": (Import("puts", "GLIBC_2.2.5"),)},
        {"imports": (Import("puts", library=LIBC),)},
        {"base": 1},
        {"bits": 16},
        {"page_size": 100},
    ],
    ids=repr,
)
def test_inconsistent_specs_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        elf(**fields)


# ----- corrupting


@pytest.mark.parametrize("arch", ["x86_64", "i686", "s390x", "armv7l"])
def test_the_layout_names_the_fields_of_the_file(arch: str) -> None:
    spec = full_spec(arch, section_headers=True)
    data, at = build_elf_with_layout(spec)
    assert data == build_elf(spec)
    assert all(offset < len(data) for offset in at.values())
    word = f"{'<' if spec.little_endian else '>'}{'Q' if spec.bits == 64 else 'I'}"
    half, long = f"{word[0]}H", f"{word[0]}I"

    def value(name: str, code: str) -> int:
        return int(struct.unpack_from(code, data, at[name])[0])

    file = parsed(data)
    assert value("e_phoff", word) == file.header["e_phoff"]
    assert value("e_phnum", half) == file.num_segments()
    dynamic = next(file.iter_segments("PT_DYNAMIC"))
    assert value("PT_DYNAMIC.p_offset", word) == dynamic["p_offset"] == at["dynamic[0].d_tag"] == at["DT_NEEDED.d_tag"]
    tags = {tag.entry.d_tag: tag.entry.d_val for tag in dynamic.iter_tags()}
    for name in (
        "DT_STRTAB",
        "DT_STRSZ",
        "DT_VERNEEDNUM",
        "DT_GNU_HASH",
        "DT_RELRSZ",
        "DT_NULL",
        "DT_FLAGS_1",
    ):
        assert value(name, word) == tags[name]
    assert value("verneed[0].vn_next", long) == at["verneed[1].vn_version"] - at["verneed[0].vn_version"]
    assert value("verneed[0].vn_aux", long) == at["verneed[0].vna[0].vna_hash"] - at["verneed[0].vn_version"]
    assert value("verneed[0].vna[1].vna_flags", half) == 2
    assert value("verneed[1].vn_next", long) == 0
    assert value("verdef[2].vda[0].vda_next", long) == 8
    assert value("hash.nchain", ">Q" if arch == "s390x" else long) == 1 + len(spec.imports) + len(spec.exports)
    assert value("gnu_hash.symoffset", long) == 1 + len(spec.imports)
    assert value("versym[3]", half) == 1
    assert data[at[".dynstr"] + value("dynsym[1].st_name", long) :].startswith(b"puts\0")
    assert value("note[1].n_type", long) == 3
    assert value(".dynsym.sh_offset", word) == at[".dynsym"] == at["dynsym[0].st_name"]


def test_mutate_changes_one_field_and_nothing_else() -> None:
    spec = full_spec("s390x")
    before, at = build_elf_with_layout(spec)
    after = mutate(spec, {"DT_STRSZ": 0x1122334455667788, "e_phnum": -1})
    changed = {index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new}
    assert after[at["DT_STRSZ"] :][:8].hex() == "1122334455667788"
    assert after[at["e_phnum"] :][:2].hex() == "ffff"
    assert changed <= {*range(at["DT_STRSZ"], at["DT_STRSZ"] + 8), at["e_phnum"], at["e_phnum"] + 1}
    with pytest.raises(KeyError):
        mutate(spec, {"no such field": 1})


def test_a_file_takes_microseconds() -> None:
    spec = ElfSpec(soname="libx.so", needed=(LIBC,), imports=(Import("puts", "GLIBC_2.2.5", LIBC),))
    build_elf(spec)
    timings = []
    for _ in range(50):
        start = time.perf_counter()
        build_elf(spec)
        timings.append(time.perf_counter() - start)
    assert min(timings) < 500e-6  # 45 µs where this was written; machines of CI are slow and shared


# ----- the loader's opinion

needs_glibc_x86_64 = pytest.mark.skipif(
    platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc" or sys.maxsize < 1 << 32,
    reason="loads built x86_64 files into this process's kind of process, with glibc",
)

LOAD = """
import ctypes, os, sys
library = ctypes.CDLL(sys.argv[1], os.RTLD_NOW)
if len(sys.argv) > 2:
    print((ctypes.c_char * 6).in_dll(library, "greeting").value.decode(), library.answer())
"""


def load(folder: Path, spec: ElfSpec, *more: str) -> subprocess.CompletedProcess[str]:
    """What dlopen with RTLD_NOW makes of the file, in a process of its own."""
    path = folder / "libbuilt.so"
    path.write_bytes(build_elf(spec))
    return subprocess.run([sys.executable, "-c", LOAD, path, *more], capture_output=True, text=True, check=False)


LOADABLE = ElfSpec(
    soname="libbuilt.so",
    needed=(LIBC,),
    imports=(
        Import("puts", "GLIBC_2.2.5", LIBC),
        Import("environ", "GLIBC_2.2.5", LIBC, kind="object"),
        Import("nowhere", weak=True, kind="notype"),
    ),
    exports=(Export("greeting", kind="object", data=b"hello\0"), Export("answer")),
    text=bytes.fromhex("b82a000000c3"),  # mov eax, 42; ret
    relocations=True,
)


@needs_glibc_x86_64
@pytest.mark.parametrize("hash_style", ["gnu", "sysv", "both"])
@pytest.mark.parametrize("layout", ["gnu-new", "gnu-old", "tables-last"])
def test_ld_so_loads_a_built_file(layout: str, hash_style: str, tmp_path: Path) -> None:
    done = load(tmp_path, LOADABLE.but(layout=layout, hash_style=hash_style), "symbols")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello 42\n", "")


@needs_glibc_x86_64
@pytest.mark.parametrize(
    "fields",
    [
        {"pad_segments": True},
        {"base": 0x10000},
        {"page_size": 0x10000},
        {"tls": (16, 16), "bss_size": 0x3000, "rodata": b"x", "build_id": b"x" * 20, "x86_isa_needed": 1},
        {
            "verdefs": (Verdef("V1"),),
            "exports": (*LOADABLE.exports, Export("answer", "V1", hidden_version=True)),
        },
        {"section_headers": True, "text_size": 100_000},
        {"extra_dynamic": ((0x7FFFFFFD, "auxiliary"),)},
    ],
    ids=" ".join,
)
def test_ld_so_loads_unusual_files(fields: dict[str, Any], tmp_path: Path) -> None:
    done = load(tmp_path, LOADABLE.but(**fields), "symbols")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello 42\n", "")


@needs_glibc_x86_64
def test_ld_so_relocates_relr_where_it_knows_it(tmp_path: Path) -> None:
    """glibc 2.36's NEWS: DT_RELR is supported, and demands the version GLIBC_ABI_DT_RELR."""
    if tuple(map(int, platform.libc_ver()[1].split("."))) < (2, 36):
        pytest.skip("glibc before 2.36 ignores DT_RELR")
    relr = LOADABLE.but(relr=True)
    promised = relr.but(verneeds=(Need(LIBC, (NeedVersion("GLIBC_ABI_DT_RELR"),)),))
    assert load(tmp_path, promised, "symbols").stdout == "hello 42\n"
    assert "DT_RELR without GLIBC_ABI_DT_RELR dependency" in load(tmp_path, relr).stderr


@needs_glibc_x86_64
def test_ld_so_refuses_a_version_that_libc_lacks(tmp_path: Path) -> None:
    done = load(tmp_path, LOADABLE.but(verneeds=(Need(LIBC, (NeedVersion("GLIBC_9.9"),)),)))
    assert done.returncode != 0
    assert "version `GLIBC_9.9' not found (required by " in done.stderr


@needs_glibc_x86_64
@pytest.mark.parametrize("symbols", ["weak symbol", "no symbol", "strong symbol"])
@pytest.mark.parametrize("weak_version", [False, True], ids=["strong vernaux", "VER_FLG_WEAK"])
def test_only_the_vernaux_flag_forgives_a_missing_version(weak_version: bool, symbols: str, tmp_path: Path) -> None:
    """glibc, `elf/dl-version.c`: `match_symbol` looks at vna_flags and at no symbol.

    A weak binding forgives the missing symbol, never the missing version.
    """
    imports: tuple[Import, ...] = ()
    if symbols != "no symbol":
        imports = (Import("not_in_libc", "GLIBC_9.9", LIBC, weak=symbols == "weak symbol"),)
    spec = LOADABLE.but(imports=imports, verneeds=(Need(LIBC, (NeedVersion("GLIBC_9.9", weak=weak_version),)),))
    done = load(tmp_path, spec)
    if not weak_version:
        assert done.returncode != 0
        assert "version `GLIBC_9.9' not found" in done.stderr
    elif symbols == "strong symbol":
        assert done.returncode != 0
        assert "undefined symbol: not_in_libc, version GLIBC_9.9" in done.stderr
    else:
        assert (done.returncode, done.stderr) == (0, "")


# ----- wheels

MEMBERS = {"demo/__init__.py": b"", "demo/x.so": b"\x7fELF" * 100, 'demo/with,"comma.txt': b"x"}


def test_a_wheel_is_a_good_archive_with_an_honest_record(tmp_path: Path) -> None:
    path = wheel(tmp_path, members=MEMBERS, tags="py2.py3-none-manylinux1_x86_64.manylinux_2_5_x86_64")
    assert path.name == "demo-1.0-py2.py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            *MEMBERS,
            "demo-1.0.dist-info/METADATA",
            "demo-1.0.dist-info/WHEEL",
            "demo-1.0.dist-info/RECORD",
        ]
        told = archive.read("demo-1.0.dist-info/WHEEL").decode().splitlines()
        record = archive.read("demo-1.0.dist-info/RECORD").decode().splitlines()
    assert told[3:] == [f"Tag: {tag}" for tag in expand_tags(path.name.removeprefix("demo-1.0-").removesuffix(".whl"))]
    assert len(told) == 3 + 4
    assert record[0] == "demo/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0"
    assert record[2] == record_line('demo/with,"comma.txt', b"x")
    assert record[2].startswith('"demo/with,""comma.txt",sha256=')
    assert record[-1] == "demo-1.0.dist-info/RECORD,,"


def test_the_same_wheel_has_the_same_bytes(tmp_path: Path) -> None:
    first = wheel(tmp_path, members=MEMBERS).read_bytes()
    assert wheel(tmp_path, members=MEMBERS).read_bytes() == first
    assert wheel(tmp_path, members=MEMBERS, compression="stored").read_bytes() != first


def test_a_record_can_lie(tmp_path: Path) -> None:
    def record(**fields: Any) -> list[str]:
        with zipfile.ZipFile(wheel(tmp_path, members=MEMBERS, **fields)) as archive:
            return archive.read("demo-1.0.dist-info/RECORD").decode().splitlines()

    honest = record()
    assert record(edit_record=drop_lines("demo/x.so")) == honest[:1] + honest[2:]
    assert record(edit_record=add_lines("ghost.py,,")) == [*honest, "ghost.py,,"]
    altered = record(edit_record=alter_line("demo/x.so", digest="md5=abc", size=7))
    assert altered[1] == "demo/x.so,md5=abc,7"
    assert record(record=b"nonsense") == ["nonsense"]


def test_parts_of_a_wheel_can_be_left_out_or_replaced(tmp_path: Path) -> None:
    path = wheel(tmp_path, members={}, omit=("RECORD",), wheel_file=b"Tag: x\n", dist_info="d", build="1")
    assert path.name == "demo-1.0-1-cp311-cp311-manylinux_2_17_x86_64.whl"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["d/METADATA", "d/WHEEL"]
        assert archive.read("d/WHEEL") == b"Tag: x\n"


A, B = RawEntry(name="a.txt", data=b"first" * 9, method=8), RawEntry(name="b/ü.txt", data=b"second")


@pytest.mark.parametrize(
    "good",
    [
        RawZip(),
        RawZip.of(A, B),
        RawZip(entries=(A, B), comment=b"comment"),
        RawZip(entries=(A, B), prefix=b"#!/bin/sh\n"),
        RawZip(entries=(A, B), prefix=b"#!/bin/sh\n", prefix_counts=False),
        RawZip(entries=(A, B), zip64=True),
        RawZip.of(RawEntry(name="a", data=b"x", zip64=True), B),
        RawZip(entries=(RawEntry(name="a", data=b"x", zip64=True),), zip64=True),
        *(RawZip.of(RawEntry(name="a", data=b"x" * 99, method=m, descriptor="signed"), B) for m in (0, 8)),
        *(RawZip.of(RawEntry(name="a", data=b"x" * 99, method=m, descriptor="unsigned"), B) for m in (0, 8)),
        RawZip.of(RawEntry(name="a", data=b"x", descriptor="signed", zip64=True), B),
        RawZip.of(RawEntry(name="pattern", data=b"abc", repeat=1_000_001, method=8)),
        RawZip.of(RawEntry(name="pattern", data=b"abc", repeat=1000), RawEntry(name="none", data=b"", repeat=5)),
    ],
)
def test_zipfile_reads_what_is_not_hostile(good: RawZip) -> None:
    with zipfile.ZipFile(io.BytesIO(good.build())) as archive:
        assert archive.testzip() is None
        for entry in good.entries:
            assert isinstance(entry.name, str)
            assert archive.read(entry.name) == entry.data * entry.repeat


def test_every_hostile_archive_can_be_built_and_differs() -> None:
    built = {name: archive.build() for name, archive in HOSTILE.items()}
    assert len(set(built.values())) == len(built)


def test_headers_can_disagree() -> None:
    data = RawZip.of(RawEntry(name="a", data=b"x", local=Side(name=b"b", crc=1, method=8, size=5))).build()
    assert struct.unpack_from("<H", data, 8) == (8,)
    assert struct.unpack_from("<III", data, 14) == (1, 1, 5)
    assert data[30:31] == b"b"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["a"]
        with pytest.raises(zipfile.BadZipFile, match="differ"):
            archive.read("a")


def test_a_bomb_is_small() -> None:
    data = RawZip.of(RawEntry(name="bomb", data=b"\0" * 1024, repeat=1 << 16, method=8)).build()
    assert len(data) < 100_000
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.getinfo("bomb").file_size == 1 << 26


def test_overlapping_members_do_overlap() -> None:
    data = overlapping("outer", "inner", b"content").build()
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 4)
    (at,) = struct.unpack_from("<I", data, second + 42)
    assert 0 < at < data.index(b"content")
    assert data[at:].startswith(b"PK\3\4")


def test_an_honest_wheel_can_be_joined_by_a_hostile_member(tmp_path: Path) -> None:
    honest = entries_of(wheel(tmp_path, members=MEMBERS).read_bytes())
    data = RawZip.of(*honest, RawEntry(name="../evil.py", data=b"x")).build()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[-2:] == ["demo-1.0.dist-info/RECORD", "../evil.py"]
