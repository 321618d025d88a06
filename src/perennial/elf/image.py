"""A file as the loader maps it: addresses to file offsets, through PT_LOAD.

PT_DYNAMIC and everything that it points to are given as addresses (gABI chapter 5, "Dynamic
Section"), so these go through the load segments; an address that no segment backs with
bytes of the file is malformed here, even where a kernel would hand out zeros for it.
"""

from __future__ import annotations

from typing import Final

from perennial.elf.constants import EI_NIDENT, ELF_MAGIC, PT_LOAD
from perennial.elf.layout import LAYOUTS, S390X_LAYOUT, FileHeader, Layout, ProgramHeader
from perennial.elf.source import ByteSource
from perennial.errors import ElfFormatError

_EM_S390: Final = 22


class Image:
    """Header, program headers and address translation of one file."""

    __slots__ = ("_loads", "header", "layout", "os_abi", "program_headers", "source")

    def __init__(self, source: ByteSource) -> None:
        ident = source.read(0, EI_NIDENT, "e_ident")
        if not ident.startswith(ELF_MAGIC):
            raise ElfFormatError("not an ELF file", field="EI_MAG", offset=0)
        layout = LAYOUTS.get((ident[4], ident[5]))
        if layout is None:
            raise ElfFormatError(
                "class and data encoding must each be 1 or 2", field="EI_CLASS, EI_DATA", offset=4, value=ident[4] << 8 | ident[5]
            )
        header = layout.unpack_file_header(source.read(0, EI_NIDENT + layout.ehdr.size, "e_type"))
        if header.machine == _EM_S390 and layout is LAYOUTS[2, 2]:
            layout = S390X_LAYOUT
        self.source: Final = source
        self.layout: Final = layout
        self.header: Final = header
        self.os_abi: Final = ident[7]
        self.program_headers: Final = _program_headers(source, layout, header)
        # Later mappings replace earlier ones where they overlap (mmap's MAP_FIXED), so look from the end.
        self._loads: Final = [p for p in reversed(self.program_headers) if p.type == PT_LOAD]

    def offset_of(self, address: int, field: str) -> int:
        """The file offset of the byte that is mapped at `address`."""
        return self.span_from(address, field)[0]

    def span_from(self, address: int, field: str) -> tuple[int, int]:
        """The file offset of `address`, and how many bytes of the file follow in the same segment."""
        for load in self._loads:
            distance = address - load.vaddr
            if 0 <= distance < load.filesz:
                return load.offset + distance, load.filesz - distance
        raise ElfFormatError(
            "no PT_LOAD segment maps bytes of the file to this address", field=field, offset=0, value=address
        )

    def read_at(self, address: int, size: int, field: str) -> bytes:
        """`size` bytes from where `address` is mapped."""
        offset, available = self.span_from(address, field)
        if size > available:
            raise ElfFormatError(
                f"{size} bytes are wanted there and its segment ends after {available}", field=field, offset=offset
            )
        return self.source.read(offset, size, field)


def _program_headers(source: ByteSource, layout: Layout, header: FileHeader) -> tuple[ProgramHeader, ...]:
    if header.phnum == 0:
        return ()
    if header.phentsize != layout.phdr.size:
        # glibc refuses anything else: "ELF file's phentsize not the expected size"
        raise ElfFormatError(
            f"must be {layout.phdr.size}", field="e_phentsize", offset=EI_NIDENT, value=header.phentsize
        )
    return layout.unpack_program_headers(source.read(header.phoff, header.phnum * layout.phdr.size, "e_phoff"))
