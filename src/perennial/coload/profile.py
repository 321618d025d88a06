"""What a process has before any package: the interpreter, the C library, and what the system offers.

Which of a wheel's references a library of the system takes, and which it gives away itself, depends on
that library's build. What the releases of Debian have is shipped (`knowledge/data/linkage/`, one file
an architecture, one line a release), so that a verdict is the same on every machine; `on_this_system`
(profile_here.py) reads a real root instead.

The interpreter matters, for its libraries are searched before everything else. A distribution's links
zlib and expat; those that people build or download themselves (pyenv, python-build-standalone, the
`python` images) have nothing but the C library in the process.
"""

from __future__ import annotations

import json
import lzma
import os
from collections.abc import Iterable, Iterator, Mapping

from perennial.arch import ElfAbi
from perennial.coload.library import Library
from perennial.coload.library_format import decode_library
from perennial.elf.dynamic_symbols import NO_SYMBOLS
from perennial.elf.linkage import Linkage
from perennial.elf.model import ElfFile, ElfType, StackPermission
from perennial.errors import KnowledgeError, UsageError, printable
from perennial.knowledge.tables import DATA, numbers
from perennial.lean_typing import Any, Final, NamedTuple

FOLDER: Final = "linkage"
SUFFIX: Final = ".jsonl.xz"
_NEXT: Final = "debian:testing"


class Profile(NamedTuple):
    """A system: `program` is the interpreter, `libraries` what it has by soname."""

    name: str  # "Debian 12"
    architecture: str
    glibc: tuple[int, int]
    program: Library
    libraries: Mapping[str, Library]


# What glibc is made of; up to 2.33 the small ones were libraries of their own, which an interpreter links.
C_LIBRARY: Final = ("libpthread.so.0", "libdl.so.2", "libutil.so.1", "librt.so.1", "libm.so.6", "libc.so.6")


def is_c_library(name: str) -> bool:
    """Whether it is a part of glibc, by soname."""
    return name in C_LIBRARY or name.startswith(("ld-linux", "ld64.so", "libresolv.so", "libanl.so"))


def names_of_interest(profile: Profile) -> frozenset[str]:
    """Symbols that the system's libraries and the interpreter define or ask for: of others, no reference can
    lead from a package to the system or from the system into a package.
    """
    names: set[str] = set()
    for library in (profile.program, *profile.libraries.values()):
        names.update(library.linkage.definitions)
        names.update(reference.name for reference in library.linkage.references)
    return frozenset(names)


def shipped_releases(architecture: str) -> tuple[str, ...]:
    """The releases of which linkage is shipped: `debian:12`, oldest first."""
    return tuple(release for release, _ in _lines(architecture))


def load_profile(release: str | None, architecture: str, *, standalone: bool = False) -> Profile:
    """The profile of a shipped release, None for the newest stable one (where the architecture is in none yet: the
    next one).

    With `standalone` the interpreter has nothing but the C library. Raises `UsageError` for a release or
    an architecture that is not shipped.
    """
    lines = dict(_lines(architecture))
    if not lines:
        raise UsageError(
            f"no system's libraries are shipped for {printable(architecture)}; --on ROOT reads a real one's"
        )
    name = max(lines, key=lambda name: (_version(name), name == _NEXT)) if release is None else release
    if name not in lines:
        raise UsageError(f"nothing is shipped about {printable(name)} on {architecture}; there are: {', '.join(lines)}")
    try:
        record = json.loads(lines[name])
        return read_profile(record, architecture, standalone=standalone)
    except (ValueError, KeyError, TypeError) as error:
        raise KnowledgeError(f"{FOLDER}/{architecture}{SUFFIX}: {name} cannot be read: {error}") from error


def read_profile(record: Mapping[str, Any], architecture: str, *, standalone: bool = False) -> Profile:
    """The profile of a record, as `scripts/make_linkage.py` writes it."""
    libraries = {each["soname"]: decode_library(each, None) for each in record["libraries"]}
    program = decode_library(record["program"], None)
    if standalone:
        program = standalone_program(program.elf.abi, libraries)
    major, minor = numbers(record["glibc"])
    return Profile(record["title"], architecture, (major, minor), program, libraries)


def standalone_program(abi: ElfAbi, libraries: Iterable[str]) -> Library:
    """An interpreter that needs the C library and exports nothing that matters."""
    there = set(libraries)
    elf = ElfFile(
        abi=abi, os_abi=0, type=ElfType.EXECUTABLE, is_dynamic=True, interpreter="ld.so", soname=None,
        needed=tuple(name for name in C_LIBRARY if name in there), rpath=None, runpath=None, verneeds=(),
        verdefs=(), undefined=NO_SYMBOLS, exports=None, export_hashes=None,
        flags=0, flags_1=0, has_text_relocations=False, has_relr=False,
        stack=StackPermission.NOT_EXECUTABLE, tls=None, build_id=None, x86_isa_needed=0, x86_isa_used=0,
    )  # fmt: skip
    return Library("/usr/local/bin/python3", None, elf, Linkage({}, (), is_versioned=False), symbolic=False)


def _lines(architecture: str) -> Iterator[tuple[str, str]]:
    """(release, JSON) of what is shipped for an architecture."""
    if not architecture.isidentifier():  # it becomes a part of a path
        return
    path = os.path.join(DATA, FOLDER, f"{architecture}{SUFFIX}")
    try:
        with lzma.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                release, _, record = line.partition("\t")
                yield release, record
    except FileNotFoundError:
        return
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise KnowledgeError(f"{path}: {error}") from error


def _version(release: str) -> tuple[int, ...]:
    """The number of a stable release; () of one that has none."""
    number = release.partition(":")[2]
    return numbers(number) if number.replace(".", "").isdigit() else ()
