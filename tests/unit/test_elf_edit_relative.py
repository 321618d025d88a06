"""DT_RELR written out, in each class and byte order, with and without a table of other relocations.

The builder's table relocates three words at the beginning of its data (tests/support/elf_dynamic.py).
"""

from __future__ import annotations

import struct

import pytest

from perennial.elf.edit import ElfChanges, edit_elf
from perennial.elf.edit.skeleton import read_skeleton
from perennial.elf.edit.strip import all_sections
from perennial.elf.edit.verify import verify
from perennial.elf.read import read_elf
from perennial.errors import ElfEditError
from tests.support.elf_builder import (
    ARCHES,
    ElfSpec,
    Export,
    Import,
    Need,
    NeedVersion,
    build_elf,
    build_elf_with_layout,
)

EXPAND = ElfChanges(expand_relr=True)
# R_*_RELATIVE, from the processor supplements
RELATIVE = {
    "x86_64": 8, "i686": 8, "aarch64": 1027, "armv7l": 23, "ppc64le": 22, "ppc64": 22, "s390x": 12, "riscv64": 3,
    "loongarch64": 3,
}  # fmt: skip
DT_RELA, DT_RELASZ, DT_RELAENT, DT_REL, DT_RELSZ, DT_RELENT, DT_JMPREL = 7, 8, 9, 17, 18, 19, 23
DT_RELACOUNT, DT_RELCOUNT = 0x6FFFFFF9, 0x6FFFFFFA


def library(arch: str = "x86_64", **fields: object) -> ElfSpec:
    values = {
        "needed": ("libc.so.6",),
        "imports": (Import("memcpy", "GLIBC_2.14", "libc.so.6"), Import("environ", kind="object")),
        "verneeds": (Need("libc.so.6", (NeedVersion("GLIBC_ABI_DT_RELR"),)),),
        "exports": (Export("f"),),
        "relr": True,
        "hash_style": "both",
        "section_headers": True,
        "build_id": b"12345678901234567890",
    }
    return ElfSpec.for_arch(arch, **(values | fields))


def entries(data: bytes, arch: str) -> list[tuple[int, ...]]:
    """(place, r_info, addend) of the table that PT_DYNAMIC says."""
    elf = read_skeleton(data)
    order, word = "<" if ARCHES[arch].little_endian else ">", "Q" if ARCHES[arch].bits == 64 else "I"
    rel = arch in {"i686", "armv7l"}
    tag, size_tag, entry_tag = (DT_REL, DT_RELSZ, DT_RELENT) if rel else (DT_RELA, DT_RELASZ, DT_RELAENT)
    form = struct.Struct(order + word * (2 if rel else 3))
    size = elf.dynamic.get(size_tag)
    if size is None:
        return []
    assert elf.dynamic.get(entry_tag) == form.size
    start = elf.image.span_from(elf.dynamic.get(tag) or 0, "table")[0]
    return list(form.iter_unpack(data[start : start + size]))


@pytest.mark.parametrize("sections", [True, False], ids=["sections", "no-sections"])
@pytest.mark.parametrize("others", [True, False], ids=["with-table", "no-table"])
@pytest.mark.parametrize("page", [0x1000, 0x10000], ids=hex)
@pytest.mark.parametrize("arch", sorted(ARCHES))
def test_every_architecture(arch: str, page: int, *, others: bool, sections: bool) -> None:
    data, places = build_elf_with_layout(library(arch, relocations=others, section_headers=sections, page_size=page))
    before = read_elf(data, exports=True)
    edited = edit_elf(data, EXPAND)
    after = read_elf(edited, exports=True)
    (need,) = after.verneeds
    assert [version.name for version in need.versions] == ["GLIBC_2.14"]
    assert after == before._replace(has_relr=False, verneeds=(need,))
    # What it relocates: one word of data after the other, by what is stored there.
    (load,) = [load for load in read_skeleton(data).loads if load.offset <= places[".data"] < load.end]
    start, width = places[".data"] - load.offset + load.vaddr, ARCHES[arch].bits // 8
    stored = () if arch in {"i686", "armv7l"} else (0,)
    new = [(start + number * width, RELATIVE[arch], *stored) for number in range(3)]
    assert entries(edited, arch) == new + entries(data, arch)
    assert bool(entries(data, arch)) is others
    assert edit_elf(edited, EXPAND) is edited


def test_a_file_without_it_stays_as_it_is() -> None:
    data = build_elf(library(relr=False, verneeds=()))
    assert edit_elf(data, EXPAND) is data


def test_a_library_that_is_needed_for_nothing_else() -> None:
    """DT_VERNEED goes with its last entry, and DT_VERSYM with it."""
    after = read_elf(edit_elf(build_elf(library(imports=())), EXPAND))
    assert (after.verneeds, after.needed, after.has_relr) == ((), ("libc.so.6",), False)


@pytest.mark.parametrize("arch", ["x86_64", "i686"])
def test_the_count_of_relative_relocations(arch: str) -> None:
    tag = DT_RELCOUNT if arch == "i686" else DT_RELACOUNT
    data = build_elf(library(arch, relocations=True, extra_dynamic=((tag, 0),)))
    assert read_skeleton(edit_elf(data, EXPAND)).dynamic.get(tag) == 3


def test_lazy_relocations_at_the_end_of_the_table_stay_there() -> None:
    """As some linkers have it: then glibc leaves them out of the first pass by comparing the ends."""
    data, places = build_elf_with_layout(library(relocations=True))
    elf = read_skeleton(data)
    start, size = elf.dynamic.get(DT_RELA) or 0, elf.dynamic.get(DT_RELASZ) or 0
    assert size >= 24
    plt = size - 24
    data = build_elf(library(relocations=True, extra_dynamic=((DT_JMPREL, start + plt), (2, 24), (20, DT_RELA))))
    moved = read_skeleton(data).dynamic.get(DT_RELA) or 0
    spare = build_elf(library(relocations=True, extra_dynamic=((DT_JMPREL, moved + plt), (2, 24), (20, DT_RELA))))
    after = read_skeleton(edit_elf(spare, EXPAND)).dynamic
    end = (after.get(DT_RELA) or 0) + (after.get(DT_RELASZ) or 0)
    assert (after.get(DT_JMPREL) or 0) + 24 == end
    assert after.get(DT_RELASZ) == size + 3 * 24
    assert places


@pytest.mark.parametrize(
    ("words", "reason"),
    [((0, 0b11), "no bytes"), ((1 << 40, 1), "no bytes"), ((0x100, 0x100), "do not ascend")],
)
def test_what_no_linker_writes_is_refused(words: tuple[int, int], reason: str) -> None:
    data, places = build_elf_with_layout(library())
    content = bytearray(data)
    struct.pack_into("<QQ", content, places[".relr.dyn"], *words)
    if reason == "no bytes" and words[0] == 0:
        struct.pack_into("<QQ", content, places[".relr.dyn"], 1 << 30, 0b11)
    with pytest.raises(ElfEditError, match=reason):
        edit_elf(bytes(content), EXPAND)


def test_a_machine_of_which_nothing_is_known() -> None:
    with pytest.raises(ElfEditError, match="machine 8 has no relative relocation"):
        edit_elf(build_elf(library().but(machine=8)), EXPAND)


@pytest.mark.parametrize("place", [0, 8, 16], ids=["r_offset", "r_info", "r_addend"])
def test_a_wrong_entry_is_found_in_reading_back(place: int) -> None:
    data = build_elf(library(relocations=True))
    before, edited = read_skeleton(data), bytearray(edit_elf(data, EXPAND))
    after = read_skeleton(bytes(edited))
    start = after.image.span_from(after.dynamic.get(DT_RELA) or 0, "table")[0]
    edited[start + 24 + place] ^= 1
    with pytest.raises(ElfEditError, match="has other relocations"):
        verify(before, bytes(edited), read_elf(bytes(edited)), EXPAND, all_sections(before))
