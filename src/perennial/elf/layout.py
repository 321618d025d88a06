"""How the structures of an ELF file lie in its bytes, for each class and byte order.

The one place that knows the difference between Elf32 and Elf64; everything above names
fields. Orders of fields are those of the gABI's figures; only `Elf32_Phdr` and `Elf32_Sym`
differ from their 64-bit twins by more than width, and `unpack_*` hides that.
"""

from __future__ import annotations

from array import array
from struct import Struct
from sys import byteorder

from perennial.lean_typing import Final, NamedTuple


class ProgramHeader(NamedTuple):
    """gABI figure 5-1. Offsets and sizes in bytes."""

    type: int
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int
    align: int


class FileHeader(NamedTuple):
    """What follows `e_ident`, gABI figure 4-3, as far as a loader reads it."""

    type: int
    machine: int
    version: int
    phoff: int
    flags: int
    phentsize: int
    phnum: int


class Layout(NamedTuple):
    """The structures of one class and byte order."""

    bits: int
    little_endian: bool
    ehdr: Struct  # from e_type on
    phdr: Struct
    dyn: Struct
    sym: Struct
    st_info: int  # offsets in a symbol's record, which columns of a table are cut by; st_name is at 0
    st_other: int
    st_shndx: int
    rel: Struct
    rela: Struct
    word: Struct
    hash_word: Struct

    def words(self, kind: str, data: bytes) -> array[int]:
        """A run of 16-bit (`kind` "H") or 32-bit ("I") words."""
        words = array(kind, data)
        if self.little_endian != (byteorder == "little"):
            words.byteswap()
        return words

    def unpack_file_header(self, data: bytes) -> FileHeader:
        fields = self.ehdr.unpack_from(data, 16)
        kind, machine, version, _entry, phoff, _shoff, flags, _ehsize, phentsize, phnum = fields[:10]
        return FileHeader(kind, machine, version, phoff, flags, phentsize, phnum)

    def unpack_program_headers(self, data: bytes) -> tuple[ProgramHeader, ...]:
        if self.bits == 64:
            return tuple(
                ProgramHeader(kind, flags, offset, vaddr, filesz, memsz, align)
                for kind, flags, offset, vaddr, _paddr, filesz, memsz, align in self.phdr.iter_unpack(data)
            )
        return tuple(
            ProgramHeader(kind, flags, offset, vaddr, filesz, memsz, align)
            for kind, offset, vaddr, _paddr, filesz, memsz, flags, align in self.phdr.iter_unpack(data)
        )


def _layout(bits: int, order: str, *, wide_hash: bool = False) -> Layout:
    wide = bits == 64
    return Layout(
        bits=bits,
        little_endian=order == "<",
        ehdr=Struct(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")),
        phdr=Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII")),
        dyn=Struct(order + ("qQ" if wide else "iI")),
        # Only st_name, st_info and st_shndx, which stand in this order in both classes:
        # name, info, other, shndx, value, size in ELF64, and name, value, size, info, other, shndx in ELF32.
        sym=Struct(order + ("IBxH16x" if wide else "I8xBxH")),
        st_info=4 if wide else 12,
        st_other=5 if wide else 13,
        st_shndx=6 if wide else 14,
        rel=Struct(order + ("QQ" if wide else "II")),
        rela=Struct(order + ("QQq" if wide else "IIi")),
        word=Struct(order + "I"),
        hash_word=Struct(order + ("Q" if wide_hash else "I")),
    )


# ei_class (1: 32-bit, 2: 64-bit), ei_data (1: little-endian, 2: big-endian)
LAYOUTS: Final = {
    (1, 1): _layout(32, "<"),
    (1, 2): _layout(32, ">"),
    (2, 1): _layout(64, "<"),
    (2, 2): _layout(64, ">"),
}

# The zSeries supplement gives DT_HASH tables 64-bit words; all other ELF64 targets use 32.
S390X_LAYOUT: Final = _layout(64, ">", wide_hash=True)
