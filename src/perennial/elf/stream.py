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

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

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
from perennial.lean_typing import Final, NamedTuple, TypeVar

_FRONT: Final = 4 << 20
_SMALL_SEGMENT: Final = 1 << 20
_DYNAMIC: Final = 8192
_PLANNED: Final = 1 << 16  # the bytes in which the program headers are looked for
_GRAIN: Final = 1 << 12  # kept ranges are rounded to multiples of this
_MOST_RANGES: Final = 64
_MOST_PASSES: Final = 8
# What bounds memory: tensorflow's 110 MB of tables are the largest known.
_MOST_KEPT: Final = 256 << 20

Chunks = Iterable[bytes]
Facts = TypeVar("Facts")


class StreamedElf(NamedTuple):
    """What came out of one member: its facts, or why it has none, and the names of libraries
    that it may load by name at run time.
    """

    elf: ElfFile | ElfFormatError
    library_strings: tuple[str, ...]


class ElfCollector:
    """Takes an ELF file's content chunk by chunk and keeps what reading it may need.

    These are the first `front` bytes and what the program headers suggest. What is kept depends
    on the content alone, and not on how it was cut into chunks.
    """

    __slots__ = ("_front", "_held", "_position", "_ranges", "_size", "constants", "pieces", "strings")

    def __init__(self, size: int, *, front: int = _FRONT) -> None:
        self._size: Final = size
        self._front: Final = front
        self._ranges = _merged([(0, front)], size)
        self.pieces: Final[list[tuple[int, bytes]]] = []
        self._position = 0
        self._held: bytes | None = b""  # held back until it is long enough to plan with
        self.constants: list[tuple[int, int]] = []
        self.strings: LibraryStrings | None = None

    def feed(self, chunk: bytes) -> None:
        if self._held is not None:
            chunk = self._held + chunk if self._held else chunk
            if len(chunk) < min(_PLANNED, self._size):
                self._held = chunk
                return
            self._held = None
            self._plan(chunk)
        start = self._position
        self._position = start + len(chunk)
        if start <= self._front < self._position and self.strings is None:
            self._search_from_here()
        self.pieces.extend(_cut(chunk, start, self._ranges))
        if self.strings is not None:
            for low, piece in _cut(chunk, start, self.constants):
                self.strings.feed(low, piece)

    def _search_from_here(self) -> None:
        """A file longer than its front is searched while it passes by: whether it imports dlopen is known
        only in the end, and streaming it once more would cost ten times as much.
        """
        self.strings = LibraryStrings()
        _search(self.strings, self.constants, self.pieces)

    def _plan(self, front: bytes) -> None:
        """Reads the program headers, if the front has them, and adds what they point to."""
        headers = _headers(front)
        suggested = [
            (header.offset, header.offset + size)
            for header in (headers or ())[:_MOST_RANGES]
            if 0 < (size := _worth_keeping(header)) <= _SMALL_SEGMENT
        ]
        self._ranges = _merged([*self._ranges, *suggested], self._size)
        self.constants = _constants(headers, self._size)

    def source(self) -> KeptBytes:
        return KeptBytes(self._size, self.pieces)


def _search(strings: LibraryStrings, constants: list[tuple[int, int]], pieces: Iterable[tuple[int, bytes]]) -> None:
    for start, piece in pieces:
        for low, part in _cut(piece, start, constants):
            strings.feed(low, part)


def _merged(ranges: Iterable[tuple[int, int]], size: int, *, rounded: bool = True) -> list[tuple[int, int]]:
    """The same bytes as ranges in ascending order that do not overlap; rounded to whole grains."""
    grain = _GRAIN if rounded else 1
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        start, end = low // grain * grain, min(-(-high // grain) * grain, size)
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _cut(chunk: bytes, start: int, ranges: Iterable[tuple[int, int]]) -> Iterable[tuple[int, bytes]]:
    """The parts of a chunk, which begins at `start`, that lie in `ranges`, with their offsets."""
    end = start + len(chunk)
    for low, high in ranges:
        if low <= start and end <= high:
            yield start, chunk
        elif low < end and start < high:
            yield max(low, start), chunk[max(low - start, 0) : high - start]


def _worth_keeping(header: ProgramHeader) -> int:
    """How many bytes from a segment's start on a reader may ask for."""
    if header.type == PT_DYNAMIC:
        return max(header.filesz, _DYNAMIC)
    if header.type in (PT_LOAD, PT_INTERP, PT_NOTE, PT_GNU_PROPERTY):
        return header.filesz
    return 0


def _headers(front: bytes | bytearray) -> tuple[ProgramHeader, ...] | None:
    """The program headers, if the first `_PLANNED` bytes of a file have them."""
    try:
        return Image(WholeFile(front[:_PLANNED])).program_headers
    except ElfFormatError:
        return None  # read_elf will say what is wrong with them


def _constants(headers: tuple[ProgramHeader, ...] | None, size: int) -> list[tuple[int, int]]:
    """Where string literals can be: segments that are not code, or all where code and data share one."""
    if headers is None:
        return [(0, size)]
    loads = [header for header in headers if header.type == PT_LOAD]
    plain = [header for header in loads if not header.flags & PF_X]
    # Two data segments before the writable one mean that the linker separates code (GNU ld's
    # -z separate-code, lld, mold); else .rodata lies in the segment with the code.
    chosen = plain if sum(1 for header in plain if not header.flags & 2) else loads
    return _merged([(header.offset, header.offset + header.filesz) for header in chosen], size, rounded=False)


def read_whole(content: bytes | bytearray) -> StreamedElf:
    """The facts of a file that is all in memory; the same as if it had gone through a collector."""
    try:
        elf = read_elf(WholeFile(content))
    except ElfFormatError as error:
        return StreamedElf(error, ())
    if not _opens_libraries(elf):
        return StreamedElf(elf, ())
    strings = LibraryStrings()
    _search(strings, _constants(_headers(content), len(content)), [(0, bytes(content))])
    return StreamedElf(elf, strings.found())


def read_stream(collector: ElfCollector, again: Callable[[], Chunks], *, exports: bool = False) -> StreamedElf:
    """The facts of a file that has gone through `collector`.

    `again` streams the same content from the start; it is called only when something was
    needed that was not kept.
    """
    source = collector.source()
    try:
        elf, _ = read_with(lambda kept: read_elf(kept, exports=exports), source, again)
    except ElfFormatError as error:
        return StreamedElf(error, ())
    if not _opens_libraries(elf):
        return StreamedElf(elf, ())
    strings = collector.strings
    if strings is None:  # no longer than its front, all of which was kept
        strings = LibraryStrings()
        _search(strings, collector.constants, collector.pieces)
    return StreamedElf(elf, strings.found())


_DLOPEN: Final = frozenset({"dlopen", "dlmopen"})


def _opens_libraries(elf: ElfFile) -> bool:
    return not _DLOPEN.isdisjoint(elf.undefined.names)


def _with_offsets(chunks: Chunks) -> Iterator[tuple[int, bytes]]:
    position = 0
    for chunk in chunks:
        yield position, chunk
        position += len(chunk)


def read_with(
    reader: Callable[[KeptBytes], Facts], source: KeptBytes, again: Callable[[], Chunks]
) -> tuple[Facts, KeptBytes]:
    """What `reader` makes of a file of which `source` is kept, and what was kept in the end.

    Raises `ElfFormatError`.
    """
    for _ in range(_MOST_PASSES):
        try:
            return reader(source), source
        except BytesNotKept as missing:
            ranges = [(missing.offset, missing.offset + missing.size), *_tables(source)]
        source = source.joined(_collect(again(), source.without(_merged(ranges, source.size))))
        if source.kept > _MOST_KEPT:
            break
    raise ElfFormatError(
        f"its tables lie in more than {_MOST_PASSES} places, or take more than {_MOST_KEPT} bytes",
        field="PT_DYNAMIC", offset=0,
    )  # fmt: skip


def _collect(chunks: Chunks, ranges: list[tuple[int, int]]) -> list[tuple[int, bytes]]:
    """The content of `ranges`, no further than the last of them."""
    pieces: list[tuple[int, bytes]] = []
    kept = 0
    for start, chunk in _with_offsets(chunks):
        for low, piece in _cut(chunk, start, ranges):
            pieces.append((low, piece))
            kept += len(piece)
        if start + len(chunk) >= ranges[-1][1] or kept > _MOST_KEPT:
            break
    return pieces


_TABLES: Final = (DT_HASH, DT_GNU_HASH, DT_SYMTAB, DT_VERSYM, DT_VERDEF, DT_VERNEED)
_LAST_TABLE: Final = 1 << 20
_LARGEST_GUESS: Final = 32 << 20


def _tables(source: KeptBytes) -> list[tuple[int, int]]:
    """Where the tables that will be read next probably are, so that one more pass is enough.

    The string table states its size; each of the others is taken to reach to the next one,
    as linkers lay them out. Where that is wrong it costs another pass and no more.
    """
    try:
        dynamic = read_dynamic(Image(source))
        strings = None if dynamic is None else dynamic.span(DT_STRTAB, "DT_STRTAB")
        if dynamic is None or strings is None:
            return []
        spans = [span for tag in _TABLES if (span := dynamic.span(tag, "table")) is not None]
    except (ElfFormatError, BytesNotKept):
        return []
    starts = sorted({strings[0], *(start for start, _ in spans)})
    following = dict(pairwise(starts))
    ranges = [(strings[0], strings[0] + min(strings[1], dynamic.get(DT_STRSZ) or 0))]
    for start, available in spans:
        guess = min(available, following.get(start, start + _LAST_TABLE) - start, _LARGEST_GUESS)
        ranges.append((start, start + guess))
    return ranges


def is_elf(front: bytes | bytearray) -> bool:
    """Whether content that begins like this is ELF (gABI, `e_ident`)."""
    return front.startswith(ELF_MAGIC)
