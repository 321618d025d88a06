"""What is installed in an environment: its distributions, each with its files, locally compiled ones included.

A file belongs to the distribution whose RECORD lists it (PyPA specification "Recording installed projects");
shared objects that no RECORD lists (development installs, what was copied there) belong to their top folder.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Container, Iterable, Iterator
from typing import Final

from perennial.coload.library import Library, read_library
from perennial.coload.package import Package, find_roots, is_for_processes
from perennial.coload.python_code import LARGEST_CODE, LoadingCode, read_code
from perennial.elf.stream import is_elf
from perennial.errors import ElfFormatError, printable

_LARGEST: Final = 4 << 30


class InstalledSource:
    """A distribution in a folder of packages; `files` are absolute paths."""

    def __init__(self, name: str, files: Iterable[str]) -> None:
        self.name: Final = name
        self._files: Final = tuple(sorted(files))
        self._digest = ""

    @property
    def has_libraries(self) -> bool:
        return any(".so" in path.rpartition("/")[2] for path in self._files)

    def digest(self) -> str:
        if not self._digest:
            total = hashlib.sha256()
            for path in self._files:
                total.update(f"{path}\0".encode("utf-8", "surrogateescape"))
                content = _read(path)
                total.update(b"-" if content is None else hashlib.sha256(content).digest())
            self._digest = total.hexdigest()
        return self._digest

    def read(self, names: Container[str] | None) -> Package:
        libraries: list[Library] = []
        code: list[LoadingCode] = []
        for path in self._files:
            content = _read(path)
            if content is None:
                continue
            if path.endswith(".py"):
                found = read_code(path.partition("/site-packages/")[2] or path, content)
                code += [] if found is None else [found]
            elif is_elf(content):
                try:
                    library = read_library(content, path, self.name, names)
                except ElfFormatError:
                    continue
                if is_for_processes(library):
                    libraries.append(library)
        return Package(self.name, tuple(libraries), find_roots(libraries, code))


def installed_sources(folders: Iterable[str]) -> Iterator[InstalledSource]:
    """The distributions in folders of packages that have libraries, by name; then what belongs to none."""
    for folder in folders:
        rest = set(_walk(folder))
        found = []
        for name in sorted(os.listdir(folder)):
            if name.endswith(".dist-info"):
                own = rest & set(_recorded(folder, name))
                rest -= own
                project, _, version = name.removesuffix(".dist-info").partition("-")
                found.append(InstalledSource(f"{printable(project)} {printable(version)}".strip(), own))
        left: dict[str, list[str]] = {}
        for path in rest:
            left.setdefault(os.path.relpath(path, folder).split(os.sep)[0], []).append(path)
        found += [InstalledSource(printable(top), paths) for top, paths in sorted(left.items())]
        yield from (source for source in found if source.has_libraries)


def _recorded(folder: str, dist_info: str) -> Iterator[str]:
    try:
        with open(os.path.join(folder, dist_info, "RECORD"), encoding="utf-8", errors="surrogateescape") as file:
            for row in csv.reader(file):
                if row:
                    yield os.path.normpath(os.path.join(folder, row[0]))
    except (OSError, csv.Error):
        return


def _walk(folder: str) -> Iterator[str]:
    """Files that take part: shared objects by name, and Python code."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            if ".so" in name or name.endswith(".py"):
                yield os.path.join(place, name)


def _read(path: str) -> bytes | None:
    """A file's content; None for what is gone, no plain file, or Python code too long to be read."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > (LARGEST_CODE if path.endswith(".py") else _LARGEST):
            return None
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
