"""The dynamic symbol table: what a file imports, with the version and library of each, and
what it exports.
"""

from __future__ import annotations

from functools import cached_property
from itertools import compress

from perennial.elf.constants import DT_SYMTAB, DT_VERSYM, SHN_UNDEF, VERSYM_VERSION
from perennial.elf.dynamic import DynamicTable, StringTable
from perennial.elf.dynamic_symbols import NO_SYMBOLS, DynamicSymbol, SymbolColumns
from perennial.elf.export_hashes import pack_chains
from perennial.elf.image import Image, check_fits
from perennial.elf.model import Verdef, Verneed
from perennial.elf.source import BytesNotKept
from perennial.elf.symbol_count import SymbolCount, count_symbols
from perennial.elf.visibility import without_hidden
from perennial.errors import ElfFormatError
from perennial.lean_typing import Final

_LAST_LOCAL: Final = 0x0F  # st_info of local symbols, which no lookup finds

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
            (version.name, need.file)
            for need in verneeds
            for version in need.versions
            if not version.name.startswith(_WITHOUT_SYMBOLS)
        }

    def imports(self, *, is_program: bool) -> SymbolColumns:
        """The undefined symbols, in table order.

        They stand before the hashed ones, so usually only that part is read. Programs are
        the exception: an imported function whose address a program takes has a value and is
        hashed though undefined. What still lacks a symbol for one of its version needs is
        read whole as well, so that every need can be explained.
        """
        if self._dynamic.get(DT_SYMTAB) is None:
            return NO_SYMBOLS
        count = self._count
        if count.first_hashed is None or is_program:
            return self._read(1, count.total, defined=False)
        found = self._read(1, count.first_hashed, defined=False)
        if self._wanted <= found.origins:
            return found
        return found.joined(self._read(count.first_hashed, count.total, defined=False))

    def exports(self) -> tuple[DynamicSymbol, ...]:
        """The defined symbols that lookups from other files can find, in table order: local and hidden ones are not
        among them (`perennial.elf.visibility`).
        """
        if self._dynamic.get(DT_SYMTAB) is None:
            return ()
        return self._read(self._count.first_hashed or 1, self._count.total, defined=True).symbols

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

    def _read(self, start: int, end: int, *, defined: bool) -> SymbolColumns:
        span = self._dynamic.span(DT_SYMTAB, "DT_SYMTAB")
        if end <= start or span is None:
            return NO_SYMBOLS
        size, source = self._image.layout.sym.size, self._image.source
        offset, available = span
        if end > _MOST_SYMBOLS:
            raise ElfFormatError(f"more than {_MOST_SYMBOLS} symbols", field="DT_SYMTAB", offset=offset, value=end)
        check_fits(end * size, offset, available, "DT_SYMTAB")
        source.require(offset + start * size, (end - start) * size, "DT_SYMTAB")
        versym = self._dynamic.span(DT_VERSYM, "DT_VERSYM")
        if versym is not None:
            check_fits(2 * end, *versym, "DT_VERSYM")
            source.require(versym[0] + 2 * start, 2 * (end - start), "DT_VERSYM")
        names: list[str] = []
        infos = bytearray()
        versions: list[int] = []
        for first in range(start, end, _BLOCK):
            last = min(first + _BLOCK, end)
            data = source.read(offset + first * size, (last - first) * size, "DT_SYMTAB")
            if defined:
                data = without_hidden(data, self._image.layout)
            numbers = [0] * (last - first) if versym is None else self._versym(versym[0], first, last)
            places, kinds, numbers = self._of_one_kind(data, numbers, defined=defined)
            names += self._strings.get_all(places)
            infos += kinds
            versions += numbers
            if len(names) > _MOST_KEPT:
                raise ElfFormatError(f"more than {_MOST_KEPT} symbols of one kind", field="DT_SYMTAB", offset=offset)
        return SymbolColumns(names, bytes(infos), versions, self._versions, defined=defined)

    def _of_one_kind(self, data: bytes, numbers: list[int], *, defined: bool) -> tuple[list[int], bytes, list[int]]:
        """st_name, st_info and version number of a block's symbols, those that have a name, are not local, and are
        defined or not. Every import of every wheel goes through here, and nearly always all of a block are wanted:
        hence columns, and no look at each symbol where that is so.
        """
        layout = self._image.layout
        size = layout.sym.size
        places, infos = layout.words("I", data)[:: size // 4].tolist(), data[layout.st_info :: size]
        low, high = data[layout.st_shndx :: size], data[layout.st_shndx + 1 :: size]
        if (
            not defined
            and not low.strip(b"\0")
            and not high.strip(b"\0")
            and min(infos) > _LAST_LOCAL
            and 0 not in places
        ):
            return places, infos, numbers
        wanted = [
            name != 0 and (one | other != SHN_UNDEF) is defined and kind > _LAST_LOCAL
            for name, one, other, kind in zip(places, low, high, infos, strict=True)
        ]
        return list(compress(places, wanted)), bytes(compress(infos, wanted)), list(compress(numbers, wanted))

    def _versym(self, table: int, first: int, last: int) -> list[int]:
        """The version numbers of the symbols from `first` up to `last`, without the mark of hidden versions."""
        data = self._image.source.read(table + 2 * first, 2 * (last - first), "DT_VERSYM")
        numbers = self._image.layout.words("H", data).tolist()
        if max(numbers) > VERSYM_VERSION:
            numbers = [number & VERSYM_VERSION for number in numbers]
        return numbers
