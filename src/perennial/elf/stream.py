"""Reading an ELF file while it streams by, once, from front to back.

A wheel's member comes out of the inflater piece by piece, and only the pieces in which
loaders read are kept. Which these are is known before they come: the program headers stand
at the front. Kept are

- the first `_FRONT` bytes, where linkers put .dynsym, .dynstr, hash and version tables, and
  therefore the whole of most files;
- PT_DYNAMIC, PT_INTERP and the notes, wherever they are;
- small load segments, in which patchelf and its like put tables that they have moved.

If something else turns out to be needed (tensorflow's largest library has 100 MB of
tables), the reader says which range, and the file is streamed once more with it on the
list. `read_stream` does that, a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from perennial.elf.constants import (
    DT_GNU_HASH,
    DT_HASH,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMTAB,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERSYM,
    ELF_MAGIC,
    PF_X,
    PT_DYNAMIC,
    PT_GNU_PROPERTY,
    PT_INTERP,
    PT_LOAD,
    PT_NOTE,
)
from perennial.elf.dynamic import read_dynamic
from perennial.elf.image import Image
from perennial.elf.layout import ProgramHeader
from perennial.elf.library_strings import LibraryStrings
from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from perennial.elf.source import BytesNotKept, KeptBytes, WholeFile
from perennial.errors import ElfFormatError

_FRONT: Final = 4 << 20
_SMALL_SEGMENT: Final = 1 << 20
_DYNAMIC: Final = 8192
_MOST_RANGES: Final = 64
_MOST_PASSES: Final = 8

Chunks = Iterable[bytes]


class StreamedElf(NamedTuple):
    """What came out of one member: its facts, or why it has none, and the names of libraries
    that it may load by name at run time."""

    elf: ElfFile | ElfFormatError
    library_strings: tuple[str, ...]


class ElfCollector:
    """Takes an ELF file's content chunk by chunk and keeps what reading it may need.

    `ranges` are (start, end) byte offsets to keep beyond those that the program headers
    suggest; `strings` takes part in the pass where it is given.
    """

    __slots__ = ("_constants", "_pieces", "_position", "_ranges", "_size", "strings")

    def __init__(
        self, size: int, ranges: Iterable[tuple[int, int]] = (), *, strings: LibraryStrings | None = None
    ) -> None:
        self.strings: Final = strings
        self._size: Final = size
        self._ranges: Final = [(0, min(_FRONT, size)), *ranges]
        self._pieces: Final[list[tuple[int, bytes]]] = []
        self._position = 0
        self._constants: list[tuple[int, int]] | None = None

    def feed(self, chunk: bytes) -> None:
        start = self._position
        end = self._position = start + len(chunk)
        if start == 0:
            self._plan(chunk)
        if _overlaps(self._ranges, start, end):
            self._pieces.append((start, chunk))
        if self.strings is not None:
            self.strings.feed(chunk, searched=self._constants is None or _overlaps(self._constants, start, end))

    def _plan(self, front: bytes) -> None:
        """Reads the program headers, if the first chunk has them, and adds what they point to."""
        try:
            headers = Image(WholeFile(front)).program_headers
        except ElfFormatError:
            return  # read_elf will say what is wrong with them
        for header in headers[:_MOST_RANGES]:
            size = _worth_keeping(header)
            if 0 < size <= _SMALL_SEGMENT and header.offset + size > _FRONT:
                self._ranges.append((header.offset, header.offset + size))
        self._constants = _constant_data(headers)

    @property
    def is_done(self) -> bool:
        """Whether nothing that is still to come would be kept."""
        return all(end <= self._position for _, end in self._ranges)

    def source(self) -> KeptBytes:
        return KeptBytes(self._size, self._pieces)


def _overlaps(ranges: Iterable[tuple[int, int]], start: int, end: int) -> bool:
    return any(low < end and start < high for low, high in ranges)


def _worth_keeping(header: ProgramHeader) -> int:
    """How many bytes from a segment's start on a reader may ask for."""
    if header.type == PT_DYNAMIC:
        return max(header.filesz, _DYNAMIC)
    if header.type in (PT_LOAD, PT_INTERP, PT_NOTE, PT_GNU_PROPERTY):
        return header.filesz
    return 0


def _constant_data(headers: Iterable[ProgramHeader]) -> list[tuple[int, int]]:
    """Where string literals can be: segments that are not code, or all where code and data share one."""
    loads = [header for header in headers if header.type == PT_LOAD]
    plain = [header for header in loads if not header.flags & PF_X]
    # Two data segments before the writable one mean that the linker separates code (GNU ld's
    # -z separate-code, lld, mold); else .rodata lies in the segment with the code.
    chosen = plain if sum(1 for header in plain if not header.flags & 2) else loads
    return [(header.offset, header.offset + header.filesz) for header in chosen]


def read_stream(collector: ElfCollector, again: Callable[[], Chunks]) -> StreamedElf:
    """The facts of a file that has gone through `collector`.

    `again` streams the same content from the start; it is called only when something was
    needed that was not kept.
    """
    source = collector.source()
    try:
        elf = _read(source, again)
    except ElfFormatError as error:
        return StreamedElf(error, ())
    strings = collector.strings
    if strings is None or not any(symbol.name in ("dlopen", "dlmopen") for symbol in elf.imports):
        return StreamedElf(elf, ())
    if not strings.is_searching:  # its string table came last: look at the constants once more
        strings = LibraryStrings(search=True)
        once_more = ElfCollector(source.size, strings=strings)
        for chunk in again():
            once_more.feed(chunk)
    return StreamedElf(elf, strings.found())


def _read(source: KeptBytes, again: Callable[[], Chunks]) -> ElfFile:
    ranges: list[tuple[int, int]] = []
    for _ in range(_MOST_PASSES):
        try:
            return read_elf(source)
        except BytesNotKept as missing:
            ranges += [(missing.offset, missing.offset + missing.size), *_tables(source)]
        collector = ElfCollector(source.size, ranges)
        for chunk in again():
            collector.feed(chunk)
            if collector.is_done:
                break
        source = collector.source()
    raise ElfFormatError(f"its tables lie in more than {_MOST_PASSES} places", field="PT_DYNAMIC", offset=0)


_TABLES: Final = (DT_HASH, DT_GNU_HASH, DT_SYMTAB, DT_VERSYM, DT_VERDEF, DT_VERNEED)
_LAST_TABLE: Final = 1 << 20


def _tables(source: KeptBytes) -> list[tuple[int, int]]:
    """Where the tables that will be read next probably are, so that one more pass is enough.

    The string table states its size; each of the others is taken to reach to the next one,
    as linkers lay them out. Where that is wrong it costs another pass and no more.
    """
    try:
        image = Image(source)
        dynamic = read_dynamic(image)
        if dynamic is None:
            return []
        strings = image.span_from(dynamic.get(DT_STRTAB) or 0, "DT_STRTAB")
        spans = [image.span_from(address, "table") for tag in _TABLES if (address := dynamic.get(tag)) is not None]
    except (ElfFormatError, BytesNotKept):
        return []
    starts = sorted({strings[0], *(start for start, _ in spans)})
    following = dict(zip(starts, starts[1:], strict=False))
    ranges = [(strings[0], strings[0] + min(strings[1], dynamic.get(DT_STRSZ) or 0))]
    for start, available in spans:
        ranges.append((start, min(start + available, following.get(start, start + _LAST_TABLE))))
    return ranges


def is_elf(front: bytes) -> bool:
    """Whether content that begins like this is ELF (gABI, `e_ident`)."""
    return front.startswith(ELF_MAGIC)
