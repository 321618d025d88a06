"""rpm's records: the headers in its database, of whichever format."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from perennial.system import rpm_header as tags
from perennial.system.os_release import OsRelease
from perennial.system.package import Claim, Manager, Package
from perennial.system.root import Files
from perennial.system.rpm_database import SOURCES
from perennial.system.rpm_header import RpmHeader


class RpmDatabase:
    """The records of one root file system; the database is read at most once."""

    def __init__(self, files: Files, distribution: OsRelease) -> None:
        self._files = files
        self._distribution = distribution
        self._data: dict[str, bytes] = {}
        self._licences: dict[Package, tuple[str, ...]] = {}  # of the packages whose headers were looked at

    def claims(self, names: Collection[str]) -> Iterator[Claim]:
        """See Database; ArchiveError where the database is damaged."""
        for path, headers in SOURCES:
            if path not in self._data:
                self._data[path] = self._files.read(path) or b""
            if self._data[path]:
                for blob in headers(self._data[path], names, self._files.name):
                    yield from self._read(RpmHeader.from_blob(blob, self._files.name), names)
                return  # of two databases, the second is what a conversion has left behind

    def licences(self, package: Package) -> tuple[str, ...]:
        """The files that the package marks %license, and the folder that they are usually in."""
        return (*self._licences.get(package, ()), f"usr/share/licenses/{package.name}")

    def _read(self, header: RpmHeader, names: Collection[str]) -> Iterator[Claim]:
        source = header.text(tags.TAG_SOURCERPM)  # zlib-1.2.11-40.el9.src.rpm
        package = Package(
            header.text(tags.TAG_NAME),
            header.version,
            header.text(tags.TAG_ARCH),
            Manager.RPM,
            source.rsplit("-", 2)[0] if source.count("-") >= 2 else "",
            header.text(tags.TAG_LICENSE),
            self._distribution,
        )
        self._licences[package] = header.licence_files()
        yield from (Claim(package, path) for path in header.files() if path.rpartition("/")[2] in names)
