"""What is changed so that other systems take a file: definitions taken out, unique symbols, marks of the PLT."""

from __future__ import annotations

import io
from typing import Final

import pytest
from elftools.elf.elffile import ELFFile

from perennial.elf.dynamic_symbols import Binding
from perennial.elf.edit import ElfChanges, SearchPath, StripLevel
from perennial.elf.read import read_elf
from tests.loading.editing import edited, stripped
from tests.loading.workshop import GLIBC_SYSTEMS, LAYOUTS, PLAIN, SOURCES, SYSTEMS, Layout, System, Workshop, root_of
from tests.roots.loading import LINKERS, linker_recipe
from tests.roots.make import obtain_or_skip
from tests.roots.run import place_in
from tests.roots.toolchain import compile_object

pytestmark = pytest.mark.loading

CASES: Final = [
    (system, layout)
    for system in SYSTEMS
    for layout in LAYOUTS
    if layout is PLAIN or (system.suite == "trixie" and (layout.name != "lld-relr" or system.knows_relr))
]
HERE: Final = SearchPath("$ORIGIN", runpath=True)
# The version that says that a loader has to know the marks.
MARKERS: Final = {"trixie": "GLIBC_2.36", "sid": "GLIBC_ABI_DT_X86_64_PLT"}


@pytest.mark.parametrize(("system", "layout"), CASES, ids=str)
def test_definitions_taken_out(system: System, layout: Layout) -> None:
    """Nobody finds them, and the others work; in musl too, whose search ignores st_other, since they have no value."""
    with place_in(root_of(system)) as place:
        shop = Workshop(system, place, layout)
        library = shop.library("many.c")
        raw = library.read_bytes()
        content = edited(raw, ElfChanges(blank_symbols=("dropped",)))
        assert len(content) == len(raw)
        library.write_bytes(content)
        for name, data in (("blank.so", content), ("blank-then-stripped.so", stripped(library, system.machine))):
            path = place.put(name, data)
            said = {"kept": "= 41", "dropped": "absent", "last": "= 61"}
            assert shop.load(path, *said) == [f"{path} opened", *(f"{path} {name} {how}" for name, how in said.items())]
        path = place.put("raw.so", raw)
        assert shop.load(path, "dropped") == [f"{path} opened", f"{path} dropped = 51"]


@pytest.mark.parametrize("system", GLIBC_SYSTEMS, ids=str)
def test_unique_symbols_become_global(system: System) -> None:
    """Two copies of a library then have a variable each. (To musl, unique symbols are like all others.)"""
    with place_in(root_of(system)) as place:
        shop = Workshop(system, place)
        raw = shop.library("counter.c").read_bytes()
        (variable,) = [e for e in read_elf(raw, exports=True).exports or () if e.name == "shared_count"]
        assert variable.binding is Binding.UNIQUE
        user = edited(shop.library("counters.c").read_bytes(), ElfChanges(search_path=HERE))
        for folder, changes in (("raw", ElfChanges()), ("edited", ElfChanges(unique_to_global=True))):
            for number in (1, 2):
                soname = f"libcounter-{number}.so"
                place.put(f"{folder}/{soname}", edited(raw, changes._replace(soname=soname)))
            path = place.put(f"{folder}/counters.so", user)
            counts = 12 if folder == "raw" else 11
            assert shop.load(path, "counts") == [f"{path} opened", f"{path} counts = {counts}"]


def with_addends_of(raw: bytes, cleared: bytes) -> bytes:
    """The file without the version that warns loaders, and with the addends that it warns of."""
    section = ELFFile(io.BytesIO(raw)).get_section_by_name(".rela.plt")
    assert section is not None
    start, end = section["sh_offset"], section["sh_offset"] + section["sh_size"]
    assert raw[start:end] != cleared[start:end]
    return cleared[:start] + raw[start:end] + cleared[end:]


@pytest.mark.parametrize("suite", LINKERS)
def test_plt_marks(suite: str) -> None:
    """What `ld -z mark-plt` of a newer system links, loaded by glibc 2.31, which adds up what is no addend."""
    old = next(system for system in SYSTEMS if str(system) == "x86_64-bullseye-glibc")
    new = next(system for system in SYSTEMS if str(system) == f"x86_64-{suite}-glibc")
    root = obtain_or_skip(linker_recipe(suite))
    with place_in(root) as place:
        place.put("calls.o", compile_object(SOURCES / "calls.c", new.machine, new.libc).read_bytes())
        command = ["/usr/bin/ld", "-shared", "-z", "mark-plt", "-z", "now", "-o", f"{place.inside}/calls.so"]
        done = place.run([*command, f"{place.inside}/calls.o", f"/lib/{new.machine.triplet}/libc.so.6"])
        assert done.exit_code == 0, done
        raw = (place.outside / "calls.so").read_bytes()
    versions = {version.name for need in read_elf(raw).verneeds for version in need.versions}
    assert versions == {"GLIBC_2.2.5", MARKERS[suite]}
    said = "opened", "calls_answer = 42"
    cleared = edited(raw, ElfChanges(clear_plt_marks=True))
    assert {version.name for need in read_elf(cleared).verneeds for version in need.versions} == {"GLIBC_2.2.5"}
    both = edited(raw, ElfChanges(clear_plt_marks=True, expand_relr=True, strip=StripLevel.ALL, soname="libcalls.so"))
    for system in (old, new):
        with place_in(root_of(system)) as place:
            shop = Workshop(system, place)
            for name, content in (("cleared.so", cleared), ("both.so", both)):
                path = place.put(name, content)
                assert shop.load(path, "calls_answer") == [f"{path} {line}" for line in said]
            # The controls.
            path = place.put("careless.so", with_addends_of(raw, cleared))
            works = shop.load(path, "calls_answer")[1:] == [f"{path} {said[1]}"]
            assert works is (system == new)
            path = place.put("raw.so", raw)
            lines = shop.load(path, "calls_answer")
            if system == new:
                assert lines == [f"{path} {line}" for line in said]
            else:
                assert f"version `{MARKERS[suite]}' not found" in lines[0]
