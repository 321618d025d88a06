"""What is installed in an environment: its distributions, each with its files, locally compiled ones included.

A file belongs to the distribution whose RECORD lists it (PyPA specification "Recording installed projects"), or
whose folder it was installed from to be edited there; shared objects of which neither is true (what was copied
there, what distributions package without RECORD) belong to their top folder.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Container, Iterable, Iterator
from urllib.parse import unquote

from perennial.coload.library import Library, read_library
from perennial.coload.package import Package, find_roots, is_for_processes
from perennial.coload.python_code import LARGEST_CODE, LoadingCode, read_code
from perennial.elf.stream import is_elf
from perennial.errors import ElfFormatError, UnreadableError, printable
from perennial.lean_typing import Final

_LARGEST: Final = 4 << 30


class InstalledSource:
    """A distribution; `files` are absolute paths, of shared objects and Python code."""

    def __init__(self, name: str, project: str, files: Iterable[str]) -> None:
        self.name: Final = name
        self.project: Final = project
        self.files: Final = tuple(sorted(files))
        self._digest = ""

    @property
    def has_libraries(self) -> bool:
        return any(".so" in path.rpartition("/")[2] for path in self.files)

    def digest(self) -> str:
        if not self._digest:
            total = hashlib.sha256()
            for path in self.files:
                total.update(f"{path}\0".encode("utf-8", "surrogateescape"))
                content = _read(path)
                total.update(b"-" if content is None else hashlib.sha256(content).digest())
            self._digest = total.hexdigest()
        return self._digest

    def read(self, names: Container[str] | None) -> Package:
        libraries: list[Library] = []
        code: list[LoadingCode] = []
        for path in self.files:
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
    """The distributions with libraries in folders from which a Python imports, by name; then what belongs to none.

    Raises `UnreadableError` for a folder that cannot be listed.
    """
    taken: set[str] = set()
    projects: set[str] = set()
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            raise UnreadableError(f"{folder}: {error.strerror}") from error
        rest = set(_walk(folder)) - taken
        found = []
        for name in names:
            if name.endswith(".dist-info"):
                own = rest & set(_recorded(folder, name))
                place = _edited_in_place(folder, name)
                own |= set() if place is None else set(_walk(place)) - taken
                rest -= own
                taken |= own
                project, _, version = name.removesuffix(".dist-info").partition("-")
                found.append(InstalledSource(f"{printable(project)} {printable(version)}".strip(), project, own))
        taken |= rest
        for top, paths in sorted(_by_top(rest, folder).items()):
            found.append(InstalledSource(printable(top), top.partition(".")[0], paths))
        # Of a project that is in two folders, the first is imported.
        yield from (source for source in found if source.has_libraries and source.project not in projects)
        projects.update(source.project for source in found)


def _by_top(paths: Iterable[str], folder: str) -> dict[str, list[str]]:
    """Files by the first part of their path in a folder. In a project's own folder, which is no folder of packages,
    only what can be imported there: not its `build`.
    """
    tops: dict[str, list[str]] = {}
    for path in paths:
        tops.setdefault(os.path.relpath(path, folder).split(os.sep)[0], []).append(path)
    if os.path.basename(folder) in ("site-packages", "dist-packages"):
        return tops
    return {
        top: files
        for top, files in tops.items()
        if os.path.isfile(os.path.join(folder, top)) or os.path.isfile(os.path.join(folder, top, "__init__.py"))
    }


def _edited_in_place(folder: str, dist_info: str) -> str | None:
    """The project's folder of an editable install (PyPA specification "Recording the Direct URL Origin"); None for
    others.
    """
    try:
        with open(os.path.join(folder, dist_info, "direct_url.json"), encoding="utf-8") as file:
            origin = json.load(file)
        is_editable = origin["dir_info"]["editable"] is True
        scheme, _, place = origin["url"].partition("://")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return unquote(place) if is_editable and scheme == "file" else None


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
        folders[:] = [name for name in folders if not _is_left_out(place, name)]
        for name in names:
            path = os.path.join(place, name)
            if (".so" in name or name.endswith(".py")) and os.path.isfile(path):  # no pipe, on which one would wait
                yield path


# What setuptools compiles on the way to where it puts it: build/lib.linux-x86_64-cpython-312
_ON_THE_WAY: Final = re.compile(r"(lib|temp|bdist)\..+")


def _is_left_out(place: str, name: str) -> bool:
    """What nobody imports from, and other environments that lie in a project's folder."""
    if name == "__pycache__" or (os.path.basename(place) == "build" and _ON_THE_WAY.fullmatch(name)):
        return True
    return os.path.isfile(os.path.join(place, name, "pyvenv.cfg"))


def _read(path: str) -> bytes | None:
    """A file's content; None for what is gone, no plain file, or Python code too long to be read."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > (LARGEST_CODE if path.endswith(".py") else _LARGEST):
            return None
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
