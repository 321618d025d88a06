"""A libstdc++ of a wheel's own, beside those of others in the same process.

Three things of libstdc++ are shared by all of a process, even where each extension module is loaded for itself:

- its soname: the first library of a name serves all. A graft has a unique one anyway;
- its version nodes: a library in the global scope (LD_PRELOAD, a program that is linked with it) would meet a
  reference to std::foo@GLIBCXX_3.4.21 first. With other names for the nodes it cannot;
- symbols of binding STB_GNU_UNIQUE, of which glibc's loader has one table for the whole process (elf/dl-lookup.c,
  `do_lookup_unique`). They become ordinary global ones, in the copy and in those that use it.

What crosses from one wheel to another then meets another copy, and nobody promises that it works there. An exception
is caught by its type's name, but each copy counts for itself: std::uncaught_exceptions() is wrong afterwards.
"""

from __future__ import annotations

import re
from typing import Final

from perennial.elf.edit import ElfChanges, VersionRename
from perennial.elf.model import ElfFile

SONAME: Final = "libstdc++.so.6"
_PREFIX: Final = "PERENNIAL_"
_RUNTIME: Final = re.compile(r"libstdc\+\+\.so\.[0-9]+")


def is_cxx_runtime(soname: str) -> bool:
    return _RUNTIME.fullmatch(soname) is not None


def private_copy(elf: ElfFile) -> ElfChanges:
    """What makes a libstdc++ private."""
    names = (each.name for each in elf.verdefs if not each.is_base)
    return ElfChanges(
        rename_versions=tuple(VersionRename(name, _PREFIX + name) for name in names), unique_to_global=True
    )


def for_private_copy(elf: ElfFile, sonames: frozenset[str]) -> ElfChanges:
    """What makes a file use one; `sonames` are the names under which it needs that."""
    needs = [need for need in elf.verneeds if need.file in sonames]
    return ElfChanges(
        rename_versions=tuple(
            VersionRename(version.name, _PREFIX + version.name, need.file)
            for need in needs
            for version in need.versions
        ),
        unique_to_global=True,
    )
