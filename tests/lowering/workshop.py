"""Builds the programs of tests/lowering/sources on a new system, lowers them, and runs them on new and old ones.

What is tested is a library with a function `run`, since only that is lowered; the program that calls it (main.c) is
built for each system by itself.
"""

from __future__ import annotations

import runpy
import shutil
import subprocess
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from perennial import platform_tag
from perennial.arch import Architecture
from perennial.elf.edit import ElfChanges, SearchPath
from perennial.elf.read import read_elf
from perennial.knowledge import load_knowledge
from perennial.knowledge.glibc_history import Release
from perennial.knowledge.tables import numbers
from perennial.lower.lower_file import lower_file
from perennial.lower.shims import ARCHIVE
from perennial.policy import policies
from perennial.policy.lowering import Lowering
from tests.loading.editing import edited
from tests.loading.workshop import System, root_of
from tests.roots.loading import GLIBC
from tests.roots.machines import Machine
from tests.roots.make import skip_unless_ci
from tests.roots.run import Outcome, Place
from tests.roots.toolchain import Libc, compile_object, find_library, link_library, link_program, zig

SOURCES: Final = Path(__file__).parent / "sources"
_CHECKOUT: Final = Path(__file__).parents[2]


def floor_of(arch: str) -> Release:
    """The oldest glibc that a shim is for: 2.17, or the port's first."""
    return (2, 27) if arch == "riscv64" else (2, 17)


@cache
def shim(arch: str, family: str = "c", *, without_host: bool = False) -> tuple[str, bytes]:
    """A shim's soname and bytes: as it is shipped, or one that never asks the host for its own functions."""
    build = build_script()
    name: str = build["SHIMS"][family].file(arch)
    if not without_host:
        return name, shipped(name)
    with tempfile.TemporaryDirectory() as work:
        content = build["build"](Path(zig()), build["SHIMS"][family], arch, Path(work), ["PERENNIAL_WITHOUT_HOST"])
    return name, content


def shipped(name: str) -> bytes:
    """A shim as it is shipped."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        return archive.read(name)


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

    @property
    def target(self) -> Release:
        """The tag that it is lowered to: the lowest there is, or the first whose libstdc++ has what C++ sources use
        that they are not about.
        """
        symbols = [s for s in read_elf(self.content).imports if (s.library or "").startswith("libstdc++")]
        is_newer = any(any(part in symbol.name for part in ("cxx11", "exception_ptr", "6thread")) for symbol in symbols)
        return (2, 28) if is_newer else floor_of(self.arch)

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
    flags = ["-std=gnu++20", "-O1", "-fPIC", "-fno-stack-protector", "-Wall", "-Werror"]
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
    """The library, lowered as `perennial lower` decides. It finds the shims beside itself."""
    elf = read_elf(built.content)
    judge = Lowering(policies(load_knowledge(), platform_tag.Libc.GLIBC, built.arch), traps=allow_trap)
    found = lower_file(elf, {need.file for need in elf.verneeds}, judge, built.target)
    assert not found.refusals, found.refusals
    assert found.bindings, "there is nothing in it to lower"
    shims = dict(shim(built.arch, kind, without_host=without_host and kind == "c") for kind in found.shims)
    changes = found.changes._replace(
        add_needed=(*sorted(set(found.libraries) - set(elf.needed)), *sorted(shims)),
        search_path=SearchPath("$ORIGIN", runpath=True),
    )
    return Lowered(edited(built.content, changes), shims)


def blanked(lowered: Lowered) -> Lowered:
    """With shims in which nothing is left of the functions that the library does not need, as wheels get them."""
    needed = {symbol.name for symbol in read_elf(lowered.content).imports}
    shims = {}
    for name, content in lowered.shims.items():
        exports = {symbol.name for symbol in read_elf(content, exports=True).exports or ()}
        shims[name] = edited(content, ElfChanges(blank_symbols=tuple(sorted(exports - needed))))
        assert exports & needed and shims[name] != content
    return lowered._replace(shims=shims)


def run(place: Place, main: str, name: str, contents: dict[str, bytes], *words: str) -> Outcome:
    """Runs a library in a folder of its own, with others beside it. A folder to write to goes with it."""
    (place.outside / name / "work").mkdir(parents=True)
    for file, content in contents.items():
        place.put(f"{name}/{file}", content)
    inside = f"{place.inside}/{name}"
    return place.run([main, f"{inside}/{next(iter(contents))}", f"{inside}/work", *words])
