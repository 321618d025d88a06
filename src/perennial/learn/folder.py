"""A root file system that lies in a folder: an unpacked image, a debootstrap, or this running system.

Only the loader's folders and the package manager's are looked into. Links are followed as if the folder
were the root, so that an absolute link in an unpacked image does not lead to this machine's libraries.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from perennial.errors import ArchiveError
from perennial.lean_typing import Final
from perennial.learn.limits import Budget
from perennial.learn.tree import Tree

_LIBRARY_FOLDERS: Final = ("lib", "lib64", "lib32", "libx32")
_DATABASES: Final = (
    *("etc", "var/lib/dpkg", "var/lib/dpkg/info", "var/lib/dpkg/status.d"),
    *("lib/apk/db", "usr/lib/apk/db", "var/lib/rpm", "usr/lib/sysimage/rpm"),
)


def read_folder(root: str, budget: Budget) -> Tree:
    """What is of interest below a folder."""
    tree = Tree(budget)
    walk = _Walk(root, tree, budget)
    for top in ("", "usr"):
        walk.folder(top)
        for name in _LIBRARY_FOLDERS:
            walk.library_folder(f"{top}/{name}".lstrip("/"))
    for path in _DATABASES:
        walk.folder(path)
    walk.pacman("var/lib/pacman/local")
    return tree


class _Walk:
    def __init__(self, root: str, tree: Tree, budget: Budget) -> None:
        self._root = root
        self._tree = tree
        self._budget = budget
        self._seen: set[str] = set()

    def folder(self, path: str) -> list[str]:
        """Reads the files and links of a folder; returns the folders in it."""
        self._links_to(path)
        place = self._tree.resolve(f"{path}/.")
        if place in self._seen:
            return []
        self._seen.add(place)
        try:
            entries = sorted(os.scandir(os.path.join(self._root, place)), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return []
        folders = []
        for entry in entries:
            self._budget.spend_entry()
            inner = f"{place}/{entry.name}".lstrip("/")
            if entry.is_symlink():
                self._tree.put_link(inner, os.readlink(entry.path))
            elif entry.is_dir(follow_symlinks=False):
                folders.append(inner)
            elif entry.is_file(follow_symlinks=False):
                self._tree.put_file(inner, self._reader(entry.path, inner))
        return folders

    def library_folder(self, path: str) -> None:
        """A folder of libraries, with the multiarch folders in it."""
        for inner in self.folder(path):
            name = inner.rpartition("/")[2]
            if "-linux-" in name or name == "lp64d":
                self.folder(inner)

    def pacman(self, path: str) -> None:
        for inner in self.folder(path):
            self.folder(inner)

    def _links_to(self, path: str) -> None:
        """Learns which parts of a path are links, so that the tree can resolve it."""
        parts = path.split("/") if path else []
        for end in range(1, len(parts) + 1):
            for _ in range(2):  # what a link leads to may be a link
                place = self._tree.resolve("/".join(parts[:end]))
                real = os.path.join(self._root, place)
                if not os.path.islink(real):
                    break
                self._tree.put_link(place, os.readlink(real))

    def _reader(self, path: str, name: str) -> Callable[[], bytes]:
        def read() -> bytes:
            # Between the listing and now anybody may have put a pipe or a link there.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(handle, "rb") as file:
                status = os.fstat(handle)
                largest = self._budget.limits.library
                if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
                    reason = f"is no plain file of up to {largest} bytes"
                    raise ArchiveError(reason, archive=self._root, member=name)
                data = file.read(largest + 1)
                self._budget.spend_bytes(len(data))
                return data

        return read
