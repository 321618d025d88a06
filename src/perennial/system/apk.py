"""apk's records: `lib/apk/db/installed`, a stanza of one-letter fields for each package (apk-tools)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from perennial.lean_typing import Final
from perennial.system.os_release import OsRelease
from perennial.system.package import Claim, Manager, Package
from perennial.system.root import Files

# apk 3 keeps it in /usr, on systems with a merged /usr
_PATHS: Final = ("lib/apk/db/installed", "usr/lib/apk/db/installed")


class Apk:
    """The records of one root file system, read once."""

    def __init__(self, files: Files, distribution: OsRelease) -> None:
        self._files = files
        self._distribution = distribution
        self._stanzas: tuple[bytes, ...] | None = None

    def claims(self, names: Collection[str]) -> Iterator[Claim]:
        """See Database."""
        if self._stanzas is None:
            found = next((data for path in _PATHS if (data := self._files.read(path))), b"")
            self._stanzas = tuple(found.split(b"\n\n"))
        lines = tuple(f"\nR:{name}\n".encode() for name in names)
        for stanza in self._stanzas:
            whole = b"\n%b\n" % stanza
            if any(line in whole for line in lines):
                yield from self._read(stanza.decode("utf-8", "replace"), names)

    def licences(self, package: Package) -> tuple[str, ...]:
        """Alpine's packages have no texts, unless the -doc package is installed too."""
        return (f"usr/share/licenses/{package.name}",)

    def _read(self, stanza: str, names: Collection[str]) -> Iterator[Claim]:
        fields: dict[str, str] = {}
        folder = ""
        for line in stanza.split("\n"):
            kind, colon, value = line.partition(":")
            if not colon:
                continue
            if kind == "F":
                folder = value
            elif kind == "R" and value in names:
                yield Claim(self._package(fields), f"{folder}/{value}")
            else:
                fields[kind] = value

    def _package(self, fields: dict[str, str]) -> Package:
        name, version, architecture = (fields.get(kind, "") for kind in "PVA")
        source, licence = fields.get("o", name), fields.get("L", "")
        return Package(name, version, architecture, Manager.APK, source, licence, self._distribution)
