"""A folder as a root file system.

A sysroot is full of absolute links: `lib/x86_64-linux-gnu/libz.so -> /lib/…` in it means the sysroot's own
/lib. The kernel follows them so after chroot(2); here they are followed step by step, and `..` of the root
is the root, so that nothing in the folder leads to the libraries of the machine that it lies on.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable

from perennial.errors import ArchiveError
from perennial.lean_typing import Final, Protocol

_MOST_LINKS: Final = 40  # MAXSYMLINKS, as Linux has it
_LARGEST_FILE: Final = 512 << 20  # an rpm database of a full desktop has some 200 MiB


class Files(Protocol):
    """What the readers of package databases ask of a root file system. Paths are without the leading slash."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def names(self, folder: str) -> tuple[str, ...]:
        """What lies in a folder, sorted; nothing where there is no such folder."""

    def read(self, path: str) -> bytes | None:
        """A file's content; None where there is no such file."""


class Root:
    """A root file system that lies in a folder; `/` is this machine's own.

    Paths that methods take are inside the root, with or without the leading slash; those that they return have it.
    What a link leads to is remembered: a Root is for a time in which nobody moves the system's folders around.
    """

    def __init__(self, folder: str) -> None:
        self.name = folder
        self._folder = os.path.abspath(folder)
        self._links: dict[str, str | None] = {}

    def resolve(self, path: str) -> str:
        """The path without links, `.` and `..`, whether or not there is something.

        OSError (ELOOP) where links go in circles.
        """
        done: list[str] = []
        todo = path.split("/")[::-1]
        steps = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                del done[-1:]  # as the kernel has it, / is its own parent
                continue
            done.append(part)
            target = self._link("/".join(done))
            if target is None:
                continue
            steps += 1
            if steps > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            if target.startswith("/"):
                done.clear()
            else:
                done.pop()
            todo += target.split("/")[::-1]
        return "/" + "/".join(done)

    def outside(self, path: str) -> str:
        """The path, links resolved, by which this machine opens the file; OSError as for `resolve`."""
        return os.path.join(self._folder, self.resolve(path)[1:])

    def inside(self, path: str) -> str | None:
        """The path inside the root of a path of this machine; None where it lies outside."""
        absolute = os.path.abspath(path)
        folder = self._folder.rstrip(os.sep)
        if absolute != folder and not absolute.startswith(folder + os.sep):
            return None
        return "/" + absolute[len(folder) :].replace(os.sep, "/").lstrip("/")

    def is_file(self, path: str) -> bool:
        """Whether there is a regular file, behind links or not."""
        try:
            return stat.S_ISREG(os.lstat(self.outside(path)).st_mode)
        except (OSError, ValueError):  # ValueError: a name with a NUL
            return False

    def names(self, folder: str) -> tuple[str, ...]:
        """What lies in a folder, sorted; nothing where there is no such folder, or it may not be looked into."""
        try:
            return tuple(sorted(os.listdir(self.outside(folder))))
        except (OSError, ValueError):
            return ()

    def read(self, path: str) -> bytes | None:
        """A regular file's content; None where there is none.

        ArchiveError where it is larger than 512 MiB or cannot be read.
        """
        if not self.is_file(path):
            return None
        try:
            with open(self.outside(path), "rb") as file:
                if os.fstat(file.fileno()).st_size > _LARGEST_FILE:
                    raise ArchiveError(f"is larger than {_LARGEST_FILE} bytes", archive=self.name, member=path)
                # read(n) would allocate n bytes first: half a gigabyte for each of a thousand small files.
                return file.read()
        except OSError as error:
            raise ArchiveError(f"cannot be read: {error.strerror}", archive=self.name, member=path) from error

    def spellings(self, path: str) -> tuple[str, ...]:
        """A resolved path, and the others that lead to it through links at the top: `/lib/x` to `/usr/lib/x`.

        Package managers record the path that the package has, and merged /usr came later than many packages.
        """
        found = [path]
        for name in self._top_links():
            target = self.resolve(name)
            if path.startswith(f"{target}/"):
                found.append(f"/{name}{path.removeprefix(target)}")
        return tuple(found)

    def _top_links(self) -> Iterable[str]:
        return [name for name in self.names("") if self._link(name) is not None]

    def _link(self, path: str) -> str | None:
        if path not in self._links:
            try:
                self._links[path] = os.readlink(os.path.join(self._folder, path)).replace(os.sep, "/")
            except (OSError, ValueError):  # no link, or nothing at all
                self._links[path] = None
        return self._links[path]
