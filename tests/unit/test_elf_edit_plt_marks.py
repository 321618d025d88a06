"""What `ld -z mark-plt` adds to x86_64 files, taken away; files of other machines stay as they are."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from perennial.elf.edit import ElfChanges, VersionChange, edit_elf
from perennial.elf.edit.skeleton import read_skeleton
from perennial.elf.edit.strip import all_sections
from perennial.elf.edit.verify import verify
from perennial.elf.read import read_elf
from perennial.errors import ElfEditError
from tests.support.elf_builder import ARCHES, ElfSpec, Export, Import, Need, NeedVersion, build_elf

CLEAR = ElfChanges(clear_plt_marks=True)
DT_RELA, DT_RELASZ, DT_JMPREL, DT_PLTRELSZ, DT_PLTREL = 7, 8, 23, 2, 20
MARKS = {0x70000000: 0x1020, 0x70000001: 64, 0x70000003: 16}
MARKER = "GLIBC_ABI_DT_X86_64_PLT"
JUMP_SLOT = 7


def library(arch: str = "x86_64", **fields: object) -> ElfSpec:
    values = {
        "soname": "libmarked.so",
        "needed": ("libc.so.6",),
        "imports": (
            Import("memcpy", "GLIBC_2.14", "libc.so.6"),
            Import("environ", "GLIBC_2.2.5", "libc.so.6", kind="object"),
            Import("free", "GLIBC_2.2.5", "libc.so.6"),
        ),
        "verneeds": (Need("libc.so.6", (NeedVersion(MARKER),)),),
        "exports": (Export("f"),),
        "relocations": True,
        "hash_style": "both",
        "section_headers": True,
        "build_id": b"12345678901234567890",
        "extra_dynamic": tuple(MARKS.items()),
    }
    return ElfSpec.for_arch(arch, **(values | fields))


def form_of(spec: ElfSpec) -> struct.Struct:
    return struct.Struct(("<" if spec.little_endian else ">") + ("QQQ" if spec.bits == 64 else "III"))


def tables(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(tag, offset, size) of the two tables with addends."""
    elf = read_skeleton(data)
    for tag, size_tag in ((DT_JMPREL, DT_PLTRELSZ), (DT_RELA, DT_RELASZ)):
        address = elf.dynamic.get(tag)
        if address is not None:
            yield tag, elf.image.span_from(address, "table")[0], elf.dynamic.get(size_tag) or 0


def entries(data: bytes, spec: ElfSpec) -> dict[int, list[tuple[int, ...]]]:
    form = form_of(spec)
    return {tag: list(form.iter_unpack(data[start : start + size])) for tag, start, size in tables(data)}


def marked(spec: ElfSpec) -> bytes:
    """With an addend in each relocation, as the linker has it in jump slots only."""
    data, form = bytearray(build_elf(spec)), form_of(spec)
    for _, start, size in tables(bytes(data)):
        for place in range(start, start + size, form.size):
            where, info, _ = form.unpack_from(data, place)
            form.pack_into(data, place, where, info, 0x1020 + place)
    return bytes(data)


@pytest.mark.parametrize("sections", [True, False], ids=["sections", "no-sections"])
@pytest.mark.parametrize("page", [0x1000, 0x10000], ids=hex)
@pytest.mark.parametrize("bits", [64, 32], ids=["x86_64", "x32"])
def test_marks_go(bits: int, page: int, *, sections: bool) -> None:
    spec = library(bits=bits, page_size=page, section_headers=sections)
    data = marked(spec)
    edited = edit_elf(data, CLEAR)
    before, after = read_elf(data, exports=True), read_elf(edited, exports=True)
    (need,) = before.verneeds
    left = tuple(version for version in need.versions if version.name != MARKER)
    assert after == before._replace(verneeds=(need._replace(versions=left),))
    assert {tag for tag, _ in read_skeleton(edited).dynamic.entries}.isdisjoint(MARKS)
    old, new = entries(data, spec), entries(edited, spec)
    assert [addend for _, _, addend in new[DT_JMPREL]] == [0, 0]
    assert [row[:2] for row in new[DT_JMPREL]] == [row[:2] for row in old[DT_JMPREL]]
    assert new[DT_RELA] == old[DT_RELA]
    assert any(addend for _, _, addend in new[DT_RELA])
    assert edit_elf(edited, CLEAR) is edited


def test_jump_slots_that_stand_among_the_others() -> None:
    """lld and mold have them in DT_JMPREL; where there is no such table (BIND_NOW allows it), in DT_RELA."""
    spec = library()
    data = bytearray(marked(spec))
    ((_, start, _),) = [row for row in tables(bytes(data)) if row[0] == DT_RELA]
    where, info, addend = form_of(spec).unpack_from(data, start)
    form_of(spec).pack_into(data, start, where, info & ~0xFFFFFFFF | JUMP_SLOT, addend)
    assert entries(edit_elf(bytes(data), CLEAR), spec)[DT_RELA][0] == (where, info & ~0xFFFFFFFF | JUMP_SLOT, 0)


@pytest.mark.parametrize("arch", sorted(set(ARCHES) - {"x86_64"}))
def test_other_machines_stay_as_they_are(arch: str) -> None:
    """Their processors' tags have these numbers, too: DT_AARCH64_BTI_PLT is 0x70000001, DT_PPC64_GLINK 0x70000000."""
    data = build_elf(library(arch))
    assert edit_elf(data, CLEAR) is data


def test_a_file_without_marks_stays_as_it_is() -> None:
    data = build_elf(library(extra_dynamic=(), verneeds=()))
    assert edit_elf(data, CLEAR) is data
    empty = build_elf(ElfSpec())
    assert edit_elf(empty, CLEAR) is empty


def test_together_with_relative_relocations() -> None:
    """DT_RELA moves then, and with it a DT_JMPREL that stands at its end."""
    plain = library(relr=True)
    ((_, start, size), (_, other, _)) = tables(build_elf(plain))
    assert start and size and other
    data = marked(plain)
    both = edit_elf(data, ElfChanges(clear_plt_marks=True, expand_relr=True))
    assert both == edit_elf(both, ElfChanges(clear_plt_marks=True, expand_relr=True))
    new, old = entries(both, plain), entries(data, plain)
    assert new[DT_RELA][3:] == old[DT_RELA]
    assert [addend for _, _, addend in new[DT_JMPREL]] == [0, 0]


def test_a_table_that_holds_the_other_and_moves() -> None:
    spec = library(relr=True, imports=library().imports[:1] + library().imports[2:], extra_dynamic=())
    data = marked(spec)
    ((_, start, size),) = tables(data)  # jump slots only
    address = read_skeleton(data).dynamic.get(DT_JMPREL) or 0
    extra = ((DT_RELA, address), (DT_RELASZ, size), (9, 24))
    first = build_elf(spec.but(extra_dynamic=extra))
    moved = read_skeleton(first).dynamic.get(DT_JMPREL) or 0
    data = marked(spec.but(extra_dynamic=((DT_RELA, moved), *extra[1:])))
    edited = edit_elf(data, ElfChanges(clear_plt_marks=True, expand_relr=True))
    new = entries(edited, spec)
    assert new[DT_RELA][3:] == new[DT_JMPREL]
    assert [addend for _, _, addend in new[DT_JMPREL]] == [0, 0]
    assert start


@pytest.mark.parametrize("name", [MARKER, "GLIBC_ABI_DT_RELR"])
def test_a_symbol_of_a_version_that_is_no_symbols(name: str) -> None:
    data = build_elf(library(imports=(Import("f", name, "libc.so.6"),)))
    with pytest.raises(ElfEditError, match=f"has the version {name}"):
        edit_elf(data, ElfChanges(clear_plt_marks=True, expand_relr=True))


@pytest.mark.parametrize(
    ("library_name", "user", "goes"),
    [("libc.so.6", None, True), ("libc.so.6", "arc4random", False), ("libm.so.6", None, False)],
)
def test_the_version_that_older_linkers_mark_with(library_name: str, user: str | None, goes: bool) -> None:
    """GLIBC_2.36, unless a symbol needs it as well."""
    needs = (Need(library_name, (NeedVersion("GLIBC_2.36"), NeedVersion("GLIBC_2.2.5"))),)
    imports = [Import("free", "GLIBC_2.2.5", "libc.so.6")]
    imports += [] if user is None else [Import(user, "GLIBC_2.36", "libc.so.6")]
    data = build_elf(library(verneeds=needs, imports=tuple(imports), needed=("libc.so.6", "libm.so.6")))
    after = edit_elf(data, CLEAR)
    versions = {(need.file, version.name) for need in read_elf(after).verneeds for version in need.versions}
    assert ((library_name, "GLIBC_2.36") in versions) is not goes
    assert edit_elf(after, CLEAR) is after


def test_the_same_together_with_references_bound_otherwise() -> None:
    needs = (Need("libc.so.6", (NeedVersion("GLIBC_2.36"),)),)
    imports = (Import("free", "GLIBC_2.2.5", "libc.so.6"), Import("used", "GLIBC_2.36", "libc.so.6"))
    away = VersionChange("used", "libc.so.6", "GLIBC_2.36", "used", "libc.so.6", "GLIBC_2.2.5")
    to = VersionChange("free", "libc.so.6", "GLIBC_2.2.5", "free", "libc.so.6", "GLIBC_2.36")
    for rebind, left in (((away,), {"GLIBC_2.2.5"}), ((to,), {"GLIBC_2.36"})):
        data = build_elf(library(verneeds=needs, imports=imports if rebind == (away,) else imports[:1]))
        edited = edit_elf(data, ElfChanges(clear_plt_marks=True, rebind=rebind))
        assert {version.name for need in read_elf(edited).verneeds for version in need.versions} == left


@pytest.mark.parametrize("place", [0, 8, 16], ids=["r_offset", "r_info", "r_addend"])
@pytest.mark.parametrize("table", [DT_JMPREL, DT_RELA], ids=["DT_JMPREL", "DT_RELA"])
def test_a_wrong_entry_is_found_in_reading_back(table: int, place: int) -> None:
    data = marked(library())
    before, edited = read_skeleton(data), bytearray(edit_elf(data, CLEAR))
    ((_, start, _),) = [row for row in tables(bytes(edited)) if row[0] == table]
    edited[start + place] ^= 1
    with pytest.raises(ElfEditError, match="has other relocations"):
        verify(before, bytes(edited), read_elf(bytes(edited)), CLEAR, all_sections(before))
