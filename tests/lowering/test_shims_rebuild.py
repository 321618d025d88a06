"""The shims that are shipped are what the sources come to, bit for bit; and what the wheels that get them rely on."""

from __future__ import annotations

import importlib.util
import io
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from perennial.elf.dynamic_symbols import Binding
from perennial.elf.read import read_elf
from perennial.knowledge.glibc_history import load_glibc_history
from perennial.knowledge.tables import read_table
from perennial.knowledge.treatments import _COLUMNS, ANY
from perennial.lower.shims import ARCHIVE
from tests.lowering.workshop import build_script, floor_of, shipped

PORTS = sorted(build_script()["PORTS"])
FAMILIES = sorted(build_script()["SHIMS"])
EACH = [(arch, family) for arch in PORTS for family in FAMILIES]


def name_of(arch: str, family: str) -> str:
    name: str = build_script()["SHIMS"][family].file(arch)
    return name


def content_of(arch: str, family: str) -> bytes:
    return shipped(name_of(arch, family))


def ziglang() -> Path:
    """The program of the ziglang package, installed or in the folder that PERENNIAL_ZIGLANG names."""
    folder = os.environ.get("PERENNIAL_ZIGLANG")
    spec = importlib.util.find_spec("ziglang")
    if not folder and spec is not None and spec.submodule_search_locations:
        folder = spec.submodule_search_locations[0]
    path = Path(folder or "ziglang", "zig")
    if not path.is_file():
        pytest.skip("needs the ziglang package: installed, or its folder in PERENNIAL_ZIGLANG")
    return path


@pytest.mark.parametrize(("arch", "family"), EACH)
def test_rebuilt_bit_for_bit(arch: str, family: str, tmp_path: Path) -> None:
    script = build_script()
    rebuilt: bytes = script["build"](ziglang(), script["SHIMS"][family], arch, tmp_path)
    assert rebuilt == content_of(arch, family), "scripts/build_shims.py writes it anew"


def test_nothing_else_is_shipped() -> None:
    everything = {name_of(*each): content_of(*each) for each in EACH}
    assert Path(ARCHIVE).read_bytes() == build_script()["packed"](everything)
    assert [path.name for path in Path(ARCHIVE).parent.iterdir()] == ["shims.zip"]


def test_the_documentation_has_their_sizes() -> None:
    page = (Path(ARCHIVE).parents[4] / "docs/explanation/the-shims.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    header = next(row for row in rows if row[0] == "bytes")
    for name, family in (("C", "c"), ("C++", "cxx")):
        (row,) = (row for row in rows if row[0] == name)
        written = dict(zip(header[1:], map(int, row[1:]), strict=True))
        assert written == {arch: len(content_of(arch, family)) for arch in PORTS}


def sections(content: bytes) -> Any:
    """pyelftools, whose types say little."""
    return ELFFile(io.BytesIO(content)).iter_sections()


def exports(content: bytes) -> dict[str, tuple[int, int]]:
    """The functions and data that a shim has for others: where, and of what size."""
    return {
        symbol.name: (symbol["st_value"], symbol["st_size"])
        for section in sections(content)
        if isinstance(section, SymbolTableSection)
        for symbol in section.iter_symbols()
        if symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["bind"] != "STB_LOCAL"
    }


@pytest.mark.parametrize(("arch", "family"), EACH)
def test_it_has_what_the_table_says(arch: str, family: str) -> None:
    rows = [row for row in read_table("treatments/shim.tsv", _COLUMNS) if row[4] == family]
    named = {name for row in rows if row[6] == ANY or arch in row[6].split(",") for name in row[3].split(" ")}
    content = content_of(arch, family)
    assert exports(content).keys() == {f"perennial_{symbol}" for symbol in named}
    assert read_elf(content).soname == name_of(arch, family)


@pytest.mark.parametrize(("arch", "family"), EACH)
def test_each_function_can_be_blanked_without_the_others(arch: str, family: str) -> None:
    """None shares bytes with another, and none is called through the table of symbols."""
    content = content_of(arch, family)
    own = exports(content)
    thumb = ~1 if arch == "armv7l" else ~0  # the lowest bit says which instructions
    places = sorted((start & thumb, size, name) for name, (start, size) in own.items())
    for (start, size, name), (following, _, other) in pairwise(places):
        assert size > 0 and start + size <= following, (name, other)
    for section in sections(content):
        if isinstance(section, RelocationSection):
            (symbols,) = (each for each in sections(content) if isinstance(each, SymbolTableSection))
            for relocation in section.iter_relocations():
                assert symbols.get_symbol(relocation["r_info_sym"]).name not in own


@pytest.mark.parametrize(("arch", "family"), EACH)
def test_it_runs_on_the_oldest_glibc(arch: str, family: str) -> None:
    """Its needs end at the release that the table says; what has no version is weak."""
    history, floor = load_glibc_history(arch), floor_of(arch)
    elf = read_elf(content_of(arch, family))
    nodes = build_script()["LIBSTDCXX"]
    for symbol in elf.imports:
        if symbol.version is None:
            assert symbol.binding is Binding.WEAK, symbol
        elif symbol.library == "libstdc++.so.6":
            assert symbol.version in nodes, symbol
        else:
            assert symbol.library is not None
            assert history.is_exported(symbol.library, symbol.name, symbol.version, floor), symbol
    assert elf.runpath is None and elf.rpath is None


@pytest.mark.parametrize(("arch", "family"), EACH)
def test_it_is_tidy(arch: str, family: str) -> None:
    """No build-id, no paths, no executable stack; nothing of it is written to after loading but its data."""
    content = content_of(arch, family)
    elf = ELFFile(io.BytesIO(content))
    kinds = {segment["p_type"]: segment for segment in elf.iter_segments()}
    assert {"PT_GNU_RELRO", "PT_GNU_STACK"} <= kinds.keys() and "PT_NOTE" not in kinds
    assert not kinds["PT_GNU_STACK"]["p_flags"] & 1
    page = build_script()["PORTS"][arch].page
    assert {each["p_align"] for each in elf.iter_segments() if each["p_type"] == "PT_LOAD"} == {page}
    (dynamic,) = (section for section in elf.iter_sections() if isinstance(section, DynamicSection))
    flags = {tag.entry.d_tag: tag.entry.d_val for tag in dynamic.iter_tags()}
    assert flags["DT_FLAGS_1"] == 1 | 8  # DF_1_NOW, DF_1_NODELETE
    assert b"/" not in b"".join(bytes(section.data()) for section in elf.iter_sections() if section.name == ".comment")
    assert b".c\0" not in content
