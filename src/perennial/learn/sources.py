"""What a source is, by what lies there, and reading it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from perennial.arch import Architecture
from perennial.errors import UnreadableError, UsageError
from perennial.knowledge.snapshot import Snapshot
from perennial.lean_typing import Final, NamedTuple
from perennial.learn.assemble import assemble
from perennial.learn.folder import read_folder
from perennial.learn.image import FolderFiles, TarFiles, is_image_folder, is_image_member, read_image
from perennial.learn.libraries import Found
from perennial.learn.limits import Budget
from perennial.learn.owners import UNKNOWN_PACKAGE, find_owners, os_release
from perennial.learn.packages import ENDINGS, package_paths, read_packages
from perennial.learn.streams import ByteReader, decompressed, file_chunks
from perennial.learn.tar import read_tar
from perennial.learn.tree import Tree


class Request(NamedTuple):
    """What a source is to be learned as.

    `release` None takes what the source's os-release says, `architecture` None the one that
    most of its libraries are of.
    """

    release: str | None
    architecture: Architecture | None
    date: str  # ISO 8601
    kind: str


_PEEKED_MEMBERS: Final = 3


def learn_path(path: Path, request: Request) -> Snapshot:
    """What a root file system, an image or packages at a path provide."""
    if not path.exists():
        raise UnreadableError(f"{path}: there is no such file or folder")
    if path.is_dir():
        if is_image_folder(path):
            budget = Budget(str(path))
            return _from_tree(read_image(FolderFiles(path), request.architecture, budget), path, request)
        packages = package_paths(path)
        if packages:
            return _from_packages(packages, path, request)
        return _from_tree(read_folder(str(path), Budget(str(path))), path, request)
    if path.suffix in ENDINGS:
        return _from_packages([path], path, request)
    return _from_tree(_read_archive(path, request), path, request)


def _read_archive(path: Path, request: Request) -> Tree:
    if _holds_image(path):
        budget = Budget(str(path))
        with path.open("rb") as file, TarFiles(file, budget) as files:
            return read_image(files, request.architecture, budget)
    budget = Budget(str(path))
    tree = Tree(budget)
    with path.open("rb") as file:
        tree.add_layer(read_tar(ByteReader(decompressed(file_chunks(file), budget), str(path)), budget))
    return tree


def _holds_image(path: Path) -> bool:
    budget = Budget(str(path))
    with path.open("rb") as file:
        members = read_tar(ByteReader(decompressed(file_chunks(file), budget), str(path)), budget)
        names = [member.name for _, member in zip(range(_PEEKED_MEMBERS), members, strict=False)]
    return any(is_image_member(name) for name in names)


def _from_tree(tree: Tree, path: Path, request: Request) -> Snapshot:
    release = request.release or os_release(tree)
    if release is None:
        raise UsageError(f"{path} does not say which release it is: name it with --as, such as --as debian:13")
    return _assembled(_found(tree, str(path)), path, request, release)


def _from_packages(paths: list[Path], path: Path, request: Request) -> Snapshot:
    if request.release is None:
        raise UsageError("packages do not say which release they are of: name it with --as, such as --as debian:13")
    return _assembled(read_packages(paths), path, request, request.release)


def _assembled(found: Iterator[Found], path: Path, request: Request, release: str) -> Snapshot:
    return assemble(
        found,
        release=release,
        architecture=request.architecture,
        date=request.date,
        kind=request.kind,
        source=str(path),
    )


def _found(tree: Tree, archive: str) -> Iterator[Found]:
    owners = find_owners(tree, archive)
    for path, library in sorted(tree.libraries.items()):
        package = owners.get(path, UNKNOWN_PACKAGE)
        yield Found(path, library, package.name, package.version)
