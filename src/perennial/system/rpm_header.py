"""An rpm header: tags with values, the same in a package and in rpm's database (RPM V4 Package Format)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from perennial.errors import ArchiveError
from perennial.lean_typing import Final

TAG_NAME: Final = 1000
TAG_VERSION: Final = 1001
TAG_RELEASE: Final = 1002
TAG_EPOCH: Final = 1003
TAG_LICENSE: Final = 1014
TAG_ARCH: Final = 1022
TAG_FILEFLAGS: Final = 1037
TAG_SOURCERPM: Final = 1044
TAG_DIRINDEXES: Final = 1116
TAG_BASENAMES: Final = 1117
TAG_DIRNAMES: Final = 1118

_FILE_IS_LICENSE: Final = 1 << 7  # RPMFILE_LICENSE, rpmfiles.h: what a spec file marks %license

_INT32: Final = 4
_STRING: Final = 6
_STRINGS: Final = 8
_INTERNATIONAL: Final = 9  # one string for each language, C's first


class RpmHeader:
    """The index and the data of a header."""

    def __init__(self, index: bytes, store: bytes, archive: str) -> None:
        self._store = store
        self._archive = archive
        # tag -> type, offset, count
        self._tags = {tag: (kind, offset, count) for tag, kind, offset, count in struct.iter_unpack(">IIII", index)}

    @classmethod
    def from_blob(cls, blob: bytes, archive: str) -> RpmHeader:
        """A header without its magic, as rpm's database keeps it."""
        if len(blob) < 8:
            raise ArchiveError("an rpm header that is cut short", archive=archive)
        entries, size = struct.unpack_from(">II", blob)
        end = 8 + 16 * entries
        if len(blob) < end + size:
            raise ArchiveError("an rpm header that is cut short", archive=archive)
        return cls(blob[8:end], blob[end : end + size], archive)

    @property
    def version(self) -> str:
        """epoch:version-release, as rpm compares it."""
        epoch = self.numbers(TAG_EPOCH)
        prefix = f"{epoch[0]}:" if epoch else ""
        return f"{prefix}{self.text(TAG_VERSION)}-{self.text(TAG_RELEASE)}"

    def text(self, tag: int) -> str:
        """The first string of a tag, "" where it is absent."""
        return next(iter(self.texts(tag)), "")

    def texts(self, tag: int) -> list[str]:
        """The strings of a tag; none where it is absent or of another type."""
        kind, offset, count = self._tags.get(tag, (0, 0, 0))
        if kind not in (_STRING, _STRINGS, _INTERNATIONAL):
            return []
        wanted = 1 if kind == _STRING else count
        found = self._store[offset:].split(b"\0", wanted)[:wanted]
        if len(found) < wanted or self._store.find(b"\0", offset + sum(len(text) + 1 for text in found) - 1) < 0:
            raise ArchiveError(f"rpm tag {tag} ends after its data", archive=self._archive)
        # names are bytes; what is not UTF-8 stays distinguishable
        return [text.decode("utf-8", "backslashreplace") for text in found]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The 32-bit numbers of a tag; none where it is absent or of another type."""
        kind, offset, count = self._tags.get(tag, (0, 0, 0))
        if kind != _INT32:
            return ()
        if offset + 4 * count > len(self._store):
            raise ArchiveError(f"rpm tag {tag} ends after its data", archive=self._archive)
        return struct.unpack_from(f">{count}I", self._store, offset)

    def files(self) -> Iterator[str]:
        """The paths that the package installs, without the leading slash."""
        folders = self.texts(TAG_DIRNAMES)
        for name, index in zip(self.texts(TAG_BASENAMES), self.numbers(TAG_DIRINDEXES), strict=False):
            if index < len(folders):
                yield f"{folders[index]}{name}".lstrip("/")

    def licence_files(self) -> tuple[str, ...]:
        """Those of its files that the package marks as texts of its licence."""
        flagged = zip(self.files(), self.numbers(TAG_FILEFLAGS), strict=False)
        return tuple(path for path, flags in flagged if flags & _FILE_IS_LICENSE)
