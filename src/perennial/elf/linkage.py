"""What one file gives to lookups and asks of them: all that takes part in symbol binding.

An audit needs to know what a file imports. Which object a reference is bound to depends on more: on
what every object exports, on references to a file's own symbols that go through the loader all the
same (they have relocations, and another object's definition may come first), on visibility, size and
kind. That is ten times as many symbols, so it is read apart from `ElfFile`, and only the names that a
caller asks for are kept: tensorflow has 600,000.

Sources: gABI chapter 4, "Symbol Table" and "Relocation"; glibc, `elf/dl-lookup.c` (`check_match`,
`do_lookup_x`) for what a lookup sees of a definition.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Mapping
from enum import StrEnum
from struct import Struct
from sys import byteorder
from zlib import crc32

from perennial.elf.constants import (
    DF_SYMBOLIC,
    DT_FLAGS,
    DT_JMPREL,
    DT_PLTREL,
    DT_PLTRELSZ,
    DT_REL,
    DT_RELA,
    DT_RELASZ,
    DT_RELSZ,
    DT_SYMBOLIC,
    DT_SYMTAB,
    DT_VERSYM,
    PT_GNU_RELRO,
    PT_LOAD,
    SHN_UNDEF,
    VERSYM_VERSION,
)
from perennial.elf.dynamic import DynamicTable, StringTable, read_dynamic
from perennial.elf.dynamic_symbols import Binding
from perennial.elf.image import Image, check_fits
from perennial.elf.model import Verdef, Verneed
from perennial.elf.source import ByteSource, WholeFile
from perennial.elf.symbol_count import count_symbols
from perennial.elf.versions import read_verdefs, read_verneeds
from perennial.errors import ElfFormatError
from perennial.lean_typing import Final, NamedTuple


class SymbolKind(StrEnum):
    """STT_*, as far as binding tells them apart."""

    FUNCTION = "function"  # STT_FUNC and STT_GNU_IFUNC
    OBJECT = "object"  # STT_OBJECT, STT_COMMON
    TLS = "tls"
    OTHER = "other"  # STT_NOTYPE


class Definition(NamedTuple):
    """A symbol that lookups can find in a file.

    `version` is None where the definition has none: such a one answers references to any version.
    `hidden` is versym's bit 15: not the default version. `number` is the version's index (2 is the
    file's first own version). `size` is st_size in bytes. `writable` is whether the process may write
    to it once it runs: what is read-only after relocation (PT_GNU_RELRO: vtables, type information) is
    not, and thread-local storage always is.
    """

    version: str | None
    hidden: bool
    number: int
    binding: Binding
    kind: SymbolKind
    size: int
    writable: bool


class Reference(NamedTuple):
    """A symbol that the loader looks up for a file.

    `version` and `library` are those of the version need, None for unversioned ones. `own` is whether
    the file defines the symbol itself; `binds_locally` whether that definition is taken without
    regard to others (STV_PROTECTED, STV_HIDDEN).
    """

    name: str
    version: str | None
    library: str | None
    weak: bool
    kind: SymbolKind
    own: bool
    binds_locally: bool


class Linkage(NamedTuple):
    """The definitions by name, the references in the order of the symbol table, and whether the file
    has a version table at all, which changes what its definitions match. `is_symbolic` is DT_SYMBOLIC or
    DF_SYMBOLIC: the file's references look into the file itself first. `left_out` has the CRC-32 of the names
    of references that nobody asked for: enough to see whether one of them may matter after all.
    """

    definitions: Mapping[str, tuple[Definition, ...]]
    references: tuple[Reference, ...]
    is_versioned: bool
    is_symbolic: bool = False
    left_out: frozenset[int] = frozenset()


_KINDS: Final = {
    1: SymbolKind.OBJECT,
    2: SymbolKind.FUNCTION,
    5: SymbolKind.OBJECT,
    6: SymbolKind.TLS,
    10: SymbolKind.FUNCTION,
}
_FOUND_BY_LOOKUPS: Final = frozenset({0, 1, 2, 5, 6, 10})  # check_match's ALLOWED_STT
_STT_TLS: Final = 6
_SHN_ABS: Final = 0xFFF1
_STB_UNIQUE: Final = 10
_BINDINGS: Final = {1: Binding.GLOBAL, 2: Binding.WEAK, _STB_UNIQUE: Binding.UNIQUE}
_STV_DEFAULT, _STV_PROTECTED = 0, 3
_SEEN_FROM_OUTSIDE: Final = (_STV_DEFAULT, _STV_PROTECTED)  # others: `dl_symbol_visibility_binds_local_p`
_PF_W: Final = 2
_VERSYM_HIDDEN: Final = 0x8000

_MOST_SYMBOLS: Final = 1 << 23
_BLOCK: Final = 1 << 14  # symbols read at a time
_RELOCATIONS: Final = 1 << 20  # bytes of relocations read at a time, rounded to whole ones


def read_linkage(data: bytes | ByteSource, names: Container[str] | None = None) -> Linkage:
    """The definitions and references of a shared object or program of any class and byte order.

    With `names` only these are kept, and, whatever their names, the definitions that are unique in a
    process (STB_GNU_UNIQUE) with the references to them.

    Raises `ElfFormatError`, and, only for a `KeptBytes`, `BytesNotKept`.
    """
    image = Image(WholeFile(data) if isinstance(data, bytes) else data)
    dynamic = read_dynamic(image)
    if dynamic is None or dynamic.get(DT_SYMTAB) is None:
        return Linkage({}, (), is_versioned=False)
    strings = dynamic.string_table()
    verneeds, verdefs = read_verneeds(image, dynamic, strings), read_verdefs(image, dynamic, strings)
    return _Reader(image, dynamic, strings, verneeds, verdefs, names).read()


def name_digest(name: str) -> int:
    """What `Linkage.left_out` has of a name."""
    return crc32(name.encode("utf-8", "surrogateescape"))


class _Row(NamedTuple):
    """A symbol table entry that takes part in binding."""

    symbol: int
    name: int
    info: int
    other: int
    section: int
    value: int
    size: int
    versym: int


class _Reader:
    def __init__(  # noqa: PLR0917 - what the file has, in the order in which it is read
        self,
        image: Image,
        dynamic: DynamicTable,
        strings: StringTable,
        verneeds: tuple[Verneed, ...],
        verdefs: tuple[Verdef, ...],
        names: Container[str] | None,
    ) -> None:
        self._image: Final = image
        self._dynamic: Final = dynamic
        self._strings: Final = strings
        self._names: Final = names
        self._needed: Final = {v.number: (v.name, need.file) for need in verneeds for v in need.versions}
        self._defined: Final = {definition.number: definition.name for definition in verdefs if not definition.is_base}
        # `l_versions` has both: a program's copy of a library's variable is defined at the version that it needs.
        self._versions: Final = {number: name for number, (name, _) in self._needed.items()} | self._defined
        self._writable: Final = _writable(image)

    def read(self) -> Linkage:
        count = count_symbols(self._image, self._dynamic).total
        relocated = relocated_symbols(self._image, self._dynamic)
        definitions: dict[str, tuple[Definition, ...]] = {}
        references: list[Reference] = []
        left_out: set[int] = set()
        for rows in self._blocks(count, relocated):
            for row, name in zip(rows, self._strings.get_all([row.name for row in rows]), strict=True):
                unique = row.info >> 4 == _STB_UNIQUE
                if self._names is not None and not unique and name not in self._names:
                    if row.section == SHN_UNDEF or row.symbol in relocated:
                        left_out.add(name_digest(name))
                    continue
                definition = self._definition(row)
                if definition is not None:
                    definitions[name] = (*definitions.get(name, ()), definition)
                # A hidden symbol is the file's own, and what has no relocation is never looked up.
                if row.symbol in relocated and row.other in _SEEN_FROM_OUTSIDE:
                    references.append(self._reference(row, name, own=definition is not None))
        flags = self._dynamic.get(DT_FLAGS) or 0
        return Linkage(
            definitions,
            tuple(references),
            is_versioned=self._dynamic.get(DT_VERSYM) is not None,
            is_symbolic=self._dynamic.get(DT_SYMBOLIC) is not None or bool(flags & DF_SYMBOLIC),
            left_out=frozenset(left_out),
        )

    def _blocks(self, count: int, relocated: frozenset[int]) -> Iterable[list[_Row]]:
        """The rows with a name and a binding that lookups see."""
        span = self._dynamic.span(DT_SYMTAB, "DT_SYMTAB")
        if span is None:
            return
        offset, available = span
        record, source = _SYMBOLS[self._image.layout.bits, self._image.layout.little_endian], self._image.source
        if count > _MOST_SYMBOLS:
            raise ElfFormatError(f"more than {_MOST_SYMBOLS} symbols", field="DT_SYMTAB", offset=offset, value=count)
        check_fits(count * record.size, offset, available, "DT_SYMTAB")
        source.require(offset, count * record.size, "DT_SYMTAB")
        versym = self._dynamic.span(DT_VERSYM, "DT_VERSYM")
        if versym is not None:
            check_fits(2 * count, *versym, "DT_VERSYM")
            source.require(versym[0], 2 * count, "DT_VERSYM")
        wide = self._image.layout.bits == 64
        for first in range(1, count, _BLOCK):
            last = min(first + _BLOCK, count)
            data = source.read(offset + first * record.size, (last - first) * record.size, "DT_SYMTAB")
            numbers = array("H", bytes(2 * (last - first)))
            if versym is not None:
                numbers = self._versyms(versym[0] + 2 * first, 2 * (last - first))
            rows = []
            for index, (fields, number) in enumerate(zip(record.iter_unpack(data), numbers, strict=True), first):
                if wide:
                    name, info, other, section, value, size = fields
                else:
                    name, value, size, info, other, section = fields
                if name and info > 0x0F and (section != SHN_UNDEF or index in relocated):
                    rows.append(_Row(index, name, info, other & 3, section, value, size, number))
            yield rows

    def _versyms(self, offset: int, size: int) -> array[int]:
        words = array("H", self._image.source.read(offset, size, "DT_VERSYM"))
        if self._image.layout.little_endian != (byteorder == "little"):
            words.byteswap()
        return words

    def _definition(self, row: _Row) -> Definition | None:
        """What a lookup would find; None for what `check_match` passes over."""
        kind = row.info & 0xF
        if row.section == SHN_UNDEF or kind not in _FOUND_BY_LOOKUPS or row.other not in _SEEN_FROM_OUTSIDE:
            return None
        binding = _BINDINGS.get(row.info >> 4)
        if binding is None:
            return None  # `do_lookup_x` takes three kinds, and passes over all others
        if row.value == 0 and row.section != _SHN_ABS and kind != _STT_TLS:
            return None
        number = row.versym & VERSYM_VERSION
        return Definition(
            version=self._versions.get(number),
            hidden=bool(row.versym & _VERSYM_HIDDEN),
            number=number,
            binding=binding,
            kind=_KINDS.get(kind, SymbolKind.OTHER),
            size=row.size,
            writable=kind == _STT_TLS or any(low <= row.value < high for low, high in self._writable),
        )

    def _reference(self, row: _Row, name: str, *, own: bool) -> Reference:
        number = row.versym & VERSYM_VERSION
        return Reference(
            name=name,
            version=self._versions.get(number),
            library=None if number in self._defined else self._needed.get(number, (None, None))[1],
            weak=row.info >> 4 == 2,
            kind=_KINDS.get(row.info & 0xF, SymbolKind.OTHER),
            own=own,
            binds_locally=own and row.other != _STV_DEFAULT,
        )


def _writable(image: Image) -> tuple[tuple[int, int], ...]:
    """Address ranges that stay writable: a RELRO segment covers the beginning of its load segment."""
    headers = image.program_headers
    relro = [(header.vaddr, header.vaddr + header.memsz) for header in headers if header.type == PT_GNU_RELRO]
    ranges = []
    for header in headers:
        if header.type == PT_LOAD and header.flags & _PF_W:
            start, end = header.vaddr, header.vaddr + header.memsz
            ranges.append((max([start, *(high for low, high in relro if low <= start < high)]), end))
    return tuple(ranges)


# Elf64_Sym: name, info, other, shndx, value, size; Elf32_Sym: name, value, size, info, other, shndx (gABI figure 4-16)
_SYMBOLS: Final = {
    (bits, little): Struct(("<" if little else ">") + fields)
    for bits, fields in ((64, "IBBHQQ"), (32, "IIIBBH"))
    for little in (True, False)
}


def relocated_symbols(image: Image, dynamic: DynamicTable) -> frozenset[int]:
    """The indexes of the symbols that relocations name, DT_REL, DT_RELA and DT_JMPREL together."""
    tables = (
        (DT_RELA, DT_RELASZ, "DT_RELASZ", True),
        (DT_REL, DT_RELSZ, "DT_RELSZ", False),
        (DT_JMPREL, DT_PLTRELSZ, "DT_PLTRELSZ", dynamic.get(DT_PLTREL) == DT_RELA),
    )
    found: set[int] = set()
    for address_tag, size_tag, field, has_addend in tables:
        span, size = dynamic.span(address_tag, field), dynamic.get(size_tag)
        if span is None or not size:
            continue
        offset, available = span
        check_fits(size, offset, available, field, value=size)
        image.source.require(offset, size, field)
        record = (image.layout.rela if has_addend else image.layout.rel).size
        step = _RELOCATIONS // record * record
        size = size // record * record
        for position in range(0, size, step):
            words = array("I", image.source.read(offset + position, min(step, size - position), field))
            if image.layout.little_endian != (byteorder == "little"):
                words.byteswap()
            # ELF64_R_SYM is the upper half of r_info, ELF32_R_SYM r_info without its lowest byte
            if image.layout.bits == 64:
                found.update(words[3 if image.layout.little_endian else 2 :: record // 4])
            else:
                found.update(symbol >> 8 for symbol in words[1 :: record // 4])
    found.discard(0)
    return frozenset(found)
