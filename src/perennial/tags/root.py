"""A root file system, looked at from outside: symbolic links lead where they would inside of it."""

from __future__ import annotations

import os

from perennial.errors import UnreadableError, printable
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.tags.libc_files import LARGEST, LibcVersion, libc_version
from perennial.tags.program import Program, read_program

_MOST_LINKS: Final = 40  # Linux, fs/namei.c, MAXSYMLINKS
_LIBRARY_FOLDERS: Final = ("lib", "lib64", "usr/lib", "usr/lib64", "lib32", "usr/lib32")


class FoundLibc(NamedTuple):
    """A C library's version, and the file inside the root that says so."""

    version: LibcVersion
    path: str


class Root(NamedTuple):
    """A folder that is `/` to what lies in it; "/" itself for this system."""

    folder: str

    def real(self, path: str) -> str | None:
        """The path inside the root, without links, that a path inside the root leads to; None where nothing is."""
        todo = [part for part in reversed(path.split("/")) if part]
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part == ".":
                continue
            if part == "..":
                del done[-1:]  # above a root there is the root
                continue
            outside = self.outside("/".join((*done, part)))
            try:
                target = os.readlink(outside)
            except FileNotFoundError:
                return None
            except OSError:
                done.append(part)  # not a link
                continue
            links += 1
            if links > _MOST_LINKS:
                return None
            if target.startswith("/"):
                done.clear()
            todo += [each for each in reversed(target.split("/")) if each]
        inside = "/".join(done)
        return inside if os.path.lexists(self.outside(inside)) else None

    def outside(self, path: str) -> str:
        """The path outside of a path inside."""
        return os.path.join(self.folder, path.lstrip("/"))

    def list(self, path: str) -> list[str]:
        """The names in a folder, sorted; none where there is no such folder."""
        real = self.real(path)
        if real is None:
            return []
        try:
            return sorted(os.listdir(self.outside(real)))
        except OSError:
            return []

    def read(self, path: str, most: int) -> bytes | None:
        """A regular file's content; None where there is none, and where it is larger than `most` bytes."""
        real = self.real(path)
        if real is None or not os.path.isfile(self.outside(real)):
            return None
        try:
            with open(self.outside(real), "rb") as file:
                data = file.read(most + 1)
        except OSError as error:
            raise UnreadableError(f"{printable(self.outside(real))}: {error.strerror}") from error
        return data if len(data) <= most else None


def find_libc(root: Root, program: Program) -> FoundLibc | None:
    """The C library that a dynamically linked program would be run with; None where it is not found or does not say."""
    libc, loader = program.libc, program.loader
    if libc is None or loader is None:
        return None
    real = root.real(loader)
    places = [] if real is None else [real]
    if libc is Libc.GLIBC:
        folders = [] if real is None else [real.rpartition("/")[0]]
        folders += [f"{folder}/{name}" for folder in ("lib", "usr/lib") for name in _multiarch(root, folder)]
        # libc first: loaders before 2.33 do not say which they are
        places = [f"{folder}/libc.so.6" for folder in dict.fromkeys((*folders, *_LIBRARY_FOLDERS))] + places
    for place in places:
        found = root.real(place)
        if found is None or not _same_kind(root.outside(found), program):
            continue
        data = root.read(found, LARGEST)
        version = None if data is None else libc_version(libc, data)
        if version is not None:
            return FoundLibc(version, found)
    return None


def find_loader(root: Root) -> str | None:
    """A dynamic loader of glibc or musl: what a root holds even where it has no program."""
    folders = [*_LIBRARY_FOLDERS, *(f"{each}/{name}" for each in ("lib", "usr/lib") for name in _multiarch(root, each))]
    for folder in folders:
        for name in root.list(folder):
            found = root.real(f"{folder}/{name}") if name.startswith(("ld-linux", "ld-musl-", "ld64.so")) else None
            if found is not None:
                return f"{folder}/{name}"
    return None


def _multiarch(root: Root, folder: str) -> list[str]:
    return [name for name in root.list(folder) if "-linux-" in name]


def _same_kind(path: str, program: Program) -> bool:
    """Whether a library is of the program's class, byte order and machine: roots may have several."""
    try:
        return read_program(path).abi[:3] == program.abi[:3]
    except UnreadableError:
        return False
