"""Wheels unpacked into a scratch folder, as an environment that processes import from.

Nothing is resolved, downloaded or compiled: what is given is unpacked to where installers put it
(PyPA specification "Binary distribution format"), without scripts and RECORD's changes, which no
import looks at.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from perennial.errors import ArchiveError, UnreadableError, UsageError, printable
from perennial.wheel.archive import Archive
from perennial.wheel.directory import Entry
from perennial.wheel.filename import WheelFilename
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.wheel import SITE_PACKAGES, install_location

_MODULE: Final = re.compile(
    r"^([A-Za-z][A-Za-z0-9_]*)(?:\.py|(?:\.(?:cpython-|abi3)[^.]*)?(?:\.[^.]+)?\.so|\.abi3\.so)$"
)
_LARGEST_TEXT: Final = 1024 * 1024


class Wheel(NamedTuple):
    """A wheel to install: `name` is the project's, normalized (PyPA specification "Names and normalization")."""

    path: str
    file: WheelFilename
    name: str


class Installed(NamedTuple):
    """A wheel in the environment. `files` are its paths relative to `Environment.site`, of those that lie below it."""

    wheel: Wheel
    modules: tuple[str, ...]
    files: tuple[str, ...]


class Environment(NamedTuple):
    """`site` is the folder that is put on sys.path, below `root`; `owners` are the projects by the paths of
    their files, relative to `site`.
    """

    root: str
    site: str
    packages: tuple[Installed, ...]
    owners: Mapping[str, str]


def wheel_at(path: str) -> Wheel:
    """Raises `WheelFilenameError`."""
    file = WheelFilename.parse(os.path.basename(path))
    return Wheel(path, file, normalized(file.distribution))


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def make_environment(root: str, wheels: Iterable[Wheel], modules: Mapping[str, Sequence[str]]) -> Environment:
    """Unpacks wheels below `root`; `modules` says what is imported of some projects, instead of what is found.

    Raises `ArchiveError`.
    """
    packages = []
    for wheel in wheels:
        with Archive(wheel.path, ArchiveLimits()) as archive:
            found = tuple(sorted(_unpack(archive, wheel, root)))
        files = tuple(name.removeprefix(f"{SITE_PACKAGES}/") for name in found if name.startswith(f"{SITE_PACKAGES}/"))
        site = os.path.join(root, SITE_PACKAGES)
        packages.append(Installed(wheel, tuple(modules.get(wheel.name, ())) or modules_of(wheel, files, site), files))
    site = os.path.join(root, SITE_PACKAGES)
    os.makedirs(site, exist_ok=True)
    owners = {name: package.wheel.name for package in packages for name in package.files}
    return Environment(root, site, tuple(packages), owners)


def _unpack(archive: Archive, wheel: Wheel, root: str) -> Iterator[str]:
    for entry in archive.entries:
        if entry.is_directory:
            continue
        place = install_location(entry.name)
        if place.startswith("/") or ".." in place.split("/") or stat.S_ISLNK(entry.mode):
            raise ArchiveError("no installer unpacks that", archive=wheel.path, member=entry.name)
        _write(archive, entry, os.path.join(root, place))
        yield place


def _write(archive: Archive, entry: Entry, target: str) -> None:
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.writelines(archive.chunks(entry))
        os.chmod(target, 0o700 if entry.mode & 0o111 else 0o600)
    except OSError as error:
        raise UnreadableError(f"{target}: cannot be written: {error.strerror}") from error


def modules_of(wheel: Wheel, files: Sequence[str], site: str) -> tuple[str, ...]:
    """What to import of a wheel: the module that is named like the project, or else all public ones at the top.

    `top_level.txt` of setuptools knows them; without one they are the folders and modules that there are.
    Raises `UsageError` where nothing can be imported.
    """
    tops = _top_level(files, site) or sorted({module for name in files if (module := _top_module(name))})
    for module in tops:
        if normalized(module) == wheel.name:
            return (module,)
    public = tuple(module for module in tops if not module.startswith("_"))
    if not public:
        raise UsageError(
            f"{printable(wheel.file.text)}: nothing in it looks like a module; say what to import: "
            f"--import {wheel.name}=MODULE"
        )
    return public


def _top_level(files: Sequence[str], site: str) -> list[str]:
    path = next((name for name in files if re.fullmatch(r"[^/]+\.dist-info/top_level\.txt", name)), None)
    if path is None:
        return []
    try:
        with open(os.path.join(site, path), encoding="utf-8", errors="replace") as file:
            names = file.read(_LARGEST_TEXT).split()
    except OSError:
        return []
    return sorted(name for name in names if name.isidentifier())


def _top_module(name: str) -> str | None:
    top, slash, below = name.partition("/")
    if slash:
        return top if top.isidentifier() and below.endswith((".py", ".so")) else None
    found = _MODULE.match(top)
    return found[1] if found else None


def clone(environment: Environment, root: str) -> Environment:
    """A copy of which single files can be replaced: the rest are links to the same content."""
    shutil.copytree(environment.root, root, copy_function=_link, symlinks=True)
    return environment._replace(root=root, site=os.path.join(root, SITE_PACKAGES))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)


def replace_file(path: str, content: bytes) -> None:
    """New content under an old name; the old content stays what other names lead to."""
    partial = f"{path}.part"
    with open(partial, "wb") as file:
        file.write(content)
    os.chmod(partial, 0o700)
    os.replace(partial, path)
