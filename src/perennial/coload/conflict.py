"""What is found when wheels meet: conflicts, and the chain of bindings that explains each."""

from __future__ import annotations

import re
from collections.abc import Iterable

from perennial.coload.imports import Change, Import, Pair
from perennial.coload.loader import BoundReference, LoadedObject
from perennial.elf.dynamic_symbols import Binding
from perennial.elf.linkage import Definition, SymbolKind
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final, NamedTuple, Protocol


class BindingLink(NamedTuple):
    """A link of the chain: who asked for which symbol, whom it got, whom it would have got alone, and why."""

    asks: str
    symbol: str
    version: str | None
    got: str | None
    expected: str | None
    why: str


class Conflict(NamedTuple):
    """Something that is otherwise than it is for each package alone.

    `order` are the names of the packages, the one that is imported first in front; one name where a
    package has the trouble by itself. `symbol` is None where no single one is at fault.
    """

    rule: str
    severity: Severity
    order: tuple[str, ...]
    symbol: str | None
    bindings: tuple[BindingLink, ...]
    message: str
    remedy: str


class PairRule(Protocol):
    """A module of `perennial.coload.rules` that looks at one package after another."""

    RULE: Rule

    def find(self, pair: Pair) -> Iterable[Conflict]: ...


class AloneRule(Protocol):
    """A module of `perennial.coload.rules` that looks at one package in the interpreter."""

    RULE: Rule

    def find_alone(self, imported: Import) -> Iterable[Conflict]: ...


# operator new and delete, in all their forms (Itanium C++ ABI, 5.1.3: nw, na, dl, da)
_ALLOCATOR: Final = re.compile(r"^_Z(?:nw|na|dl|da)[a-zA-Z]")


def is_allocator(symbol: str) -> bool:
    """Whether it is an operator new or delete."""
    return _ALLOCATOR.match(symbol) is not None


# Virtual tables, their tables, type information and its names (Itanium C++ ABI, 5.1.4.1): constants,
# though without RELRO they lie in writable memory.
_CONSTANT: Final = re.compile(r"^_ZT[VTIS]")


def holds_state(symbol: str, definition: Definition | None) -> bool:
    """Whether there is something to write to, of which two copies can disagree."""
    if definition is None or definition.kind is SymbolKind.FUNCTION:
        return False
    return definition.writable and _CONSTANT.match(symbol) is None


def link(change: Change, why: str) -> BindingLink:
    """A changed reference as a link of the chain."""
    together = change.together
    return BindingLink(
        asks=name_of(together.asker),
        symbol=together.reference.name,
        version=together.reference.version,
        got=None if together.provider is None else name_of(together.provider),
        expected=None if change.alone.provider is None else name_of(change.alone.provider),
        why=why,
    )


def link_of(bound: BoundReference, why: str, expected: str | None = None) -> BindingLink:
    """A reference that is bound as it should be, as a link of the chain."""
    got = None if bound.provider is None else name_of(bound.provider)
    return BindingLink(name_of(bound.asker), bound.reference.name, bound.reference.version, got, expected or got, why)


def name_of(loaded: LoadedObject) -> str:
    """How a person would call the object: its path within the wheel, or the system library's soname."""
    library = loaded.library
    if library.package is None:
        return library.name
    return library.path.partition("/site-packages/")[2] or library.path


def describe(definition: Definition) -> str:
    """A word or two for what kind of definition it is."""
    binding = {Binding.WEAK: "weak ", Binding.UNIQUE: "unique "}.get(definition.binding, "")
    match definition.kind:
        case SymbolKind.TLS:
            return f"{binding}thread-local variable of {definition.size} bytes"
        case SymbolKind.FUNCTION:
            return f"{binding}function"
        case SymbolKind.OBJECT | SymbolKind.OTHER:
            return f"{binding}{'data' if definition.writable else 'constant'} of {definition.size} bytes"
