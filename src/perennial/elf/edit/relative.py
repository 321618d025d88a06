"""DT_RELR written out: the relocations that it packs, as entries of DT_RELA or DT_REL.

DT_RELR (gABI, "Relative Relocation Table") says in a word for up to 63 places that the load address is to be added to
what is stored there. glibc before 2.36 and musl before 1.2.4 do not know it and leave the places as they are, so that a
program crashes at the first pointer. R_*_RELATIVE of the architecture says the same to any loader. Its addend, where
the architecture keeps addends in the table, is what is stored in the place, which keeps it.

The new entries stand in front: loaders that know DT_RELR do it first, DT_RELACOUNT counts those at the beginning of the
table, and a linker that has DT_JMPREL at the end of DT_RELA's range keeps it there (glibc's `_ELF_DYNAMIC_DO_RELOC`
compares the ends).
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from perennial.elf.constants import (
    DT_JMPREL,
    DT_PLTRELSZ,
    DT_REL,
    DT_RELA,
    DT_RELACOUNT,
    DT_RELAENT,
    DT_RELASZ,
    DT_RELCOUNT,
    DT_RELENT,
    DT_RELR,
    DT_RELRENT,
    DT_RELRSZ,
    DT_RELSZ,
    SHT_REL,
    SHT_RELA,
)
from perennial.elf.edit.dynamic_entries import Entries
from perennial.elf.edit.runs import NewTable, Run, is_owned
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.versions import Patch
from perennial.errors import ElfEditError, ElfFormatError
from perennial.lean_typing import Final, NamedTuple

RELR_TAGS: Final = frozenset({DT_RELR, DT_RELRSZ, DT_RELRENT})
# e_machine: R_*_RELATIVE, from the processor supplements
_RELATIVE: Final = {
    3: 8,  # R_386_RELATIVE
    20: 22,  # R_PPC_RELATIVE
    21: 22,  # R_PPC64_RELATIVE
    22: 12,  # R_390_RELATIVE
    40: 23,  # R_ARM_RELATIVE
    62: 8,  # R_X86_64_RELATIVE
    183: 1027,  # R_AARCH64_RELATIVE
    243: 3,  # R_RISCV_RELATIVE
    258: 3,  # R_LARCH_RELATIVE
}
_WITHOUT_ADDENDS: Final = frozenset({3, 40})  # i386 and ARM keep addends in the places


class RelocationTable(NamedTuple):
    """How an architecture writes relocations of the dynamic kind: the tags, and an entry's form and kind."""

    tag: int
    size_tag: int
    entry_tag: int
    count_tag: int
    section_type: int
    entry: Struct
    relative: int  # R_*_RELATIVE, as r_info has it without a symbol
    has_addends: bool


class Expanded(NamedTuple):
    """`entries` have old addresses; a table that there was not is where DT_RELR's was."""

    entries: Entries
    patches: tuple[Patch, ...] = ()
    tables: tuple[NewTable, ...] = ()


def table_of(elf: Skeleton) -> RelocationTable:
    """Raises `ElfEditError` for architectures of which this module knows nothing."""
    machine = elf.header.machine
    relative = _RELATIVE.get(machine)
    if relative is None:
        raise ElfEditError(f"it has DT_RELR, and its machine {machine} has no relative relocation that is known here")
    pointer = elf.records.pointer.format
    if machine in _WITHOUT_ADDENDS:
        form = Struct(pointer + pointer[-1])
        return RelocationTable(DT_REL, DT_RELSZ, DT_RELENT, DT_RELCOUNT, SHT_REL, form, relative, has_addends=False)
    form = Struct(pointer + 2 * pointer[-1])
    return RelocationTable(DT_RELA, DT_RELASZ, DT_RELAENT, DT_RELACOUNT, SHT_RELA, form, relative, has_addends=True)


def expand_relr(elf: Skeleton, entries: Entries) -> Expanded:
    """Entries of PT_DYNAMIC without DT_RELR, and the table that has its relocations."""
    if elf.dynamic.get(DT_RELR) is None:
        return Expanded(tuple(entry for entry in entries if entry[0] not in RELR_TAGS))
    packed = _packed_run(elf)
    form = table_of(elf)
    new = b"".join(_relocations(elf, form, packed))
    zeros = (Patch(packed.offset, bytes(packed.size)),)
    old = _old_run(elf, form)
    if not new:
        return Expanded(tuple(entry for entry in entries if entry[0] not in RELR_TAGS), zeros)
    count = len(new) // form.entry.size
    if old is None:
        anew = {DT_RELR: (form.tag, packed.address), DT_RELRSZ: (form.size_tag, len(new))}
        anew[DT_RELRENT] = (form.entry_tag, form.entry.size)
        stale = {form.tag, form.size_tag, form.entry_tag, form.count_tag}
        replaced = [anew.pop(tag) if tag in anew else (tag, value) for tag, value in entries if tag not in stale]
        return Expanded(
            (*(entry for entry in replaced if entry[0] not in RELR_TAGS), *anew.values()),
            zeros, (NewTable(packed, new),),
        )  # fmt: skip
    changed = {form.size_tag: old.size + len(new), form.count_tag: (elf.dynamic.get(form.count_tag) or 0) + count}
    entries = tuple((tag, changed.get(tag, value)) for tag, value in entries if tag not in RELR_TAGS)
    content = new + elf.data[old.offset : old.end]
    return Expanded(entries, zeros, (NewTable(old, content, ahead=len(new)),))


def _packed_run(elf: Skeleton) -> Run:
    size = elf.dynamic.get(DT_RELRSZ) or 0
    return _run(elf, ".relr.dyn", DT_RELR, size, elf.records.pointer.size)


def _old_run(elf: Skeleton, form: RelocationTable) -> Run | None:
    """The table that new entries are put in front of."""
    size = elf.dynamic.get(form.size_tag)
    if elf.dynamic.get(form.tag) is None or not size:
        return None
    run = _run(elf, ".rela.dyn" if form.has_addends else ".rel.dyn", form.tag, size, form.entry.size)
    if elf.dynamic.get(form.entry_tag) not in (None, form.entry.size):
        raise ElfEditError(f"its relocations do not have the size of this architecture's, {form.entry.size}")
    plt, plt_size = elf.dynamic.get(DT_JMPREL), elf.dynamic.get(DT_PLTRELSZ) or 0
    if plt is not None and plt < run.address + size < plt + plt_size:
        raise ElfEditError("DT_JMPREL begins in the table of relocations, which has to move, and ends behind it")
    return run


def _run(elf: Skeleton, name: str, tag: int, size: int, entry: int) -> Run:
    span = elf.dynamic.table.span(tag, name)
    if span is None or size > span[1] or size % entry:
        raise ElfFormatError(f"the size of {name} is wrong", field=name, offset=span[0] if span else 0, value=size)
    run = Run(name, tag, span[0], elf.dynamic.get(tag) or 0, size, elf.records.pointer.size)
    return run._replace(owned=is_owned(elf, run))


def _relocations(elf: Skeleton, form: RelocationTable, packed: Run) -> Iterator[bytes]:
    """An entry for each place. Places ascend, as linkers write them: so there are no more than the file has words."""
    pointer, data = elf.records.pointer, elf.data
    pack, width, last = form.entry.pack, pointer.size, -1
    loads = [(load.vaddr, load.vaddr + load.filesz - width, load.offset - load.vaddr) for load in elf.loads]
    for place in _places(elf, packed):
        distance = next((distance for low, high, distance in loads if low <= place <= high), None)
        if distance is None:
            raise ElfEditError(f"DT_RELR has a relocation at {place:#x}, where the file has no bytes")
        if place <= last:
            raise ElfEditError(f"DT_RELR has relocations at {last:#x} and then at {place:#x}: they do not ascend")
        last = place
        if form.has_addends:
            yield pack(place, form.relative, pointer.unpack_from(data, place + distance)[0])
        else:
            yield pack(place, form.relative)


def _places(elf: Skeleton, packed: Run) -> Iterator[int]:
    """An even word is a place. An odd one is a bitmap of the words that follow the last place or the last bitmap."""
    width = elf.records.pointer.size
    after = 0
    for (word,) in elf.records.pointer.iter_unpack(elf.data[packed.offset : packed.end]):
        if word % 2 == 0:
            yield word
            after = word + width
        else:
            for bit in range(1, 8 * width):
                if word >> bit & 1:
                    yield after + (bit - 1) * width
            after += (8 * width - 1) * width
