"""What a file exports, against what this machine's loader finds in it.

A C compiler makes a library of four functions, and their entries in `.dynsym` get one visibility each, which no linker
would leave there. Then programs ask for them: with dlsym, and by the reference of a library that was linked before.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from perennial.elf.edit import ElfChanges, edit_elf
from perennial.elf.read import read_elf
from tests.support.compiled import compile_c, needs_compiler

# ELF32_ST_VISIBILITY: STV_DEFAULT, STV_INTERNAL, STV_HIDDEN, STV_PROTECTED
NAMES: Final = ("of_default", "of_internal", "of_hidden", "of_protected")
LIBRARY: Final = "".join(f"int {name}(void) {{ return {number}; }}\n" for number, name in enumerate(NAMES))
ASKS: Final = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
print(*(name for name in sys.argv[2:] if hasattr(library, name)))
"""
LOADS: Final = """
import ctypes, os, sys
try:
    print(ctypes.CDLL(sys.argv[1], os.RTLD_NOW).user())
except OSError as error:
    print(error)
"""


def glibc() -> tuple[int, ...]:
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):
        return ()
    return tuple(map(int, version.split("."))) if name == "glibc" else ()


pytestmark = [
    needs_compiler,
    pytest.mark.skipif(glibc() < (2, 24), reason="glibc before 2.24, and musl, find hidden definitions"),
]


ST_OTHER: Final = {24: 5, 16: 13}  # by the size of a symbol's record


def with_visibility(content: bytes, visibility: Mapping[str, int]) -> bytes:
    """The file with these in the lowest bits of st_other, by name."""
    data = bytearray(content)
    table = ELFFile(io.BytesIO(content)).get_section_by_name(".dynsym")
    assert isinstance(table, SymbolTableSection)
    size = table["sh_entsize"]
    for number, symbol in enumerate(table.iter_symbols()):
        if symbol.name in visibility:
            place = table["sh_offset"] + number * size + ST_OTHER[size]
            data[place] = data[place] & ~3 | visibility[symbol.name]
    return bytes(data)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """libfour.so, where each function has the visibility of its name."""
    path = compile_c(LIBRARY, tmp_path / "libfour.so", "-shared", "-fPIC", "-Wl,-soname,libfour.so")
    for name in NAMES:
        user = f"int {name}(void); int user(void) {{ return {name}(); }}"
        compile_c(user, tmp_path / f"user_{name}.so", "-shared", "-fPIC", str(path), "-Wl,-rpath,$ORIGIN")
    path.write_bytes(with_visibility(path.read_bytes(), {name: number for number, name in enumerate(NAMES)}))
    return path


def said(program: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_dlsym_finds_what_is_exported(library: Path) -> None:
    exports = {symbol.name for symbol in read_elf(library.read_bytes(), exports=True).exports or ()}
    assert (
        set(said(ASKS, str(library), *NAMES).split()) == exports.intersection(NAMES) == {"of_default", "of_protected"}
    )


@pytest.mark.parametrize("name", NAMES)
def test_references_of_others_find_what_is_exported(library: Path, name: str) -> None:
    exports = {symbol.name for symbol in read_elf(library.read_bytes(), exports=True).exports or ()}
    answer = said(LOADS, str(library.with_name(f"user_{name}.so")))
    if name in exports:
        assert answer == str(NAMES.index(name))
    else:
        assert f"undefined symbol: {name}" in answer


def test_what_was_taken_out_is_found_by_no_loader(library: Path) -> None:
    """glibc before 2.24, and musl, do not look at visibility. It is put back here, so that this loader cannot go by it
    either; what it found would be called, and is nothing but zeros.
    """
    shown = with_visibility(library.read_bytes(), dict.fromkeys(NAMES, 0))
    gone = ("of_internal", "of_hidden")
    library.write_bytes(with_visibility(edit_elf(shown, ElfChanges(hide_symbols=gone)), dict.fromkeys(NAMES, 0)))
    assert said(ASKS, str(library), *NAMES).split() == [*NAMES]
    library.write_bytes(with_visibility(edit_elf(shown, ElfChanges(blank_symbols=gone)), dict.fromkeys(NAMES, 0)))
    assert said(ASKS, str(library), *NAMES).split() == ["of_default", "of_protected"]
