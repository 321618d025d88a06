"""Which package each library of a tree is from, by the package managers' records (`perennial.system`)."""

from __future__ import annotations

from perennial.lean_typing import Final
from perennial.learn.tree import Tree
from perennial.system.os_release import read_os_release
from perennial.system.owners import databases
from perennial.system.package import Package

UNKNOWN_PACKAGE: Final = Package("", "")


class _Documents:
    """The documents of a tree, as the readers of databases want them."""

    def __init__(self, tree: Tree, archive: str) -> None:
        self.name = archive
        self._documents = tree.documents
        self._names: dict[str, set[str]] = {}
        for path in tree.documents:
            folder, _, name = path.rpartition("/")
            self._names.setdefault(folder, set()).add(name)
            above, _, inner = folder.rpartition("/")
            self._names.setdefault(above, set()).add(inner)

    def names(self, folder: str) -> tuple[str, ...]:
        return tuple(sorted(self._names.get(folder, ())))

    def read(self, path: str) -> bytes | None:
        return self._documents.get(path)


def find_owners(tree: Tree, archive: str) -> dict[str, Package]:
    """The packages of the tree's libraries, by path; what no record names is missing."""
    wanted = set(tree.libraries)
    names = {path.rpartition("/")[2] for path in wanted}
    owners: dict[str, Package] = {}
    for database in databases(_Documents(tree, archive)).values():
        for claim in database.claims(names):
            place = tree.resolve(claim.path)
            if place in wanted:
                owners.setdefault(place, claim.package)
    return owners


def os_release(tree: Tree) -> str | None:
    """`debian:12`, by os-release(5); None where it does not say, as rolling releases do not."""
    found = read_os_release(_Documents(tree, ""))
    return f"{found.id}:{found.version_id}" if found.id and found.version_id else None
