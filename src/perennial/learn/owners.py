"""Which package a file belongs to, by the package manager's own records.

dpkg: `status` and `info/*.list` (dpkg(1)), and the `status.d` of images without dpkg;
apk: `lib/apk/db/installed`; pacman: `local/*/desc` and `files`; rpm: `rpmdb.sqlite`, whose rows are
the packages' headers. Older rpm databases (Berkeley DB, ndb) are not read.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Final, NamedTuple

from perennial.errors import ArchiveError
from perennial.learn.rpm import TAG_NAME, RpmHeader
from perennial.learn.stanzas import read_stanzas
from perennial.learn.tree import Tree


class Package(NamedTuple):
    """An installed package."""

    name: str
    version: str


UNKNOWN_PACKAGE: Final = Package("", "")


def find_owners(tree: Tree, archive: str) -> dict[str, Package]:
    """The packages of the tree's libraries, by path; what no record names is missing."""
    wanted = set(tree.libraries)
    names = {path.rpartition("/")[2] for path in wanted}
    owners: dict[str, Package] = {}
    for package, path in _records(tree, archive):
        if path.rpartition("/")[2] in names:
            place = tree.resolve(path)
            if place in wanted:
                owners.setdefault(place, package)
    return owners


def os_release(tree: Tree) -> str | None:
    """`debian:12`, by os-release(5); None where it does not say, as rolling releases do not."""
    for path in ("etc/os-release", "usr/lib/os-release"):
        fields = {}
        for line in _text(tree.documents.get(path, b"")).split("\n"):
            key, equals, value = line.partition("=")
            if equals:
                fields[key] = value.strip("\"'")
        if fields.get("ID") and fields.get("VERSION_ID"):
            return f"{fields['ID']}:{fields['VERSION_ID']}"
    return None


def _records(tree: Tree, archive: str) -> Iterator[tuple[Package, str]]:
    yield from _dpkg(tree)
    yield from _apk(tree)
    yield from _pacman(tree)
    for path, data in tree.documents.items():
        if path.endswith("/rpmdb.sqlite"):
            yield from _rpm(data, archive)


def _dpkg(tree: Tree) -> Iterator[tuple[Package, str]]:
    packages: dict[str, Package] = {}
    for path, data in tree.documents.items():
        if path == "var/lib/dpkg/status" or path.startswith("var/lib/dpkg/status.d/"):
            for stanza in read_stanzas(_text(data)):
                name, version = stanza.get("Package", ""), stanza.get("Version", "")
                packages[f"{name}:{stanza.get('Architecture', '')}"] = packages[name] = Package(name, version)
    for path, data in tree.documents.items():
        folder, _, file = path.rpartition("/")
        if folder == "var/lib/dpkg/info" and (package := packages.get(file.removesuffix(".list"))):
            for line in _text(data).split("\n"):
                yield package, line.lstrip("/")
        elif folder == "var/lib/dpkg/status.d" and file.endswith(".md5sums"):
            package = packages.get(file.removesuffix(".md5sums"), UNKNOWN_PACKAGE)
            for line in _text(data).split("\n"):
                yield package, line.partition("  ")[2]


def _apk(tree: Tree) -> Iterator[tuple[Package, str]]:
    for path in ("lib/apk/db/installed", "usr/lib/apk/db/installed"):
        name = version = folder = ""
        for line in _text(tree.documents.get(path, b"")).split("\n"):
            kind, value = line[:2], line[2:]
            if kind == "P:":
                name = value
            elif kind == "V:":
                version = value
            elif kind == "F:":
                folder = value
            elif kind == "R:":
                yield Package(name, version), f"{folder}/{value}"


def _pacman(tree: Tree) -> Iterator[tuple[Package, str]]:
    for path, data in tree.documents.items():
        folder, _, file = path.rpartition("/")
        if file != "files" or not folder.startswith("var/lib/pacman/"):
            continue
        about = _text(tree.documents.get(f"{folder}/desc", b"")).split("\n")
        values = dict(itertools.pairwise(about))
        package = Package(values.get("%NAME%", ""), values.get("%VERSION%", ""))
        for line in _text(data).split("\n"):
            yield package, line


def _rpm(data: bytes, archive: str) -> Iterator[tuple[Package, str]]:
    import sqlite3  # noqa: PLC0415 - some builds of Python lack it

    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        try:
            database.deserialize(_without_wal(data))
            blobs = database.execute("SELECT blob FROM Packages").fetchall()
        except sqlite3.Error as error:
            raise ArchiveError(f"its rpm database cannot be read: {error}", archive=archive) from error
    for (blob,) in blobs:
        header = RpmHeader.from_blob(bytes(blob), archive)
        package = Package(header.text(TAG_NAME), header.version)
        for path in header.files():
            yield package, path


def _without_wal(data: bytes) -> bytes:
    """A database in write-ahead mode cannot be opened from memory: the header is made to say otherwise.

    SQLite file format, 1.3.3: bytes 18 and 19 are 1 for a rollback journal and 2 for a write-ahead log.
    """
    return data[:18] + b"\1\1" + data[20:] if data[18:20] == b"\2\2" else data


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
