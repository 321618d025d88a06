"""A libstdc++ of a wheel's own, beside those of others in the same process.

Three things of libstdc++ are shared by all of a process, even where each extension module is loaded for itself:

- its soname: the first library of a name serves all. A graft has a unique one anyway;
- its version nodes: a library in the global scope (LD_PRELOAD, a program that is linked with it, RTLD_GLOBAL) would
  meet a reference to std::foo@GLIBCXX_3.4.21 first. Under other names it cannot, and neither can another private copy:
  the names have a hash of what the copy is;
- symbols of binding STB_GNU_UNIQUE, of which glibc's loader has one table for the whole process (elf/dl-lookup.c,
  `do_lookup_unique`). In the copy they become ordinary global ones: copies of different age that share the numbers of
  std::locale::id crash. Files that use the copy keep theirs, by which modules of one wheel may share variables.

What crosses from one wheel to another then meets another copy, and nobody promises that it works there. An exception
is caught by its type's name, but each copy counts for itself: std::uncaught_exceptions() is wrong afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from perennial.elf.edit import ElfChanges, VersionRename
from perennial.elf.model import ElfFile
from perennial.lean_typing import Final
from perennial.lower.lower_file import FileLowering
from perennial.lower.references import is_cxx_runtime

SONAME: Final = "libstdc++.so.6"
_DIGITS: Final = 8


def version_prefix(copies: Iterable[tuple[str, FileLowering]]) -> str:
    """What the names of version nodes begin with; of each copy, the digest of its content and what is done to it."""
    told = sorted((digest, repr(tuple(map(tuple, lowering.changes.rebind)))) for digest, lowering in copies)
    return f"PERENNIAL_{hashlib.sha256(repr(told).encode()).hexdigest()[:_DIGITS]}_"


def private_copy(elf: ElfFile, prefix: str) -> ElfChanges:
    """What makes a libstdc++ private."""
    names = dict.fromkeys(each.name for each in elf.verdefs if not each.is_base)
    return ElfChanges(
        rename_versions=tuple(VersionRename(name, prefix + name) for name in names), unique_to_global=True
    )


def for_private_copy(elf: ElfFile, prefix: str) -> ElfChanges:
    """What makes a file use one."""
    renames = (
        VersionRename(version.name, prefix + version.name, need.file)
        for need in elf.verneeds
        if is_cxx_runtime(need.file)
        for version in need.versions
    )
    return ElfChanges(rename_versions=tuple(dict.fromkeys(renames)))
