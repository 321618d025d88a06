"""Runs of bytes that may stand anywhere, because only headers and PT_DYNAMIC lead to them.

These are the tables of dynamic linking, the notes and the interpreter's path: nothing in code or data
has their address, and nothing in them is relative to where they stand. An editor may therefore
evict them to make room for what cannot stand elsewhere.

Where a table ends is what its section header says, or, in files without, what the table itself
says; a table of which neither is known stays where it is.
"""

from __future__ import annotations

from struct import Struct

from perennial.elf import constants
from perennial.elf.constants import (
    DT_GNU_HASH,
    DT_HASH,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMTAB,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERSYM,
    PT_GNU_PROPERTY,
    PT_INTERP,
    PT_NOTE,
    SHF_ALLOC,
    SHT_DYNSYM,
    SHT_GNU_HASH,
    SHT_GNU_VERDEF,
    SHT_GNU_VERNEED,
    SHT_GNU_VERSYM,
    SHT_HASH,
    SHT_NOBITS,
    SHT_STRTAB,
)
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.version_tables import verdef_extent, verneed_extent
from perennial.elf.symbol_count import SymbolCount, count_symbols
from perennial.errors import ElfFormatError
from perennial.lean_typing import Final, NamedTuple

# d_tag: (name for people, sh_type)
_TABLES: Final = {
    DT_HASH: (".hash", SHT_HASH),
    DT_GNU_HASH: (".gnu.hash", SHT_GNU_HASH),
    DT_SYMTAB: (".dynsym", SHT_DYNSYM),
    DT_STRTAB: (".dynstr", SHT_STRTAB),
    DT_VERSYM: (".gnu.version", SHT_GNU_VERSYM),
    DT_VERDEF: (".gnu.version_d", SHT_GNU_VERDEF),
    DT_VERNEED: (".gnu.version_r", SHT_GNU_VERNEED),
}


class Run(NamedTuple):
    """`tag` is the d_tag that leads to it, None for notes and interpreter. `owned`: a section header claims exactly
    these bytes and none claims a part of them.
    """

    name: str
    tag: int | None
    offset: int
    address: int
    size: int
    align: int
    owned: bool = False

    @property
    def end(self) -> int:
        """Where it ends in the file."""
        return self.offset + self.size


class NewTable(NamedTuple):
    """What a run becomes. `ahead` bytes of `content` stand in front of what the run held; None where nothing of it is
    left.
    """

    run: Run
    content: bytes
    ahead: int | None = None


def movable_runs(elf: Skeleton) -> tuple[Run, ...]:
    """In the order of the file; runs that overlap others are left out."""
    runs = sorted([*_segments(elf), *_tables(elf)], key=lambda run: run.offset)
    clear = [
        run
        for index, run in enumerate(runs)
        if all(run.offset >= other.end or other.offset >= run.end for i, other in enumerate(runs) if i != index)
    ]
    return tuple(run._replace(owned=is_owned(elf, run)) for run in clear)


def string_run(elf: Skeleton) -> Run | None:
    """The string table by itself."""
    if elf.dynamic.get(DT_STRTAB) is None:
        return None
    span = elf.dynamic.table.span(DT_STRTAB, "DT_STRTAB")
    size = elf.dynamic.get(DT_STRSZ) or 0
    if span is None or size > span[1]:
        raise ElfFormatError("longer than its segment", field="DT_STRSZ", offset=span[0] if span else 0, value=size)
    address = elf.dynamic.get(DT_STRTAB) or 0
    run = Run(".dynstr", DT_STRTAB, span[0], address, size, 1)
    return run._replace(owned=is_owned(elf, run))


def _segments(elf: Skeleton) -> list[Run]:
    """Notes and the interpreter's path. Segments that share bytes, as PT_NOTE and PT_GNU_PROPERTY do, are one run."""
    runs: list[Run] = []
    kinds = {PT_NOTE: "note", PT_GNU_PROPERTY: "note", PT_INTERP: ".interp"}
    for segment in sorted(elf.segments, key=lambda each: (each.offset, -each.filesz)):
        name = kinds.get(segment.type)
        if name is None or segment.filesz == 0 or segment.memsz != segment.filesz:
            continue
        if not _is_mapped(elf, segment.offset, segment.vaddr, segment.filesz):
            continue
        align = max([segment.align, 1, *_alignments(elf, segment.offset, segment.end)])
        last = runs[-1] if runs else None
        if (
            last is not None
            and segment.offset < last.end
            and segment.vaddr - last.address == segment.offset - last.offset
        ):
            size = max(last.end, segment.end) - last.offset
            runs[-1] = last._replace(size=size, align=max(last.align, align))
        else:
            runs.append(Run(name, None, segment.offset, segment.vaddr, segment.filesz, align))
    return runs


def _tables(elf: Skeleton) -> list[Run]:
    if not elf.dynamic.exists:
        return []
    sizes = TableSizes(elf)
    runs = []
    for tag, (name, kind) in _TABLES.items():
        address = elf.dynamic.get(tag)
        if address is None:
            continue
        if tag == DT_STRTAB:
            strings = string_run(elf)
            runs += [strings] if strings is not None and strings.size else []
            continue
        span = elf.dynamic.table.span(tag, name)
        index = elf.section_at(address, kind)
        align = 8 if elf.records.bits == 64 else 4
        if index is not None and span is not None:
            section = elf.sections[index]
            size = section.size if section.offset == span[0] else None
            align = max(section.align, 1)
        else:
            size = sizes.of(tag)
            align = 2 if tag == DT_VERSYM else align
        if span is not None and size and size <= span[1]:
            runs.append(Run(name, tag, span[0], address, size, align))
    return runs


class TableSizes:
    """What tables say of their own size, in bytes."""

    def __init__(self, elf: Skeleton) -> None:
        self._elf: Final = elf
        self._count: SymbolCount | None = None

    def of(self, tag: int) -> int | None:
        """None where nothing proves it."""
        match tag:
            case constants.DT_VERNEED:
                return _extent_size(verneed_extent(self._elf))
            case constants.DT_VERDEF:
                return _extent_size(verdef_extent(self._elf))
            case constants.DT_HASH:
                return self._sysv_hash()
            case constants.DT_GNU_HASH:
                return self._gnu_hash()
            case constants.DT_STRTAB:
                return self._elf.dynamic.get(DT_STRSZ)
            case _:
                # Relocations say which symbols there are at least, and hash tables which there are.
                proven = self.count.first_hashed is not None or self._elf.dynamic.get(DT_HASH) is not None
                return self.least(tag) if proven else None

    def least(self, tag: int) -> int:
        """How much of the table of symbols, or of their versions, is known to be there."""
        return (2 if tag == DT_VERSYM else self._elf.records.symbol.size) * self.count.total

    @property
    def count(self) -> SymbolCount:
        if self._count is None:
            self._count = count_symbols(self._elf.image, self._elf.dynamic.table)
        return self._count

    def _sysv_hash(self) -> int | None:
        """By its own header, in words of the size that the ABI gives, or of 4 bytes: LLD writes these for s390x, too,
        where no loader notices as long as there is DT_GNU_HASH.
        """
        offset, available = self._elf.image.span_from(self._elf.dynamic.get(DT_HASH) or 0, "DT_HASH")
        for word in (self._elf.image.layout.hash_word, self._elf.records.word):
            if 2 * word.size <= available:
                (buckets,), (chains,) = word.iter_unpack(self._elf.data[offset : offset + 2 * word.size])
                size: int = word.size * (2 + buckets + chains)
                if size <= available and chains >= self.count.total:
                    return size
        return None

    def _gnu_hash(self) -> int:
        address, word = self._elf.dynamic.get(DT_GNU_HASH) or 0, self._elf.records.word
        header = Struct(word.format.replace("I", "IIII"))
        buckets, first, blooms, _ = header.unpack(self._elf.image.read_at(address, header.size, "DT_GNU_HASH"))
        chains = self.count.total - first if self.count.first_hashed is not None else 0
        pointer = self._elf.records.pointer.size
        size: int = header.size + blooms * pointer + 4 * (buckets + chains)
        return size


def _extent_size(extent: tuple[int, int] | None) -> int | None:
    return None if extent is None else extent[1] - extent[0]


def _is_mapped(elf: Skeleton, offset: int, address: int, size: int) -> bool:
    """Whether a load segment maps these bytes to this address."""
    if not elf.image.is_mapped(address):
        return False
    found, available = elf.image.span_from(address, "p_vaddr")
    return found == offset and size <= available


def _alignments(elf: Skeleton, start: int, end: int) -> list[int]:
    return [
        section.align for section in elf.sections
        if section.flags & SHF_ALLOC and start <= section.offset and section.end <= end and section.size
    ]  # fmt: skip


def is_owned(elf: Skeleton, run: Run) -> bool:
    """Whether its bytes are certainly nobody else's."""
    touching = [
        section for section in elf.sections
        if section.size and section.type != SHT_NOBITS and section.offset < run.end and section.end > run.offset
    ]  # fmt: skip
    return (
        bool(touching)
        and all(
            section.offset >= run.offset and section.end <= run.end and section.flags & SHF_ALLOC
            for section in touching
        )
        and (run.tag is None or (len(touching) == 1 and touching[0].size == run.size))
    )
