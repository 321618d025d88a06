"""What processes import from: wheels unpacked into a scratch folder, or what an interpreter has installed.

Of wheels, nothing is resolved, downloaded or compiled: what is given is unpacked to where installers put it
(PyPA specification "Binary distribution format"), without scripts and RECORD's changes, which no
import looks at. What is installed is used where it is, and never written to; only the search for symbols
needs a copy (`clone`).
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence

from perennial.errors import ArchiveError, UnreadableError, UsageError, printable
from perennial.lean_typing import Final, NamedTuple
from perennial.wheel.archive import Archive
from perennial.wheel.directory import Entry
from perennial.wheel.filename import WheelFilename
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.member import SITE_PACKAGES, install_location

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
    """A package in the environment: `name` is the project's, normalized, `label` what reports call it, a wheel's file
    name or "numpy 2.4.6". `files` are its paths relative to the folders of packages, of those that lie below one.
    """

    name: str
    label: str
    modules: tuple[str, ...]
    files: tuple[str, ...]


class Environment(NamedTuple):
    """`sites` are folders that are on sys.path, all below `root` where that is ours. `owners` are the projects by the
    paths of their files, relative to these folders.

    `own` are those of an interpreter that is used with what it has: as many as `sites`, and the same but for a copy.
    """

    root: str | None
    sites: tuple[str, ...]
    packages: tuple[Installed, ...]
    owners: Mapping[str, str]
    own: tuple[str, ...] = ()

    def path(self, name: str) -> str:
        """Where a file of `owners` is; absolute paths stay what they are."""
        paths = [os.path.join(site, name) for site in self.sites]
        return next((path for path in paths[:-1] if os.path.exists(path)), paths[-1])

    def name(self, path: str) -> str:
        """A path relative to the folder of packages that it lies in; as it is where it lies in none."""
        for places in (self.sites, map(os.path.realpath, self.sites)):
            for site in places:
                if path.startswith(f"{site}/"):
                    return path[len(site) + 1 :]
        return path


def wheel_at(path: str) -> Wheel:
    """Raises `WheelFilenameError`."""
    file = WheelFilename.parse(os.path.basename(path))
    return Wheel(path, file, normalized(file.distribution))


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def make_environment(root: str, wheels: Iterable[Wheel], modules: Mapping[str, Sequence[str]]) -> Environment:
    """Unpacks wheels below `root`; `modules` says what is imported of some projects, instead of what is found.

    Raises `ArchiveError`, and `UsageError` where nothing can be imported of one.
    """
    packages = []
    for wheel in wheels:
        with Archive(wheel.path, ArchiveLimits()) as archive:
            found = tuple(sorted(_unpack(archive, wheel, root)))
        files = tuple(name.removeprefix(f"{SITE_PACKAGES}/") for name in found if name.startswith(f"{SITE_PACKAGES}/"))
        site = os.path.join(root, SITE_PACKAGES)
        wanted = tuple(modules.get(wheel.name, ())) or modules_of(wheel.name, files, site)
        if not wanted:
            raise UsageError(
                f"{printable(wheel.file.text)}: nothing in it looks like a module; say what to import: "
                f"--import {wheel.name}=MODULE"
            )
        packages.append(Installed(wheel.name, wheel.file.text, wanted, files))
    site = os.path.join(root, SITE_PACKAGES)
    os.makedirs(site, exist_ok=True)
    return Environment(root, (site,), tuple(packages), owners_of(packages))


def owners_of(packages: Iterable[Installed]) -> Mapping[str, str]:
    """The packages' names by their files."""
    return {file: package.name for package in packages for file in package.files}


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


def modules_of(project: str, files: Sequence[str], site: str) -> tuple[str, ...]:
    """What to import of a project: the module that is named like it, or else all public ones at the top.

    `top_level.txt` of setuptools knows them; without one they are the folders and modules that there are.
    Nothing where there are none.
    """
    tops = _top_level(files, site) or sorted({module for name in files if (module := _top_module(name))})
    for module in tops:
        if normalized(module) == project:
            return (module,)
    return tuple(module for module in tops if not module.startswith("_"))


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
    sites = []
    for number, site in enumerate(environment.sites):
        sites.append(os.path.join(root, str(number), SITE_PACKAGES))
        _clone_folder(site, sites[-1])
    return environment._replace(root=root, sites=tuple(sites))


def remove_copy(copy: Environment) -> None:
    """Takes a clone away."""
    assert copy.root is not None  # noqa: S101 - clone() gives it one
    shutil.rmtree(copy.root, ignore_errors=True)


def _clone_folder(source: str, target: str) -> None:
    """Folders are made anew, as ours, whoever may write to those; what cannot be listed is left out."""
    for place, folders, names in os.walk(source):
        into = os.path.join(target, os.path.relpath(place, source))
        os.makedirs(into, exist_ok=True)
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in (*names, *links):
            _link(os.path.join(place, name), os.path.join(into, name))
        # Other environments in a project's folder are no part of it.
        folders[:] = [name for name in folders if not os.path.exists(os.path.join(place, name, "pyvenv.cfg"))]


def _link(source: str, target: str) -> None:
    """A second name; on another file system, or for a file that is not ours to name, a link that leads there.

    Nothing is copied: a folder of packages may have many gigabytes, and the scratch folder may lie in memory.
    """
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    try:
        os.link(source, target)
    except OSError:
        os.symlink(os.path.abspath(source), target)


def replace_file(path: str, content: bytes) -> None:
    """New content under an old name; the old content stays what other names lead to."""
    partial = f"{path}.part"
    with open(partial, "wb") as file:
        file.write(content)
    os.chmod(partial, 0o700)
    os.replace(partial, path)
