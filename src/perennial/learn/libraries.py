"""Which files of a release are the libraries that wheels link to, and what each exports.

A library is known by its DT_SONAME, as the loader knows it: `libc-2.31.so` is libc.so.6. Only
files in the folders that every loader searches count (ld.so(8), and the multiarch folders of
Debian's glibc): a copy in /opt or a variant for newer processors (`glibc-hwcaps/`) is not what a
wheel can count on. The file's name only serves not to read what cannot be meant.
"""

from __future__ import annotations

import re
from functools import cache

from perennial.arch import Architecture
from perennial.elf.read import read_elf
from perennial.errors import ArchiveError, ElfFormatError
from perennial.knowledge import load_knowledge
from perennial.knowledge.snapshot import Export, sorted_exports, sorted_nodes
from perennial.knowledge.tables import NONE, read_table
from perennial.lean_typing import Final, NamedTuple
from perennial.learn.unversioned import versioned_only
from perennial.platform_tag import Libc

_FOLDERS: Final = re.compile(r"(usr/)?(lib|lib64|lib32|libx32)(/([a-z0-9_]+-linux-[a-z0-9]+|lp64d))?")


class LibraryFile(NamedTuple):
    """What one file says about itself."""

    soname: str
    architecture: Architecture
    build_id: str | None
    nodes: tuple[str, ...]
    exports: tuple[Export, ...]
    versioned_only: tuple[str, ...]


class Found(NamedTuple):
    """A library file, and where it was found."""

    path: str
    file: LibraryFile
    package: str  # "" where it was not found out
    version: str


class WantedLibrary(NamedTuple):
    """A library that is learned."""

    soname: str
    debian_packages: tuple[str, ...]


@cache
def wanted_libraries(libc: Libc) -> dict[str, WantedLibrary]:
    """The libraries that are learned of a release with a C library, by soname."""
    rows = read_table("learned_libraries.tsv", ("soname", "libc", "debian_packages"))
    return {
        soname: WantedLibrary(soname, () if packages == NONE else tuple(packages.split(" ")))
        for soname, of_libc, packages in rows
        if of_libc == libc.value
    }


def expected_sonames(libc: Libc, arch: Architecture) -> frozenset[str]:
    """The libraries whose absence from a release says something: those that tags allow, and once allowed.

    None for musl, whose releases have one or two of its many names for one file.
    """
    if libc is Libc.MUSL:
        return frozenset()
    return frozenset({"libcrypt.so.1", *load_knowledge().libraries(libc, arch.value)})


@cache
def _stems() -> frozenset[str]:
    return frozenset(stem for libc in Libc for soname in wanted_libraries(libc) for stem in _stems_of(soname))


def _stems_of(soname: str) -> tuple[str, ...]:
    """`libglib-2.0` of libglib-2.0.so.0; `ld` too of the dynamic linkers, which glibc installed as ld-2.31.so."""
    stem = soname.partition(".so")[0]
    return (stem, "ld") if stem.startswith("ld") else (stem,)


def may_be_wanted(path: str) -> bool:
    """Whether a file is worth reading, by its path alone."""
    folder, _, name = path.rpartition("/")
    if ".so" not in name or _FOLDERS.fullmatch(folder) is None:
        return False
    return any(name.startswith(stem) and name[len(stem) : len(stem) + 1] in ("-", ".") for stem in _stems())


def read_library(data: bytes, path: str, archive: str) -> LibraryFile | None:
    """What a file says; None where it is no library that is wanted."""
    if not data.startswith(b"\x7fELF"):
        return None  # a linker script, such as libc.so in development packages
    try:
        elf = read_elf(data, exports=True)
    except ElfFormatError as error:
        raise ArchiveError(str(error), archive=archive, member=path) from None
    soname = elf.soname or path.rpartition("/")[2]
    if elf.architecture is None or not elf.is_dynamic or not any(soname in wanted_libraries(libc) for libc in Libc):
        return None
    return LibraryFile(
        soname,
        elf.architecture,
        elf.build_id,
        sorted_nodes(node.name for node in elf.verdefs if not node.is_base),
        sorted_exports((symbol.name, symbol.version) for symbol in elf.exports or ()),
        versioned_only(data),
    )
