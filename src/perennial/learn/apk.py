"""Alpine's packages, version 2 of the format: gzip streams in a row, each a piece of one tar archive.

The pieces are the signature, `.PKGINFO` with the control scripts, and the files (apk(5)); only
the last has tar's end. Version 3 is another format, which starts with `ADB`.
"""

from __future__ import annotations

from collections.abc import Iterator

from perennial.errors import ArchiveError
from perennial.lean_typing import BinaryIO, Final
from perennial.learn.limits import Budget
from perennial.learn.members import Member
from perennial.learn.streams import ByteReader, decompressed, file_chunks
from perennial.learn.tar import read_tar

_LARGEST_INFO: Final = 4 << 20
_OWN: Final = (".PKGINFO", ".SIGN.", ".pre-", ".post-", ".trigger", ".dummy")


class Apk:
    """One package; `members` may be asked for once."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        first = file.read(4)
        file.seek(0)
        if first.startswith(b"ADB"):
            raise ArchiveError("is an APK of version 3, which cannot be read yet", archive=budget.archive)
        chunks = decompressed(file_chunks(file), budget)
        self._members = read_tar(ByteReader(chunks, budget.archive), budget)
        info = self._info(budget)
        self.name = info.get("pkgname", "")
        self.version = info.get("pkgver", "")
        if not self.name or not self.version:
            raise ArchiveError("has no name and version in its .PKGINFO", archive=budget.archive)

    def members(self) -> Iterator[Member]:
        """The files that the package installs."""
        return (member for member in self._members if not member.name.startswith(_OWN))

    def _info(self, budget: Budget) -> dict[str, str]:
        for member in self._members:
            if member.name == ".PKGINFO":
                if member.size > _LARGEST_INFO:
                    raise ArchiveError("has a .PKGINFO of more than 4 MiB", archive=budget.archive)
                lines = member.read().decode("utf-8", "replace").split("\n")
                pairs = (line.partition(" = ") for line in lines if not line.startswith("#"))
                return {key: value for key, equals, value in pairs if equals}
        raise ArchiveError("has no .PKGINFO", archive=budget.archive)
