"""pacman's records: `var/lib/pacman/local/NAME-VERSION/desc` and `files` (alpm-local-desc(5), alpm-files(5))."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from perennial.lean_typing import Final
from perennial.system.os_release import OsRelease
from perennial.system.package import Claim, Manager, Package
from perennial.system.root import Files

_FOLDER: Final = "var/lib/pacman/local"


class Pacman:
    """The records of one root file system; each file of them is read at most once."""

    def __init__(self, files: Files, distribution: OsRelease) -> None:
        self._files = files
        self._distribution = distribution
        self._lists: dict[str, bytes] = {}

    def claims(self, names: Collection[str]) -> Iterator[Claim]:
        """See Database."""
        wanted = {name.encode() for name in names}
        endings = tuple(b"/%b\n" % name for name in wanted)
        for folder in self._files.names(_FOLDER):
            data = self._list(folder)
            if any(ending in data for ending in endings):
                package = self._package(folder)
                for line in data.split(b"\n"):
                    if line.rpartition(b"/")[2] in wanted:
                        yield Claim(package, line.decode("utf-8", "surrogateescape"))

    def licences(self, package: Package) -> tuple[str, ...]:
        """Where Arch's packaging guidelines put texts that are not common to many packages."""
        return (f"usr/share/licenses/{package.name}",)

    def _list(self, folder: str) -> bytes:
        if folder not in self._lists:
            self._lists[folder] = (self._files.read(f"{_FOLDER}/{folder}/files") or b"") + b"\n"
        return self._lists[folder]

    def _package(self, folder: str) -> Package:
        text = (self._files.read(f"{_FOLDER}/{folder}/desc") or b"").decode("utf-8", "replace")
        fields: dict[str, list[str]] = {}
        for section in text.split("\n\n"):
            head, *values = section.strip("\n").split("\n")
            fields[head] = values
        one = {head: values[0] if values else "" for head, values in fields.items()}
        name = one.get("%NAME%", "")
        licence = " AND ".join(fields.get("%LICENSE%", ()))
        source = one.get("%BASE%", name)
        version, architecture = one.get("%VERSION%", ""), one.get("%ARCH%", "")
        return Package(name, version, architecture, Manager.PACMAN, source, licence, self._distribution)
