"""Each field that can be wrong is named, with its value and where it stands; and no field, whatever
it says, ends in anything else.
"""

from __future__ import annotations

import pytest

from perennial.elf.read import read_elf
from perennial.errors import ElfFormatError
from tests.support.elf_builder import (
    ElfSpec,
    Export,
    Import,
    Need,
    NeedVersion,
    Verdef,
    build_elf_with_layout,
    mutate,
)

LIBC = "libc.so.6"
FAR = 1 << 40


def full(arch: str = "x86_64", **fields: object) -> ElfSpec:
    """Every table that there is."""
    values = {
        "soname": "liba.so",
        "needed": (LIBC,),
        "rpath": "$ORIGIN",
        "interpreter": "/lib64/ld-linux-x86-64.so.2",
        "imports": (Import("memcpy", "GLIBC_2.14", LIBC), Import("tls", kind="tls")),
        "verneeds": (Need("libm.so.6", (NeedVersion("GLIBC_2.2.5"), NeedVersion("GLIBC_2.29"))),),
        "exports": (Export("e", "V1"), Export("f", "V2")),
        "verdefs": (Verdef("V1"), Verdef("V2", parents=("V1",))),
        "hash_style": "both",
        "relocations": True,
        "relr": True,
        "tls": (8, 8),
        "build_id": b"12345678",
        "x86_isa_needed": 1,
    }
    return ElfSpec.for_arch(arch, **(values | fields))


def failure(data: bytes) -> ElfFormatError:
    with pytest.raises(ElfFormatError) as caught:
        read_elf(data, exports=True)
    assert str(caught.value).isprintable()
    return caught.value


# (changes, field that is named, field whose offset is given, part of the message)
WRONG: list[tuple[dict[str, int], str, str, str]] = [
    ({"EI_CLASS": 3}, "EI_CLASS, EI_DATA", "EI_CLASS", "must each be 1 or 2"),
    ({"EI_DATA": 0}, "EI_CLASS, EI_DATA", "EI_CLASS", "must each be 1 or 2"),
    ({"EI_VERSION": 0}, "EI_VERSION", "EI_VERSION", "only version 1"),
    ({"e_version": 2}, "e_version", "e_version", "only version 1"),
    ({"e_type": 0}, "e_type", "e_type", "not a file type"),
    ({"e_type": 0xFE00}, "e_type", "e_type", "not a file type"),
    ({"e_phentsize": 32}, "e_phentsize", "e_phentsize", "must be 56"),
    ({"e_phnum": 0xFFFF}, "e_phnum", "e_phnum", "more than 1170"),
    ({"PT_INTERP.p_filesz": 5000}, "PT_INTERP", ".interp", "longer than a path"),
    ({"DT_STRTAB": FAR}, "DT_STRTAB", "DT_STRTAB.d_tag", "no PT_LOAD"),
    ({"DT_SYMTAB": FAR}, "DT_SYMTAB", "DT_SYMTAB.d_tag", "no PT_LOAD"),
    ({"DT_VERSYM": FAR}, "DT_VERSYM", "DT_VERSYM.d_tag", "no PT_LOAD"),
    ({"DT_VERNEED": FAR}, "DT_VERNEED", "DT_VERNEED.d_tag", "no PT_LOAD"),
    ({"DT_VERDEF": FAR}, "DT_VERDEF", "DT_VERDEF.d_tag", "no PT_LOAD"),
    ({"DT_GNU_HASH": FAR}, "DT_GNU_HASH", "DT_GNU_HASH.d_tag", "no PT_LOAD"),
    ({"DT_STRSZ": 1 << 30}, "DT_STRSZ", ".dynstr", "its segment, or the file, ends"),
    ({"DT_STRSZ": 1}, "string", ".dynstr+", "outside the string table of 1 bytes"),
    ({"DT_SONAME": 1 << 20}, "string", ".dynstr+", "outside the string table"),
    ({"DT_NEEDED": 1 << 20}, "string", ".dynstr+", "outside the string table"),
    ({"DT_RPATH": 1 << 62}, "string", ".dynstr+", "outside the string table"),
    ({"dynsym[1].st_name": 1 << 31}, "string", ".dynstr+", "outside the string table"),
    ({"verneed[0].vn_version": 0}, "vn_version", "verneed[0].vn_version", "only version 1"),
    ({"verneed[0].vn_file": 1 << 31}, "string", ".dynstr+", "outside the string table"),
    ({"verneed[0].vn_aux": 1 << 31}, "vn_aux", ".gnu.version_r+", "points past the end"),
    ({"verneed[0].vn_next": 8}, "vn_next", "verneed[0].vn_version", "records of the chain overlap"),
    ({"verneed[0].vn_next": 1 << 31}, "vn_next", ".gnu.version_r+", "points past the end"),
    ({"verneed[0].vna[0].vna_next": 1}, "vna_next", "verneed[0].vna[0].vna_hash", "records of the chain overlap"),
    ({"verneed[0].vna[0].vna_next": 1 << 31}, "vna_next", ".gnu.version_r+", "points past the end"),
    ({"verneed[0].vna[0].vna_name": 1 << 31}, "string", ".dynstr+", "outside the string table"),
    ({"verdef[0].vd_version": 9}, "vd_version", "verdef[0].vd_version", "only version 1"),
    ({"verdef[0].vd_aux": 1 << 31}, "vd_aux", ".gnu.version_d+", "points past the end"),
    ({"verdef[0].vd_next": 4}, "vd_next", "verdef[0].vd_version", "records of the chain overlap"),
    ({"verdef[2].vda[0].vda_next": 3}, "vda_next", "verdef[2].vda[0].vda_name", "records of the chain overlap"),
    ({"verdef[2].vda[0].vda_next": 1 << 31}, "vda_next", ".gnu.version_d+", "points past the end"),
    ({"gnu_hash.nbuckets": 1 << 30}, "nbuckets", ".gnu.hash+", "its segment, or the file, ends"),
    ({"gnu_hash.bloom_size": 1 << 30}, "nbuckets", "", "no PT_LOAD"),
    ({"gnu_hash.bucket[0]": 1 << 30}, "gnu hash chain", "", "no PT_LOAD"),
]


@pytest.mark.parametrize(("changes", "field", "place", "reason"), WRONG, ids=str)
def test_a_wrong_field_is_named(changes: dict[str, int], field: str, place: str, reason: str) -> None:
    error = failure(mutate(full(), changes))
    assert error.field == field
    assert reason in error.reason
    _, at = build_elf_with_layout(full())
    if place.endswith("+"):
        assert error.offset > at[place[:-1]]  # what the field points to
    elif place:
        assert error.offset == at[place]
        assert f"at offset {at[place]:#x}" in str(error)


def test_no_nul_ends_the_last_string() -> None:
    spec = full()
    data, at = build_elf_with_layout(spec)
    size = int.from_bytes(data[at["DT_STRSZ"] : at["DT_STRSZ"] + 8], "little")
    error = failure(mutate(spec, {"DT_STRSZ": size - 1}))
    assert (error.field, error.reason) == ("string", "no NUL ends the string")


def test_the_dynamic_table_must_end() -> None:
    """Its segment ends with the last entry before DT_NULL."""
    spec = ElfSpec(soname="a.so", layout="gnu-old")
    _, at = build_elf_with_layout(spec)
    error = failure(mutate(spec, {"PT_LOAD[1].p_filesz": at["DT_NULL.d_tag"] - at["dynamic[0].d_tag"]}))
    assert (error.field, error.offset) == ("PT_DYNAMIC", at["dynamic[0].d_tag"])
    assert "no DT_NULL" in error.reason


def test_a_chain_that_nothing_ends() -> None:
    spec = ElfSpec(exports=tuple(Export(f"e{n}") for n in range(5)), layout="tables-last")
    data, at = build_elf_with_layout(spec)
    start = at["gnu_hash.chain[0]"]
    assert failure(data[:start] + bytes(len(data) - start)).field == "gnu hash chain"


@pytest.mark.parametrize("tag", ["DT_RELASZ", "DT_PLTRELSZ"])
def test_relocations_beyond_the_segment(tag: str) -> None:
    spec = ElfSpec(imports=(Import("a"), Import("b", kind="object")), hash_style="none", relocations=True)
    error = failure(mutate(spec, {tag: 1 << 40}))
    assert (error.field, error.value) == (tag, 1 << 40)


def test_more_symbols_than_there_are_bytes() -> None:
    error = failure(mutate(full(hash_style="sysv"), {"hash.nchain": 100_000}))
    assert error.field == "DT_SYMTAB"
    error = failure(mutate(full(hash_style="sysv"), {"hash.nchain": (1 << 32) - 1}))
    assert (error.field, error.value) == ("DT_SYMTAB", (1 << 32) - 1)


def test_a_segment_that_lies_past_the_end_of_the_file() -> None:
    error = failure(mutate(full(), {"PT_LOAD[0].p_offset": 1 << 50}))
    assert "the file ends at" in error.reason


@pytest.mark.parametrize("arch", ["x86_64", "i686", "s390x"])
def test_no_value_of_any_field_ends_otherwise(arch: str) -> None:
    spec = full(arch)
    data, at = build_elf_with_layout(spec)
    seen: set[str] = set()
    for offset in sorted(set(at.values())):
        for value in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\1\0\0\0", b"\0\0\0\1"):
            for width in (2, 4):
                changed = bytearray(data)
                changed[offset : offset + width] = value[:width]
                try:
                    read_elf(bytes(changed[: len(data)]), exports=True)
                except ElfFormatError as error:
                    seen.add(error.field)
    assert len(seen) > 12  # the sweep did reach the checks
