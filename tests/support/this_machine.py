"""This machine as the simulated loader takes a system: an interpreter, and the libraries of ld.so.cache.

`ldconfig -p` is asked, not perennial: what is found here is the ground on which it is judged.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from perennial.coload.library import Library, read_library
from perennial.coload.profile import Profile

_LDCONFIG: Final = "/sbin/ldconfig"


def read_file(path: str | Path, package: str | None = None) -> Library:
    """A file on disk, under its own path."""
    return read_library(Path(path).read_bytes(), str(path), package)


@cache
def ld_so_cache() -> Mapping[str, str]:
    """Soname -> path, of this machine's own architecture; the first that is listed wins, as in ld.so.

    Empty where there is no such cache.
    """
    if not os.path.isfile(_LDCONFIG):
        return {}
    said = subprocess.run([_LDCONFIG, "-p"], capture_output=True, text=True, check=True).stdout
    found: dict[str, str] = {}
    for line in said.splitlines():
        name, _, rest = line.strip().partition(" (")
        kind, _, path = rest.partition(") => ")
        if path and {"x86_64": "x86-64", "aarch64": "AArch64"}[platform.machine()] in kind and "hwcap" not in kind:
            found.setdefault(name, os.path.realpath(path))
    return found


class SystemLibraries(Mapping[str, Library]):
    """What a needed name leads to on this machine; read when it is first asked for.

    `folders` come before the cache: an interpreter that is built with --enable-shared has its own.
    """

    def __init__(self, folders: tuple[str, ...] = ()) -> None:
        self._folders = folders
        self._read: dict[str, Library] = {}

    def __getitem__(self, name: str) -> Library:
        if name not in self._read:
            path = next((found for each in self._folders if os.path.isfile(found := f"{each}/{name}")), None)
            self._read[name] = read_file(path or ld_so_cache()[name])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(ld_so_cache())

    def __len__(self) -> int:
        return len(ld_so_cache())


@cache
def profile(python: str) -> Profile:
    """This machine with one of its interpreters."""
    program = read_file(os.path.realpath(python))
    major, minor, *_ = platform.libc_ver()[1].split(".")
    search_path = program.elf.runpath or program.elf.rpath or ""
    libraries = SystemLibraries(tuple(folder for folder in search_path.split(":") if folder))
    return Profile("this machine", platform.machine(), (int(major), int(minor)), program, libraries)
