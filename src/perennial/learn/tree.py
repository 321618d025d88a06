"""A root file system, as far as it matters here: libraries, links, and the package manager's files.

It is built from one layer or several. Layers follow the OCI image specification, "Image Layer
Filesystem Changeset": a later layer's entry replaces an earlier one's, `.wh.NAME` removes NAME
and all below it, `.wh..wh..opq` removes what earlier layers put into a folder. Folders that are
links (`/lib` to `usr/lib`, in all merged-/usr systems) are followed, inside the root and in a bounded
number of steps, so that each file has one path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from perennial.errors import ArchiveError
from perennial.lean_typing import Any, Final, TypeVar
from perennial.learn.libraries import LibraryFile, may_be_wanted, read_library
from perennial.learn.limits import Budget
from perennial.learn.members import Kind, Member

_MOST_LINKS: Final = 40  # MAXSYMLINKS, as Linux has it
_DEEPEST_LINK: Final = 5  # parts of a path; folders of libraries and databases lie no deeper
_Kept = TypeVar("_Kept")
_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_DOCUMENTS: Final = re.compile(
    r"(usr/lib|etc)/os-release"
    r"|var/lib/dpkg/(status|status\.d/[^/]+|info/[^/]+\.list|diversions)"
    r"|(usr/)?lib/apk/db/installed"
    r"|(var/lib/rpm|usr/lib/sysimage/rpm)/(rpmdb\.sqlite|Packages(\.db)?)"
    r"|var/lib/pacman/local/[^/]+/(desc|files)"
)


class Tree:
    """What was kept of a root file system; paths are without the leading slash."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._libraries: dict[str, LibraryFile] = {}
        self._documents: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._tables: tuple[dict[str, Any], ...] = (self._libraries, self._documents, self._links)
        self._folders: set[str] = set()  # all that have something below them that was kept
        self._fresh: set[str] = set()  # what the newest layer has put there

    @property
    def documents(self) -> dict[str, bytes]:
        """The package manager's files and os-release."""
        return self._documents

    @property
    def libraries(self) -> dict[str, LibraryFile]:
        """The libraries that are wanted, by path."""
        return self._libraries

    def resolve(self, path: str) -> str:
        """A path none of whose folders is a link; what it ends in may be one."""
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
            target = self._links.get("/".join(done)) if todo else None
            if target is None:
                continue
            steps += 1
            if steps > _MOST_LINKS:
                raise ArchiveError("its links lead in circles", archive=self._budget.archive, member=path)
            if target.startswith("/"):
                done.clear()
            else:
                done.pop()
            todo += target.split("/")[::-1]
        return "/".join(done)

    def add_layer(self, members: Iterable[Member]) -> None:
        """Adds a layer; whiteouts act on earlier layers only, wherever in the layer they stand."""
        self._fresh = set()
        for member in members:
            folder, slash, name = member.name.rpartition("/")
            if name == _OPAQUE:
                self._forget(self.resolve(f"{folder}/."), itself=False)
            elif name.startswith(_WHITEOUT):
                self._forget(self.resolve(f"{folder}{slash}{name.removeprefix(_WHITEOUT)}"), itself=True)
            elif member.kind is Kind.DIRECTORY:
                self._forget_itself(self.resolve(member.name))  # a folder, where an earlier layer has a link or a file
            else:
                path = self.resolve(member.name)
                self._forget(path, itself=True)
                self._put(path, member)

    def put_file(self, path: str, read: Callable[[], bytes]) -> None:
        """Adds a file, if it is of interest."""
        if _DOCUMENTS.fullmatch(path):
            self._keep(self._documents, path, read())
        elif may_be_wanted(path):
            library = read_library(read(), path, self._budget.archive)
            if library is not None:
                self._keep(self._libraries, path, library)

    def put_link(self, path: str, target: str) -> None:
        """Adds a symbolic link, if a library's folder could be behind it."""
        if path.count("/") < _DEEPEST_LINK:
            self._keep(self._links, path, target)

    def _put(self, path: str, member: Member) -> None:
        if member.kind is Kind.FILE:
            self.put_file(path, member.read)
        elif member.kind is Kind.SYMLINK:
            self.put_link(path, member.target)
        elif member.kind is Kind.HARD_LINK:
            other = self.resolve(member.target)
            if other in self._libraries:
                self._keep(self._libraries, path, self._libraries[other])
            elif other in self._documents:
                self._keep(self._documents, path, self._documents[other])

    def _keep(self, table: dict[str, _Kept], path: str, value: _Kept) -> None:
        for other in self._tables:
            other.pop(path, None)  # an archive may have a name twice: the later one holds
        table[path] = value
        self._fresh.add(path)
        folder = path.rpartition("/")[0]
        while folder not in self._folders:
            self._folders.add(folder)
            folder = folder.rpartition("/")[0]

    def _forget(self, path: str, *, itself: bool) -> None:
        """Removes what earlier layers put below a path, and what they put there itself."""
        if itself:
            self._forget_itself(path)
        if path not in self._folders:
            return
        below = f"{path}/" if path else ""
        for table in self._tables:
            for name in [name for name in table if name.startswith(below) and name not in self._fresh]:
                del table[name]

    def _forget_itself(self, path: str) -> None:
        """Removes what earlier layers put at a path."""
        if path not in self._fresh:
            for table in self._tables:
                table.pop(path, None)
