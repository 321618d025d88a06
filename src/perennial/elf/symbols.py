"""The dynamic symbol table: what a file imports, with the version and library of each, and
what it exports."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from sys import byteorder
from typing import Final

from perennial.elf.constants import DT_SYMTAB, DT_VERSYM, SHN_UNDEF, VERSYM_VERSION
from perennial.elf.dynamic import DynamicTable, StringTable
from perennial.elf.image import Image
from perennial.elf.model import Binding, DynamicSymbol, Verdef, Verneed
from perennial.elf.symbol_count import SymbolCount, count_symbols
from perennial.errors import ElfFormatError

# By st_info, whose upper half is the binding; None for local symbols, which no lookup finds.
_NAMES: Final = {0: None, 1: Binding.GLOBAL, 2: Binding.WEAK, 10: Binding.UNIQUE}
_BINDINGS: Final = tuple(_NAMES.get(info >> 4, Binding.OTHER) for info in range(256))

# Far above the largest known (tensorflow: 600,000 symbols, 20,000 of them imported); what
# bounds time and memory for a file that claims to be all symbol table.
_MOST_SYMBOLS: Final = 1 << 23
_MOST_IMPORTS: Final = 1 << 20
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
            definition.number: (definition.name, None) for definition in verdefs if not definition.is_base
        }
        for need in verneeds:
            for version in need.versions:
                self._versions[version.number] = (version.name, need.file)
        self._wanted: Final = {(need.file, version.name) for need in verneeds for version in need.versions}

    def imports(self, *, is_program: bool) -> tuple[DynamicSymbol, ...]:
        """The undefined symbols, in table order.

        They stand before the hashed ones, so usually only that part is read. Programs are
        the exception: an imported function whose address a program takes has a value and is
        hashed though undefined. What still lacks a symbol for one of its version needs is
        read whole as well, so that every need can be explained.
        """
        address = self._dynamic.get(DT_SYMTAB)
        if address is None:
            return ()
        count = count_symbols(self._image, self._dynamic)
        if count.first_hashed is None or is_program:
            return self._read(address, 1, count.total, defined=False)
        found = self._read(address, 1, count.first_hashed, defined=False)
        explained = {(symbol.library, symbol.version) for symbol in found}
        if not self._wanted <= explained:
            found += self._read(address, count.first_hashed, count.total, defined=False)
        return found

    def exports(self) -> tuple[DynamicSymbol, ...]:
        """The defined symbols that lookups from other files can find, in table order."""
        address = self._dynamic.get(DT_SYMTAB)
        if address is None:
            return ()
        count: SymbolCount = count_symbols(self._image, self._dynamic)
        return self._read(address, count.first_hashed or 1, count.total, defined=True)

    def _read(self, address: int, start: int, end: int, *, defined: bool) -> tuple[DynamicSymbol, ...]:
        if end <= start:
            return ()
        image, strings, versions = self._image, self._strings, self._versions
        record = image.layout.sym
        if end > _MOST_SYMBOLS:
            raise ElfFormatError(f"more than {_MOST_SYMBOLS} symbols", field="DT_SYMTAB", offset=0, value=end)
        offset, available = image.span_from(address, "DT_SYMTAB")
        if end * record.size > available:
            raise ElfFormatError(
                f"{end} symbols do not fit into its segment, which ends after {available} bytes",
                field="DT_SYMTAB", offset=offset, value=end,
            )  # fmt: skip
        unversioned = (None, None)
        symbols: list[DynamicSymbol] = []
        for first in range(start, end, _BLOCK):
            last = min(first + _BLOCK, end)
            data = image.source.read(offset + first * record.size, (last - first) * record.size, "DT_SYMTAB")
            for (name, info, section), number in zip(record.iter_unpack(data), self._versym(first, last), strict=True):
                binding = _BINDINGS[info]
                if binding is not None and name and (section != SHN_UNDEF) is defined:
                    version, library = versions.get(number & VERSYM_VERSION, unversioned)
                    symbols.append(DynamicSymbol(strings[name], version, library, binding, defined))
            if not defined and len(symbols) > _MOST_IMPORTS:
                raise ElfFormatError(f"more than {_MOST_IMPORTS} undefined symbols", field="DT_SYMTAB", offset=offset)
        return tuple(symbols)

    def _versym(self, first: int, last: int) -> Iterable[int]:
        """The version numbers of the symbols from `first` up to `last`; zeros where there is no DT_VERSYM."""
        address = self._dynamic.get(DT_VERSYM)
        if address is None:
            return bytes(last - first)
        numbers = array("H", self._image.read_at(address + 2 * first, 2 * (last - first), "DT_VERSYM"))
        if self._image.layout.little_endian != (byteorder == "little"):
            numbers.byteswap()
        return numbers
