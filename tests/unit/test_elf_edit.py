"""Each change, in each class, byte order and page size; and where an edited file keeps what it has more.

The builder's fields say where things stand, and readelf's view of edited files is in tests/differential.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Literal

import pytest

from perennial.elf.edit import ElfChanges, SearchPath, StripLevel, VersionRename, edit_elf
from perennial.elf.edit.facts import facts_after
from perennial.elf.edit.records import Segment
from perennial.elf.edit.skeleton import Skeleton, read_skeleton
from perennial.elf.edit.strip import all_sections
from perennial.elf.edit.verify import verify
from perennial.elf.model import StackPermission, Vernaux, Verneed
from perennial.elf.read import read_elf
from perennial.errors import ElfEditError, ElfFormatError, UsageError
from tests.support.elf_builder import (
    ARCHES,
    ET_REL,
    ElfSpec,
    Export,
    Import,
    Need,
    NeedVersion,
    Verdef,
    build_elf,
    build_elf_with_layout,
    mutate,
)
from tests.support.elf_tables import sysv_hash

PYTHON = "libpython3.11.so.1.0"
LONG = "$ORIGIN/../some_package.libs:$ORIGIN/" + "x" * 4000
GRAFT = ElfChanges(
    soname="libgraft-0123abcd.so.1",
    rename_needed=(("libz.so.1", "libz-deadbeef.so.1"),),
    add_needed=("libshim.so",),
    search_path=SearchPath("$ORIGIN/../p.libs", runpath=True),
)


def library(arch: str = "x86_64", **fields: object) -> ElfSpec:
    """What a linker would make: versions both ways, hash tables, a build id, section headers."""
    values = {
        "soname": "liba.so",
        "needed": ("libz.so.1", PYTHON, "libc.so.6"),
        "rpath": "/build",
        "imports": (
            Import("inflate", "ZLIB_1.2", "libz.so.1"),
            Import("Py_Main", "PY_3", PYTHON),
            Import("memcpy", "GLIBC_2.14", "libc.so.6"),
            Import("plain"),
        ),
        "exports": (Export("e", "V1"), Export("f", "V2"), Export("g")),
        "verdefs": (Verdef("V1"), Verdef("V2", parents=("V1",))),
        "hash_style": "both",
        "relocations": True,
        "build_id": b"12345678901234567890",
        "section_headers": True,
        "rodata": b"constants",
        "bss_size": 64,
    }
    return ElfSpec.for_arch(arch, **(values | fields))


def loads(elf: Skeleton) -> tuple[Segment, ...]:
    for load in elf.loads:
        assert (load.vaddr - load.offset) % load.align == 0, "glibc < 2.35 refuses any other"
    for lower, upper in pairwise(elf.loads):
        assert lower.vaddr + lower.memsz <= upper.vaddr
    return elf.loads


# ----- every class, byte order, page size


@pytest.mark.parametrize("sections", [True, False], ids=["sections", "no-sections"])
@pytest.mark.parametrize("page", [0x1000, 0x4000, 0x10000, 0x200000], ids=hex)
@pytest.mark.parametrize("arch", sorted(ARCHES))
@pytest.mark.parametrize("layout", ["gnu-new", "gnu-old", "tables-last"])
def test_a_graft_on_every_architecture(arch: str, page: int, layout: str, *, sections: bool) -> None:
    data = build_elf(library(arch, page_size=page, layout=layout, section_headers=sections))
    before = read_elf(data, exports=True)
    edited = edit_elf(data, GRAFT)
    after = read_elf(edited, exports=True)
    assert after.soname == "libgraft-0123abcd.so.1"
    assert after.needed == ("libz-deadbeef.so.1", PYTHON, "libc.so.6", "libshim.so")
    assert (after.rpath, after.runpath) == (None, "$ORIGIN/../p.libs")
    assert after.verneeds[0].file == "libz-deadbeef.so.1"
    assert after.verdefs == before.verdefs
    assert after.exports == before.exports
    assert [(s.name, s.version) for s in after.imports] == [(s.name, s.version) for s in before.imports]
    assert edit_elf(edited, GRAFT) is edited
    assert len(loads(read_skeleton(edited))) <= len(loads(read_skeleton(data))) + 1
    assert len(edited) - len(data) < 4096, "kilobytes, whatever the page size is"


@pytest.mark.parametrize("arch", sorted(ARCHES))
def test_versions_hidden_symbols_stack_and_removed_libraries(arch: str) -> None:
    data = build_elf(library(arch, stack="rwx"))
    changes = ElfChanges(
        remove_needed=(PYTHON,),
        rename_versions=(VersionRename("V1", "PRIVATE_1"), VersionRename("GLIBC_2.14", "GLIBC_2.2.5", "libc.so.6")),
        hide_symbols=("e", "g"),
        clear_executable_stack=True,
    )
    assert {s.name: s.version for s in read_elf(data, exports=True).exports or ()} == {"e": "V1", "f": "V2", "g": None}
    shown = read_elf(edit_elf(data, changes._replace(hide_symbols=())), exports=True)
    assert {s.name: s.version for s in shown.exports or ()} == {"e": "PRIVATE_1", "f": "V2", "g": None}
    after = read_elf(edit_elf(data, changes), exports=True)
    assert after.needed == ("libz.so.1", "libc.so.6")
    assert after.stack is StackPermission.NOT_EXECUTABLE
    assert [(need.file, [v.name for v in need.versions]) for need in after.verneeds] == [
        ("libz.so.1", ["ZLIB_1.2"]),
        ("libc.so.6", ["GLIBC_2.2.5"]),
    ]
    assert {s.name: (s.version, s.library) for s in after.imports} == {
        "inflate": ("ZLIB_1.2", "libz.so.1"),
        "Py_Main": (None, None),
        "memcpy": ("GLIBC_2.2.5", "libc.so.6"),
        "plain": (None, None),
    }
    assert [(d.name, d.parents) for d in after.verdefs] == [
        ("liba.so", ()),
        ("PRIVATE_1", ()),
        ("V2", ("PRIVATE_1",)),
    ]
    assert {s.name: s.version for s in after.exports or ()} == {"f": "V2"}


# ----- where it goes


def test_a_string_that_is_there_grows_nothing() -> None:
    data = build_elf(library())
    edited = edit_elf(data, ElfChanges(soname="so.1", search_path=SearchPath("build", runpath=False)))
    assert len(edited) == len(data)
    assert read_skeleton(edited).segments == read_skeleton(data).segments
    assert (read_elf(edited).soname, read_elf(edited).rpath) == ("so.1", "build")


def test_removing_grows_nothing_and_needs_no_strings() -> None:
    data = build_elf(library(section_headers=False, build_id=None))
    edited = edit_elf(
        data, ElfChanges(remove_needed=(PYTHON, "libz.so.1", "libc.so.6"), search_path=SearchPath("", runpath=True))
    )
    assert len(edited) == len(data)
    facts = read_elf(edited)
    assert (facts.needed, facts.verneeds, facts.rpath) == ((), (), None)
    assert read_skeleton(edited).dynamic.get(0x6FFFFFFE) is None
    assert read_skeleton(edited).dynamic.get(0x6FFFFFFF) is None


def test_zeros_behind_a_read_only_segment_are_used_first() -> None:
    data = build_elf(library(pad_segments=True))
    edited = edit_elf(data, ElfChanges(soname="libgraft-0123abcd.so.1"))
    assert len(edited) == len(data)
    assert len(loads(read_skeleton(edited))) == len(loads(read_skeleton(data)))
    assert read_skeleton(edited).loads[0].filesz > read_skeleton(data).loads[0].filesz


def test_what_is_not_zero_there_is_not_padding() -> None:
    data = bytearray(build_elf(library(pad_segments=True, rodata=b"")))
    first = read_skeleton(bytes(data)).loads[0]
    data[first.end : first.end + 8] = b"someone!"
    edited = edit_elf(bytes(data), ElfChanges(soname="libgraft-0123abcd.so.1"))
    assert edited[first.end : first.end + 8] == b"someone!"
    assert len(loads(read_skeleton(edited))) == len(loads(read_skeleton(bytes(data)))) + 1


def test_a_second_edit_makes_the_last_segment_longer() -> None:
    once = edit_elf(build_elf(library()), GRAFT)
    sizes = []
    for number in range(40):
        path = SearchPath(f"$ORIGIN/{number:050}", runpath=True)
        twice = edit_elf(once, ElfChanges(soname=f"lib{number}.so", search_path=path))
        assert read_skeleton(twice).header.phnum == read_skeleton(once).header.phnum
        sizes.append(len(twice) - len(once))
        once = twice
    assert max(sizes) < 4096
    assert read_elf(once).soname == "lib39.so"


def test_a_null_program_header_is_used_before_anything_is_evicted() -> None:
    spec = library(tls=(8, 8))
    data = mutate(spec, {"PT_TLS.p_type": 0})
    edited = edit_elf(data, ElfChanges(search_path=SearchPath(LONG, runpath=True)))
    before, after = read_skeleton(data), read_skeleton(edited)
    assert after.header.phnum == before.header.phnum
    assert len(loads(after)) == len(loads(before)) + 1
    notes = [segment for segment in before.segments if segment.type == 4]
    assert [segment for segment in after.segments if segment.type == 4] == notes


def test_pt_dynamic_moves_when_it_has_no_spare_entry_and_everything_follows() -> None:
    spec = library(rpath=None)
    data, places = build_elf_with_layout(spec)
    old = read_skeleton(data).dynamic
    got = places[".got"]
    data = data[:got] + struct.pack("<Q", old.address) + data[got + 8 :]  # as linkers fill GOT[0]
    edited = edit_elf(data, ElfChanges(search_path=SearchPath("$ORIGIN", runpath=True), add_needed=("liba.so.9",)))
    after = read_skeleton(edited)
    assert after.dynamic.address > old.address
    assert after.dynamic.address % 16 == 0
    assert after.loads[-1].flags == 6, "ld.so writes into it"
    assert struct.unpack_from("<Q", edited, got) == (after.dynamic.address,)
    section = next(s for s, name in zip(after.sections, after.names, strict=True) if name == b".dynamic")
    assert (section.address, section.offset) == (after.dynamic.address, after.dynamic.offset)
    # next time there are spare entries
    again = edit_elf(edited, ElfChanges(add_needed=("libb.so", "libc.so")))
    assert read_skeleton(again).dynamic.address == after.dynamic.address


def test_entries_that_chrpath_removed_are_spare() -> None:
    """chrpath -d leaves DT_NULL with a value."""
    data, places = build_elf_with_layout(library(extra_dynamic=((0, 0x123), (0, 0x456), (0, 0))))
    assert places
    edited = edit_elf(data, ElfChanges(add_needed=("libz.so.1", "libc.so", "a.so")))
    assert read_skeleton(edited).dynamic.address == read_skeleton(data).dynamic.address


# ----- refusals


def test_no_room_without_anything_to_evict() -> None:
    data = build_elf(library(section_headers=False, hash_style="none", build_id=None, relocations=False))
    with pytest.raises(ElfEditError, match="no room for another program header behind offset 0x"):
        edit_elf(data, GRAFT)


@pytest.mark.parametrize(("tag", "arch"), [("rel", "x86_64"), ("rel", "i686"), ("rel", "s390x")])
def test_a_relocation_that_points_into_an_evicted_table_is_seen(tag: str, arch: str) -> None:
    spec = library(arch, imports=(Import("v", kind="object"),), needed=(), verdefs=(), exports=(Export("e"),))
    data, places = build_elf_with_layout(spec)
    target = read_skeleton(data).segments[0].vaddr + read_skeleton(data).headers_end + 4
    changed = bytearray(data)
    order: Literal["little", "big"] = "little" if spec.little_endian else "big"
    width = spec.bits // 8
    place = places[f"{tag}[0].r_info"]
    changed[place : place + width] = (8).to_bytes(width, order)  # relative: no symbol
    place = places.get(f"{tag}[0].r_addend", places[".got"] + 3 * width)  # or where r_offset points to
    changed[place : place + width] = target.to_bytes(width, order)
    with pytest.raises(ElfEditError, match="a relocation points to"):
        edit_elf(bytes(changed), GRAFT)
    assert edit_elf(data, GRAFT)


def test_what_is_appended_stays_at_the_end_or_the_file_is_refused() -> None:
    """Self-extracting programs look for their archive from the end."""
    data = build_elf(library()) + b"PK\x05\x06 an archive"
    with pytest.raises(ElfEditError, match="are appended to it"):
        edit_elf(data, GRAFT)
    edited = edit_elf(data, ElfChanges(soname="so.1"))
    assert edited.endswith(b"PK\x05\x06 an archive")


def test_a_static_program_has_only_a_stack() -> None:
    data = build_elf(ElfSpec(static=True, stack="rwx"))
    assert read_elf(edit_elf(data, ElfChanges(clear_executable_stack=True))).stack is StackPermission.NOT_EXECUTABLE
    with pytest.raises(ElfEditError, match="statically linked"):
        edit_elf(data, ElfChanges(soname="liba.so"))


def test_object_files_and_other_files_are_refused() -> None:
    with pytest.raises(ElfEditError, match="no loader reads it"):
        edit_elf(build_elf(ElfSpec(type=ET_REL)), GRAFT)
    with pytest.raises(ElfFormatError, match="not an ELF file"):
        edit_elf(b"#!/bin/sh\n" * 40, GRAFT)


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("e_shoff", 1 << 40, "reach beyond the end of the file"),
        ("e_shentsize", 1, "must be"),
        ("e_shnum", 0, "too long for e_shnum"),
        (".text.sh_size", 1 << 40, "a section ends at"),
        ("PT_LOAD[1].p_filesz", 1 << 30, "its segment ends at"),
    ],
)
def test_headers_that_an_editor_needs_and_a_loader_does_not(field: str, value: int, part: str) -> None:
    with pytest.raises((ElfFormatError, ElfEditError), match=part):
        edit_elf(mutate(library(), {field: value}), GRAFT)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (ElfChanges(rename_needed=(("a", "b"), ("b", "c"))), "the old and the new name of a library"),
        (ElfChanges(rename_needed=(("a", "b"), ("a", "c"))), "renamed twice"),
        (ElfChanges(rename_needed=(("a", "b"),), remove_needed=("a",)), "both renamed and removed"),
        (ElfChanges(rename_needed=(("a", "b"),), remove_needed=("b",)), "both a new name and removed"),
        (ElfChanges(rename_needed=(("a", "b"),), add_needed=("a",)), "both renamed and added"),
        (ElfChanges(remove_needed=("a",), add_needed=("a",)), "both added and removed"),
        (
            ElfChanges(rename_versions=(VersionRename("A", "B"), VersionRename("B", "C"))),
            "old and the new name of a version",
        ),
        (ElfChanges(soname=""), "a name is empty"),
        (ElfChanges(add_needed=("a\0b",)), "a NUL byte"),
        (ElfChanges(soname="\udcff"), "UTF-8"),
    ],
)
def test_changes_that_make_no_sense(changes: ElfChanges, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        edit_elf(build_elf(library()), changes)


def test_a_symbol_that_is_not_there_cannot_be_hidden() -> None:
    for name in ("absent", "inflate"):
        with pytest.raises(ElfEditError, match=f"it defines no symbol '{name}'"):
            edit_elf(build_elf(library()), ElfChanges(hide_symbols=(name,)))


# ----- details of tables


@pytest.mark.parametrize("arch", ["x86_64", "i686", "s390x"])
def test_hidden_symbols_keep_the_other_bits(arch: str) -> None:
    spec = library(arch)
    data, places = build_elf_with_layout(spec)
    edited = edit_elf(data, ElfChanges(hide_symbols=("f",)))
    changed = [place for place in range(len(data)) if data[place] != edited[place]]
    symbol = next(
        index for index in range(1, 9)
        if data[places[".dynstr"] :].startswith(b"f\0", _word(spec, data, places[f"dynsym[{index}].st_name"]))
    )  # fmt: skip
    assert changed == [places[f"dynsym[{symbol}].st_other"]]
    assert edited[changed[0]] == 2


def _word(spec: ElfSpec, data: bytes, place: int) -> int:
    return int.from_bytes(data[place : place + 4], "little" if spec.little_endian else "big")


@pytest.mark.parametrize("arch", ["x86_64", "ppc64"])
def test_renamed_versions_have_their_hash(arch: str) -> None:
    spec = library(arch)
    data, places = build_elf_with_layout(spec)
    changes = ElfChanges(
        rename_versions=(VersionRename("V1", "memcpy"), VersionRename("ZLIB_1.2", "plain", "libz.so.1"))
    )
    edited = edit_elf(data, changes)
    assert len(edited) == len(data)
    assert _word(spec, edited, places["verdef[1].vd_hash"]) == sysv_hash("memcpy")
    assert _word(spec, edited, places["verdef[2].vd_hash"]) == sysv_hash("V2")
    assert _word(spec, edited, places["verneed[0].vna[0].vna_hash"]) == sysv_hash("plain")


def test_a_version_is_renamed_only_where_it_is_said() -> None:
    spec = library(
        imports=(Import("a", "V1", "libz.so.1"), Import("b", "V1", "libc.so.6")), exports=(Export("e", "V1"),)
    )
    edited = edit_elf(build_elf(spec), ElfChanges(rename_versions=(VersionRename("V1", "W", "libc.so.6"),)))
    facts = read_elf(edited, exports=True)
    assert [(s.name, s.version) for s in (*facts.imports, *(facts.exports or ()))] == [
        ("a", "V1"),
        ("b", "W"),
        ("e", "V1"),
    ]


def test_the_versions_of_a_removed_library_leave_no_index_behind() -> None:
    """ld.so has an array that ends with the last version; an index beyond it reads on."""
    spec = library(verneeds=(Need("libc.so.6", (NeedVersion("GLIBC_2.14"),)), Need(PYTHON, (NeedVersion("PY_3"),))))
    data, places = build_elf_with_layout(spec)
    edited = edit_elf(data, ElfChanges(remove_needed=(PYTHON,)))
    elf = read_skeleton(edited)
    needs = elf.section_at(elf.dynamic.get(0x6FFFFFFE) or 0, 0x6FFFFFFE)
    assert needs is not None
    assert elf.sections[needs].info == elf.dynamic.get(0x6FFFFFFF) == 2
    facts = read_elf(edited)
    assert [need.file for need in facts.verneeds] == ["libc.so.6", "libz.so.1"]
    numbers = {version.number for need in facts.verneeds for version in need.versions}
    versym = [edited[places[f"versym[{i}]"]] for i in range(1, 5)]
    assert set(versym) - {1} <= numbers
    assert facts.verneeds[0] == Verneed("libc.so.6", (Vernaux("GLIBC_2.14", weak=False, number=4),))


def test_a_library_that_is_needed_twice_after_a_rename_is_needed_once() -> None:
    spec = library(needed=("a.so", "b.so", "c.so"))
    edited = edit_elf(build_elf(spec), ElfChanges(rename_needed=(("a.so", "c.so"),)))
    assert read_elf(edited).needed == ("b.so", "c.so")


def test_a_missing_stack_header_is_added() -> None:
    data = build_elf(library(stack=None))
    changes = ElfChanges(clear_executable_stack=True)
    edited = edit_elf(data, changes)
    assert read_elf(edited).stack is StackPermission.NOT_EXECUTABLE
    assert edit_elf(edited, changes) is edited


def test_a_program_keeps_its_interpreter_and_its_header_table() -> None:
    spec = library(interpreter="/lib64/ld-linux-x86-64.so.2", soname=None)
    data = build_elf(spec)
    edited = edit_elf(data, ElfChanges(search_path=SearchPath(LONG, runpath=True)))
    facts, elf = read_elf(edited), read_skeleton(edited)
    assert facts.interpreter == "/lib64/ld-linux-x86-64.so.2"
    (table,) = (segment for segment in elf.segments if segment.type == 6)
    assert table.filesz == table.memsz == elf.header.phnum * 56
    assert [s.type for s in elf.segments].index(3) < [s.type for s in elf.segments].index(1), "gABI: PT_INTERP precedes"


def test_stripping_what_has_no_sections_changes_nothing() -> None:
    data = build_elf(library(section_headers=False))
    for level in StripLevel:
        assert edit_elf(data, ElfChanges(strip=level)) is data


@pytest.mark.parametrize("field", ["dynsym[3].st_value", "gnu_hash.symoffset", ".text", "verneed[0].vna[0].vna_hash"])
def test_what_is_read_back_is_looked_at(field: str) -> None:
    """One flipped bit in an edited file is an error, also where no fact tells."""
    data, places = build_elf_with_layout(library())
    changes = ElfChanges(soname="so.1")
    before = read_skeleton(data)
    edited = bytearray(edit_elf(data, changes))
    sections = all_sections(before)
    wanted = facts_after(read_elf(data), changes)
    verify(before, bytes(edited), wanted, changes, sections)
    edited[places[field]] ^= 4
    with pytest.raises(ElfEditError, match="nothing was written"):
        verify(before, bytes(edited), wanted, changes, sections)
