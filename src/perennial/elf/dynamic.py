"""PT_DYNAMIC: the table from which a loader learns everything else."""

from __future__ import annotations

from perennial.elf.constants import DT_NEEDED, DT_NULL, DT_STRSZ, DT_STRTAB, PT_DYNAMIC
from perennial.elf.image import Image, check_fits
from perennial.elf.layout import ProgramHeader
from perennial.errors import ElfFormatError
from perennial.lean_typing import Final

# Real tables have some dozens of entries.
_STEP: Final = 4096
_MOST_ENTRIES: Final = 1 << 16


class DynamicTable:
    """The entries up to DT_NULL. Where a tag stands twice the last one counts, as in glibc's
    `elf_get_dynamic_info`; DT_NEEDED is the one tag of which all count, in their order.
    `offset` is where the table lies in the file.
    """

    __slots__ = ("_image", "_places", "_values", "entries", "needed", "offset")

    def __init__(self, image: Image, offset: int, entries: list[tuple[int, int]]) -> None:
        self._image: Final = image
        self.offset: Final = offset
        self.entries: Final = entries
        self._values: Final = dict(entries)
        self._places: Final = {tag: index for index, (tag, _) in enumerate(entries)}
        self.needed: Final = tuple(value for tag, value in entries if tag == DT_NEEDED)

    def get(self, tag: int) -> int | None:
        return self._values.get(tag)

    def place_of(self, tag: int) -> int:
        """The file offset of the entry that counts for `tag`, which must be there."""
        return self.offset + self._places[tag] * self._image.layout.dyn.size

    def span(self, tag: int, field: str) -> tuple[int, int] | None:
        """Where the table lies to which `tag` points, and how many bytes of its segment follow;
        None where there is no such entry.
        """
        address = self._values.get(tag)
        if address is None:
            return None
        return self._image.span_from(address, field, stated_at=self.place_of(tag))

    def string_table(self) -> StringTable:
        """The table that names are offsets into. Without one, every name is malformed."""
        span, size = self.span(DT_STRTAB, "DT_STRTAB"), self.get(DT_STRSZ)
        if span is None or size is None:
            return StringTable(self._image, 0, 0)
        offset, available = span
        check_fits(size, offset, available, "DT_STRSZ", value=size)
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
    # Names may overlap, so that their sum is not bounded by the table: a small file could ask
    # for terabytes. Linkers share suffixes, and files repeat names (a version that is needed
    # from several libraries), yet no real file comes near four times its table.
    _OVERLAP: Final = 4
    _SLACK: Final = 1 << 16
    _BATCH: Final = 512  # names between two looks at that sum

    __slots__ = ("_budget", "_data", "_image", "_last", "_offset", "_size", "_text")

    def __init__(self, image: Image, offset: int, size: int) -> None:
        self._image: Final = image
        self._offset: Final = offset
        self._size: Final = size
        if size <= self._WHOLE:
            self._data: bytes | None = image.source.read(offset, size, "DT_STRTAB")
        else:
            self._data = None
            image.source.require(offset, size, "DT_STRTAB")
        # ASCII, as nearly all tables are, is decoded once instead of name by name.
        self._text: Final = self._data.decode("ascii") if self._data is not None and self._data.isascii() else None
        self._last: Final = -1 if self._data is None else self._data.rfind(b"\0")  # from here on nothing ends
        self._budget = self._SLACK + self._OVERLAP * size

    def __getitem__(self, index: int) -> str:
        text = self._text
        if text is None:
            return self._encoded(index).decode("utf-8", "backslashreplace")
        if index > self._last:
            raise self._unterminated(index)
        end = text.find("\0", index)
        self._charge(end - index)
        return text[index:end]

    def get_all(self, indexes: list[int]) -> list[str]:
        """The names at these offsets."""
        text = self._text
        if text is None:
            return [self[index] for index in indexes]
        if indexes and max(indexes) > self._last:
            raise self._unterminated(max(indexes))
        find = text.find
        names: list[str] = []
        for first in range(0, len(indexes), self._BATCH):
            batch = indexes[first : first + self._BATCH]
            ends = [find("\0", index) for index in batch]
            self._charge(sum(ends) - sum(batch))  # before there are any strings
            names += [text[index:end] for index, end in zip(batch, ends, strict=True)]
        return names

    def _charge(self, length: int) -> None:
        self._budget -= length
        if self._budget < 0:
            raise ElfFormatError(
                "names overlap so much that they add up to more than the file", field="DT_STRTAB", offset=self._offset
            )

    def _encoded(self, index: int) -> bytes:
        if self._data is not None:
            if index > self._last:
                raise self._unterminated(index)
            name = self._data[index : self._data.find(b"\0", index)]
        else:
            name = self._look_up(index)
        self._charge(len(name))
        return name

    def _look_up(self, index: int) -> bytes:
        """A name in a table that was not read whole."""
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
        raise self._unterminated(index)

    def _unterminated(self, index: int) -> ElfFormatError:
        reason = "no NUL ends the string" if index < self._size else f"outside the string table of {self._size} bytes"
        return ElfFormatError(reason, field="string", offset=self._offset + index, value=index)


def read_dynamic(image: Image) -> DynamicTable | None:
    """The dynamic table; None in a static executable.

    Its place is that of p_vaddr, and it ends with DT_NULL, because these are what loaders go
    by; p_filesz is a hint that a file may get wrong and be loaded nevertheless.
    """
    segment = _dynamic_segment(image)
    if segment is None:
        return None
    offset, available = image.span_from(segment.vaddr, "PT_DYNAMIC")
    dyn = image.layout.dyn
    entries: list[tuple[int, int]] = []
    position = 0
    step = min(segment.filesz, _STEP)
    while True:
        step = min(max(step, dyn.size), available - position) // dyn.size * dyn.size
        if step == 0:
            raise ElfFormatError("the table has no DT_NULL before its segment ends", field="PT_DYNAMIC", offset=offset)
        for tag, value in dyn.iter_unpack(image.source.read(offset + position, step, "PT_DYNAMIC")):
            if tag == DT_NULL:
                return DynamicTable(image, offset, entries)
            entries.append((tag, value))
        position += step
        step = _STEP
        if len(entries) > _MOST_ENTRIES:
            raise ElfFormatError(f"more than {_MOST_ENTRIES} entries and no DT_NULL", field="PT_DYNAMIC", offset=offset)


def _dynamic_segment(image: Image) -> ProgramHeader | None:
    """Of several the last one counts: glibc's `_dl_map_object_from_fd` overwrites l_ld.

    One without bytes is left out where nothing is mapped there: so `objcopy --only-keep-debug`
    leaves it behind, and glibc from 2.32 on goes on without. Where something is mapped, older
    loaders take it.
    """
    for header in reversed(image.program_headers):
        if header.type == PT_DYNAMIC and (header.filesz or image.is_mapped(header.vaddr)):
            return header
    return None
