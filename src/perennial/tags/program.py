"""An interpreter's ELF file: what kind of process it becomes, and which dynamic loader starts it.

Read from the file header and the program headers alone, some hundred bytes of the file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from perennial.arch import EM_ARM, ElfAbi
from perennial.elf.constants import ELF_MAGIC
from perennial.elf.image import Image, read_interpreter
from perennial.elf.source import check_range
from perennial.errors import ElfFormatError, UnreadableError, printable
from perennial.lean_typing import Final, NamedTuple, TypeVar
from perennial.platform_tag import Libc

# A root may hold a pipe under any name, and opening one must not wait. Roots may lie on other systems than Linux.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_EF_ARM_ABI_FLOAT_HARD: Final = 0x400  # ARM IHI 0044, "ELF for the Arm Architecture"


class Program(NamedTuple):
    """`loader` is PT_INTERP; None for a static program."""

    abi: ElfAbi
    loader: str | None

    @property
    def libc(self) -> Libc | None:
        """The C library whose loader it asks for; None for a static program, or a loader of another."""
        name = (self.loader or "").rpartition("/")[2]
        if name.startswith("ld-musl-"):
            return Libc.MUSL
        # glibc's shlib-versions files: ld-linux-x86-64.so.2, ld-linux.so.2, ld64.so.2, ld.so.1
        return Libc.GLIBC if name.startswith(("ld-linux", "ld64.so", "ld.so", "ld-lsb")) else None

    @property
    def loads_tagged(self) -> bool:
        """Whether what tags of its architecture mean can be loaded into it.

        A program, unlike a library, says how it passes floats: hard-float ones set the flag.
        """
        if self.abi.machine == EM_ARM:
            return self.abi.architecture is not None and bool(self.abi.flags & _EF_ARM_ABI_FLOAT_HARD)
        return self.abi.architecture is not None


class OpenFile:
    """A file that is read where it is asked (a `ByteSource`)."""

    __slots__ = ("_descriptor", "size")

    def __init__(self, descriptor: int) -> None:
        self._descriptor: Final = descriptor
        self.size: Final = os.fstat(descriptor).st_size

    def read(self, offset: int, size: int, field: str) -> bytes:
        check_range(offset, size, self.size, field)
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        data = os.read(self._descriptor, size)
        if len(data) < size:
            raise ElfFormatError("the file was cut short while it was read", field=field, offset=offset)
        return data

    def require(self, offset: int, size: int, field: str) -> None:
        check_range(offset, size, self.size, field)


def read_program(path: str) -> Program:
    """Raises `UnreadableError` for what cannot be opened, or is no ELF file."""
    return _with_file(path, _program)


def read_needed(path: str) -> tuple[str, ...]:
    """The libraries that a program needs (DT_NEEDED). Raises `UnreadableError`."""
    return _with_file(path, _needed)


_Result = TypeVar("_Result")


def _with_file(path: str, read: Callable[[OpenFile], _Result]) -> _Result:
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise UnreadableError(f"{printable(path)}: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableError(f"{printable(path)}: not a regular file")
        return read(OpenFile(descriptor))
    except ElfFormatError as error:
        os.lseek(descriptor, 0, os.SEEK_SET)
        if error.field == "EI_MAG" and os.read(descriptor, 2) == b"#!":
            raise UnreadableError(
                f"{printable(path)}: a script, not a program: name the interpreter that it starts"
            ) from error
        raise UnreadableError(f"{printable(path)}: {error}") from error
    except OSError as error:
        raise UnreadableError(f"{printable(path)}: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _program(source: OpenFile) -> Program:
    image = _image(source)
    header = image.header
    abi = ElfAbi(image.layout.bits, image.layout.little_endian, header.machine, header.flags)
    return Program(abi, read_interpreter(image))


def _image(source: OpenFile) -> Image:
    if source.size < len(ELF_MAGIC) or source.read(0, len(ELF_MAGIC), "e_ident") != ELF_MAGIC:
        raise ElfFormatError("not an ELF file", field="EI_MAG", offset=0)
    return Image(source)


def _needed(source: OpenFile) -> tuple[str, ...]:
    from perennial.elf.dynamic import read_dynamic  # noqa: PLC0415 - only where a Python is looked at from outside

    dynamic = read_dynamic(_image(source))
    if dynamic is None:
        return ()
    strings = dynamic.string_table()
    return tuple(strings[index] for index in dynamic.needed)
