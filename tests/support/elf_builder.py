"""Builds ELF files of either class and byte order, in microseconds, from an `ElfSpec`.

The spec is the oracle of the tests of perennial's reader: `read(build(spec)) == spec`.
`elf_spec` holds what can be said, `elf_image` how it becomes a file; `build_elf_with_layout`
says where every field lies, and `mutate` overwrites some, so that a test can corrupt exactly one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tests.support.elf_fields import fields_of
from tests.support.elf_image import Image
from tests.support.elf_spec import (
    ARCHES,
    ET_CORE,
    ET_DYN,
    ET_EXEC,
    ET_REL,
    Abi,
    ElfSpec,
    Export,
    Import,
    Need,
    NeedVersion,
    Verdef,
)
from tests.support.elf_tables import exports_in_order

__all__ = [
    "ARCHES",
    "ET_CORE",
    "ET_DYN",
    "ET_EXEC",
    "ET_REL",
    "Abi",
    "ElfSpec",
    "Export",
    "Import",
    "Need",
    "NeedVersion",
    "Verdef",
    "build_elf",
    "build_elf_with_layout",
    "elf",
    "mutate",
    "symbol_order",
]


def build_elf(spec: ElfSpec) -> bytes:
    """The file that says what `spec` says."""
    return Image(spec).build()


def elf(**fields: Any) -> bytes:
    """The file of an `ElfSpec` with these fields; `arch="s390x"` sets the header's."""
    arch = fields.pop("arch", None)
    return build_elf(ElfSpec(**fields) if arch is None else ElfSpec.for_arch(arch, **fields))


def symbol_order(spec: ElfSpec) -> tuple[Import | Export, ...]:
    """The dynamic symbols as the file has them from index 1 on."""
    return () if spec.static or spec.type == ET_REL else (*spec.imports, *exports_in_order(spec))


def build_elf_with_layout(spec: ElfSpec) -> tuple[bytes, dict[str, int]]:
    """The file, and the offset of every field; `tests.support.elf_fields` lists their names."""
    image = Image(spec)
    data = image.build()
    return data, {name: offset for name, (offset, _) in fields_of(image, data).items()}


def mutate(spec: ElfSpec, changes: Mapping[str, int]) -> bytes:
    """The file with some fields overwritten, in their own width: `{"DT_STRSZ": 1 << 30}`.

    Negative values wrap around. A field that the file lacks is a KeyError.
    """
    image = Image(spec)
    data = bytearray(image.build())
    fields = fields_of(image, bytes(data))
    order: Literal["little", "big"] = "little" if spec.little_endian else "big"
    for name, value in changes.items():
        offset, width = fields[name]
        data[offset : offset + width] = (value & (1 << 8 * width) - 1).to_bytes(width, order)
    return bytes(data)
