"""Everything that a system has, grafted: each library under a new name, each need of it following.

That is what repair does to the few libraries of a wheel. C libraries stay what they are: a process has
one. What a library is called and needs is asked of pyelftools, not of perennial.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from perennial.elf.edit import ElfChanges, SearchPath

# What glibc installs, by the part of the name before ".so" or "-2".
_GLIBC: Final = frozenset(
    {
        *("ld-linux", "ld-linux-x86-64", "ld-linux-armhf", "ld-linux-aarch64", "ld-linux-riscv64-lp64d", "ld64", "ld"),
        *("libBrokenLocale", "libSegFault", "libanl", "libc", "libc_malloc_debug", "libdl", "libm", "libmemusage"),
        *("libmvec", "libnsl", "libpcprofile", "libpthread", "libresolv", "librt", "libthread_db", "libutil"),
        *("libnss_compat", "libnss_dns", "libnss_files", "libnss_hesiod", "libnss_nis", "libnss_nisplus"),
    }
)


class Library(NamedTuple):
    """A shared library: what it is called and what it needs, by soname."""

    path: Path
    soname: str
    needed: tuple[str, ...]


class Grafts(NamedTuple):
    """The edited libraries by their new names, and the new names by the old."""

    names: Mapping[str, str]
    contents: Mapping[str, bytes]
    changes: Mapping[str, ElfChanges]  # by new name


def is_of_glibc(soname: str) -> bool:
    """Does the C library bring it? A process has one C library."""
    return soname.partition(".so")[0] in _GLIBC


def libraries_in(folders: Iterable[Path]) -> list[Library]:
    """Every library that has a soname and is not the C library's, each once; links are left out."""
    found: dict[str, Library] = {}
    for folder in dict.fromkeys(folder.resolve() for folder in folders if folder.is_dir()):
        for path in sorted(folder.glob("*.so*")):
            library = None if path.is_symlink() or not path.is_file() else read_library(path)
            if library is not None and not is_of_glibc(library.soname):
                found.setdefault(library.soname, library)
    return list(found.values())


def read_library(path: Path) -> Library | None:
    """By pyelftools; None for what is no shared library with a soname: linker scripts, plugins."""
    with path.open("rb") as file:
        try:
            segments = list(ELFFile(file).iter_segments("PT_DYNAMIC"))
        except ELFError:
            return None
        soname, needed = None, []
        for segment in segments:
            assert isinstance(segment, DynamicSegment)
            tag: Any  # pyelftools gives it attributes by its kind
            for tag in segment.iter_tags():
                if tag.entry.d_tag == "DT_SONAME":
                    soname = tag.soname
                elif tag.entry.d_tag == "DT_NEEDED":
                    needed.append(tag.needed)
    return None if soname is None else Library(path, soname, tuple(needed))


def new_name(soname: str) -> str:
    """libz.so.1 -> libz-6f1e2a3b.so.1"""
    stem, _, rest = soname.partition(".so")
    return f"{stem}-{hashlib.sha256(soname.encode()).hexdigest()[:8]}.so{rest}"


def graft(libraries: Iterable[Library], edit: Callable[[bytes, ElfChanges], bytes]) -> Grafts:
    """Renames all of them, and all their needs of each other; they find each other beside themselves."""
    chosen = list(libraries)
    names = {library.soname: new_name(library.soname) for library in chosen}
    contents, changes = {}, {}
    for library in chosen:
        name = names[library.soname]
        changes[name] = ElfChanges(
            soname=name,
            rename_needed=tuple(sorted((old, names[old]) for old in library.needed if old in names)),
            search_path=SearchPath("$ORIGIN", runpath=True),
        )
        contents[name] = edit(library.path.read_bytes(), changes[name])
    return Grafts(names, contents, changes)
