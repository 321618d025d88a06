"""DT_STRTAB while it grows: old offsets stay valid, since the old table is the beginning of the new one."""

from __future__ import annotations

from perennial.errors import ElfFormatError
from perennial.lean_typing import Final


class StringTable:
    """Strings are only ever added. An existing one is never overwritten, however unused it looks:
    names share their ends, and a soname may also be the name of a version.
    """

    __slots__ = ("_added", "_old", "_places")

    def __init__(self, old: bytes) -> None:
        self._old: Final = old
        self._added = b""
        self._places: Final[dict[bytes, int]] = {}

    @property
    def added(self) -> bytes:
        """What has to stand behind the old table."""
        return self._added

    def __getitem__(self, offset: int) -> bytes:
        if offset >= len(self._old) and offset - len(self._old) < len(self._added):
            start = offset - len(self._old)
            return self._added[start : self._added.index(b"\0", start)]
        end = self._old.find(b"\0", offset)
        if end < 0:
            raise ElfFormatError("no NUL ends the string", field="string", offset=offset)
        return self._old[offset:end]

    def place(self, text: bytes) -> int:
        """The offset of `text`: where it stands already, by itself or as the end of another name, or appended."""
        place = self._places.get(text)
        if place is None:
            place = self._old.find(text + b"\0")
            if place < 0:
                if not self._added and not self._old.endswith(b"\0"):
                    self._added = b"\0"  # what nothing ends is not to become the beginning of a name
                place = len(self._old) + len(self._added)
                self._added += text + b"\0"
            self._places[text] = place
        return place
