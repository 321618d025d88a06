"""STB_GNU_UNIQUE becomes STB_GLOBAL, in each class and byte order."""

from __future__ import annotations

import pytest

from perennial.elf.constants import DT_SYMTAB
from perennial.elf.dynamic_symbols import Binding
from perennial.elf.edit import ElfChanges, edit_elf
from perennial.elf.edit.skeleton import read_skeleton
from perennial.elf.edit.strip import all_sections
from perennial.elf.edit.verify import verify
from perennial.elf.read import read_elf
from perennial.errors import ElfEditError
from tests.support.elf_builder import ARCHES, ElfSpec, Export, Import, Verdef, build_elf

GLOBAL = ElfChanges(unique_to_global=True)
OF_EACH_KIND = (
    Export("variable", "V1", unique=True, kind="object", data=b"value"),
    Export("guard", "V1", unique=True, kind="notype"),
    Export("hidden", unique=True, kind="object", visibility="hidden"),
    Export("thread", unique=True, kind="tls"),
    Export("weak", "V1", weak=True),
    Export("function", "V1"),
)


def library(arch: str = "x86_64", **fields: object) -> ElfSpec:
    values = {
        "soname": "libunique.so",
        "os_abi": 3,
        "imports": (Import("memcpy", "GLIBC_2.14", "libc.so.6"), Import("weak_one", weak=True)),
        "exports": OF_EACH_KIND,
        "verdefs": (Verdef("V1"),),
        "tls": (8, 8),
        "hash_style": "both",
        "section_headers": True,
    }
    return ElfSpec.for_arch(arch, **(values | fields))


@pytest.mark.parametrize("sections", [True, False], ids=["sections", "no-sections"])
@pytest.mark.parametrize("hash_style", ["gnu", "sysv", "both"])
@pytest.mark.parametrize("arch", sorted(ARCHES))
def test_every_architecture(arch: str, hash_style: str, *, sections: bool) -> None:
    spec = library(arch, hash_style=hash_style, section_headers=sections)
    data, edited = build_elf(spec), edit_elf(build_elf(spec), GLOBAL)
    assert read_elf(data, exports=True) != read_elf(edited, exports=True)
    # Nothing else differs: it is the file that the builder makes of global symbols.
    plain = tuple(
        Export(e.name, e.version, e.weak, kind=e.kind, data=e.data, visibility=e.visibility) for e in spec.exports
    )
    assert edited == build_elf(spec.but(exports=plain))
    assert edit_elf(edited, GLOBAL) is edited


def test_references_as_well() -> None:
    """Linkers write none, and the gABI's supplement does not forbid them."""
    spec = library()
    data = bytearray(build_elf(spec))
    elf = read_skeleton(bytes(data))
    place = elf.image.span_from(elf.dynamic.get(DT_SYMTAB) or 0, "DT_SYMTAB")[0] + 24 + 4
    data[place] = 0xA0 | data[place] & 0xF
    assert read_elf(bytes(data)).imports[0].binding is Binding.UNIQUE
    assert read_elf(edit_elf(bytes(data), GLOBAL)) == read_elf(build_elf(spec))


def test_a_file_without_such_symbols_stays_as_it_is() -> None:
    data = build_elf(library(exports=(Export("function"),)))
    assert edit_elf(data, GLOBAL) is data
    static = build_elf(ElfSpec(static=True))
    with pytest.raises(ElfEditError, match="statically linked"):
        edit_elf(static, GLOBAL)


@pytest.mark.parametrize("wrong", [0xA1, 0x21, 0x12])
def test_a_wrong_binding_is_found_in_reading_back(wrong: int) -> None:
    data = build_elf(library(exports=OF_EACH_KIND[:1], imports=()))
    before, edited = read_skeleton(data), bytearray(edit_elf(data, GLOBAL))
    place = before.image.span_from(before.dynamic.get(DT_SYMTAB) or 0, "DT_SYMTAB")[0] + 24 + 4
    assert (data[place], edited[place]) == (0xA1, 0x11)
    edited[place] = wrong
    with pytest.raises(ElfEditError, match="has other dynamic symbols"):
        verify(before, bytes(edited), read_elf(bytes(edited)), GLOBAL, all_sections(before))
