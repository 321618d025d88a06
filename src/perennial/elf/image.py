"""A file as the loader maps it: addresses to file offsets, through PT_LOAD.

PT_DYNAMIC and everything that it points to are given as addresses (gABI chapter 5, "Dynamic
Section"), so these go through the load segments; an address that no segment backs with
bytes of the file is malformed here, even where a kernel would hand out zeros for it.
"""

from __future__ import annotations

from perennial.elf.constants import EI_NIDENT, ELF_MAGIC, ET_CORE, ET_REL, PT_INTERP, PT_LOAD
from perennial.elf.layout import LAYOUTS, S390X_LAYOUT, FileHeader, Layout, ProgramHeader
from perennial.elf.source import ByteSource
from perennial.errors import ElfFormatError
from perennial.lean_typing import Final

_EM_S390: Final = 22
_EV_CURRENT: Final = 1
# What Linux accepts of a program (fs/binfmt_elf.c, load_elf_phdrs). glibc sets libraries no limit,
# but no linker comes near it, and every address is looked for in every one of them.
_MOST_HEADER_BYTES: Final = 1 << 16
_LONGEST_INTERPRETER: Final = 4096  # PATH_MAX; the kernel refuses longer ones (fs/binfmt_elf.c)


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
                "class and data encoding must each be 1 or 2",
                field="EI_CLASS, EI_DATA", offset=4, value=ident[4] << 8 | ident[5],
            )  # fmt: skip
        header = layout.unpack_file_header(source.read(0, EI_NIDENT + layout.ehdr.size, "e_type"))
        # glibc's open_verify: "ELF file version does not match current one"
        for field, version, place in (("EI_VERSION", ident[6], 6), ("e_version", header.version, 20)):
            if version != _EV_CURRENT:
                raise ElfFormatError("only version 1 is defined", field=field, offset=place, value=version)
        if header.machine == _EM_S390 and layout is LAYOUTS[2, 2]:
            layout = S390X_LAYOUT
        self.source: Final = source
        self.layout: Final = layout
        self.header: Final = header
        self.os_abi: Final = ident[7]
        self.program_headers: Final = _program_headers(source, layout, header)
        # Later mappings replace earlier ones where they overlap (mmap's MAP_FIXED), so look from the end.
        self._loads: Final = merged_loads([p for p in reversed(self.program_headers) if p.type == PT_LOAD])

    def is_mapped(self, address: int) -> bool:
        """Whether bytes of the file are mapped at `address`."""
        return any(vaddr <= address < vaddr + size for vaddr, size, _ in self._loads)

    def span_from(self, address: int, field: str, *, stated_at: int = 0) -> tuple[int, int]:
        """The file offset of `address`, and how many bytes of the file follow in the same segment.

        `stated_at` is the offset of the field in which the address stands, for the error.
        """
        size = self.source.size
        for vaddr, filesz, start in self._loads:
            if vaddr <= address < vaddr + filesz:
                offset = start + address - vaddr
                if offset >= size:
                    raise ElfFormatError(
                        f"mapped from byte {offset:#x}, and the file ends at {size:#x}",
                        field=field, offset=stated_at, value=address,
                    )  # fmt: skip
                return offset, min(vaddr + filesz - address, size - offset)
        raise ElfFormatError(
            "no PT_LOAD segment maps bytes of the file to this address",
            field=field, offset=stated_at, value=address,
        )  # fmt: skip

    def read_at(self, address: int, size: int, field: str, *, stated_at: int = 0) -> bytes:
        """`size` bytes from where `address` is mapped."""
        offset, available = self.span_from(address, field, stated_at=stated_at)
        check_fits(size, offset, available, field)
        return self.source.read(offset, size, field)


def read_interpreter(image: Image) -> str | None:
    """PT_INTERP: the path of the dynamic loader; None in libraries and static programs."""
    header = next((p for p in image.program_headers if p.type == PT_INTERP), None)
    if header is None:
        return None
    if header.filesz > _LONGEST_INTERPRETER:
        raise ElfFormatError("longer than a path can be", field="PT_INTERP", offset=header.offset, value=header.filesz)
    data = image.source.read(header.offset, header.filesz, "PT_INTERP")
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def merged_loads(loads: list[ProgramHeader]) -> list[tuple[int, int, int]]:
    """(address, size, offset) of each segment, with what follows it both in memory and in the file.

    To a loader, which maps whole pages and reads addresses, two such segments are one: a table
    may begin in the first and end in the second.
    """
    sizes = {(load.vaddr, load.offset): load.filesz for load in loads if load.filesz}
    merged = []
    for load in loads:
        size = load.filesz
        while following := sizes.get((load.vaddr + size, load.offset + size)) if size else None:
            size += following
        merged.append((load.vaddr, size, load.offset))
    return merged


def check_fits(size: int, offset: int, available: int, field: str, *, value: int | None = None) -> None:
    """Refuses what reaches beyond its segment, of which `available` bytes follow `offset`."""
    if size > available:
        raise ElfFormatError(
            f"{size} bytes are wanted there and its segment, or the file, ends after {available}",
            field=field, offset=offset, value=value,
        )  # fmt: skip


def _program_headers(source: ByteSource, layout: Layout, header: FileHeader) -> tuple[ProgramHeader, ...]:
    # Nothing maps object files and core dumps; the latter may have any number of segments.
    if header.phnum == 0 or header.type in (ET_REL, ET_CORE):
        return ()
    place = EI_NIDENT + layout.ehdr.size - 10  # e_phentsize and e_phnum are followed by three fields
    if header.phentsize != layout.phdr.size:
        # glibc refuses anything else: "ELF file's phentsize not the expected size"
        raise ElfFormatError(f"must be {layout.phdr.size}", field="e_phentsize", offset=place, value=header.phentsize)
    if header.phnum * layout.phdr.size > _MOST_HEADER_BYTES:
        raise ElfFormatError(
            f"more than {_MOST_HEADER_BYTES // layout.phdr.size} program headers",
            field="e_phnum", offset=place + 2, value=header.phnum,
        )  # fmt: skip
    return layout.unpack_program_headers(source.read(header.phoff, header.phnum * layout.phdr.size, "e_phoff"))
