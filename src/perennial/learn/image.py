"""Container images: OCI image layouts and what `docker save` writes, as a folder or as a tar archive.

An OCI layout (image-spec, image-layout.md) has `index.json`, which leads to a manifest, whose layers are
blobs named by their hash; `docker save` writes `manifest.json`, which names the layers' files, and
newer versions write both. Layers are applied in order, each a tar archive of changes. Blobs
that have a hash for a name are verified.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from perennial.arch import Architecture
from perennial.errors import ArchiveError
from perennial.lean_typing import Any, BinaryIO, Final, NamedTuple, Protocol, Self
from perennial.learn.limits import Budget
from perennial.learn.members import Kind, clean_name
from perennial.learn.streams import ByteReader, decompressed, file_chunks
from perennial.learn.tar import read_tar
from perennial.learn.tree import Tree

_LARGEST_JSON: Final = 16 << 20
_MOST_MANIFESTS: Final = 1000
_MOST_LAYERS: Final = 1000  # overlayfs ends at 500, Docker at 127
_MOST_LINKS: Final = 8
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")

# GOARCH, as platforms are named (image-spec, image-index.md); "arm" is armv7l where its variant is v7 or v8
_ARCHITECTURES: Final = {
    "amd64": Architecture.X86_64, "386": Architecture.I686, "arm64": Architecture.AARCH64,
    "arm": Architecture.ARMV7L, "ppc64le": Architecture.PPC64LE, "ppc64": Architecture.PPC64,
    "s390x": Architecture.S390X, "riscv64": Architecture.RISCV64, "loong64": Architecture.LOONGARCH64,
}  # fmt: skip


class ImageFiles(Protocol):
    """The files of an image, by name."""

    def chunks(self, name: str) -> Iterator[bytes] | None:
        """A file's content, piece by piece; None where there is no such file."""


class _Image(NamedTuple):
    """One image among those that a layout holds."""

    architecture: Architecture | None
    layers: tuple[str, ...]


def is_image_folder(folder: Path) -> bool:
    """Whether a folder is an image and not a root file system."""
    return (folder / "index.json").is_file() or (folder / "manifest.json").is_file()


def is_image_member(name: str) -> bool:
    """Whether an archive that starts with such a member holds an image and not a root file system."""
    return (
        re.fullmatch(r"blobs(/.*)?|oci-layout|(index|manifest)\.json|repositories|[0-9a-f]{64}(\.json|/.*)?", name)
        is not None
    )


def read_image(files: ImageFiles, architecture: Architecture | None, budget: Budget) -> Tree:
    """The root file system of an image, its layers applied."""
    images = list(_images(files, budget))
    fitting = [each for each in images if architecture is None or each.architecture is architecture]
    if len(fitting) != 1:
        there = ", ".join(sorted({each.architecture.value if each.architecture else "unknown" for each in images}))
        advice = "say which with --arch" if len(fitting) > 1 and architecture is None else "one is wanted"
        raise ArchiveError(f"holds {len(fitting)} such images ({there or 'none'}): {advice}", archive=budget.archive)
    tree = Tree(budget)
    for name in fitting[0].layers:
        layer = ByteReader(decompressed(_verified(files, name, budget), budget), budget.archive)
        tree.add_layer(read_tar(layer, budget))
    return tree


def _images(files: ImageFiles, budget: Budget) -> Iterator[_Image]:
    index = _json(files, "index.json", budget)
    if isinstance(index, dict):
        yield from _from_index(files, index, budget)
        return
    saved = _json(files, "manifest.json", budget)
    if not isinstance(saved, list):
        raise ArchiveError("has neither an index.json nor a manifest.json that could be read", archive=budget.archive)
    for each in saved:
        config = _json(files, _text(each, "Config", budget), budget)
        yield _Image(_architecture(config), _layers(_list(each, "Layers", budget), budget))


def _from_index(files: ImageFiles, index: dict[str, Any], budget: Budget) -> Iterator[_Image]:
    """All images that an index leads to, through indices in it."""
    todo = list(_list(index, "manifests", budget))
    seen: set[str] = set()
    while todo:
        name = _blob(todo.pop(0), budget)
        if name in seen:
            continue
        seen.add(name)
        if len(seen) > _MOST_MANIFESTS:
            raise ArchiveError(f"has more than {_MOST_MANIFESTS} manifests", archive=budget.archive)
        document = _json(files, name, budget)
        if not isinstance(document, dict):
            continue  # an index may name what this copy does not hold
        if "manifests" in document:
            todo += _list(document, "manifests", budget)
        elif "config" in document:
            config = _json(files, _blob(document["config"], budget), budget)
            layers = [_blob(layer, budget) for layer in _list(document, "layers", budget)]
            if isinstance(config, dict) and "rootfs" in config and config.get("architecture") != "unknown":
                yield _Image(_architecture(config), _layers(layers, budget))  # others are attestations, charts, …


def _architecture(config: object) -> Architecture | None:
    if not isinstance(config, dict):
        return None
    name = config.get("architecture")
    if name == "arm" and config.get("variant") not in ("v7", "v8", "", None):
        return None
    return _ARCHITECTURES.get(name) if isinstance(name, str) else None


def _layers(names: Iterable[object], budget: Budget) -> tuple[str, ...]:
    layers = tuple(names)
    if len(layers) > _MOST_LAYERS or not all(isinstance(name, str) for name in layers):
        raise ArchiveError(f"its layers are not a list of up to {_MOST_LAYERS} names", archive=budget.archive)
    return tuple(clean_name(str(name), budget.archive) for name in layers)


def _blob(descriptor: object, budget: Budget) -> str:
    """The file that a descriptor means (image-spec, descriptor.md)."""
    digest = _text(descriptor, "digest", budget)
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise ArchiveError(f"{digest[:80]!r} is no SHA-256 digest", archive=budget.archive)
    return f"blobs/sha256/{match[1]}"


def _verified(files: ImageFiles, name: str, budget: Budget) -> Iterator[bytes]:
    """A file's content; at its end, it must be what its name promises."""
    chunks = files.chunks(name)
    if chunks is None:
        raise ArchiveError("is not there, though the image needs it", archive=budget.archive, member=name)
    digest = hashlib.sha256()
    for data in chunks:
        digest.update(data)
        yield data
    folder, _, promised = name.rpartition("/")
    if folder == "blobs/sha256" and digest.hexdigest() != promised:
        raise ArchiveError("is damaged: its SHA-256 is not its name", archive=budget.archive, member=name)


def _json(files: ImageFiles, name: str, budget: Budget) -> object:
    """A document; None where there is no such file."""
    if files.chunks(name) is None:
        return None
    data = bytearray()
    for chunk in _verified(files, name, budget):
        data += chunk
        if len(data) > _LARGEST_JSON:
            raise ArchiveError(f"is larger than {_LARGEST_JSON} bytes", archive=budget.archive, member=name)
    try:
        return json.loads(bytes(data))
    except (ValueError, RecursionError) as error:
        raise ArchiveError(f"is not JSON: {error}", archive=budget.archive, member=name) from None


def _list(item: object, field: str, budget: Budget) -> list[Any]:
    value = item.get(field) if isinstance(item, dict) else None
    if not isinstance(value, list):
        raise ArchiveError(f"{field} is not a list in one of its manifests", archive=budget.archive)
    return value


def _text(item: object, field: str, budget: Budget) -> str:
    value = item.get(field) if isinstance(item, dict) else None
    if not isinstance(value, str):
        raise ArchiveError(f"{field} is not a text in one of its manifests", archive=budget.archive)
    return value


class FolderFiles:
    """An image that lies in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def chunks(self, name: str) -> Iterator[bytes] | None:
        path = self._folder / name
        try:
            inside = path.resolve().is_relative_to(self._folder.resolve())
            if not inside or not stat.S_ISREG(os.stat(path).st_mode):
                return None
        except (OSError, ValueError):
            return None
        return self._read(path)

    def _read(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as file:
            yield from file_chunks(file)


class TarFiles:
    """An image in a tar archive, which is read out of order: a compressed one is unpacked to a temporary file."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self._stack = ExitStack()
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        self._file = self._seekable(file, budget)
        self._file.seek(0)
        reader = ByteReader(file_chunks(self._file), budget.archive)
        for member in read_tar(reader, budget):
            if member.kind is Kind.FILE:
                self._places[member.name] = reader.position, member.size
            elif member.kind is Kind.HARD_LINK:
                self._links[member.name] = member.target
            elif member.kind is Kind.SYMLINK:  # older versions write a repeated layer so: ../HASH/layer.tar
                folder = os.path.dirname(member.name)
                self._links[member.name] = os.path.normpath(os.path.join(folder, member.target))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def chunks(self, name: str) -> Iterator[bytes] | None:
        for _ in range(_MOST_LINKS):
            if name in self._places:
                return self._read(*self._places[name])
            name = self._links.get(name, "")
        return None

    def _read(self, offset: int, size: int) -> Iterator[bytes]:
        while size:
            self._file.seek(offset)  # each time: another file of the image may have been read in between
            data = self._file.read(min(size, 1 << 18))
            if not data:
                return
            offset, size = offset + len(data), size - len(data)
            yield data

    def _seekable(self, file: BinaryIO, budget: Budget) -> BinaryIO:
        file.seek(0)
        if file.read(512)[257:262] == b"ustar":
            return file
        file.seek(0)
        plain = self._stack.enter_context(tempfile.TemporaryFile(prefix="perennial-"))  # noqa: SIM115 - the stack closes it
        for data in decompressed(file_chunks(file), budget):
            plain.write(data)
        return plain
