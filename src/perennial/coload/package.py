"""A wheel's files as a process would map them, and which of them an import loads."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Sequence
from functools import partial

from perennial.coload.library import Library, read_library
from perennial.coload.python_code import LARGEST_CODE, LoadingCode, read_code
from perennial.elf.stream import ElfCollector, is_elf, read_with
from perennial.errors import ElfFormatError
from perennial.lean_typing import Final, NamedTuple
from perennial.wheel.archive import Archive
from perennial.wheel.directory import Entry
from perennial.wheel.filename import WheelFilename
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.member import install_location

ENVIRONMENT: Final = "/env"  # where wheels are installed in simulated systems

# How CPython names extension modules (`importlib.machinery.EXTENSION_SUFFIXES`), any version and ABI.
_MODULE: Final = re.compile(r"^[^.]+\.(?:(?:cpython-|pypy)[^.]+\.|abi3\.|graalpy[^.]*\.)?so$")


class Root(NamedTuple):
    """A file that is loaded by itself: by an import statement, or by name through ctypes.

    `visible_to_all` is RTLD_GLOBAL; `asked_by` names the Python file that asks for that, or for the
    load, and is empty for plain imports. `certain` is whether importing that file does so.
    """

    path: str
    visible_to_all: bool
    asked_by: str
    certain: bool = True


class Package(NamedTuple):
    """What one wheel, or one installed distribution, brings into a process.

    `roots` are what it loads, in the order in which that is taken to happen: what Python code loads
    through ctypes first, then extension modules by their paths.
    """

    name: str
    libraries: tuple[Library, ...]
    roots: tuple[Root, ...]


def read_package(path: str, names: Container[str] | None = None, limits: ArchiveLimits | None = None) -> Package:
    """A wheel's libraries, with the linkage of `names` (None: of all).

    ELF files that cannot be read are left out: no loader takes them. Raises `WheelFilenameError` and
    `ArchiveError`.
    """
    wheel = WheelFilename.parse(os.path.basename(path))
    libraries: list[Library] = []
    code: list[LoadingCode] = []
    with Archive(path, limits or ArchiveLimits()) as archive:
        for entry in sorted(archive.entries, key=lambda entry: entry.header_offset):
            if entry.name.endswith(".py"):
                code += _read_code(archive, entry)
                continue
            collector: ElfCollector | None = None
            for chunk in archive.chunks(entry):
                if collector is None:
                    if not is_elf(chunk):
                        break
                    collector = ElfCollector(entry.size)
                collector.feed(chunk)
            if collector is None:
                continue
            place = f"{ENVIRONMENT}/{install_location(entry.name)}"
            library = _library(place, wheel.text, collector, partial(archive.chunks, entry), names)
            if library is not None:
                libraries.append(library)
    libraries.sort(key=lambda library: library.path)
    return Package(wheel.text, tuple(libraries), find_roots(libraries, code))


def _read_code(archive: Archive, entry: Entry) -> list[LoadingCode]:
    if entry.size > LARGEST_CODE:
        return []
    found = read_code(entry.name, b"".join(archive.chunks(entry)))
    return [] if found is None else [found]


def find_roots(libraries: Sequence[Library], code: Sequence[LoadingCode]) -> tuple[Root, ...]:
    """What a package's imports load: what its Python code asks for by name, then its extension modules.

    `sys.setdlopenflags` holds for every import that follows, in whatever file it stands: it counts for
    all of the package's modules.
    """
    by_name: dict[str, list[Library]] = {}
    for library in libraries:
        by_name.setdefault(library.path.rpartition("/")[2], []).append(library)
    flags = min(
        (one for one in code if one.sets_global_flags is not None),
        key=lambda one: (not one.flags_certain, one.path),
        default=None,
    )
    roots: dict[str, Root] = {}
    for one in sorted(code, key=lambda one: one.path):
        for call in one.calls:
            for library in by_name.get(call.file or "", ()):
                asked_by = f"{one.path}:{call.line}"
                roots.setdefault(library.path, Root(library.path, call.visible_to_all, asked_by, call.certain))
    plain = Root("", visible_to_all=False, asked_by="")
    if flags is not None:
        plain = Root("", True, f"{flags.path}:{flags.sets_global_flags}", flags.flags_certain)
    for library in libraries:
        if is_module(library):
            roots.setdefault(library.path, plain._replace(path=library.path))
    return tuple(roots.values())


def is_module(library: Library) -> bool:
    """Whether an import statement can load the file."""
    return _MODULE.match(library.path.rpartition("/")[2]) is not None and not library.path.rpartition("/")[
        2
    ].startswith("lib")


def _library(
    place: str, package: str, collector: ElfCollector, again: Callable[[], object], names: Container[str] | None
) -> Library | None:
    try:
        library, _ = read_with(
            lambda kept: read_library(kept, place, package, names),
            collector.source(),
            again,  # type: ignore[arg-type]
        )
    except ElfFormatError:
        return None
    return library if is_for_processes(library) else None


def is_for_processes(library: Library) -> bool:
    """Whether a process can map it into itself: not a program, and not an object file."""
    return library.elf.is_loadable and library.elf.is_dynamic and not library.elf.is_program
