"""Where everything goes that needs another place, and which program headers say so.

In this order, so that an edit that fits in place grows nothing:

1. nothing needs another place: strings that are there already, spare entries of PT_DYNAMIC;
2. zeros behind a read-only segment, which only fill its last page;
3. the last segment grows, if it is the last in memory and in the file: so a second edit finds what the first has left;
4. a new PT_LOAD at the end. Its program header takes a PT_NULL, or the place of small runs that are
   evicted and move into the new segment with the rest.

The string table either moves as a whole, or what stands behind it does: whatever is less.
"""

from __future__ import annotations

from collections.abc import Iterable

from perennial.elf.constants import (
    DT_STRTAB,
    PF_R,
    PF_W,
    PF_X,
    PT_GNU_PROPERTY,
    PT_GNU_RELRO,
    PT_GNU_STACK,
    PT_LOAD,
    PT_NOTE,
    PT_NULL,
    SHF_ALLOC,
    SHT_NOBITS,
)
from perennial.elf.edit.records import Segment
from perennial.elf.edit.room import NoRoomError, occupants, page_size, slack_behind, zeros_behind
from perennial.elf.edit.runs import NewTable, Run, movable_runs, string_run
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.symbols import largest_extent
from perennial.elf.edit.tail import check_nothing_appended
from perennial.errors import ElfEditError
from perennial.lean_typing import Final, NamedTuple

_SPARE_ENTRIES: Final = 3  # of a PT_DYNAMIC that had to move, for the next edit
_DYNAMIC_ALIGN: Final = 16
_MOST_GAP: Final = 1 << 20
_MOST_PADDING: Final = 15


class Wanted(NamedTuple):
    """What has to grow: bytes behind the string table, entries in PT_DYNAMIC with its DT_NULL, a PT_GNU_STACK, and
    tables that are written anew elsewhere.
    """

    string_bytes: int
    dynamic_entries: int
    stack_header: bool
    tables: tuple[NewTable, ...] = ()


class Placed(NamedTuple):
    """A run, its new size and place."""

    run: Run
    size: int
    offset: int
    address: int


class FileLayout(NamedTuple):
    """`segments` is the new table of program headers but for what moves along with `placed`.

    `grown_from` to `grown_to` is what the file has more, in front of its tail, or at its very end where `tail_moves` is
    False; None where it does not grow.
    """

    placed: tuple[Placed, ...]
    segments: tuple[Segment, ...]
    grown_from: int | None
    grown_to: int
    tail_moves: bool


class _Spot(NamedTuple):
    """From where on there is room, and the segments that say so."""

    offset: int
    address: int
    segments: tuple[Segment, ...]
    grows: bool
    number: int  # of the segment whose size is still to be set


def lay_out(elf: Skeleton, wanted: Wanted, *, tail_may_move: bool) -> FileLayout:
    """`tail_may_move`: whether what follows the loaded bytes can be laid out anew.

    Raises `ElfEditError` where there is no room.
    """
    stack = (Segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16),) if wanted.stack_header else ()
    if not (wanted.string_bytes or stack or wanted.tables or _dynamic_grows(elf, wanted)):
        return FileLayout((), elf.segments, None, 0, tail_moves=False)
    if not (stack or wanted.tables or _dynamic_grows(elf, wanted)):
        in_place = _strings_in_place(elf, wanted.string_bytes, tail_may_move=tail_may_move)
        if in_place is not None:
            return in_place
    tables = {table.run for table in wanted.tables}
    runs = tuple(sorted({*movable_runs(elf), *tables}, key=lambda run: run.offset))
    attempts: list[FileLayout] = []
    reasons: list[str] = []
    for leaving in _ways_for_strings(elf, runs, wanted):
        try:
            attempts.append(_complete(elf, runs, leaving, wanted, stack, tail_may_move=tail_may_move))
        except NoRoomError as why:
            reasons.append(str(why))
    if not attempts:
        raise ElfEditError(f"no room for another program header behind offset {elf.headers_end:#x}: {reasons[0]}")
    return min(attempts, key=lambda layout: layout.grown_to - (layout.grown_from or layout.grown_to))


def _dynamic_grows(elf: Skeleton, wanted: Wanted) -> bool:
    return elf.dynamic.exists and wanted.dynamic_entries > elf.dynamic.capacity


def _strings_in_place(elf: Skeleton, size: int, *, tail_may_move: bool) -> FileLayout | None:
    """Where the string table is the end of its segment, and that can grow: after an earlier edit, often."""
    strings = string_run(elf)
    for number, load in enumerate(elf.segments):
        if strings is None or load.type != PT_LOAD or load.filesz != load.memsz:
            continue
        if not load.offset <= strings.offset < strings.end <= load.end or not _is_padding(elf, strings.end, load.end):
            continue
        more = max(strings.end + size - load.end, 0)
        longer = load._replace(filesz=load.filesz + more, memsz=load.memsz + more)
        segments = (*elf.segments[:number], longer, *elf.segments[number + 1 :])
        if more <= zeros_behind(elf, load):
            return FileLayout((), segments, None, 0, tail_moves=False)
        if _is_last(elf, load) and (load.end == len(elf.data) or tail_may_move):
            _check_addresses(elf, longer)
            return FileLayout((), segments, load.end, longer.end, tail_moves=tail_may_move)
    return None


def _is_padding(elf: Skeleton, start: int, end: int) -> bool:
    """Whether the bytes from `start` to the end of a segment are nothing."""
    if end - start > _MOST_PADDING or elf.data[start:end].strip(b"\0"):
        return False
    sections = [s for s in elf.sections if s.type != SHT_NOBITS and s.offset < end and s.end > start]
    others = [s for s in elf.segments if s.type not in (PT_LOAD, PT_GNU_RELRO) and s.offset < end and s.end > start]
    headers = elf.sections and elf.section_headers[0] < end and elf.section_headers[1] > start
    return not (sections or others or headers or (elf.header.phoff < end and elf.headers_end > start))


def _is_last(elf: Skeleton, load: Segment) -> bool:
    """Whether it could grow without end, in memory as in the file."""
    is_top = load.vaddr == max(other.vaddr for other in elf.loads)
    return is_top and load.end == elf.loaded_end and load.filesz == load.memsz and load.filesz > 0


def _check_addresses(elf: Skeleton, load: Segment) -> None:
    if load.vaddr + load.memsz > 1 << elf.records.bits:
        raise ElfEditError("no room in its address space for what it has to hold")


def _emptied(elf: Skeleton, sizes: Iterable[Run]) -> tuple[Segment, ...]:
    """Segments that hold nothing any more when these runs have left.

    patchelf makes such segments for one table. GNU strip gives one without sections a misaligned offset, with which
    no loader takes it; so it has to go, and its program header is free.
    """
    leaving = [run for run in sizes if run.owned]
    gone = []
    for load in elf.loads:
        if not any(load.offset <= run.offset and run.end <= load.end for run in leaving) or load.filesz != load.memsz:
            continue
        others = [
            section for section in elf.sections
            if section.flags & SHF_ALLOC and section.size
            and section.address < load.vaddr + load.memsz and section.address + section.size > load.vaddr
            and not any(run.offset <= section.offset and section.end <= run.end for run in leaving)
        ]  # fmt: skip
        is_special = load.offset <= elf.header.phoff < load.end or any(
            segment.type not in (PT_LOAD, PT_NOTE, PT_GNU_PROPERTY) and segment.memsz
            and segment.vaddr < load.vaddr + load.memsz and segment.vaddr + segment.memsz > load.vaddr
            for segment in elf.segments
        )  # fmt: skip
        rest = bytearray(elf.data[load.offset : load.end])
        for run in leaving:
            if load.offset <= run.offset and run.end <= load.end:
                rest[run.offset - load.offset : run.end - load.offset] = bytes(run.size)
        if not others and not is_special and not rest.strip(b"\0"):
            gone.append(load)
    return tuple(gone)


def _ways_for_strings(elf: Skeleton, runs: tuple[Run, ...], wanted: Wanted) -> list[frozenset[Run]]:
    """Which runs leave so that the string table can grow: those behind it, or itself."""
    if not wanted.string_bytes:
        return [frozenset()]
    strings = string_run(elf)
    if strings is None:
        raise ElfEditError("it has no DT_STRTAB")
    ways = [frozenset({strings})]
    try:
        ways.insert(0, frozenset(occupants(elf, runs, strings.end, strings.end + wanted.string_bytes)))
    except NoRoomError:
        return ways
    return ways


def _complete(
    elf: Skeleton,
    runs: tuple[Run, ...],
    leaving: frozenset[Run],
    wanted: Wanted,
    stack: tuple[Segment, ...],
    *,
    tail_may_move: bool,
) -> FileLayout:
    """With one way for the strings: who else leaves, and where to."""
    strings = string_run(elf)
    sizes = {run: run.size for run in leaving} | {table.run: len(table.content) for table in wanted.tables}
    if _dynamic_grows(elf, wanted):
        sizes[_dynamic_run(elf)] = (wanted.dynamic_entries + _SPARE_ENTRIES) * elf.records.dyn.size
    if strings in sizes:
        sizes[strings] += wanted.string_bytes

    def with_headers(count: int) -> dict[Run, int]:
        evicted = _evicted(elf, runs, count, len(_emptied(elf, sizes)))
        if strings in evicted and strings not in sizes and wanted.string_bytes:
            raise NoRoomError("the string table is there, which grows")  # the other way to grow it is open
        return {run: run.size for run in evicted} | sizes

    if not (without := with_headers(len(stack))):
        segments = (*_without_nulls(elf, len(stack)), *stack)
        return FileLayout((), segments, None, 0, tail_moves=False)
    for spot in _spots_without_header(elf, without, stack, tail_may_move=tail_may_move):
        return _filled(elf, spot, without, tail_may_move=tail_may_move)
    with_one = with_headers(1 + len(stack))
    spot = _new_segment(elf, with_one, stack, tail_may_move=tail_may_move)
    return _filled(elf, spot, with_one, tail_may_move=tail_may_move)


def _dynamic_run(elf: Skeleton) -> Run:
    return Run(".dynamic", None, elf.dynamic.offset, elf.dynamic.address, elf.dynamic.size, _DYNAMIC_ALIGN)


def _evicted(elf: Skeleton, runs: tuple[Run, ...], headers: int, free: int) -> tuple[Run, ...]:
    """Who leaves so that the table of program headers can grow by so many, of which `free` are there already."""
    missing = headers - sum(segment.type == PT_NULL for segment in elf.segments) - free
    if missing <= 0:
        return ()
    return occupants(elf, runs, elf.headers_end, elf.headers_end + missing * elf.records.phdr.size)


def _without_nulls(elf: Skeleton, most: int) -> tuple[Segment, ...]:
    """The program headers without the last `most` PT_NULLs."""
    nulls = [index for index, segment in enumerate(elf.segments) if segment.type == PT_NULL]
    dropped = nulls[-most:] if most else []
    return tuple(segment for index, segment in enumerate(elf.segments) if index not in dropped)


def _spots_without_header(
    elf: Skeleton, sizes: dict[Run, int], stack: tuple[Segment, ...], *, tail_may_move: bool
) -> Iterable[_Spot]:
    writes = any(run.name == ".dynamic" for run in sizes)
    segments = (*_without_nulls(elf, len(stack)), *stack)
    loads = [(index, segment) for index, segment in enumerate(segments) if segment.type == PT_LOAD]
    if not writes:
        for index, load in loads:
            size = _end(load.end, load.vaddr + load.filesz, sizes)[0] - load.end
            if size <= slack_behind(elf, load):
                yield _Spot(load.end, load.vaddr + load.filesz, segments, grows=False, number=index)
    index, last = max(loads, key=lambda each: each[1].vaddr)
    may_grow = not last.flags & PF_X and (not writes or last.flags & PF_W)
    if _is_last(elf, last) and may_grow and (last.end == len(elf.data) or tail_may_move):
        yield _Spot(last.end, last.vaddr + last.filesz, segments, grows=True, number=index)


def _new_segment(elf: Skeleton, sizes: dict[Run, int], stack: tuple[Segment, ...], *, tail_may_move: bool) -> _Spot:
    check_nothing_appended(elf)
    page = page_size(elf)
    if page & (page - 1):
        raise ElfEditError(f"its segments have an alignment of {page:#x}, which is no power of two")
    offset = elf.loaded_end if tail_may_move else len(elf.data)
    offset = -(-offset // 16) * 16
    flags = PF_R | PF_W if any(run.name == ".dynamic" for run in sizes) else PF_R
    top = max(load.vaddr + load.memsz for load in elf.loads)
    if not flags & PF_W:
        # eu-elflint takes a relocation to modify as many bytes as its symbol has, and would find read-only ones
        # behind a GOT. Addresses cost nothing.
        top += min(largest_extent(elf), _MOST_GAP)
    # The same place in a page as in the file, on a page of its own: no padding, whatever the alignment is.
    address = -(-top // page) * page + offset % page
    segments = _without_nulls(elf, 1 + len(stack))
    at = 1 + max(index for index, segment in enumerate(segments) if segment.type == PT_LOAD)
    new = Segment(PT_LOAD, flags, offset, address, address, 0, 0, page)
    return _Spot(offset, address, (*segments[:at], new, *segments[at:], *stack), grows=True, number=at)


def _end(offset: int, address: int, sizes: dict[Run, int]) -> tuple[int, list[Placed]]:
    """Where the runs end in the file if they stand one behind the other from here on."""
    placed = []
    # The string table last, where it can grow the next time.
    for run in sorted(sizes, key=lambda each: (each.tag == DT_STRTAB, each.offset)):
        gap = -address % run.align
        offset, address = offset + gap, address + gap
        placed.append(Placed(run, sizes[run], offset, address))
        offset, address = offset + sizes[run], address + sizes[run]
    return offset, placed


def _filled(elf: Skeleton, spot: _Spot, sizes: dict[Run, int], *, tail_may_move: bool) -> FileLayout:
    end, placed = _end(spot.offset, spot.address, sizes)
    segment = spot.segments[spot.number]
    size = end - segment.offset
    longer = segment._replace(filesz=size, memsz=size)
    _check_addresses(elf, longer)
    emptied = _emptied(elf, sizes)
    segments = [
        longer if number == spot.number else other
        for number, other in enumerate(spot.segments)
        if number == spot.number or other not in emptied
    ]
    grown_from = spot.offset if spot.grows else None
    return FileLayout(
        tuple(placed), tuple(segments), grown_from, end if spot.grows else 0,
        tail_moves=spot.grows and tail_may_move,
    )  # fmt: skip
