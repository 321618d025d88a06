"""Debian packages (deb(5)): an ar archive of `debian-binary`, `control.tar.*` and `data.tar.*`."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.errors import ArchiveError
from perennial.lean_typing import BinaryIO, Final
from perennial.learn.limits import Budget
from perennial.learn.members import Member
from perennial.learn.streams import ByteReader, decompressed, file_chunks
from perennial.learn.tar import read_tar
from perennial.system.stanzas import read_stanzas

MAGIC: Final = b"!<arch>\n"
_HEADER: Final = 60  # name 16, mtime 12, uid 6, gid 6, mode 8, size 10, end 2
_LARGEST_CONTROL: Final = 1 << 20


class Deb:
    """One package. `name` and `version` are its control file's; `members` may be asked for once."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self._file = file
        self._budget = budget
        if file.read(len(MAGIC)) != MAGIC:
            raise self._wrong("is no Debian package")
        self._parts = self._find_parts()
        control = self._control()
        self.name = control.get("Package", "")
        self.version = control.get("Version", "")
        self.architecture = control.get("Architecture", "")
        if not self.name or not self.version:
            raise self._wrong("has no name and version in its control file")

    def members(self) -> Iterator[Member]:
        """The files that the package installs."""
        return self._tar("data.tar")

    def _tar(self, part: str) -> Iterator[Member]:
        found = next((place for name, place in self._parts.items() if name.startswith(part)), None)
        if found is None:
            raise self._wrong(f"has no {part}")
        offset, size = found
        self._file.seek(offset)
        chunks = decompressed(file_chunks(self._file, size), self._budget)
        return read_tar(ByteReader(chunks, self._budget.archive), self._budget)

    def _control(self) -> dict[str, str]:
        for member in self._tar("control.tar"):
            if member.name == "control":
                if member.size > _LARGEST_CONTROL:
                    raise self._wrong("has a control file of more than a megabyte")
                text = member.read().decode("utf-8", "replace")
                return next(read_stanzas(text), {})
        raise self._wrong("has no control file")

    def _find_parts(self) -> dict[str, tuple[int, int]]:
        """Name -> offset and size; deb(5) has three parts, and tools may add some."""
        parts: dict[str, tuple[int, int]] = {}
        while header := self._file.read(_HEADER):
            self._budget.spend_entry()
            digits = header[48:58].strip()
            if len(header) < _HEADER or header[58:] != b"`\n" or not digits.isdigit():
                raise self._wrong("has a broken member header")
            name = header[:16].decode("ascii", "backslashreplace").rstrip(" ").rstrip("/")
            size = int(digits)
            parts.setdefault(name, (self._file.tell(), size))
            self._file.seek(size + size % 2, 1)
        return parts

    def _wrong(self, reason: str) -> ArchiveError:
        return ArchiveError(reason, archive=self._budget.archive)
