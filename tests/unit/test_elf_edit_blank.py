"""Definitions taken out of a file: hidden, and their bytes zeros; in each class and byte order."""

from __future__ import annotations

import struct

import pytest

from perennial.elf.constants import DT_SYMTAB
from perennial.elf.edit import ElfChanges, edit_elf
from perennial.elf.edit.skeleton import read_skeleton
from perennial.elf.edit.strip import all_sections
from perennial.elf.edit.symbols import dynamic_symbols
from perennial.elf.edit.verify import verify
from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from perennial.errors import ElfEditError, UsageError
from tests.support.elf_builder import ARCHES, ET_EXEC, ElfSpec, Export, Import, Verdef, build_elf, build_elf_with_layout

CODE = bytes(range(1, 65))
DT_INIT, DT_RELA, DT_RELASZ, DT_RELAENT, DT_REL, DT_RELSZ, DT_RELENT = 12, 7, 8, 9, 17, 18, 19
# R_*_RELATIVE, from the processor supplements
RELATIVE = {"x86_64": 8, "aarch64": 1027, "s390x": 12, "i686": 8, "armv7l": 23}


def library(arch: str = "x86_64", **fields: object) -> ElfSpec:
    values = {
        "soname": "libmany.so",
        "imports": (Import("memcpy", "GLIBC_2.14", "libc.so.6"),),
        "text": CODE,
        "hash_style": "both",
        "section_headers": True,
        "build_id": b"12345678901234567890",
    }
    return ElfSpec.for_arch(arch, **(values | fields))


def functions(spec: ElfSpec, *rows: tuple[str, int, int], others: tuple[Export, ...] = ()) -> ElfSpec:
    """With functions of these names, places in the code and sizes."""
    # Names and values leave the layout as it is: it depends on how many symbols there are, and on the strings.
    first = spec.but(exports=(*(Export(name, value=1, size=size) for name, _, size in rows), *others))
    start = address_of(build_elf_with_layout(first)[0], build_elf_with_layout(first)[1][".text"])
    return first.but(exports=(*(Export(name, value=start + at, size=size) for name, at, size in rows), *others))


def address_of(data: bytes, offset: int) -> int:
    (load,) = [load for load in read_skeleton(data).loads if load.offset <= offset < load.end]
    return offset - load.offset + load.vaddr


def code_of(data: bytes, spec: ElfSpec) -> bytes:
    place = build_elf_with_layout(spec)[1][".text"]
    return data[place : place + len(CODE)]


def visibility(data: bytes) -> dict[str, int]:
    """st_other of each symbol."""
    elf = read_skeleton(data)
    fields, (table, _, strings) = elf.records.symbol, dynamic_symbols(elf)
    found = {}
    for place in range(fields.size, len(table), fields.size):
        (name,) = elf.records.word.unpack_from(table, place)
        found[strings[name : strings.index(0, name)].decode()] = table[place + fields.other]
    return found


def values(data: bytes) -> dict[str, tuple[int, int]]:
    """st_value and st_size of each symbol."""
    elf = read_skeleton(data)
    fields, pointer, (table, _, strings) = elf.records.symbol, elf.records.pointer, dynamic_symbols(elf)
    found = {}
    for place in range(fields.size, len(table), fields.size):
        (name,) = elf.records.word.unpack_from(table, place)
        numbers = (pointer.unpack_from(table, place + field)[0] for field in (fields.value, fields.extent))
        found[strings[name : strings.index(0, name)].decode()] = (next(numbers), next(numbers))
    return found


def exports_without(facts: ElfFile, *names: str) -> ElfFile:
    """What a file says that nobody is to find these names in."""
    return facts._replace(exports=tuple(symbol for symbol in facts.exports or () if symbol.name not in names))


def blank(*names: str) -> ElfChanges:
    return ElfChanges(blank_symbols=names)


@pytest.mark.parametrize("sections", [True, False], ids=["sections", "no-sections"])
@pytest.mark.parametrize("hash_style", ["gnu", "sysv", "both"])
@pytest.mark.parametrize("arch", sorted(set(ARCHES) - {"ppc64"}))
def test_every_architecture(arch: str, hash_style: str, *, sections: bool) -> None:
    word = ARCHES[arch].bits // 8
    spec = functions(
        library(arch, hash_style=hash_style, section_headers=sections),
        ("first", 0, 16), ("second", 16, 16), ("third", 32, 16),
        others=(
            Export("variable", kind="object", data=b"\1" * word),
            Export("other", kind="object", data=b"\2" * word),
        ),
    )  # fmt: skip
    data, places = build_elf_with_layout(spec)
    changes = blank("second", "variable", "memcpy", "absent")
    edited = edit_elf(data, changes)
    assert read_elf(edited, exports=True) == exports_without(read_elf(data, exports=True), "second", "variable")
    assert code_of(edited, spec) == CODE[:16] + bytes(16) + CODE[32:]
    variables = edited[places[".data"] : places[".data"] + 16]
    assert sorted(variables.strip(b"\0")) == [2] * word
    assert visibility(edited) == {
        name: 2 if name in {"second", "variable"} else other for name, other in visibility(data).items()
    }
    assert values(edited) == {
        name: (0, 0) if name in {"second", "variable"} else both for name, both in values(data).items()
    }
    assert len(edited) == len(data)
    assert edit_elf(edited, changes) is edited


def test_all_versions_of_a_name() -> None:
    spec = library(verdefs=(Verdef("V1"), Verdef("V2")))
    old = Export("f", "V1", hidden_version=True, value=1, size=8)
    spec = functions(spec, ("g", 32, 8), others=(old, Export("f", "V2", value=1, size=8)))
    start = spec.exports[0].value or 0
    spec = spec.but(
        exports=(
            spec.exports[0],
            Export("f", "V1", hidden_version=True, value=start - 32, size=8),
            Export("f", "V2", value=start - 24, size=8),
        )
    )
    edited = edit_elf(build_elf(spec), blank("f"))
    assert code_of(edited, spec) == bytes(16) + CODE[16:]


def test_what_is_not_defined_is_no_change() -> None:
    data = build_elf(functions(library(), ("f", 0, 8)))
    assert edit_elf(data, blank("memcpy", "absent")) is data
    assert edit_elf(build_elf(library()), blank("f")) == build_elf(library())


def test_aliases_go_together_or_not_at_all() -> None:
    spec = functions(library(), ("f", 0, 16), ("alias", 0, 16), ("inner", 8, 4), ("behind", 16, 8))
    data = build_elf(spec)
    for names in (("f",), ("f", "alias"), ("inner",), ("alias", "inner")):
        with pytest.raises(ElfEditError, match="has a part of what is to become zero"):
            edit_elf(data, blank(*names))
    assert code_of(edit_elf(data, blank("inner", "alias", "f")), spec) == bytes(16) + CODE[16:]


def test_labels_at_the_edge_do_not_count() -> None:
    """_edata, __bss_start and _end, which some linkers export: untyped, of no size, and where something begins."""
    spec = functions(library(), ("f", 16, 16), ("start", 16, 0), ("end", 32, 0), ("inner", 24, 0))
    labels = tuple(
        Export(e.name, value=e.value, size=e.size, kind="notype" if e.name in {"start", "end"} else "func")
        for e in spec.exports
    )
    spec = spec.but(exports=labels)
    with pytest.raises(ElfEditError, match="inner has a part"):
        edit_elf(build_elf(spec), blank("f"))
    spec = spec.but(
        exports=tuple(e if e.name != "inner" else Export("inner", value=e.value, size=0, kind="notype") for e in labels)
    )
    with pytest.raises(ElfEditError, match="inner has a part"):
        edit_elf(build_elf(spec), blank("f"))
    value = next(e.value for e in labels if e.name == "end")
    spec = spec.but(exports=tuple(e if e.name != "inner" else Export("inner", value=value, size=0) for e in labels))
    assert code_of(edit_elf(build_elf(spec), blank("f")), spec) == CODE[:16] + bytes(16) + CODE[32:]


def test_thumb() -> None:
    """Bit 0 of a function's value says which instructions it has, and is no address."""
    spec = functions(library("armv7l"), ("f", 17, 16), ("g", 33, 16))
    assert code_of(edit_elf(build_elf(spec), blank("f")), spec) == CODE[:16] + bytes(16) + CODE[32:]


def test_other_bits_of_st_other_stay() -> None:
    """ppc64le: how far the local entry is from the global one (ELFv2, 3.4.1). aarch64: STO_AARCH64_VARIANT_PCS."""
    spec = functions(library("ppc64le"), ("f", 16, 16))
    data = bytearray(build_elf(spec))
    elf = read_skeleton(bytes(data))
    place = elf.image.span_from(elf.dynamic.get(DT_SYMTAB) or 0, "DT_SYMTAB")[0] + 2 * 24 + 5
    data[place] = 0x60
    edited = edit_elf(bytes(data), blank("f"))
    assert visibility(edited)["f"] == 0x62
    assert code_of(edited, spec) == CODE[:16] + bytes(16) + CODE[32:]


def test_functions_of_big_endian_ppc64_are_refused() -> None:
    data = build_elf(functions(library("ppc64"), ("f", 16, 16)))
    with pytest.raises(ElfEditError, match="f is a descriptor"):
        edit_elf(data, blank("f"))


def test_thread_local_storage_and_absolute_values() -> None:
    spec = library(tls=(64, 8), exports=(Export("t", kind="tls", value=8, size=8), Export("v", kind="object")))
    data = build_elf(spec)
    edited = edit_elf(data, blank("t"))  # its block has no bytes in the file
    assert visibility(edited)["t"] == 2
    assert values(edited)["t"] == (8, 8), "zero is a place in the block"
    assert edit_elf(edited, blank("t")) is edited


def test_what_has_no_bytes_in_the_file_is_hidden() -> None:
    spec = library(bss_size=64, exports=(Export("v", kind="object", value=1 << 20, size=16),))
    edited = edit_elf(build_elf(spec), blank("v"))
    assert visibility(edited)["v"] == 2


def test_programs_of_fixed_addresses_are_refused() -> None:
    spec = functions(library(type=ET_EXEC, base=0x400000), ("f", 0, 16))
    with pytest.raises(ElfEditError, match="fixed addresses"):
        edit_elf(build_elf(spec), blank("f"))


@pytest.mark.parametrize("arch", sorted(RELATIVE))
@pytest.mark.parametrize("case", ["names it", "points to it", "writes to it", "elsewhere"])
def test_relocations(arch: str, case: str) -> None:
    """One relocation, which stands in the file's data and says what it is told to."""
    rel, wide = arch in {"i686", "armv7l"}, ARCHES[arch].bits == 64
    order, word = "<" if ARCHES[arch].little_endian else ">", "Q" if wide else "I"
    form = struct.Struct(order + word * (2 if rel else 3))
    table = Export("table", kind="object", data=b"\3" * 32)
    pointer = Export("pointer", kind="object", data=b"\4" * 8)

    def made(extra: tuple[tuple[int, int], ...]) -> ElfSpec:
        return functions(library(arch, extra_dynamic=extra), ("f", 16, 16), others=(table, pointer))

    tags = (DT_REL, DT_RELSZ, DT_RELENT) if rel else (DT_RELA, DT_RELASZ, DT_RELAENT)
    spec = made(((tags[0], 0x1000), (tags[1], form.size), (tags[2], form.size)))
    place = build_elf(spec).index(b"\3" * 32)
    spec = made(((tags[0], address_of(build_elf(spec), place)), (tags[1], form.size), (tags[2], form.size)))
    data = bytearray(build_elf(spec))
    code = address_of(bytes(data), build_elf_with_layout(spec)[1][".text"])
    slot = data.index(b"\4" * 8)
    where = code + 16 if case == "writes to it" else address_of(bytes(data), slot)
    number = list(visibility(bytes(data))).index("f") + 1
    target = {"points to it": code + 17, "elsewhere": code + 32}.get(case, 0)
    info = number << (32 if wide else 8) | 1 if case == "names it" else RELATIVE[arch]
    form.pack_into(data, place, where, info, *(() if rel else (target,)))
    if rel and case != "writes to it":
        struct.pack_into(order + word, data, slot, target)
    if case == "elsewhere":
        assert code_of(edit_elf(bytes(data), blank("f")), spec)[16:32] == bytes(16)
        return
    reason = {"names it": "needs f", "points to it": "points to|has to do with", "writes to it": "has to do with"}[case]
    with pytest.raises(ElfEditError, match=reason):
        edit_elf(bytes(data), blank("f"))


def test_packed_relocations_count_as_well() -> None:
    """The builder's DT_RELR relocates the first words of the data."""
    data, places = build_elf_with_layout(library(relr=True, exports=(Export("v", kind="object", data=b"\5" * 8),)))
    start = address_of(data, places[".data"])
    spec = library(relr=True, exports=(Export("v", kind="object", value=start, size=8, data=b"\5" * 8),))
    with pytest.raises(ElfEditError, match="has to do with"):
        edit_elf(build_elf(spec), blank("v"))


def test_what_the_loader_calls() -> None:
    spec = functions(library(extra_dynamic=((DT_INIT, 1),)), ("f", 16, 16))
    start = next(export.value or 0 for export in spec.exports)
    with pytest.raises(ElfEditError, match="the loader calls"):
        edit_elf(build_elf(spec.but(extra_dynamic=((DT_INIT, start),))), blank("f"))


@pytest.mark.parametrize("interpreter", [None, "/lib64/ld-linux-x86-64.so.2"])
def test_the_entry_of_a_program(interpreter: str | None) -> None:
    """GNU ld gives libraries one as well, which is where their code begins."""
    spec = functions(library(interpreter=interpreter), ("f", 0, 16))
    content = bytearray(build_elf(spec))
    struct.pack_into("<Q", content, 24, spec.exports[0].value or 0)
    data = bytes(content)
    if interpreter is None:
        assert code_of(edit_elf(data, blank("f")), spec) == bytes(16) + CODE[16:]
        return
    with pytest.raises(ElfEditError, match="the loader calls"):
        edit_elf(data, blank("f"))


@pytest.mark.parametrize("size", [1 << 12, 1 << 40, (1 << 64) - 1])
def test_symbols_that_claim_tables_are_refused(size: int) -> None:
    spec = library(exports=(Export("f", value=0, size=size), Export("g", kind="object", value=16, size=size)))
    for name in ("f", "g"):
        with pytest.raises(ElfEditError, match=r"no code or data|has a part"):
            edit_elf(build_elf(spec), blank(name))
    with pytest.raises(ElfEditError, match="no code or data"):
        edit_elf(build_elf(spec), blank("f", "g"))


@pytest.mark.parametrize("name", ["", "a\0b", "\udcff"])
def test_names_that_no_symbol_has(name: str) -> None:
    with pytest.raises(UsageError, match="blank_symbols"):
        edit_elf(build_elf(library()), blank(name))


def test_what_is_left_or_taken_too_much_is_found_in_reading_back() -> None:
    spec = functions(library(), ("f", 16, 16), ("g", 32, 16))
    data, places = build_elf_with_layout(spec)
    before, edited = read_skeleton(data), edit_elf(data, blank("f"))
    for place, value in ((16, 1), (31, 1), (15, 0), (32, 0)):
        wrong = bytearray(edited)
        wrong[places[".text"] + place] = value
        with pytest.raises(ElfEditError, match=r"differs in bytes|something left"):
            verify(before, bytes(wrong), read_elf(bytes(wrong)), blank("f"), all_sections(before))
    seen = read_skeleton(data).image.span_from(before.dynamic.get(DT_SYMTAB) or 0, "DT_SYMTAB")[0]
    number = list(visibility(data)).index("f") + 1
    wrong = bytearray(edited)
    wrong[seen + number * 24 + 5] = 0
    with pytest.raises(ElfEditError, match="other dynamic symbols"):
        verify(before, bytes(wrong), read_elf(bytes(wrong)), blank("f"), all_sections(before))
