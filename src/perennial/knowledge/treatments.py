"""What can take the place of a reference to a symbol that an older system does not have.

A reference is symbol@version of a library, as a file says it. A treatment says what it may be bound to
instead, and how that differs. They are data (data/treatments), because each of them is a judgement: that
an older version exists is not enough, since new versions of a symbol are made when its meaning or its
layout changes (`fmemopen`, `totalorder`, `cfgetospeed`). What is in no table has no treatment.

The kinds, in the order in which they are to be preferred:

- `moved`: the same code, in the library that had it before glibc 2.34 made one library of several;
- `older`: an older version of the same symbol in the same library;
- `renamed`: another symbol of the system's;
- `weak`: no version at all, for weak references: where the system lacks the symbol, it is null;
- `shim`: our own function over what older systems have, in a library that comes into the wheel;
- `trap`: a function that says what is missing and ends the process.

Which version `moved` and `older` come to on an architecture is what glibc's history says: the newest that a
release has is what programs linked there were bound to.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from perennial.errors import KnowledgeError
from perennial.knowledge.tables import NONE, pair, read_table
from perennial.lean_typing import Final, NamedTuple

_TABLES: Final = ("treatments/glibc.tsv", "treatments/libstdcxx.tsv", "treatments/shim.tsv")
_COLUMNS: Final = ("kind", "library", "versions", "symbols", "to", "needs", "archs", "difference", "source", "test")
ANY: Final = "*"
# What `*` is for a shim: the architectures that a copy is shipped for.
SHIM_ARCHS: Final = frozenset({"aarch64", "armv7l", "i686", "ppc64le", "riscv64", "s390x", "x86_64"})
_SHIMMED: Final = frozenset({"shim", "trap"})


class TreatmentKind(StrEnum):
    """How a reference is met; see the module's docstring. Their order is that of preference."""

    MOVED = "moved"
    OLDER = "older"
    RENAMED = "renamed"
    WEAK = "weak"
    SHIM = "shim"
    TRAP = "trap"


_ORDER: Final = {kind: number for number, kind in enumerate(TreatmentKind)}


class Treatment(NamedTuple):
    """A row of the tables, for one symbol.

    `to_symbol`, `to_library` and `to_version` are None where they stay, or where glibc's history decides; `shim`
    names the library of ours that is needed (`c`, `cxx`). `since` is the lowest glibc on which it works,
    `needs_version` a version of the reference's library that it takes besides.
    """

    kind: TreatmentKind
    to_symbol: str | None
    to_library: str | None
    to_version: str | None
    shim: str | None
    since: tuple[int, int]
    needs_version: str | None
    difference: str  # a sentence, or one that begins with "none"
    source: str
    test: str


class Treatments:
    """The treatments that hold on one architecture."""

    def __init__(self, arch: str, rows: Mapping[tuple[str, str, str], tuple[Treatment, ...]]) -> None:
        self.arch: str = arch
        self._rows: Final = rows

    def find(self, library: str, symbol: str, version: str) -> tuple[Treatment, ...]:
        """What the tables have for symbol@version of a library, the preferred one first."""
        own = self._rows.get((library, symbol, version), ())
        general = self._rows.get((library, ANY, ANY), ())
        return tuple(sorted((*own, *general), key=_preference)) if own and general else own or general

    @property
    def keys(self) -> frozenset[tuple[str, str, str]]:
        """(library, symbol, version) of everything that has a treatment."""
        return frozenset(self._rows)


def _preference(treatment: Treatment) -> int:
    return _ORDER[treatment.kind]


@cache
def load_treatments(arch: str) -> Treatments:
    """The tables for an architecture, as platform tags name it."""
    found: dict[tuple[str, str, str], list[Treatment]] = {}
    for table in _TABLES:
        for kind, library, versions, symbols, to, needs, archs, difference, source, test in read_table(table, _COLUMNS):
            if archs != ANY and arch not in archs.split(","):
                continue
            if kind in _SHIMMED and arch not in SHIM_ARCHS:
                continue
            treatment = _treatment(kind, to, needs, (difference, source, test))
            for symbol in symbols.split(" "):
                for version in versions.split(" "):
                    found.setdefault((library, symbol, version), []).append(treatment)
    return Treatments(arch, {key: tuple(sorted(rows, key=_preference)) for key, rows in found.items()})


def _treatment(kind_name: str, to: str, needs: str, words: tuple[str, str, str]) -> Treatment:
    kind = TreatmentKind(kind_name)
    since, _, version = needs.partition(" ")
    symbol = library = to_version = shim = None
    match kind:
        case TreatmentKind.MOVED:
            library = to
        case TreatmentKind.OLDER if to != NONE:
            _, _, to_version = to.rpartition("@")
        case TreatmentKind.RENAMED:
            place, _, name = to.rpartition(":")
            symbol, _, named_version = name.partition("@")
            library, to_version = place or None, named_version or None
        case TreatmentKind.SHIM | TreatmentKind.TRAP:
            shim = to
        case _:
            if to != NONE:
                raise KnowledgeError(f"a treatment of kind {kind} leads nowhere, and has {to!r}")
    return Treatment(kind, symbol, library, to_version, shim, pair(since), version or None, *words)
