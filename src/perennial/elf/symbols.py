"""The dynamic symbol table: what a file imports, with the version and library of each, and
what it exports.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from functools import cached_property
from sys import byteorder
from typing import Final

from perennial.elf.constants import DT_SYMTAB, DT_VERSYM, SHN_UNDEF, VERSYM_VERSION
from perennial.elf.dynamic import DynamicTable, StringTable
from perennial.elf.export_hashes import pack_chains
from perennial.elf.image import Image, check_fits
from perennial.elf.model import Binding, DynamicSymbol, Verdef, Verneed
from perennial.elf.source import BytesNotKept
from perennial.elf.symbol_count import SymbolCount, count_symbols
from perennial.elf.visibility import without_hidden
from perennial.errors import ElfFormatError

# By st_info, whose upper half is the binding; 0 there means a local symbol, which no lookup finds.
_NAMES: Final = {1: Binding.GLOBAL, 2: Binding.WEAK, 10: Binding.UNIQUE}
_BINDINGS: Final = tuple(_NAMES.get(info >> 4, Binding.OTHER) for info in range(256))
_LAST_LOCAL: Final = 0x0F

# glibc's versions that state an ability of the loader, as GLIBC_ABI_DT_RELR does
_WITHOUT_SYMBOLS: Final = "GLIBC_ABI_"

# Above the largest known (tensorflow: 600,000 symbols, 20,000 of them imported); what
# bounds time and memory for a file that claims to be all symbol table.
_MOST_SYMBOLS: Final = 1 << 23
_MOST_KEPT: Final = 1 << 20
_BLOCK: Final = 1 << 14  # symbols read at a time


class SymbolTable:
    """Reads DT_SYMTAB in blocks, so that a large table is never in memory as a whole."""

    def __init__(
        self,
        image: Image,
        dynamic: DynamicTable,
        strings: StringTable,
        verneeds: tuple[Verneed, ...],
        verdefs: tuple[Verdef, ...],
    ) -> None:
        self._image: Final = image
        self._dynamic: Final = dynamic
        self._strings: Final = strings
        # What a versym index means: (version, library), library None where the file itself defines it.
        self._versions: Final[dict[int, tuple[str | None, str | None]]] = {
            version.number: (version.name, need.file) for need in verneeds for version in need.versions
        }
        # Where both claim an index glibc's `_dl_check_map_versions` lets the definition win.
        for definition in verdefs:
            if not definition.is_base:
                self._versions[definition.number] = (definition.name, None)
        self._wanted: Final = {
            (need.file, version.name)
            for need in verneeds
            for version in need.versions
            if not version.name.startswith(_WITHOUT_SYMBOLS)
        }

    def imports(self, *, is_program: bool) -> tuple[DynamicSymbol, ...]:
        """The undefined symbols, in table order.

        They stand before the hashed ones, so usually only that part is read. Programs are
        the exception: an imported function whose address a program takes has a value and is
        hashed though undefined. What still lacks a symbol for one of its version needs is
        read whole as well, so that every need can be explained.
        """
        if self._dynamic.get(DT_SYMTAB) is None:
            return ()
        count = self._count
        if count.first_hashed is None or is_program:
            return self._read(1, count.total, defined=False)
        found = self._read(1, count.first_hashed, defined=False)
        explained = {(symbol.library, symbol.version) for symbol in found}
        if not self._wanted <= explained:
            found += self._read(count.first_hashed, count.total, defined=False)
        return found

    def exports(self) -> tuple[DynamicSymbol, ...]:
        """The defined symbols that lookups from other files can find, in table order: local and hidden ones are not
        among them (`perennial.elf.visibility`).
        """
        if self._dynamic.get(DT_SYMTAB) is None:
            return ()
        return self._read(self._count.first_hashed or 1, self._count.total, defined=True)

    def export_hashes(self) -> bytes | None:
        """The hash words of the names that lookups can find (see `export_hashes`); None where the file has no such
        table, or where it was not kept: it is not worth streaming the file once more.
        """
        if self._dynamic.get(DT_SYMTAB) is None:
            return None
        first, chains = self._count.first_hashed, self._count.chains
        if first is None or chains is None:
            return None
        size = (self._count.total - first) * 4
        try:
            data = self._image.read_at(chains, size, "gnu hash chain")
        except BytesNotKept:
            return None
        return pack_chains(data, little_endian=self._image.layout.little_endian)

    @cached_property
    def _count(self) -> SymbolCount:
        return count_symbols(self._image, self._dynamic)

    def _read(self, start: int, end: int, *, defined: bool) -> tuple[DynamicSymbol, ...]:
        span = self._dynamic.span(DT_SYMTAB, "DT_SYMTAB")
        if end <= start or span is None:
            return ()
        record, source = self._image.layout.sym, self._image.source
        offset, available = span
        if end > _MOST_SYMBOLS:
            raise ElfFormatError(f"more than {_MOST_SYMBOLS} symbols", field="DT_SYMTAB", offset=offset, value=end)
        check_fits(end * record.size, offset, available, "DT_SYMTAB")
        source.require(offset + start * record.size, (end - start) * record.size, "DT_SYMTAB")
        versym = self._dynamic.span(DT_VERSYM, "DT_VERSYM")
        if versym is not None:
            check_fits(2 * end, *versym, "DT_VERSYM")
            source.require(versym[0] + 2 * start, 2 * (end - start), "DT_VERSYM")
        symbols: list[DynamicSymbol] = []
        for first in range(start, end, _BLOCK):
            last = min(first + _BLOCK, end)
            data = source.read(offset + first * record.size, (last - first) * record.size, "DT_SYMTAB")
            if defined:
                data = without_hidden(data, self._image.layout)
            numbers = bytes(last - first) if versym is None else self._versym(versym[0], first, last)
            symbols += self._symbols(record.iter_unpack(data), numbers, defined=defined)
            if len(symbols) > _MOST_KEPT:
                raise ElfFormatError(f"more than {_MOST_KEPT} symbols of one kind", field="DT_SYMTAB", offset=offset)
        return tuple(symbols)

    def _symbols(
        self, records: Iterable[tuple[int, int, int]], numbers: Iterable[int], *, defined: bool
    ) -> list[DynamicSymbol]:
        """The symbols of one kind in a block. Every import of every wheel goes through here: it is
        the one loop whose speed shows, hence `tuple.__new__`.
        """
        version_of, bindings, unversioned = self._versions.get, _BINDINGS, (None, None)
        rows = [
            (name, bindings[info], version_of(number & VERSYM_VERSION, unversioned))
            for (name, info, section), number in zip(records, numbers, strict=True)
            if name and (section != SHN_UNDEF) is defined and info > _LAST_LOCAL
        ]
        names = self._strings.get_all([row[0] for row in rows])
        new = tuple.__new__
        return [
            # A definition's version is its own, also where a program's copy relocation takes it from a library.
            new(DynamicSymbol, (name, version, None if defined else library, binding, defined))
            for name, (_, binding, (version, library)) in zip(names, rows, strict=True)
        ]

    def _versym(self, table: int, first: int, last: int) -> array[int]:
        """The version numbers of the symbols from `first` up to `last`."""
        numbers = array("H", self._image.source.read(table + 2 * first, 2 * (last - first), "DT_VERSYM"))
        if self._image.layout.little_endian != (byteorder == "little"):
            numbers.byteswap()
        return numbers
