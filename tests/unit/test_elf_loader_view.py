"""Facts are those on which a loader acts: a file that lies elsewhere is read as it is loaded."""

from __future__ import annotations

import struct

import pytest

from perennial.elf.dynamic_symbols import Binding
from perennial.elf.image import merged_loads
from perennial.elf.layout import ProgramHeader
from perennial.elf.model import ElfFile, ElfType, StackPermission, TlsSegment
from perennial.elf.read import read_elf
from perennial.errors import ElfFormatError
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
)
from tests.support.elf_spec import Visibility

LIBC = "libc.so.6"
PT_DYNAMIC = 2
DT_NEEDED, DT_SONAME, DT_DEBUG = 1, 14, 21


def imported(facts: ElfFile) -> list[str]:
    return [symbol.name for symbol in facts.imports]


def exported(facts: ElfFile) -> list[str]:
    return [symbol.name for symbol in facts.exports or ()]


# ----- the header


@pytest.mark.parametrize("arch", ARCHES)
def test_each_architecture_is_known_by_its_header(arch: str) -> None:
    facts = read_elf(elf(arch=arch))
    assert facts.architecture is not None
    assert facts.architecture.value == arch
    assert (facts.abi.bits, facts.abi.little_endian) == ARCHES[arch][:2]


def test_object_files_and_core_dumps_are_not_loadable() -> None:
    """Also where a core dump has more segments than anything that can be loaded."""
    assert not read_elf(elf(type=ET_REL)).is_loadable
    core = mutate(ElfSpec(type=ET_CORE), {"e_phnum": 0xFFFF})
    facts = read_elf(core)
    assert (facts.type, facts.is_loadable, facts.is_dynamic) == (ElfType.CORE, False, False)


def test_section_headers_are_not_looked_at() -> None:
    spec = ElfSpec(soname="liba.so", exports=(Export("a"),), section_headers=True)
    names = [name for name in build_elf_with_layout(spec)[1] if name.startswith(("shdr[", "e_shoff", "e_shnum"))]
    forged = mutate(spec, dict.fromkeys(names, -1))
    assert read_elf(forged, exports=True) == read_elf(build_elf(spec), exports=True)


# ----- PT_DYNAMIC


def two_dynamic_segments(**second: int) -> bytes:
    """PT_GNU_STACK has become a second PT_DYNAMIC, whose table is that of the first without its first entry."""
    spec = ElfSpec(soname="a.so", needed=("only.in.the.first",))
    changes = {
        "PT_GNU_STACK.p_type": PT_DYNAMIC,
        "PT_GNU_STACK.p_vaddr": spec_field(spec, "PT_DYNAMIC.p_vaddr") + 16,
        "PT_GNU_STACK.p_offset": spec_field(spec, "PT_DYNAMIC.p_offset") + 16,
        "PT_GNU_STACK.p_filesz": 32,
    }
    return mutate(spec, changes | {f"PT_GNU_STACK.{name}": value for name, value in second.items()})


def spec_field(spec: ElfSpec, name: str) -> int:
    """A 64-bit field's value in the built file."""
    data, at = build_elf_with_layout(spec)
    return int.from_bytes(data[at[name] : at[name] + 8], "little" if spec.little_endian else "big")


def test_the_last_pt_dynamic_wins() -> None:
    """glibc's _dl_map_object_from_fd overwrites l_ld with each one that it meets."""
    facts = read_elf(two_dynamic_segments())
    assert (facts.soname, facts.needed) == ("a.so", ())


def test_a_pt_dynamic_without_bytes_or_mapping_is_what_objcopy_leaves() -> None:
    """objcopy --only-keep-debug; glibc >= 2.32 takes the file for one without a dynamic section."""
    facts = read_elf(mutate(ElfSpec(soname="a.so"), {"PT_DYNAMIC.p_filesz": 0, "PT_DYNAMIC.p_vaddr": 1 << 40}))
    assert (facts.is_dynamic, facts.soname) == (False, None)
    # …and one that an older loader would take is taken
    assert read_elf(mutate(ElfSpec(soname="a.so"), {"PT_DYNAMIC.p_filesz": 0})).soname == "a.so"
    assert read_elf(two_dynamic_segments(p_filesz=0, p_vaddr=1 << 40)).needed == ("only.in.the.first",)


@pytest.mark.parametrize("size", [0, 1, 16, 24, 1 << 20, 1 << 62])
def test_the_dynamic_table_ends_with_dt_null_and_not_with_p_filesz(size: int) -> None:
    spec = ElfSpec(soname="liba.so", needed=(LIBC, "libm.so.6"))
    assert read_elf(mutate(spec, {"PT_DYNAMIC.p_filesz": size})) == read_elf(build_elf(spec))


def test_the_dynamic_table_is_where_p_vaddr_says() -> None:
    spec = ElfSpec(soname="liba.so")
    assert read_elf(mutate(spec, {"PT_DYNAMIC.p_offset": 0})).soname == "liba.so"


def test_what_stands_behind_dt_null_does_not_count() -> None:
    spec = ElfSpec(needed=(LIBC,), extra_dynamic=((DT_DEBUG, 0), (DT_NEEDED, "hidden.so")))
    _, at = build_elf_with_layout(spec)
    assert read_elf(build_elf(spec)).needed == (LIBC, "hidden.so")
    ended = mutate(spec, {"DT_0x15.d_tag": 0})
    assert "DT_0x15" in at
    assert read_elf(ended).needed == (LIBC,)


def test_of_a_tag_that_stands_twice_the_last_counts() -> None:
    """glibc's elf_get_dynamic_info: info[tag] is overwritten; DT_NEEDED alone is walked."""
    extra = ((DT_SONAME, "second.so"), (DT_NEEDED, "a"))
    facts = read_elf(elf(soname="first.so", needed=("a", "b"), extra_dynamic=extra))
    assert facts.soname == "second.so"
    assert facts.needed == ("a", "b", "a")


def test_rpath_and_runpath_are_told_apart() -> None:
    facts = read_elf(elf(rpath="$ORIGIN/../a", runpath="$ORIGIN/b:/usr/lib"))
    assert (facts.rpath, facts.runpath) == ("$ORIGIN/../a", "$ORIGIN/b:/usr/lib")
    assert read_elf(elf(runpath="")).runpath == ""
    assert read_elf(elf()).runpath is None


@pytest.mark.parametrize(
    ("fields", "expected"), [({}, False), ({"textrel": True}, True), ({"dt_flags": 4}, True), ({"dt_flags": 8}, False)]
)
def test_text_relocations_are_announced_in_either_way(fields: dict[str, bool | int], expected: bool) -> None:
    assert read_elf(elf(**fields)).has_text_relocations is expected


def test_a_static_program_has_no_dynamic_facts() -> None:
    facts = read_elf(elf(type=ET_EXEC, static=True, build_id=b"\xab\xcd", stack="rwx"))
    assert (facts.is_dynamic, facts.is_loadable, facts.imports, facts.needed) == (False, True, (), ())
    assert (facts.build_id, facts.stack) == ("abcd", StackPermission.EXECUTABLE)


# ----- other segments


def test_interpreter_stack_and_tls() -> None:
    facts = read_elf(elf(interpreter="/lib/ld-musl-x86_64.so.1", stack="rwx", tls=(24, 16)))
    assert facts.interpreter == "/lib/ld-musl-x86_64.so.1"
    assert facts.stack is StackPermission.EXECUTABLE
    assert facts.tls == TlsSegment(24, 16)
    assert read_elf(elf(stack=None)).stack is StackPermission.UNSTATED
    assert read_elf(elf(tls=(0, 8))).tls is None


def test_later_segments_are_mapped_over_earlier_ones() -> None:
    """mmap with MAP_FIXED replaces what is there."""
    spec = ElfSpec(soname="liba.so", rodata=b"X" * 64, pad_segments=True)
    dynamic = spec_field(spec, "PT_LOAD[3].p_vaddr")
    shadowed = mutate(spec, {"PT_LOAD[0].p_vaddr": dynamic, "PT_LOAD[0].p_filesz": 1 << 12})
    with pytest.raises(ElfFormatError) as caught:
        read_elf(shadowed)  # the tables have lost their place, and PT_DYNAMIC has not
    assert caught.value.field == "DT_STRTAB"


# ----- counting symbols

MANY = tuple(Export(f"name{number}") for number in range(700))


@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
@pytest.mark.parametrize("arch", ["x86_64", "i686", "s390x", "ppc64"])
def test_hash_tables_tell_how_many_symbols_there_are(arch: str, style: str) -> None:
    """DT_HASH has 64-bit words on s390x alone (zSeries ABI supplement)."""
    facts = read_elf(elf(arch=arch, hash_style=style, imports=(Import("i"),), exports=MANY), exports=True)
    assert imported(facts) == ["i"]
    assert sorted(exported(facts)) == sorted(export.name for export in MANY)


@pytest.mark.parametrize("style", ["gnu", "none"])
@pytest.mark.parametrize("arch", ["x86_64", "i686", "armv7l", "s390x"])
def test_without_a_telling_hash_table_relocations_do(arch: str, style: str) -> None:
    symbols = (Import("data", kind="object"), Import("call"), Import("tls", kind="tls"))
    facts = read_elf(elf(arch=arch, hash_style=style, imports=symbols, relocations=True), exports=True)
    assert imported(facts) == ["data", "call", "tls"]
    assert facts.exports == ()


def test_an_empty_gnu_hash_beside_dt_hash_hides_no_import() -> None:
    """GNU ld writes symoffset 1 into an empty table, however many imports there are."""
    assert imported(read_elf(elf(hash_style="both", imports=(Import("unversioned"),)))) == ["unversioned"]


def test_glibc_prefers_the_gnu_hash() -> None:
    spec = ElfSpec(hash_style="both", imports=(Import("i"),), exports=(Export("e"),))
    for lie in (1, 1 << 31):
        facts = read_elf(mutate(spec, {"hash.nchain": lie}), exports=True)
        assert (imported(facts), exported(facts)) == (["i"], ["e"])


def test_a_program_imports_what_it_hashes() -> None:
    """A function whose address a program takes is undefined, has a value, and is in the hash table."""
    spec = ElfSpec(type=ET_EXEC, imports=(Import("plain"),), exports=(Export("canonical"), Export("own")))
    _, at = build_elf_with_layout(spec)
    data = bytearray(build_elf(spec))
    first = 2 if exported(read_elf(bytes(data), exports=True))[0] == "canonical" else 3
    struct.pack_into("<H", data, at[f"dynsym[{first}].st_shndx"], 0)
    facts = read_elf(bytes(data), exports=True)
    assert imported(facts) == ["plain", "canonical"]
    assert exported(facts) == ["own"]


# ----- symbols and versions


def test_bindings_and_local_symbols() -> None:
    spec = ElfSpec(
        imports=(Import("g"), Import("w", weak=True), Import("gone")), exports=(Export("u", unique=True), Export("v"))
    )
    facts = read_elf(mutate(spec, {"dynsym[3].st_info": 0x02}), exports=True)  # STB_LOCAL, STT_FUNC
    assert [(symbol.name, symbol.binding) for symbol in facts.imports] == [("g", Binding.GLOBAL), ("w", Binding.WEAK)]
    assert {(symbol.name, symbol.binding) for symbol in facts.exports or ()} == {
        ("u", Binding.UNIQUE),
        ("v", Binding.GLOBAL),
    }
    odd = read_elf(mutate(spec, {"dynsym[1].st_info": 0xD2}))
    assert odd.imports[0].binding is Binding.OTHER


@pytest.mark.parametrize("arch", ["x86_64", "i686", "s390x", "ppc64"])
def test_hidden_definitions_are_no_exports(arch: str) -> None:
    """gABI, "Symbol Visibility": such names "are not visible to other components". Of the other bits of st_other, which
    belong to architectures, nothing is said: ppc64le's local entry, aarch64's STO_AARCH64_VARIANT_PCS.
    """
    names: tuple[Visibility, ...] = ("default", "internal", "hidden", "protected")
    exports = (*(Export(name, visibility=name) for name in names), *MANY)
    data, at = build_elf_with_layout(ElfSpec.for_arch(arch, imports=(Import("i"),), exports=exports))
    kept = {"default", "protected", *(export.name for export in MANY)}
    for others in (0, 0x60, 0x80):
        changed = bytearray(data)
        for number in range(2, 2 + len(exports)):
            changed[at[f"dynsym[{number}].st_other"]] |= others
        assert set(exported(read_elf(bytes(changed), exports=True))) == kept


def test_names_that_are_no_utf8_are_escaped_and_the_others_left_alone() -> None:
    facts = read_elf(elf(imports=(Import("caf\udce9"), Import("straße")), exports=MANY[:1]))
    assert imported(facts) == ["caf\\xe9", "straße"]


def versioned() -> ElfSpec:
    return ElfSpec(
        needed=(LIBC, "libm.so.6"),
        imports=(Import("memcpy", "GLIBC_2.14", LIBC), Import("exp", "GLIBC_2.29", "libm.so.6"), Import("plain")),
        exports=(Export("mine", "MINE_1"),),
        verdefs=(Verdef("MINE_1", parents=("MINE_0",)),),
        verneeds=(Need(LIBC, (NeedVersion("GLIBC_2.34", weak=True),)),),
    )


def test_a_version_belongs_to_the_library_that_its_verneed_names() -> None:
    facts = read_elf(build_elf(versioned()), exports=True)
    assert [(symbol.name, symbol.version, symbol.library) for symbol in facts.imports] == [
        ("memcpy", "GLIBC_2.14", LIBC),
        ("exp", "GLIBC_2.29", "libm.so.6"),
        ("plain", None, None),
    ]
    assert [(need.file, [(version.name, version.weak) for version in need.versions]) for need in facts.verneeds] == [
        (LIBC, [("GLIBC_2.34", True), ("GLIBC_2.14", False)]),
        ("libm.so.6", [("GLIBC_2.29", False)]),
    ]
    assert [(verdef.name, verdef.is_base, verdef.parents) for verdef in facts.verdefs] == [
        ("", True, ()),
        ("MINE_1", False, ("MINE_0",)),
    ]
    assert [(symbol.version, symbol.library) for symbol in facts.exports or ()] == [("MINE_1", None)]


def test_counts_of_versions_are_not_believed() -> None:
    """glibc's _dl_check_map_versions follows vn_next and vna_next, and reads no count."""
    honest = read_elf(build_elf(versioned()))
    for lie in (0, 1, 0xFFFF):
        changes = {"verneed[0].vn_cnt": lie, "verneed[1].vn_cnt": lie, "DT_VERNEEDNUM": lie, "DT_VERDEFNUM": lie}
        assert read_elf(mutate(versioned(), changes)) == honest


def test_hidden_is_no_part_of_a_version_index() -> None:
    spec = versioned()
    assert read_elf(mutate(spec, {"versym[1]": 0x8000 | number_of(spec, "GLIBC_2.14")})) == read_elf(build_elf(spec))


def number_of(spec: ElfSpec, version: str) -> int:
    needs = read_elf(build_elf(spec)).verneeds
    return next(aux.number for need in needs for aux in need.versions if aux.name == version)


def test_a_definition_wins_over_a_need_with_the_same_index() -> None:
    """_dl_check_map_versions fills l_versions from the needs first and then from the definitions."""
    spec = versioned()
    facts = read_elf(mutate(spec, {"verdef[1].vd_ndx": number_of(spec, "GLIBC_2.14")}))
    assert facts.imports[0][:3] == ("memcpy", "MINE_1", None)
    assert "GLIBC_2.14" in [version.name for version in facts.verneeds[0].versions]


def test_an_unknown_version_index_means_unversioned() -> None:
    facts = read_elf(mutate(versioned(), {"versym[1]": 0x7ABC}))
    assert facts.imports[0][:3] == ("memcpy", None, None)


def test_every_need_is_explained_though_its_symbol_is_hashed() -> None:
    """Linkers other than GNU's may hash undefined symbols: what is needed is looked for there as well."""
    needs = (Need(LIBC, (NeedVersion("V"),)),)
    spec = ElfSpec(imports=(Import("first"),), exports=(Export("late"), Export("later")), verneeds=needs)
    _, at = build_elf_with_layout(spec)
    data = bytearray(build_elf(spec))
    struct.pack_into("<H", data, at["dynsym[2].st_shndx"], 0)
    struct.pack_into("<H", data, at["versym[2]"], 2)
    facts = read_elf(bytes(data))
    assert [symbol.version for symbol in facts.imports] == [None, "V"]
    assert facts.imports[1].name in {"late", "later"}


def test_a_version_that_no_symbol_can_have_costs_no_search() -> None:
    """GLIBC_ABI_DT_RELR states an ability of the loader; the hashed symbols stay unread."""
    spec = ElfSpec(exports=(Export("e"),), verneeds=(Need(LIBC, (NeedVersion("GLIBC_ABI_DT_RELR"),)),))
    broken = mutate(spec, {"dynsym[1].st_name": 1 << 30})
    assert read_elf(broken).verneeds[0].versions[0].name == "GLIBC_ABI_DT_RELR"
    with pytest.raises(ElfFormatError):
        read_elf(broken, exports=True)


# ----- notes


@pytest.mark.parametrize("arch", ["x86_64", "i686"])
def test_build_id_and_x86_levels(arch: str) -> None:
    facts = read_elf(elf(arch=arch, build_id=bytes(range(20)), x86_isa_needed=0b110, x86_isa_used=0b1))
    assert facts.build_id == bytes(range(20)).hex()
    assert (facts.x86_isa_needed, facts.x86_isa_used) == (0b110, 0b1)


def test_other_machines_number_their_properties_differently() -> None:
    facts = read_elf(elf(arch="aarch64", x86_isa_needed=0b110))
    assert facts.x86_isa_needed == 0


@pytest.mark.parametrize("field", ["n_namesz", "n_descsz"])
def test_a_note_that_claims_too_much_ends_the_notes_and_not_the_reading(field: str) -> None:
    facts = read_elf(mutate(ElfSpec(soname="a.so", build_id=b"1234"), {f"note[0].{field}": 1 << 31}))
    assert (facts.soname, facts.build_id) == ("a.so", None)


def test_adjacent_segments_are_one_to_a_loader() -> None:
    """A table may begin in one segment and end in the next, which follows it in memory and in the file.

    ld.so maps pages and reads addresses; semgrep's program has its string table across two segments.
    """
    first = ProgramHeader(type=1, flags=4, offset=0, vaddr=0x1000, filesz=0x100, memsz=0x100, align=0x1000)
    second = first._replace(offset=0x100, vaddr=0x1100, filesz=0x80)
    apart = first._replace(offset=0x180, vaddr=0x3180, filesz=0x40)
    assert set(merged_loads([apart, second, first])) == {
        (0x1000, 0x180, 0),
        (0x1100, 0x80, 0x100),
        (0x3180, 0x40, 0x180),
    }
