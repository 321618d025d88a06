"""What follows the loaded bytes: sections that no loader reads, and the table of section headers.

Nothing refers to it but section headers, so it can be laid out anew, behind the loaded bytes as
linkers do it; provided that everything in it is known.
"""

from __future__ import annotations

from perennial.elf.constants import SHF_ALLOC, SHT_NOBITS, SHT_NULL
from perennial.elf.edit.records import Section
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.strip import Sections
from perennial.errors import ElfEditError
from perennial.lean_typing import NamedTuple


class Tail(NamedTuple):
    """`content` begins at `start`; `sections` are all that are kept, with their new places, sizes and names but old
    links.
    """

    start: int
    content: bytes
    sections: tuple[Section, ...]
    headers_at: int


def _in_tail(elf: Skeleton) -> list[tuple[int, Section]]:
    return [
        (index, section) for index, section in enumerate(elf.sections)
        if section.type not in (SHT_NOBITS, SHT_NULL) and section.offset >= elf.loaded_end and section.size
    ]  # fmt: skip


def undescribed(elf: Skeleton) -> list[tuple[int, int]]:
    """Ranges behind the loaded bytes that hold something and belong to nothing."""
    described = sorted([(s.offset, s.end) for s in elf.sections if s.type not in (SHT_NOBITS, SHT_NULL)])
    if elf.sections:
        described = sorted([*described, elf.section_headers])
    gaps, position = [], elf.loaded_end
    for start, end in [*described, (len(elf.data), len(elf.data))]:
        if start > position and elf.data[position:start].strip(b"\0"):
            gaps.append((position, start))
        position = max(position, end)
    return gaps


def check_nothing_appended(elf: Skeleton) -> None:
    """Refuses a file with a payload at its end, which programs look for from the end: archives, signatures."""
    gaps = undescribed(elf)
    if gaps and gaps[-1][1] == len(elf.data):
        raise ElfEditError(
            f"{gaps[-1][1] - gaps[-1][0]} bytes from offset {gaps[-1][0]:#x} on are appended to it, "
            "and would no longer be found at its end"
        )


def can_be_laid_out_anew(elf: Skeleton) -> bool:
    return not undescribed(elf) and not any(section.flags & SHF_ALLOC for _, section in _in_tail(elf))


def lay_out(elf: Skeleton, sections: Sections, start: int) -> Tail:
    """The tail from `start` on, with those sections that are kept."""
    placed = dict(enumerate(elf.sections))
    chunks: list[bytes] = []
    position = start
    for index, section in sorted(_in_tail(elf), key=lambda each: each[1].offset):
        if index not in sections.kept:
            continue
        content = sections.contents.get(index)
        if content is None:
            content = elf.data[section.offset : section.end]
        at = -(-position // max(section.align, 1)) * max(section.align, 1)
        chunks += [bytes(at - position), content]
        placed[index] = section._replace(offset=at, size=len(content))
        position = at + len(content)
    for index, section in placed.items():
        apart = section.type in (SHT_NOBITS, SHT_NULL) or section.flags & SHF_ALLOC  # nothing of theirs is here
        if section.size == 0 and section.offset >= elf.loaded_end and not apart:
            placed[index] = section._replace(offset=position)
    headers_at = elf.header.shoff
    if elf.sections and headers_at >= elf.loaded_end:
        word = elf.records.pointer.size
        headers_at = -(-position // word) * word
        chunks += [bytes(headers_at - position), bytes(len(sections.kept) * elf.records.shdr.size)]
    return Tail(start, b"".join(chunks), tuple(_kept(sections, placed)), headers_at)


def _kept(sections: Sections, placed: dict[int, Section]) -> list[Section]:
    kept = []
    for index in sections.kept:
        section = placed[index]
        if index in sections.contents:
            section = section._replace(size=len(sections.contents[index]))
        if index in sections.names:
            section = section._replace(name=sections.names[index])
        if index in sections.first_global:
            section = section._replace(info=sections.first_global[index])
        kept.append(section)
    return kept


def check_sections_are_loaded(elf: Skeleton) -> None:
    """Refuses a file in which a section that claims to be loaded lies where nothing is."""
    for index, section in _in_tail(elf):
        if section.flags & SHF_ALLOC:
            raise ElfEditError(f"section {elf.name_of(index)} claims to be loaded, and no segment loads it")
