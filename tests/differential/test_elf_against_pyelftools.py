"""This machine's programs and libraries, as pyelftools reads them.

pyelftools goes by section headers, and perennial by program headers and PT_DYNAMIC, so that the
two come to the same facts on different ways. What they are allowed to differ in stands in DIFFERENCES.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from perennial.elf.dynamic_symbols import DynamicSymbol
from perennial.elf.model import ElfFile, StackPermission
from perennial.elf.read import read_elf

FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/bin", "/usr/sbin")
SAMPLE = 150
LARGEST = 6 << 20  # pyelftools takes ten seconds for a library of a hundred megabytes


def elf_files() -> list[Path]:
    """Every so-manieth of the ELF files in the system's folders, in the order of their paths."""
    found = [
        path
        for folder in FOLDERS
        for path in sorted(Path(folder).rglob("*"))
        if (".so" in path.name or "bin" in path.parts[2]) and is_small_elf(path)
    ]
    return found[:: max(1, len(found) // SAMPLE)]


def is_small_elf(path: Path) -> bool:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
            return False
        with path.open("rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


FILES = elf_files()


def test_there_is_something_to_compare() -> None:
    assert len(FILES) > 20


class Other:
    """One file, through pyelftools."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            elf: Any = ELFFile(file)
            self.header = (elf.elfclass, elf.little_endian, elf["e_machine"])
            dynamic = elf.get_section_by_name(".dynamic")
            self.tags = [] if dynamic is None else list(dynamic.iter_tags())
            self.is_dynamic = bool(self._segments(elf, "PT_DYNAMIC"))
            self.interpreter = next((segment.get_interp_name() for segment in self._segments(elf, "PT_INTERP")), None)
            stacks = [segment["p_flags"] for segment in self._segments(elf, "PT_GNU_STACK")]
            self.stack = stacks[-1] if stacks else None
            self.tls = [(segment["p_memsz"], segment["p_align"]) for segment in self._segments(elf, "PT_TLS")]
            self.notes = [note for segment in self._segments(elf, "PT_NOTE") for note in segment.iter_notes()]
            self._versions(elf)
            self.symbols = list(self._symbols(elf))

    @staticmethod
    def _segments(elf: Any, kind: str) -> list[Any]:
        return [segment for segment in elf.iter_segments() if segment["p_type"] == kind]

    def _versions(self, elf: Any) -> None:
        self.verneeds: list[tuple[str, list[str]]] = []
        self.verdefs: list[list[str]] = []
        self._names: dict[int, tuple[str, str | None]] = {}
        needed = elf.get_section_by_name(".gnu.version_r")
        for need, versions in needed.iter_versions() if needed else ():
            listed = list(versions)
            self.verneeds.append((need.name, [version.name for version in listed]))
            self._names |= {version["vna_other"] & 0x7FFF: (version.name, need.name) for version in listed}
        defined = elf.get_section_by_name(".gnu.version_d")
        for definition, names in defined.iter_versions() if defined else ():
            self.verdefs.append([name.name for name in names])
            if not definition["vd_flags"] & 1:
                self._names[definition["vd_ndx"]] = (self.verdefs[-1][0], None)

    def _symbols(self, elf: Any) -> Iterator[tuple[str, str | None, str | None, bool]]:
        table, versym = elf.get_section_by_name(".dynsym"), elf.get_section_by_name(".gnu.version")
        for index, symbol in enumerate(table.iter_symbols() if table else ()):
            if not symbol.name or symbol["st_info"]["bind"] == "STB_LOCAL":
                continue
            number = versym.get_symbol(index)["ndx"] if versym else 0
            known = not isinstance(number, str)
            version, library = self._names.get(number & 0x7FFF, (None, None)) if known else (None, None)
            is_defined = symbol["st_shndx"] != "SHN_UNDEF"
            yield symbol.name, version, None if is_defined else library, is_defined

    def all(self, tag: str, attribute: str) -> list[str]:
        return [getattr(entry, attribute) for entry in self.tags if entry.entry.d_tag == tag]

    def one(self, tag: str, attribute: str) -> str | None:
        return next(iter(self.all(tag, attribute)), None)

    def isa(self, kind: str) -> int:
        values = [
            item["pr_data"]
            for note in self.notes
            if note["n_type"] == "NT_GNU_PROPERTY_TYPE_0"
            for item in note["n_desc"]
            if item["pr_type"] == kind
        ]
        return values[-1] if values else 0


def plain(symbols: tuple[DynamicSymbol, ...] | None) -> Counter[tuple[str, str | None, str | None, bool]]:
    return Counter((symbol.name, symbol.version, symbol.library, symbol.defined) for symbol in symbols or ())


@pytest.fixture(scope="module", params=FILES, ids=str)
def pair(request: pytest.FixtureRequest) -> tuple[ElfFile, Other]:
    path: Path = request.param
    return read_elf(path.read_bytes(), exports=True), Other(path)


def test_the_dynamic_section(pair: tuple[ElfFile, Other]) -> None:
    ours, other = pair
    assert (ours.abi.bits, ours.abi.little_endian) == other.header[:2]
    assert ours.is_dynamic == other.is_dynamic
    assert list(ours.needed) == other.all("DT_NEEDED", "needed")
    assert ours.soname == other.one("DT_SONAME", "soname")
    assert ours.rpath == other.one("DT_RPATH", "rpath")
    assert ours.runpath == other.one("DT_RUNPATH", "runpath")
    assert ours.has_relr == bool(other.all("DT_RELR", "entry"))


def test_segments_and_notes(pair: tuple[ElfFile, Other]) -> None:
    ours, other = pair
    assert ours.interpreter == other.interpreter
    permission = {None: StackPermission.UNSTATED, 6: StackPermission.NOT_EXECUTABLE, 7: StackPermission.EXECUTABLE}
    assert ours.stack is permission[other.stack]
    assert ([] if ours.tls is None else [tuple(ours.tls)]) == other.tls
    build_ids = [note["n_desc"] for note in other.notes if note["n_type"] == "NT_GNU_BUILD_ID"]
    assert ours.build_id == (build_ids[0] if build_ids else None)
    assert ours.x86_isa_needed == other.isa("GNU_PROPERTY_X86_ISA_1_NEEDED")
    assert ours.x86_isa_used == other.isa("GNU_PROPERTY_X86_ISA_1_USED")


def test_versions(pair: tuple[ElfFile, Other]) -> None:
    ours, other = pair
    assert [(need.file, [version.name for version in need.versions]) for need in ours.verneeds] == other.verneeds
    assert [[definition.name, *definition.parents] for definition in ours.verdefs] == other.verdefs


def test_symbols(pair: tuple[ElfFile, Other]) -> None:
    ours, other = pair
    theirs = Counter(other.symbols)
    imports = Counter({symbol: count for symbol, count in theirs.items() if not symbol[3]})
    exports = theirs - imports
    assert plain(ours.imports) == imports
    assert plain(ours.exports) == exports
