"""From the bytes of an ELF file to its facts."""

from __future__ import annotations

from perennial.arch import ElfAbi
from perennial.elf.constants import (
    DF_TEXTREL,
    DT_FLAGS,
    DT_FLAGS_1,
    DT_RELR,
    DT_RPATH,
    DT_RUNPATH,
    DT_SONAME,
    DT_TEXTREL,
    PF_X,
    PT_GNU_STACK,
    PT_TLS,
)
from perennial.elf.dynamic import read_dynamic
from perennial.elf.dynamic_symbols import NO_SYMBOLS
from perennial.elf.image import Image, read_interpreter
from perennial.elf.model import ElfFile, ElfType, StackPermission, TlsSegment
from perennial.elf.notes import read_notes
from perennial.elf.source import ByteSource, WholeFile
from perennial.elf.symbols import SymbolTable
from perennial.elf.versions import read_verdefs, read_verneeds
from perennial.errors import ElfFormatError


def read_elf(data: bytes | ByteSource, *, exports: bool = False) -> ElfFile:
    """The facts about an ELF file of any class, byte order and machine.

    `data` is the file's content, or a `ByteSource` over it. Defined symbols are many and
    seldom wanted: they are read only with `exports=True`.

    Raises `ElfFormatError` where the bytes are not what a loader would accept, and, only for a
    `KeptBytes`, `BytesNotKept`.
    """
    image = Image(WholeFile(data) if isinstance(data, bytes) else data)
    try:
        kind = ElfType(image.header.type)
    except ValueError:
        raise ElfFormatError(
            "not a file type that Linux knows", field="e_type", offset=16, value=image.header.type
        ) from None
    abi = ElfAbi(image.layout.bits, image.layout.little_endian, image.header.machine, image.header.flags)
    if kind in (ElfType.RELOCATABLE, ElfType.CORE):
        return _not_loadable(image, abi, kind)
    interpreter = read_interpreter(image)
    dynamic = read_dynamic(image)
    notes = read_notes(image)
    if dynamic is None:
        return _not_loadable(image, abi, kind)._replace(
            interpreter=interpreter, build_id=notes.build_id, stack=_stack(image), tls=_tls(image),
            x86_isa_needed=notes.x86_isa_needed, x86_isa_used=notes.x86_isa_used,
        )  # fmt: skip

    strings = dynamic.string_table()
    verneeds = read_verneeds(image, dynamic, strings)
    verdefs = read_verdefs(image, dynamic, strings)
    symbols = SymbolTable(image, dynamic, strings, verneeds, verdefs)

    def string(tag: int) -> str | None:
        index = dynamic.get(tag)
        return None if index is None else strings[index]

    flags = dynamic.get(DT_FLAGS) or 0
    return ElfFile(
        abi=abi,
        os_abi=image.os_abi,
        type=kind,
        is_dynamic=True,
        interpreter=interpreter,
        soname=string(DT_SONAME),
        needed=tuple(strings[index] for index in dynamic.needed),
        rpath=string(DT_RPATH),
        runpath=string(DT_RUNPATH),
        verneeds=verneeds,
        verdefs=verdefs,
        undefined=symbols.imports(is_program=interpreter is not None or kind is ElfType.EXECUTABLE),
        exports=symbols.exports() if exports else None,
        export_hashes=None if interpreter is not None else symbols.export_hashes(),
        flags=flags,
        flags_1=dynamic.get(DT_FLAGS_1) or 0,
        has_text_relocations=dynamic.get(DT_TEXTREL) is not None or bool(flags & DF_TEXTREL),
        has_relr=dynamic.get(DT_RELR) is not None,
        stack=_stack(image),
        tls=_tls(image),
        build_id=notes.build_id,
        x86_isa_needed=notes.x86_isa_needed,
        x86_isa_used=notes.x86_isa_used,
    )


def _not_loadable(image: Image, abi: ElfAbi, kind: ElfType) -> ElfFile:
    """A file without a dynamic section: object files, core dumps, static programs."""
    return ElfFile(
        abi=abi, os_abi=image.os_abi, type=kind, is_dynamic=False, interpreter=None, soname=None, needed=(),
        rpath=None, runpath=None, verneeds=(), verdefs=(), undefined=NO_SYMBOLS, exports=None, export_hashes=None,
        flags=0, flags_1=0, has_text_relocations=False, has_relr=False, stack=StackPermission.UNSTATED, tls=None,
        build_id=None, x86_isa_needed=0, x86_isa_used=0,
    )  # fmt: skip


def _stack(image: Image) -> StackPermission:
    header = next((p for p in reversed(image.program_headers) if p.type == PT_GNU_STACK), None)
    if header is None:
        return StackPermission.UNSTATED
    return StackPermission.EXECUTABLE if header.flags & PF_X else StackPermission.NOT_EXECUTABLE


def _tls(image: Image) -> TlsSegment | None:
    header = next((p for p in reversed(image.program_headers) if p.type == PT_TLS), None)
    return None if header is None or header.memsz == 0 else TlsSegment(header.memsz, header.align)
