"""The structures that the reader skips or reads in part, in full, since an editor writes them back.

Orders of fields are those of the gABI's figures 4-3, 4-8, 4-15 and 5-1, and of LSB Core's "Symbol
Versioning". `elf/layout.py` has what a loader reads.
"""

from __future__ import annotations

from struct import Struct

from perennial.lean_typing import Final, NamedTuple


class SymbolFields(NamedTuple):
    """A symbol's size in bytes and where in it its fields stand; st_name, a 32-bit word, comes first in all."""

    size: int
    info: int
    other: int
    shndx: int
    value: int
    extent: int  # st_size


class Records(NamedTuple):
    """The structures of one class and byte order."""

    bits: int
    little_endian: bool
    ehdr: Struct  # from e_type on
    phdr: Struct
    shdr: Struct
    dyn: Struct
    word: Struct
    half: Struct
    pointer: Struct
    symbol: SymbolFields
    verneed: Struct
    vernaux: Struct
    verdef: Struct
    verdaux: Struct


def _records(bits: int, order: str) -> Records:
    wide = bits == 64
    return Records(
        bits=bits,
        little_endian=order == "<",
        ehdr=Struct(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")),
        phdr=Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII")),
        shdr=Struct(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")),
        dyn=Struct(order + ("qQ" if wide else "iI")),
        word=Struct(order + "I"),
        half=Struct(order + "H"),
        pointer=Struct(order + ("Q" if wide else "I")),
        symbol=SymbolFields(24, 4, 5, 6, 8, 16) if wide else SymbolFields(16, 12, 13, 14, 4, 8),
        verneed=Struct(order + "HHIII"),  # vn_version, vn_cnt, vn_file, vn_aux, vn_next
        vernaux=Struct(order + "IHHII"),  # vna_hash, vna_flags, vna_other, vna_name, vna_next
        verdef=Struct(order + "HHHHIII"),  # vd_version, vd_flags, vd_ndx, vd_cnt, vd_hash, vd_aux, vd_next
        verdaux=Struct(order + "II"),  # vda_name, vda_next
    )


RECORDS: Final = {(bits, order == "<"): _records(bits, order) for bits in (32, 64) for order in "<>"}


class Segment(NamedTuple):
    """A program header; gABI figure 5-1."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int

    @property
    def end(self) -> int:
        """Where its bytes end in the file."""
        return self.offset + self.filesz

    def moved(self, distance: int, address_distance: int) -> Segment:
        return self._replace(
            offset=self.offset + distance, vaddr=self.vaddr + address_distance, paddr=self.paddr + address_distance
        )


class Section(NamedTuple):
    """A section header; gABI figure 4-8. `name` is an offset into the section that e_shstrndx says."""

    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entsize: int

    @property
    def end(self) -> int:
        """Where its bytes end in the file."""
        return self.offset + self.size


class FileHeader(NamedTuple):
    """What follows e_ident; gABI figure 4-3."""

    type: int
    machine: int
    version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    ehsize: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int


def unpack_segments(records: Records, data: bytes) -> tuple[Segment, ...]:
    rows = records.phdr.iter_unpack(data)
    if records.bits == 64:
        return tuple(map(Segment._make, rows))
    return tuple(Segment._make((row[0], row[6], *row[1:6], row[7])) for row in rows)


def pack_segments(records: Records, segments: tuple[Segment, ...]) -> bytes:
    pack = records.phdr.pack
    if records.bits == 64:
        return b"".join([pack(*segment) for segment in segments])
    return b"".join([pack(s.type, s.offset, s.vaddr, s.paddr, s.filesz, s.memsz, s.flags, s.align) for s in segments])


def sysv_hash(name: bytes) -> int:
    """The hash of version names (gABI figure 5-13)."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high
    return value
