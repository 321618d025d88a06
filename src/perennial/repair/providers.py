"""Libraries that another wheel brings: what is in it, and where that is once it is installed."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping

from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from perennial.elf.stream import is_elf
from perennial.errors import ElfFormatError, UnreadableError
from perennial.lean_typing import Final, NamedTuple
from perennial.wheel.member import SITE_PACKAGES, Reading
from perennial.wheel.wheel import read_wheel

_PACKAGES: Final = ("site-packages", "dist-packages")
_MAGIC: Final = 64


class ProvidedLibrary(NamedTuple):
    """A library of another wheel. `folder` is where it is, below site-packages; None where that is not known."""

    soname: str
    folder: str | None
    versions: frozenset[str]  # the version nodes that it defines


class Provider(NamedTuple):
    """Another wheel, or an installed one, and its libraries by the names that they can be needed by."""

    source: str
    libraries: Mapping[str, ProvidedLibrary]


def read_provider(source: str) -> Provider:
    """`source` is a wheel's path, or the folder of an installed package. Raises `UnreadableError`."""
    found = _installed(source) if os.path.isdir(source) else _packed(source)
    libraries: dict[str, ProvidedLibrary] = {}
    for path, folder, elf in found:
        name = elf.soname or posixpath.basename(path)
        versions = frozenset(definition.name for definition in elf.verdefs)
        for each in (name, posixpath.basename(path)):
            libraries.setdefault(each, ProvidedLibrary(each, folder, versions))
    if not libraries:
        raise UnreadableError(f"{source}: there is no shared library in it")
    return Provider(source, libraries)


def _packed(source: str) -> Iterator[tuple[str, str | None, ElfFile]]:
    for member, elf in read_wheel(source, reading=Reading.ELF_FILES).elf_members:
        if elf.is_dynamic and not elf.is_program:
            folder = posixpath.dirname(member.location)
            inside = folder == SITE_PACKAGES or folder.startswith(f"{SITE_PACKAGES}/")
            yield member.path, folder.removeprefix(SITE_PACKAGES).lstrip("/") if inside else None, elf


def _installed(source: str) -> Iterator[tuple[str, str | None, ElfFile]]:
    for folder, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            elf = _read(path) if ".so" in name and not os.path.islink(path) else None
            if elf is not None and elf.is_dynamic and not elf.is_program:
                yield path.replace(os.sep, "/"), _below_packages(folder), elf


def _read(path: str) -> ElfFile | None:
    try:
        with open(path, "rb") as file:
            front = file.read(_MAGIC)
            return read_elf(front + file.read()) if is_elf(front) else None
    except ElfFormatError:
        return None
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}") from error


def _below_packages(folder: str) -> str | None:
    parts = os.path.abspath(folder).replace(os.sep, "/").split("/")
    for number in range(len(parts) - 1, -1, -1):
        if parts[number] in _PACKAGES:
            return "/".join(parts[number + 1 :])
    return None
