"""References bound to other versions, libraries and names, in each class and byte order."""

from __future__ import annotations

import pytest

from perennial.elf.dynamic_symbols import DynamicSymbol
from perennial.elf.edit import ElfChanges, VersionChange, edit_elf
from perennial.elf.read import read_elf
from perennial.errors import UsageError
from tests.support.elf_builder import ARCHES, ElfSpec, Export, Import, Verdef, build_elf

LIBC, PTHREAD = "libc.so.6", "libpthread.so.0"
CHANGES = ElfChanges(
    add_needed=(PTHREAD,),
    rebind=(
        VersionChange("pthread_create", LIBC, "GLIBC_2.34", "pthread_create", PTHREAD, "GLIBC_2.2.5"),
        VersionChange("memcpy", LIBC, "GLIBC_2.14", "memcpy", LIBC, "GLIBC_2.2.5"),
        VersionChange("fcntl64", LIBC, "GLIBC_2.28", "fcntl", LIBC, "GLIBC_2.2.5"),
        VersionChange("statx", LIBC, "GLIBC_2.28", "statx", None, None),
    ),
)
WANTED = {
    "pthread_create": ("GLIBC_2.2.5", PTHREAD),
    "memcpy": ("GLIBC_2.2.5", LIBC),
    "fcntl": ("GLIBC_2.2.5", LIBC),
    "statx": (None, None),
    "dlopen": ("GLIBC_2.34", LIBC),
    "plain": (None, None),
}


def library(arch: str = "x86_64", **fields: object) -> ElfSpec:
    values = {
        "soname": "liba.so",
        "needed": (LIBC,),
        "imports": (
            Import("pthread_create", "GLIBC_2.34", LIBC),
            Import("memcpy", "GLIBC_2.14", LIBC),
            Import("fcntl64", "GLIBC_2.28", LIBC),
            Import("statx", "GLIBC_2.28", LIBC, weak=True),
            Import("dlopen", "GLIBC_2.34", LIBC),
            Import("plain"),
        ),
        "exports": (Export("e", "V1"), Export("g")),
        "verdefs": (Verdef("V1"),),
        "hash_style": "both",
        "relocations": True,
        "build_id": b"12345678901234567890",
        "section_headers": True,
    }
    return ElfSpec.for_arch(arch, **(values | fields))


def bound(imports: tuple[DynamicSymbol, ...]) -> dict[str, tuple[str | None, str | None]]:
    return {symbol.name: (symbol.version, symbol.library) for symbol in imports}


@pytest.mark.parametrize("sections", [True, False], ids=["sections", "no-sections"])
@pytest.mark.parametrize("hash_style", ["gnu", "sysv", "both"])
@pytest.mark.parametrize("page", [0x1000, 0x10000], ids=hex)
@pytest.mark.parametrize("arch", sorted(ARCHES))
def test_every_architecture(arch: str, page: int, hash_style: str, *, sections: bool) -> None:
    data = build_elf(library(arch, page_size=page, hash_style=hash_style, section_headers=sections))
    before, edited = read_elf(data, exports=True), edit_elf(data, CHANGES)
    after = read_elf(edited, exports=True)
    assert bound(after.imports) == WANTED
    assert after.needed == (LIBC, PTHREAD)
    assert [(need.file, [v.name for v in need.versions]) for need in after.verneeds] == [
        (LIBC, ["GLIBC_2.34", "GLIBC_2.2.5"]),
        (PTHREAD, ["GLIBC_2.2.5"]),
    ]
    numbers = [v.number for need in after.verneeds for v in need.versions] + [d.number for d in after.verdefs]
    assert len(numbers) == len(set(numbers))
    assert (after.exports, after.verdefs) == (before.exports, before.verdefs)
    assert edit_elf(edited, CHANGES) is edited


def test_what_no_symbol_has_is_no_change() -> None:
    data = build_elf(library())
    change = VersionChange("memcpy", LIBC, "GLIBC_2.2.5", "memcpy", LIBC, "GLIBC_2.0")
    assert edit_elf(data, ElfChanges(rebind=(change,))) is data


def test_a_version_that_others_need_stays() -> None:
    data = build_elf(library())
    after = read_elf(edit_elf(data, ElfChanges(rebind=CHANGES.rebind[3:])))
    assert [v.name for need in after.verneeds for v in need.versions] == ["GLIBC_2.34", "GLIBC_2.14", "GLIBC_2.28"]


@pytest.mark.parametrize("weak", [True, False])
def test_a_version_is_weak_where_all_its_references_are(*, weak: bool) -> None:
    data = build_elf(library(imports=(Import("f", "A", LIBC, weak=weak), Import("h", "A", LIBC, weak=True))))
    changes = [VersionChange(name, LIBC, "A", name, LIBC, "B") for name in ("f", "h")]
    (need,) = read_elf(edit_elf(data, ElfChanges(rebind=tuple(changes)))).verneeds
    assert [(v.name, v.weak) for v in need.versions] == [("B", weak)]


def test_what_makes_no_sense() -> None:
    data = build_elf(library())
    once = CHANGES.rebind[1]
    for rebind in (
        (once, once),
        (once._replace(to_library=None),),
        (once, VersionChange("memcpy", LIBC, "GLIBC_2.2.5", "memcpy", LIBC, "GLIBC_2.0")),
    ):
        with pytest.raises(UsageError):
            edit_elf(data, ElfChanges(rebind=rebind))
