"""Compiles and links for every architecture: clang and LLD from the ziglang package, GNU ld and strip of binutils.

Objects are compiled by clang, which needs no more than the headers that ziglang has. They are linked
against the libraries of a root themselves, so the result needs what that system has; by either linker,
as each lays a file out in its own way. The way is short: `ld` is called directly, without a compiler
driver, and all options of both linkers can be had.

ziglang is found where it is installed or in the folder that PERENNIAL_ZIGLANG names; else pip puts it
into the test cache.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

from tests.roots.machines import Machine
from tests.roots.make import Root, UnavailableError, alone, testing_cache

_ZIGLANG: Final = "ziglang==0.17.0"
_FLAGS: Final = ("-O1", "-g0", "-fPIC", "-fno-sanitize=all", "-fno-stack-protector", "-fno-builtin", "-Wall", "-Werror")


class Linker(Enum):
    """Who lays the file out."""

    GNU = "GNU ld"
    LLD = "LLD"


class Libc(Enum):
    """Which C library, of the two that a root has, something is linked with."""

    GLIBC = "glibc"
    MUSL = "musl"


@cache
def zig() -> str:
    """The zig program, whose `cc` is clang and whose `ld.lld` is LLD."""
    folder = os.environ.get("PERENNIAL_ZIGLANG")
    spec = importlib.util.find_spec("ziglang")
    if folder is None and spec is not None and spec.origin is not None and spec.submodule_search_locations:
        folder = next(iter(spec.submodule_search_locations))
    if folder is not None:
        return str(Path(folder, "zig"))
    target = testing_cache() / "ziglang"
    with alone(testing_cache() / ".ziglang.lock"):
        if not (target / "ziglang" / "zig").exists():
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
            done = subprocess.run([*pip, _ZIGLANG], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise UnavailableError(f"pip cannot download {_ZIGLANG}: {done.stderr.strip()[-300:]}")
    return str(target / "ziglang" / "zig")


def binutil(machine: Machine, name: str) -> str:
    """A program of GNU binutils for an architecture."""
    program = shutil.which(f"{machine.linker}-{name}")
    if program is None:
        raise UnavailableError(f"{machine.linker}-{name} is not installed (Debian's binutils-{machine.linker})")
    return program


def compile_object(source: Path, machine: Machine, libc: Libc, flags: Sequence[str] = ()) -> Path:
    """An object file; kept in the test cache by what it is made from."""
    language = "c++" if source.suffix == ".cpp" else "cc"
    command = [zig(), language, "-c", "-target", machine.target(musl=libc is Libc.MUSL), *_FLAGS, *flags]
    key = hashlib.sha256(repr((_ZIGLANG, command[1:])).encode() + source.read_bytes()).hexdigest()[:24]
    path = testing_cache() / "objects" / f"{source.stem}-{machine}-{key}.o"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.o")
        _run([*command, str(source), "-o", str(partial)])
        partial.replace(path)
    return path


def link_library(
    root: Root,
    inputs: Sequence[Path],
    output: Path,
    *,
    linker: Linker = Linker.GNU,
    libc: Libc = Libc.GLIBC,
    options: Sequence[str] = (),
) -> Path:
    """A shared library of objects and other libraries, linked with the C library of the root."""
    command = [*_linker(root.machine, linker), "-shared", "--eh-frame-hdr", "--build-id", *options]
    needed = ["--as-needed", *_libraries(root, libc)]
    _run([*command, "-o", str(output), *map(str, inputs), *needed])
    return output


def link_program(root: Root, inputs: Sequence[Path], output: Path, *, libc: Libc = Libc.GLIBC) -> Path:
    """A position-independent program, with the start files of the root."""
    machine = root.machine
    start, loader = folder_of(root, libc), machine.musl_loader if libc is Libc.MUSL else machine.loader
    command = [*_linker(machine, Linker.LLD), "-pie", "--dynamic-linker", loader, "--eh-frame-hdr"]
    command += [str(start / "Scrt1.o"), str(start / "crti.o"), *map(str, inputs)]
    libraries = ["--as-needed", *_libraries(root, libc, cxx=False)]
    if libc is Libc.GLIBC:
        libraries.append(str(start / "libc_nonshared.a"))
    _run([*command, *libraries, str(start / "crtn.o"), "-o", str(output)])
    return output


def folder_of(root: Root, libc: Libc) -> Path:
    """The folder with a C library's start files."""
    machine = root.machine
    return root.folder / "usr/lib" / (machine.musl_triplet if libc is Libc.MUSL else machine.triplet)


def find_library(root: Root, soname: str) -> Path:
    """A library of the root's distribution."""
    for above in ("usr/lib", "lib"):
        path = root.folder / above / root.machine.triplet / soname
        if path.exists():
            return path
    raise FileNotFoundError(f"{root.folder} has no {soname}")


def _libraries(root: Root, libc: Libc, *, cxx: bool = True) -> list[str]:
    if libc is Libc.MUSL:
        # By name, not by path: musl has no soname, and the needed entry is what was given.
        return [f"-L{musl_library(root).parent}", "-l:libc.so"]
    # The loader has __tls_get_addr; libdl and libpthread are of their own before 2.34, and stubs since.
    names = ["libc.so.6", Path(root.machine.loader).name, "libdl.so.2"]
    if cxx:
        names += ["libgcc_s.so.1", "libstdc++.so.6"]
    return [str(find_library(root, name)) for name in names]


def musl_library(root: Root) -> Path:
    """musl: one file that is the loader and the library."""
    for above in ("usr/lib", "lib"):
        path = root.folder / above / root.machine.musl_triplet / "libc.so"
        if path.exists():
            return path
    raise FileNotFoundError(f"{root.folder} has no musl")


def _linker(machine: Machine, linker: Linker) -> list[str]:
    if linker is Linker.GNU:
        return [binutil(machine, "ld")]
    # An emulation is what GNU ld has by default, and LLD takes from its first input.
    return [zig(), "ld.lld"]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
