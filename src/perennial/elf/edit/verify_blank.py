"""The part of reading back that looks at definitions that were to be taken out.

Which bytes these are is found out anew, from the symbols as they were: what the editor took beyond them differs from
the old file, and what it left is not zero.
"""

from __future__ import annotations

from collections.abc import Iterator

from perennial.arch import EM_ARM
from perennial.elf.constants import DT_SYMTAB, PT_TLS, SHN_ABS, SHN_UNDEF, STT_FUNC, STT_GNU_IFUNC, STT_TLS
from perennial.elf.edit.changes import ElfChanges
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.verify_references import strings_of
from perennial.elf.edit.verify_tables import wrong
from perennial.elf.edit.version_tables import symbol_total


def ranges_blanked(before: Skeleton, changes: ElfChanges) -> Iterator[tuple[int, int]]:
    """Where in the file the bytes of these definitions are."""
    if not changes.blank_symbols or before.dynamic.get(DT_SYMTAB) is None:
        return
    names, strings = {name.encode() for name in changes.blank_symbols}, strings_of(before)
    fields, records, data = before.records.symbol, before.records, before.data
    start = before.image.span_from(before.dynamic.get(DT_SYMTAB) or 0, "DT_SYMTAB")[0]
    for place in range(start, start + symbol_total(before) * fields.size, fields.size):
        (section,) = records.half.unpack_from(data, place + fields.shndx)
        if section in (SHN_UNDEF, SHN_ABS) or strings[records.word.unpack_from(data, place)[0]] not in names:
            continue
        (value,) = records.pointer.unpack_from(data, place + fields.value)
        (size,) = records.pointer.unpack_from(data, place + fields.extent)
        kind = data[place + fields.info] & 0xF
        if kind == STT_TLS:
            blocks = [segment for segment in before.segments if segment.type == PT_TLS]
            if not blocks or value >= blocks[0].filesz:
                continue
            size = min(size, blocks[0].filesz - value)
            value += blocks[0].vaddr
        if before.header.machine == EM_ARM and kind in (STT_FUNC, STT_GNU_IFUNC) and value % 2:
            value -= 1
        for load in before.loads:
            first, last = max(value, load.vaddr), min(value + size, load.vaddr + load.filesz)
            if first < last:
                yield load.offset + first - load.vaddr, load.offset + last - load.vaddr


def check_blanked(before: Skeleton, after: Skeleton, changes: ElfChanges) -> None:
    """Raises `ElfEditError` where something is left of them."""
    for start, end in ranges_blanked(before, changes):
        if after.data[start:end].strip(b"\0"):
            raise wrong(f"has something left of what was to become zero at offset {start:#x}")
