"""PT_DYNAMIC: the table from which a loader learns everything else."""

from __future__ import annotations

from typing import Final

from perennial.elf.constants import DT_NEEDED, DT_NULL, DT_STRSZ, DT_STRTAB, PT_DYNAMIC
from perennial.elf.image import Image
from perennial.errors import ElfFormatError

# What is asked for when p_filesz does not reach DT_NULL: real tables have some dozens of entries.
_STEP: Final = 4096


class DynamicTable:
    """The entries up to DT_NULL. Where a tag stands twice the last one counts, as in glibc's
    `elf_get_dynamic_info`; DT_NEEDED is the one tag of which all count, in their order."""

    __slots__ = ("_image", "_values", "needed")

    def __init__(self, image: Image, entries: list[tuple[int, int]]) -> None:
        self._image: Final = image
        self._values: Final = dict(entries)
        self.needed: Final = tuple(value for tag, value in entries if tag == DT_NEEDED)

    def get(self, tag: int) -> int | None:
        return self._values.get(tag)

    def string_table(self) -> StringTable:
        """The table that names are offsets into. Without one, every name is malformed."""
        address, size = self.get(DT_STRTAB), self.get(DT_STRSZ)
        if address is None or size is None:
            return StringTable(self._image, 0, 0)
        offset, available = self._image.span_from(address, "DT_STRTAB")
        if size > available:
            raise ElfFormatError(
                f"the segment that holds the strings ends after {available} bytes",
                field="DT_STRSZ", offset=offset, value=size,
            )  # fmt: skip
        return StringTable(self._image, offset, size)


class StringTable:
    """DT_STRTAB: NUL-terminated strings at byte offsets.

    Names are decoded as UTF-8, and bytes that are not UTF-8 become visible escapes: a
    symbol's name is any string of bytes, and it ends up in reports.
    """

    # A table up to this size is read whole. Larger ones (tensorflow's has 87 MB) are asked name
    # by name, so that they are never in memory twice.
    _WHOLE: Final = 8 << 20
    _PROBE: Final = 512
    # Names may overlap, so that their sum is not bounded by the table: long ones are counted,
    # or a small file could ask for terabytes.
    _LONG: Final = 256

    __slots__ = ("_budget", "_data", "_image", "_offset", "_size", "_text")

    def __init__(self, image: Image, offset: int, size: int) -> None:
        self._image: Final = image
        self._offset: Final = offset
        self._size: Final = size
        self._data: Final = image.source.read(offset, size, "DT_STRTAB") if size <= self._WHOLE else None
        # ASCII, as nearly all tables are, is decoded once instead of name by name.
        self._text: Final = self._data.decode("ascii") if self._data is not None and self._data.isascii() else None
        self._budget = (64 << 20) + 4 * size

    def __getitem__(self, index: int) -> str:
        text = self._text
        if text is not None:
            end = text.find("\0", index)
            name = text[index:end] if end >= 0 else self._unterminated(index).decode()
        else:
            name = self._bytes_at(index).decode("utf-8", "backslashreplace")
        if len(name) > self._LONG:
            self._charge(len(name))
        return name

    def _charge(self, length: int) -> None:
        self._budget -= length
        if self._budget < 0:
            raise ElfFormatError(
                "names overlap so much that they add up to more than the file", field="DT_STRTAB", offset=self._offset
            )

    def _bytes_at(self, index: int) -> bytes:
        if self._data is not None:
            end = self._data.find(b"\0", index)
            return self._data[index:end] if end >= 0 else self._unterminated(index)
        size = self._PROBE
        while index < self._size:
            size = min(size, self._size - index)
            piece = self._image.source.read(self._offset + index, size, "DT_STRTAB")
            end = piece.find(b"\0")
            if end >= 0:
                return piece[:end]
            if size == self._size - index:
                break
            size *= 8
        return self._unterminated(index)

    def _unterminated(self, index: int) -> bytes:
        reason = "no NUL ends the string" if index < self._size else f"outside the string table of {self._size} bytes"
        raise ElfFormatError(reason, field="string", offset=self._offset + index, value=index)


def read_dynamic(image: Image) -> DynamicTable | None:
    """The dynamic table; None in a static executable.

    Its place is that of p_vaddr, and it ends with DT_NULL, because these are what loaders go
    by; p_filesz is a hint that a file may get wrong and be loaded nevertheless.
    """
    # Of several the last one counts: glibc's `_dl_map_object_from_fd` overwrites l_ld.
    segment = next((p for p in reversed(image.program_headers) if p.type == PT_DYNAMIC), None)
    if segment is None:
        return None
    offset, available = image.span_from(segment.vaddr, "PT_DYNAMIC")
    dyn = image.layout.dyn
    entries: list[tuple[int, int]] = []
    position = 0
    step = segment.filesz
    while True:
        step = min(max(step, dyn.size), available - position) // dyn.size * dyn.size
        if step == 0:
            raise ElfFormatError("the table has no DT_NULL before its segment ends", field="PT_DYNAMIC", offset=offset)
        for tag, value in dyn.iter_unpack(image.source.read(offset + position, step, "PT_DYNAMIC")):
            if tag == DT_NULL:
                return DynamicTable(image, entries)
            entries.append((tag, value))
        position += step
        step = _STEP
        if len(entries) > _MOST_ENTRIES:
            raise ElfFormatError(f"more than {_MOST_ENTRIES} entries and no DT_NULL", field="PT_DYNAMIC", offset=offset)


_MOST_ENTRIES: Final = 1 << 16
