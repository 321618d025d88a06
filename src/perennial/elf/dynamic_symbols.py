"""Dynamic symbols, one by one, and all of a file's as columns: what a wheel's files import are tens of thousands, of
which an audit wants the names, by version, and seldom any single one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from perennial.elf.constants import STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK
from perennial.lean_typing import Final, NamedTuple


class Binding(StrEnum):
    """STB_*: how a symbol takes part in lookup."""

    GLOBAL = "global"
    WEAK = "weak"
    UNIQUE = "unique"
    OTHER = "other"


class DynamicSymbol(NamedTuple):
    """An entry of the dynamic symbol table.

    `library` is the soname that a needed version names, None for unversioned and for defined
    symbols.
    """

    name: str
    version: str | None
    library: str | None
    binding: Binding
    defined: bool


# By st_info, whose upper half is the binding; 0 there means a local symbol, which no lookup finds.
_BY_NUMBER: Final = {STB_GLOBAL: Binding.GLOBAL, STB_WEAK: Binding.WEAK, STB_GNU_UNIQUE: Binding.UNIQUE}
_BINDINGS: Final = tuple(_BY_NUMBER.get(info >> 4, Binding.OTHER) for info in range(256))
_INFOS: Final = {Binding.OTHER: 0xF0} | {binding: number << 4 for number, binding in _BY_NUMBER.items()}
# bytes.translate to 1 where the symbol is weak
_IS_WEAK: Final = bytes(info >> 4 == STB_WEAK for info in range(256))
_WEAK: Final = 1 << 16  # beside a version's number, which has 15 bits

# What a version index means: (version, library); library is None where the file itself defines the version.
Origins = Mapping[int, tuple[str | None, str | None]]
_UNVERSIONED: Final = (None, None)


class SymbolColumns:
    """Symbols in table order: `names`, and for each its st_info and the number of its version.

    Two are equal if their symbols are, whatever the numbers.
    """

    __slots__ = ("_defined", "_groups", "_infos", "_numbers", "_origins", "_symbols", "names")

    def __init__(
        self, names: Sequence[str], infos: bytes, numbers: Sequence[int], origins: Origins, *, defined: bool
    ) -> None:
        self.names: Final = names
        self._infos: Final = infos
        self._numbers: Final = numbers
        self._origins: Final = origins
        self._defined: Final = defined
        self._symbols: tuple[DynamicSymbol, ...] | None = None
        self._groups: tuple[tuple[str | None, str | None, bool, list[str]], ...] | None = None

    @classmethod
    def of(cls, symbols: Iterable[DynamicSymbol]) -> SymbolColumns:
        """The columns of undefined symbols."""
        rows = tuple(symbols)
        numbers: dict[tuple[str | None, str | None], int] = {}
        for symbol in rows:
            numbers.setdefault((symbol.version, symbol.library), len(numbers))
        return cls(
            [symbol.name for symbol in rows],
            bytes(_INFOS[symbol.binding] for symbol in rows),
            [numbers[symbol.version, symbol.library] for symbol in rows],
            {number: origin for origin, number in numbers.items()},
            defined=False,
        )

    def joined(self, other: SymbolColumns) -> SymbolColumns:
        """With more symbols of the same kind and file behind them."""
        names, infos = [*self.names, *other.names], self._infos + other._infos
        numbers = [*self._numbers, *other._numbers]
        return SymbolColumns(names, infos, numbers, {**self._origins, **other._origins}, defined=self._defined)

    @property
    def symbols(self) -> tuple[DynamicSymbol, ...]:
        """One by one; made when they are first asked for."""
        if self._symbols is None:
            origin_of, defined, new = self._origins.get, self._defined, tuple.__new__  # tens of thousands
            self._symbols = tuple(
                # A definition's version is its own, also where a program's copy relocation takes it from a library.
                new(DynamicSymbol, (name, version, None if defined else library, _BINDINGS[info], defined))
                for name, info, (version, library) in zip(
                    self.names,
                    self._infos,
                    [origin_of(number, _UNVERSIONED) for number in self._numbers],
                    strict=True,
                )
            )
        return self._symbols

    @property
    def origins(self) -> set[tuple[str | None, str | None]]:
        """The (version, library) that they have."""
        return {self._origins.get(number, _UNVERSIONED) for number in set(self._numbers)}

    @property
    def by_origin(self) -> Sequence[tuple[str | None, str | None, bool, list[str]]]:
        """(version, library, whether these are the weak ones, names in table order); one origin may come twice."""
        if self._groups is None:
            self._groups = tuple(self._grouped())
        return self._groups

    def _grouped(self) -> Iterator[tuple[str | None, str | None, bool, list[str]]]:
        numbers = [*self._numbers]
        weak = self._infos.translate(_IS_WEAK)
        place = weak.find(1)
        while place >= 0:
            numbers[place] |= _WEAK
            place = weak.find(1, place + 1)
        groups: dict[int, list[str]] = {number: [] for number in set(numbers)}
        for name, number in zip(self.names, numbers, strict=True):
            groups[number].append(name)
        for number in sorted(groups):
            version, library = self._origins.get(number & ~_WEAK, _UNVERSIONED)
            yield version, library, number >= _WEAK, groups[number]

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SymbolColumns) and self.symbols == other.symbols

    def __hash__(self) -> int:
        return hash(self.symbols)

    def __repr__(self) -> str:
        return f"SymbolColumns.of({self.symbols!r})"


NO_SYMBOLS: Final = SymbolColumns((), b"", (), {}, defined=False)
