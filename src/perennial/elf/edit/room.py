"""Room inside a file: for further program headers, and for a string table that grows where it stands.

Room is what nothing means, and what can be evicted. Each byte of it has to be accounted for: by a
movable run, or as padding. Section headers say which bytes mean something; without them only
the zeros that align the next run are padding.
"""

from __future__ import annotations

from perennial.elf.constants import (
    PF_W,
    PF_X,
    PT_GNU_RELRO,
    PT_GNU_STACK,
    PT_LOAD,
    PT_NULL,
    PT_PHDR,
    SHT_NOBITS,
)
from perennial.elf.edit.records import Segment
from perennial.elf.edit.runs import Run
from perennial.elf.edit.skeleton import Skeleton
from perennial.lean_typing import Final

# Segments that say how to treat bytes and not what they are, or that have none
_ASIDE: Final = frozenset({PT_NULL, PT_LOAD, PT_PHDR, PT_GNU_STACK, PT_GNU_RELRO})


class NoRoomError(Exception):
    """Why a range of the file cannot be had; becomes part of an `ElfEditError`."""


def occupants(elf: Skeleton, runs: tuple[Run, ...], start: int, end: int) -> tuple[Run, ...]:
    """The runs that have to leave so that the bytes from `start` to `end` can be used.

    Raises `NoRoomError` where something is there that cannot leave.
    """
    _check_one_segment(elf, start, end)
    leaving = tuple(run for run in runs if run.offset < end and run.end > start)
    for segment in elf.segments:
        if segment.type not in _ASIDE and segment.filesz:
            _check_outside(segment.offset, segment.end, f"segment of type {segment.type:#x}", leaving, (start, end))
    for index, section in enumerate(elf.sections):
        if section.type != SHT_NOBITS and section.size:
            _check_outside(section.offset, section.end, elf.name_of(index), leaving, (start, end))
    if elf.sections:
        _check_outside(*elf.section_headers, "the table of section headers", leaving, (start, end))
    _check_padding(elf, leaving, start, end)
    return leaving


def _check_one_segment(elf: Skeleton, start: int, end: int) -> None:
    """What is mapped before `start` must be mapped up to `end`, in one piece."""
    for load in elf.loads:
        if load.offset < start <= load.end and end > load.end:
            raise NoRoomError(f"its segment ends at offset {load.end:#x}")
        if start <= load.offset < end:
            raise NoRoomError(f"a segment begins at offset {load.offset:#x}")


def _check_outside(low: int, high: int, name: str, leaving: tuple[Run, ...], wanted: tuple[int, int]) -> None:
    if any(run.offset <= low and high <= run.end for run in leaving):
        return
    for run in leaving:
        if low < run.end and high > run.offset:
            raise NoRoomError(f"{name} and {run.name} overlap")
    if low < wanted[1] and high > wanted[0]:
        raise NoRoomError(f"{name} is there, which cannot be moved")


def _check_padding(elf: Skeleton, leaving: tuple[Run, ...], start: int, end: int) -> None:
    position = start
    for run in (*leaving, None):
        until = end if run is None else run.offset
        if until > position:
            gap = elf.data[position:until]
            if gap.strip(b"\0") or len(gap) < until - position:
                raise NoRoomError(f"bytes at offset {position:#x} that nothing describes")
            if not elf.sections and (run is None or until - position >= max(run.align, 8)):
                raise NoRoomError(f"what is at offset {position:#x} is not known without section headers")
        if run is not None:
            position = max(position, run.end)


def slack_behind(elf: Skeleton, load: Segment) -> int:
    """How many bytes a read-only segment can grow by, into zeros that the file has for alignment only.

    Linkers that give code pages of its own (ld -z separate-code) fill the last page of the tables
    before it with zeros. They are in memory anyway, since pages are mapped whole.
    """
    if load.flags & (PF_W | PF_X):
        return 0
    return zeros_behind(elf, load)


def zeros_behind(elf: Skeleton, load: Segment) -> int:
    """The same, whatever the segment is for."""
    if load.filesz != load.memsz or not load.filesz:
        return 0
    page = page_size(elf)
    above = [other.vaddr // page * page for other in elf.loads if other.vaddr > load.vaddr]
    if not above:
        return 0
    in_memory = min(above) - (load.vaddr + load.memsz)
    starts = [segment.offset for segment in elf.segments if segment.filesz and segment.end > load.end]
    starts += [s.offset for s in elf.sections if s.type != SHT_NOBITS and s.size and s.end > load.end]
    if elf.sections and elf.section_headers[1] > load.end:
        starts.append(elf.section_headers[0])
    if elf.headers_end > load.end:
        starts.append(elf.header.phoff)
    in_file = min([max(start, load.end) for start in starts], default=load.end) - load.end
    size = max(min(in_memory, in_file), 0)
    gap = elf.data[load.end : load.end + size]
    return len(gap) - len(gap.lstrip(b"\0"))


def page_size(elf: Skeleton) -> int:
    """The alignment of the file's segments: no page that it can be loaded with is larger."""
    return max([load.align for load in elf.loads] + [_LEAST_PAGE])


_LEAST_PAGE: Final = 0x1000
