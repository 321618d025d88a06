"""A file as an editor sees it: headers, the dynamic table, and the tables that could stand elsewhere.

Headers of sections are read too, unlike in `elf/read.py`: not for what they say about the dynamic
tables, which PT_DYNAMIC says, but because they must go on telling the truth, and because they
say which bytes of the file mean something.
"""

from __future__ import annotations

from perennial.elf.constants import (
    DT_NULL,
    EI_NIDENT,
    PT_DYNAMIC,
    PT_LOAD,
    SHF_ALLOC,
    SHN_LORESERVE,
    SHT_NOBITS,
    SHT_NULL,
)
from perennial.elf.dynamic import DynamicTable, read_dynamic
from perennial.elf.edit.records import RECORDS, FileHeader, Records, Section, Segment, unpack_segments
from perennial.elf.image import Image
from perennial.elf.source import WholeFile
from perennial.errors import ElfEditError, ElfFormatError
from perennial.lean_typing import NamedTuple


class Dynamic(NamedTuple):
    """PT_DYNAMIC: its entries up to DT_NULL, `size` in bytes, and `capacity`, how many entries fit in. A static
    program has none, which reads as an empty one.
    """

    table: DynamicTable
    offset: int
    address: int
    size: int
    entries: tuple[tuple[int, int], ...]
    capacity: int
    exists: bool

    def get(self, tag: int) -> int | None:
        return self.table.get(tag)


class Skeleton(NamedTuple):
    """One file. `names` are the names of the sections, `loaded_end` is the offset behind the last byte
    that a program header claims: what follows it are sections that no loader reads, and the table
    of section headers.
    """

    data: bytes
    image: Image
    records: Records
    header: FileHeader
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    names: tuple[bytes, ...]
    dynamic: Dynamic
    loaded_end: int

    @property
    def loads(self) -> tuple[Segment, ...]:
        return tuple(segment for segment in self.segments if segment.type == PT_LOAD)

    @property
    def headers_end(self) -> int:
        """Where the table of program headers ends in the file."""
        return self.header.phoff + len(self.segments) * self.records.phdr.size

    @property
    def section_headers(self) -> tuple[int, int]:
        """Where the table of section headers begins and ends in the file."""
        return self.header.shoff, self.header.shoff + len(self.sections) * self.records.shdr.size

    def section_at(self, address: int, kind: int) -> int | None:
        """The index of the section of this type at this address."""
        for index, section in enumerate(self.sections):
            if section.address == address and section.type == kind and section.flags & SHF_ALLOC:
                return index
        return None

    def name_of(self, index: int) -> str:
        return self.names[index].decode("utf-8", "backslashreplace") or f"section {index}"


def read_skeleton(data: bytes) -> Skeleton:
    """Raises `ElfFormatError` where the bytes are not what they say they are."""
    image = Image(WholeFile(data))
    records = RECORDS[image.layout.bits, image.layout.little_endian]
    header = FileHeader._make(records.ehdr.unpack_from(data, EI_NIDENT))
    size = header.phnum * records.phdr.size
    segments = unpack_segments(records, data[header.phoff : header.phoff + size]) if image.program_headers else ()
    if not any(segment.type == PT_LOAD for segment in segments):
        raise ElfEditError("no loader reads it: it has no PT_LOAD segment")
    for segment in segments:
        if segment.type == PT_LOAD and segment.end > len(data):
            raise ElfFormatError(
                f"its segment ends at {segment.end:#x} and the file at {len(data):#x}",
                field="p_filesz", offset=header.phoff, value=segment.filesz,
            )  # fmt: skip
    sections = _sections(data, records, header)
    ends = [segment.end for segment in segments if segment.end <= len(data)]
    return Skeleton(
        data, image, records, header, segments, sections, _names(data, header, sections), _dynamic(image, segments),
        max(header.phoff + size, EI_NIDENT + records.ehdr.size, *ends),
    )  # fmt: skip


def _sections(data: bytes, records: Records, header: FileHeader) -> tuple[Section, ...]:
    if header.shoff == 0:
        return ()
    place = EI_NIDENT + records.ehdr.size - 6
    if header.shnum == 0 or header.shstrndx >= SHN_LORESERVE:
        raise ElfEditError("it has a table of section headers too long for e_shnum and e_shstrndx")
    if header.shentsize != records.shdr.size:
        raise ElfFormatError(f"must be {records.shdr.size}", field="e_shentsize", offset=place, value=header.shentsize)
    size = header.shnum * records.shdr.size
    if header.shoff + size > len(data):
        raise ElfFormatError(
            f"{header.shnum} section headers from there on reach beyond the end of the file, {len(data):#x}",
            field="e_shoff", offset=place - 18 if records.bits == 64 else place - 14, value=header.shoff,
        )  # fmt: skip
    sections = tuple(map(Section._make, records.shdr.iter_unpack(data[header.shoff : header.shoff + size])))
    for section in sections:
        if section.type not in (SHT_NOBITS, SHT_NULL) and section.end > len(data):
            raise ElfFormatError(
                f"a section ends at {section.end:#x} and the file at {len(data):#x}",
                field="sh_size", offset=header.shoff, value=section.size,
            )  # fmt: skip
    return sections


def _names(data: bytes, header: FileHeader, sections: tuple[Section, ...]) -> tuple[bytes, ...]:
    if header.shstrndx >= len(sections):
        return (b"",) * len(sections)
    strings = sections[header.shstrndx]
    text = data[strings.offset : strings.end] if strings.type != SHT_NOBITS else b""
    return tuple(text[section.name : max(text.find(b"\0", section.name), section.name)] for section in sections)


def _dynamic(image: Image, segments: tuple[Segment, ...]) -> Dynamic:
    table = read_dynamic(image)
    if table is None:
        return Dynamic(DynamicTable(image, 0, []), 0, 0, 0, (), 0, exists=False)
    # the one that counts, as in the reader
    segment = next(s for s in reversed(segments) if s.type == PT_DYNAMIC and (s.filesz or image.is_mapped(s.vaddr)))
    if segment.offset != table.offset:
        raise ElfEditError(
            f"PT_DYNAMIC is said to lie at offset {segment.offset:#x}, and its address is mapped from {table.offset:#x}"
        )
    size = image.layout.dyn.size
    count = len(table.entries)
    end = count + 1
    most = min(segment.filesz // size, 1 << 16)
    # Whatever value stands beside a DT_NULL: chrpath -d leaves that of the entry that it removed.
    spare = image.source.read(table.offset + end * size, (most - end) * size, "PT_DYNAMIC") if most > end else b""
    for tag, _ in image.layout.dyn.iter_unpack(spare):
        if tag != DT_NULL:
            break
        end += 1
    return Dynamic(
        table, table.offset, segment.vaddr, max(segment.filesz, end * size), tuple(table.entries), end, exists=True
    )
