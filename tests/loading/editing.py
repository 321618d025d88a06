"""The editor, held to what holds for every edit; and what only tests do to files."""

from __future__ import annotations

import io
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from perennial.elf.edit import ElfChanges, SearchPath, edit_elf
from tests.roots.machines import Machine
from tests.roots.toolchain import binutil

# What an edit may add to a file: strings and tables, and the way to the next address that a segment may have.
GROWTH: Final = 16 << 10
_DT_NEEDED: Final = 1
_DT_IGNORED: Final = 0x6FFFF0FF  # of the range that the gABI leaves to operating systems; nobody's


def edited(data: bytes, changes: ElfChanges) -> bytes:
    """The file with the changes; the same changes again change nothing."""
    result = edit_elf(data, changes)
    assert edit_elf(result, changes) == result
    return result


def grafted(data: bytes, names: Mapping[str, str], search_path: str, *, soname: str | None = None) -> bytes:
    """As repair edits a file: libraries under their new names, found by DT_RUNPATH."""
    renames = tuple(sorted(names.items()))
    changes = ElfChanges(soname=soname, rename_needed=renames, search_path=SearchPath(search_path, runpath=True))
    result = edited(data, changes)
    assert len(result) - len(data) < GROWTH
    return result


def stripped(path: Path, machine: Machine) -> bytes:
    """The file as the architecture's GNU strip leaves it; a warning of it is an error."""
    output = path.with_suffix(".stripped")
    done = subprocess.run(
        [binutil(machine, "strip"), "-o", str(output), str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), f"{path.name}: {done}"
    return output.read_bytes()


def without_section_headers(data: bytes) -> bytes:
    """The file as `llvm-strip --strip-sections` leaves it: what segments hold. Loaders read no more (gABI 5)."""
    end = max(segment["p_offset"] + segment["p_filesz"] for segment in ELFFile(io.BytesIO(data)).iter_segments())
    content = bytearray(data[:end])
    order = "<" if content[5] == 1 else ">"
    if content[4] == 2:
        struct.pack_into(order + "Q", content, 0x28, 0)
        struct.pack_into(order + "HHH", content, 0x3A, 0, 0, 0)
    else:
        struct.pack_into(order + "I", content, 0x20, 0)
        struct.pack_into(order + "HHH", content, 0x2E, 0, 0, 0)
    return bytes(content)


def with_needed_ignored(data: bytes, soname: str) -> bytes:
    """The file with one DT_NEEDED made meaningless and the versions of it left: what an editor must not do."""
    elf = ELFFile(io.BytesIO(data))
    section = elf.get_section_by_name(".dynamic")
    assert isinstance(section, DynamicSection)
    tag: Any  # pyelftools gives it attributes by its kind
    for number, tag in enumerate(section.iter_tags()):
        if tag.entry.d_tag == "DT_NEEDED" and tag.needed == soname:
            content = bytearray(data)
            word = ("<" if elf.little_endian else ">") + ("Q" if elf.elfclass == 64 else "I")
            position = section["sh_offset"] + number * section["sh_entsize"]
            assert struct.unpack_from(word, content, position) == (_DT_NEEDED,)
            struct.pack_into(word, content, position, _DT_IGNORED)
            return bytes(content)
    raise AssertionError(f"{soname} is not needed")
