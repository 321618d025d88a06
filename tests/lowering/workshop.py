"""Builds the programs of tests/lowering/sources on a new system, lowers them, and runs them on new and old ones.

What is tested is a library with a function `run`, since only that is lowered; the program that calls it (main.c) is
built for each system by itself. Treatments are taken from the table of the shims; what else is new (what moved into
libc.so.6 with glibc 2.34) goes back to the newest version that the target has.
"""

from __future__ import annotations

import io
import runpy
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from perennial.arch import Architecture
from perennial.elf.edit import ElfChanges, SearchPath, VersionChange
from perennial.elf.model import DynamicSymbol
from perennial.elf.read import read_elf
from perennial.knowledge.glibc_history import GlibcHistory, Release, load_glibc_history
from perennial.knowledge.tables import numbers, read_table
from tests.loading.editing import edited
from tests.loading.workshop import System, root_of
from tests.roots.loading import GLIBC
from tests.roots.machines import Machine
from tests.roots.make import skip_unless_ci
from tests.roots.run import Outcome, Place
from tests.roots.toolchain import Libc, compile_object, find_library, link_library, link_program, zig

SOURCES: Final = Path(__file__).parent / "sources"
_CHECKOUT: Final = Path(__file__).parents[2]
SHIMS: Final = _CHECKOUT / "src/perennial/lower/data"
COLUMNS: Final = ("kind", "library", "versions", "symbols", "to", "needs", "archs", "difference", "source", "test")


class Treatment(NamedTuple):
    """A row of the table."""

    kind: str
    library: str
    versions: tuple[str, ...]
    symbols: tuple[str, ...]
    to: str
    needs: str
    archs: tuple[str, ...] | None  # None for all
    test: str

    def is_for(self, arch: str) -> bool:
        return self.archs is None or arch in self.archs


@cache
def treatments() -> tuple[Treatment, ...]:
    """The table of the shims."""
    found = []
    for kind, library, versions, symbols, to, needs, archs, _, _, test in read_table("treatments/shim.tsv", COLUMNS):
        those = None if archs == "*" else tuple(archs.split(","))
        found.append(Treatment(kind, library, tuple(versions.split()), tuple(symbols.split()), to, needs, those, test))
    return tuple(found)


def floor_of(arch: str) -> Release:
    """The oldest glibc that a shim is for: 2.17, or the port's first."""
    return (2, 27) if arch == "riscv64" else (2, 17)


@cache
def shim(arch: str, family: str = "c", *, without_host: bool = False) -> tuple[str, bytes]:
    """A shim's soname and bytes: as it is shipped, or one that never asks the host for its own functions."""
    build = build_script()
    name: str = build["SHIMS"][family].file(arch)
    if not without_host:
        return name, (SHIMS / name).read_bytes()
    with tempfile.TemporaryDirectory() as work:
        content = build["build"](Path(zig()), build["SHIMS"][family], arch, Path(work), ["PERENNIAL_WITHOUT_HOST"])
    return name, content


@cache
def build_script() -> dict[str, Any]:
    """What scripts/build_shims.py defines."""
    return runpy.run_path(str(_CHECKOUT / "scripts/build_shims.py"))


class Built(NamedTuple):
    """A library as it was linked on a new system."""

    content: bytes
    system: System

    @property
    def arch(self) -> str:
        return str(self.system.machine)

    def needs_more_than(self, glibc: tuple[int, ...], *, glibcxx: tuple[int, ...]) -> bool:
        """Does it need newer versions, by their names?"""
        names = [version.name for need in read_elf(self.content).verneeds for version in need.versions]
        ends = {"GLIBC": glibc, "GLIBCXX": glibcxx}
        found = [name.split("_") for name in names if name.count("_") == 1]
        return any(numbers(number) > ends[family] for family, number in found if family in ends)


def build(system: System, stem: str, folder: Path) -> Built:
    """A library of one source, with the headers and the libraries of the system."""
    root = root_of(system)
    source = SOURCES / f"{stem}.c"
    if source.exists():
        # ziglang's headers take ppc64le's long double for the new one, and redirect printf.
        flags = ("-mabi=ibmlongdouble",) if str(system.machine) == "ppc64le" else ()
        compiled = compile_object(source, _with_headers(system), Libc.GLIBC, flags)
    else:
        compiled = _compile_with_gcc(source.with_suffix(".cpp"), system.machine, folder)
    output = folder / f"{stem}.so"
    needed = [compiled, find_library(root, "libm.so.6")]
    return Built(link_library(root, needed, output, options=["--as-needed"]).read_bytes(), system)


def program(system: System, place: Place) -> str:
    """The program that calls, in a place of a root; its path there."""
    flags = ("-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
    compiled = compile_object(SOURCES / "main.c", system.machine, Libc.GLIBC, flags)
    output = link_program(place.root, [compiled], place.outside / "main")
    return f"{place.inside}/{output.name}"


def gcc(machine: Machine) -> str:
    """The g++ for an architecture: what is linked with libstdc++ needs its headers, of whatever version."""
    name = f"{machine.linker}-g++"
    compiler = shutil.which(name)
    if compiler is None:
        skip_unless_ci(f"{name} is not installed (Debian's g++-{machine.linker}, or g++)")
    return compiler


def _compile_with_gcc(source: Path, machine: Machine, folder: Path) -> Path:
    compiler = gcc(machine)
    output = folder / f"{source.stem}.o"
    flags = ["-std=gnu++17", "-O1", "-fPIC", "-fno-stack-protector", "-Wall", "-Werror"]
    if machine.architecture is Architecture.AARCH64:
        flags.append("-mno-outline-atomics")  # functions of libgcc.a, which is not linked
    done = subprocess.run([compiler, *flags, "-c", source, "-o", output], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output


def _with_headers(system: System) -> Machine:
    """The machine, with the headers of the system's glibc: ziglang's say which by the target."""
    return system.machine._replace(clang=f"{system.machine.clang}.{GLIBC[system.suite]}")


class Lowered(NamedTuple):
    """A library that was lowered, and the shims that it needs, by their sonames."""

    content: bytes
    shims: dict[str, bytes]


def lower(built: Built, *, without_host: bool = False, allow_trap: bool = False) -> Lowered:
    """The library, lowered as far as the shims go. It finds them beside itself."""
    floor, history = floor_of(built.arch), load_glibc_history(built.arch)
    changes, needed, shims = [], set(), {}
    for symbol in read_elf(built.content).imports:
        if symbol.version is None or symbol.library is None or history.is_provided(symbol.name, symbol.version, floor):
            continue
        treatment = _treatment(built.arch, symbol, allow_trap=allow_trap)
        if treatment is not None:
            name, content = shim(built.arch, treatment.to, without_host=without_host and treatment.to == "c")
            shims[name] = content
            to: tuple[str, str | None, str | None] = (f"perennial_{symbol.name}", None, None)
        elif history.knows(symbol.library):
            library, version = _newest(history, symbol.name, floor)
            needed.add(library)
            to = (symbol.name, library, version)
        else:
            continue  # of libgcc_s.so.1 on armv7l, and what libstdc++ has had for long
        changes.append(VersionChange(symbol.name, symbol.library, symbol.version, *to))
    needed -= set(read_elf(built.content).needed)
    search_path = SearchPath("$ORIGIN", runpath=True)
    asked = ElfChanges(rebind=tuple(changes), add_needed=(*sorted(needed), *sorted(shims)), search_path=search_path)
    result = edited(built.content, asked)
    for symbol in read_elf(result).imports:
        if symbol.version is not None and symbol.version.startswith("GLIBC_"):
            assert history.is_provided(symbol.name, symbol.version, floor), symbol
    return Lowered(result, shims)


def blanked(lowered: Lowered) -> Lowered:
    """With shims in which nothing is left of the functions that the library does not need."""
    needed = {symbol.name for symbol in read_elf(lowered.content).imports}
    return lowered._replace(shims={name: _blanked(content, needed) for name, content in lowered.shims.items()})


def _blanked(content: bytes, needed: set[str]) -> bytes:
    result = bytearray(content)
    elf = ELFFile(io.BytesIO(content))
    (symbols,) = (section for section in elf.iter_sections() if isinstance(section, SymbolTableSection))
    for symbol in symbols.iter_symbols():
        if symbol["st_shndx"] != "SHN_UNDEF" and symbol.name not in needed:
            # On ARM the lowest bit of an address says which instructions there are.
            start = symbol["st_value"] & ~1 if elf["e_machine"] == "EM_ARM" else symbol["st_value"]
            offset = next(iter(elf.address_offsets(start, symbol["st_size"])), None)
            if offset is not None:  # data that is not in the file is zero already
                result[offset : offset + symbol["st_size"]] = bytes(symbol["st_size"])
    return bytes(result)


def _treatment(arch: str, symbol: DynamicSymbol, *, allow_trap: bool) -> Treatment | None:
    for each in treatments():
        fits = each.library == symbol.library and symbol.version in each.versions and symbol.name in each.symbols
        if fits and each.is_for(arch) and (allow_trap or each.kind != "trap"):
            return each
    return None


def _newest(history: GlibcHistory, symbol: str, release: Release) -> tuple[str, str]:
    """The library of a release that has a symbol, and its newest version there."""
    for library in history.libraries:
        there = [export.version for export in history.exports(library, symbol) if export.at(release)]
        if there:
            return library, there[-1]
    raise AssertionError(f"{symbol} has no treatment on {history.arch}")


def run(place: Place, main: str, name: str, contents: dict[str, bytes], *words: str) -> Outcome:
    """Runs a library in a folder of its own, with others beside it. A folder to write to goes with it."""
    (place.outside / name / "work").mkdir(parents=True)
    for file, content in contents.items():
        place.put(f"{name}/{file}", content)
    inside = f"{place.inside}/{name}"
    return place.run([main, f"{inside}/{next(iter(contents))}", f"{inside}/work", *words])
