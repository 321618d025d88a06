"""A folder of packages: .deb, .rpm and .apk files, told apart by their first bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from perennial.errors import ArchiveError, UnreadableError
from perennial.lean_typing import BinaryIO, Final, Protocol
from perennial.learn import apk, deb, rpm
from perennial.learn.libraries import Found
from perennial.learn.limits import Budget
from perennial.learn.members import Member
from perennial.learn.tree import Tree

ENDINGS: Final = (".deb", ".rpm", ".apk")


class PackageFile(Protocol):
    """What the three formats have in common."""

    name: str
    version: str

    def members(self) -> Iterator[Member]: ...


def package_paths(folder: Path) -> list[Path]:
    """The packages in a folder, sorted by path."""
    return sorted(path for path in folder.iterdir() if path.suffix in ENDINGS and path.is_file())


def read_packages(paths: list[Path]) -> Iterator[Found]:
    """The libraries in packages."""
    for path in paths:
        budget = Budget(str(path))
        with path.open("rb") as file:
            yield from libraries_of(open_package(file, budget), budget)


def open_package(file: BinaryIO, budget: Budget) -> PackageFile:
    """A package of any of the formats."""
    magic = file.read(8)
    file.seek(0)
    if magic.startswith(deb.MAGIC):
        return deb.Deb(file, budget)
    if magic.startswith(rpm.MAGIC):
        return rpm.Rpm(file, budget)
    if magic.startswith((b"\x1f\x8b", b"ADB")):
        return apk.Apk(file, budget)
    raise ArchiveError("is neither a Debian, an RPM nor an APK package", archive=budget.archive)


def libraries_of(package: PackageFile, budget: Budget) -> Iterator[Found]:
    """The libraries in one package."""
    tree = Tree(budget)
    try:
        tree.add_layer(package.members())
    except ArchiveError:
        raise
    except UnreadableError as error:
        raise ArchiveError(str(error), archive=budget.archive) from error
    for path, library in sorted(tree.libraries.items()):
        yield Found(path, library, package.name, package.version)
