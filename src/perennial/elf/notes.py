"""PT_NOTE and PT_GNU_PROPERTY: build id and x86 instruction-set level.

gABI chapter 5, "Note Section", and the x86-64 psABI, "Program Property": in segments aligned
to 8 bytes names and descriptors are padded to 8, else to 4. A note that claims more bytes
than its segment has ends the reading, as it does in glibc: notes are not needed to load.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from perennial.arch import EM_386, EM_X86_64
from perennial.elf.constants import (
    GNU_PROPERTY_X86_ISA_1_NEEDED,
    GNU_PROPERTY_X86_ISA_1_USED,
    NT_GNU_BUILD_ID,
    NT_GNU_PROPERTY_TYPE_0,
    PT_GNU_PROPERTY,
    PT_NOTE,
)
from perennial.elf.image import Image
from perennial.errors import ElfFormatError
from perennial.lean_typing import Final, NamedTuple

# Real note segments have some hundred bytes; this is for all segments of a file together.
_MOST_BYTES: Final = 1 << 20
_X86: Final = frozenset({EM_386, EM_X86_64})


class Notes(NamedTuple):
    """`build_id` in hexadecimal, of several the first; the x86 levels are bit sets of
    GNU_PROPERTY_X86_ISA_1_*, 0 where unstated.
    """

    build_id: str | None
    x86_isa_needed: int
    x86_isa_used: int


def read_notes(image: Image) -> Notes:
    build_id: str | None = None
    properties: dict[int, int] = {}
    total = 0
    for header in image.program_headers:
        if header.type not in (PT_NOTE, PT_GNU_PROPERTY):
            continue
        total += header.filesz
        if total > _MOST_BYTES:
            raise ElfFormatError(
                f"more than {_MOST_BYTES} bytes of notes", field="PT_NOTE", offset=header.offset, value=header.filesz
            )
        data = image.source.read(header.offset, header.filesz, "PT_NOTE")
        alignment = 8 if header.align == 8 else 4
        little = image.layout.little_endian
        for kind, descriptor in _gnu_notes(data, alignment, little_endian=little):
            if kind == NT_GNU_BUILD_ID:
                build_id = build_id or descriptor.hex()
            elif kind == NT_GNU_PROPERTY_TYPE_0 and image.header.machine in _X86:  # others number theirs differently
                properties.update(_properties(descriptor, image.layout.bits // 8, little_endian=little))
    return Notes(
        build_id,
        properties.get(GNU_PROPERTY_X86_ISA_1_NEEDED, 0),
        properties.get(GNU_PROPERTY_X86_ISA_1_USED, 0),
    )


def _gnu_notes(data: bytes, alignment: int, *, little_endian: bool) -> Iterator[tuple[int, bytes]]:
    """(type, descriptor) of each note whose owner is "GNU"."""
    header = Struct("<III" if little_endian else ">III")
    position = 0
    while position + header.size <= len(data):
        name_size, descriptor_size, kind = header.unpack_from(data, position)
        name = position + header.size
        descriptor = name + _padded(name_size + header.size, alignment) - header.size
        if descriptor + descriptor_size > len(data):
            return
        if data[name : name + name_size] == b"GNU\0":
            yield kind, data[descriptor : descriptor + descriptor_size]
        position = descriptor + _padded(descriptor_size, alignment)


def _properties(data: bytes, alignment: int, *, little_endian: bool) -> Iterator[tuple[int, int]]:
    """(pr_type, value) of the properties that are numbers."""
    header = Struct("<II" if little_endian else ">II")
    position = 0
    while position + header.size <= len(data):
        kind, size = header.unpack_from(data, position)
        position += header.size
        if size <= 8:
            yield kind, int.from_bytes(data[position : position + size], "little" if little_endian else "big")
        position += _padded(size, alignment)


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment
