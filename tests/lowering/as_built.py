"""Wheels of what Debian has built: the modules of its Python packages, as its compilers left them.

A package's files below dist-packages become the members of a wheel, under the name and version that its metadata
gives, with the tag `linux_x86_64` that a build has. Nothing of the modules is changed. The root is a workshop, whose
dpkg records say which file is whose (`Contents.RECORDED`).
"""

from __future__ import annotations

import email
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.roots.make import Root
from tests.support.wheel_builder import wheel_bytes

_MODULES: Final = "/usr/lib/python3/dist-packages/"
_METADATA: Final = re.compile(r"[^/]+\.(dist-info/METADATA|egg-info/PKG-INFO|egg-info)")
_OF_PYTHON: Final = re.compile(r"\.cpython-(\d+)-")
_EXTENSION: Final = re.compile(r"\.so(\.[0-9]+)*$")
# sid's Python has the multiarch triplet in the suffix of the stable ABI; others do not know it.
_STABLE: Final = re.compile(r"\.abi3-[\w-]+\.so$")
_LINKS: Final = 8  # a chain of symbolic links that is longer is a loop


def wheel_as_built(root: Root, packages: Sequence[str], folder: Path) -> Path:
    """Writes the wheel of one or more Debian packages of the root into a folder; the first with metadata names it."""
    members: dict[str, bytes] = {}
    metadata: bytes | None = None
    for package in packages:
        for name, data in _files(root, package):
            if _METADATA.fullmatch(name):
                metadata = metadata or data
            elif not re.match(r"[^/]+\.(dist|egg)-info(/|$)", name):
                members[_STABLE.sub(".abi3.so", name)] = data
    assert metadata is not None, f"{packages} have no metadata"
    head = email.message_from_bytes(metadata)
    project, version = canonicalize_name(head["Name"]).replace("-", "_"), str(Version(head["Version"]))
    tags = _tags(members)
    path = folder / f"{project}-{version}-{tags}.whl"
    modes = {name: 0o100755 for name in members if _EXTENSION.search(name)}
    content = wheel_bytes(
        name=project, version=version, tags=tags, members=members, metadata=metadata, modes=modes, purelib="any" in tags
    )
    path.write_bytes(content)
    return path


def _files(root: Root, package: str) -> list[tuple[str, bytes]]:
    """Its files below dist-packages, by their names there."""
    found = sorted((root.folder / "var/lib/dpkg/info").glob(f"{package}:*.list"))
    assert len(found) == 1, f"{root.folder} has no package {package}"
    paths = found[0].read_text(encoding="utf-8").splitlines()
    files: list[tuple[str, bytes]] = []
    for path in sorted(paths):
        name = path.removeprefix(_MODULES)
        if name == path or path.endswith("/") or "/__pycache__/" in path:
            continue
        place = _real(root, path)
        if place is not None and place.is_file():
            files.append((name, place.read_bytes()))
    return files


def _real(root: Root, path: str) -> Path | None:
    """Where a path of the root ends, without leaving it; None for a link that leads nowhere."""
    at = PurePosixPath(path)
    for _ in range(_LINKS):
        place = root.folder / at.relative_to("/")
        if not place.is_symlink():
            return place
        at = PurePosixPath("/", *_normal(at.parent / place.readlink()))
    return None


def _normal(path: PurePosixPath) -> list[str]:
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return parts


def _tags(members: Sequence[str] | dict[str, bytes]) -> str:
    extensions = [name for name in members if name.endswith(".so")]
    if not extensions:
        return "py3-none-any"
    versions = {match[1] for name in extensions if (match := _OF_PYTHON.search(name)) is not None}
    assert len(versions) <= 1, f"for several Pythons: {sorted(versions)}"
    (version,) = versions or {"313"}
    return f"cp{version}-{f'cp{version}' if versions else 'abi3'}-linux_x86_64"
