"""The texts of the licences of what was grafted.

A wheel that carries somebody's library passes it on, and most licences ask that their text goes along. Package managers
know where it is: Debian's `copyright` files, what rpm packages mark %license. Texts go into `.dist-info/licenses`,
below a folder for the source package, each text once: the six libraries of krb5 share one.

What Debian's files only refer to, in /usr/share/common-licenses, stays there: texts of the GPL and its like are known
by their names, and for psycopg2 they would be as large as all others together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count

from perennial.lean_typing import NamedTuple
from perennial.system import Owners, Package, Root


class LicenceText(NamedTuple):
    """A text, and whose it is; `path` is relative to `.dist-info/licenses/`."""

    path: str
    content: bytes
    packages: tuple[Package, ...]


def licence_texts(root: Root, owners: Owners, packages: Iterable[Package]) -> tuple[LicenceText, ...]:
    """The texts for some packages, sorted by path; packages without any are not among their owners."""
    texts = _Texts()
    for package in sorted(set(packages)):
        for path in owners.licences(package):
            if (content := root.read(path)) is not None:
                texts.add(package, (package.source or package.name, package.name), path, content)
    return texts.found()


class _Texts:
    def __init__(self) -> None:
        self._texts: dict[str, LicenceText] = {}

    def add(self, package: Package, folders: tuple[str, ...], place: str, content: bytes) -> None:
        """One more owner for a text, or one more text, in the first of the folders that has no other of its name."""
        name = place.rpartition("/")[2]
        for path in _paths(folders, name):
            known = self._texts.get(path, LicenceText(path, content, ()))
            if known.content == content:
                self._texts[path] = known._replace(packages=tuple(dict.fromkeys((*known.packages, package))))
                return

    def found(self) -> tuple[LicenceText, ...]:
        return tuple(text for _, text in sorted(self._texts.items()))


def _paths(folders: tuple[str, ...], name: str) -> Iterator[str]:
    for folder in folders:
        yield f"{_folder(folder)}/{name}"
    for number in count(2):
        yield f"{_folder(folders[0])}/{number}-{name}"


def _folder(name: str) -> str:
    """A package's name as one part of a path; it comes from a database, and those of packages are harmless."""
    return re.sub(r"[^A-Za-z0-9.+_-]", "_", name).lstrip(".") or "unnamed"
