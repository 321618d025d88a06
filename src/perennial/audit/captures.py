"""Exports that belong to a shared library of the system, and take its own references.

libstdc++, libgcc_s and libgomp reach their own variables and some of their functions through the loader. A
file of the wheel that exports one of these names, and stands before the library in the search list, takes
the library's references for the whole process (docs/explanation, "The loader's search order"). Which names
these are is known of every Debian release (`runtime_symbols.tsv`); here only those are looked for that can
do harm: variables, operator new and delete, and what exceptions go through.

The hash tables that an audit keeps settle nearly always that there are none. A hash that fits is confirmed by
reading the names, for which the wheel has to be opened once more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from perennial.audit.symbol_needs import Exporters
from perennial.elf.export_hashes import hash_words
from perennial.elf.model import ElfFile
from perennial.knowledge.tables import read_table
from perennial.lean_typing import Final, NamedTuple
from perennial.wheel.member import WheelMember

# A copy of the library itself exports what it has to; `soname-not-unique` looks at its name.
_COPY: Final = re.compile(r"^lib(?:stdc\+\+|gcc_s|gomp|atomic)[-.]")


class RuntimeSymbol(NamedTuple):
    """A symbol that a shared library refers to through the loader. `kind` is "thread-local variable", "variable",
    "allocator" or "exceptions"; `word` its hash, as `export_hashes` has it.
    """

    name: str
    library: str
    kind: str
    word: int


class Capture(NamedTuple):
    """A member that exports symbols of `library`, all of one kind."""

    member: str
    library: str
    kind: str
    symbols: tuple[str, ...]


@cache
def runtime_symbols() -> tuple[RuntimeSymbol, ...]:
    """The shipped table."""
    rows = read_table("runtime_symbols.tsv", ("symbol", "library", "kind", "hash"))
    return tuple(RuntimeSymbol(name, library, kind, int(word, 16)) for name, library, kind, word in rows)


def find_captures(
    files: tuple[tuple[WheelMember, ElfFile], ...], libraries: Mapping[str, object], exporters: Exporters | None
) -> tuple[Capture, ...]:
    """Sorted. `libraries` are the sonames that come from the system; `exporters` as for `find_symbol_needs`: without
    it, a hash is taken for the name.
    """
    found: list[tuple[str, RuntimeSymbol]] = []
    words: dict[int, RuntimeSymbol] = {}
    for member, elf in files:
        if not elf.export_hashes or _COPY.match(member.path.rpartition("/")[2]):
            continue
        if not words:
            words = {symbol.word: symbol for symbol in runtime_symbols() if symbol.library in libraries}
            if not words:
                return ()
        hits = words.keys() & hash_words(elf.export_hashes)
        found += ((member.path, words[word]) for word in hits)
    if found and exporters is not None:
        exported = exporters(frozenset(symbol.name for _, symbol in found))
        found = [(path, symbol) for path, symbol in found if path in exported.get(symbol.name, ())]
    groups: dict[tuple[str, str, str], list[str]] = {}
    for path, symbol in found:
        groups.setdefault((path, symbol.library, symbol.kind), []).append(symbol.name)
    return tuple(Capture(*key, tuple(sorted(names))) for key, names in sorted(groups.items()))
