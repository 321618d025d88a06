"""C++ symbol names as people write them (Itanium C++ ABI, "External Names")."""

from __future__ import annotations

import re

from perennial.lean_typing import Final

# Reports show a handful of names; longer ones are nobody's reading.
_LONGEST_INPUT: Final = 1000
_LONGEST_OUTPUT: Final = 100
# A back reference may name what holds two of the one before: 200 characters that stand for a million names.
_MOST_REPEATED: Final = 5000  # parts of a name that back references repeat; real ones repeat some hundreds
_MANGLED: Final = re.compile(r"\b_Z\w+")


def demangle_words(text: str) -> str:
    """A sentence, with every mangled name in it as people write it."""
    return _MANGLED.sub(lambda match: demangle(match.group()), text) if "_Z" in text else text


def demangle(symbol: str) -> str:
    """The declaration that a mangled name stands for; the name itself where it is none."""
    if not symbol.startswith("_Z") or len(symbol) > _LONGEST_INPUT:
        return symbol
    try:
        tree = _parse(symbol)
        text = None if tree is None else str(tree)
    except (NotImplementedError, ValueError, TypeError, AssertionError, RecursionError, LookupError, AttributeError):
        return symbol  # the parser's grammar is not complete, and names are hostile
    if not text:
        return symbol
    return text if len(text) <= _LONGEST_OUTPUT else f"{text[: _LONGEST_OUTPUT - 1]}…"


def _parse(symbol: str) -> object:
    """itanium_demangler's `parse`; ValueError where back references repeat too much. The parser compares what it has
    read with what it read before, part by part, so that it has to be stopped and not only its output.
    """
    from itanium_demangler import _Cursor, _expand_arg_packs, _parse_mangled_name

    class BoundedCursor(_Cursor):  # type: ignore[misc]  # has no types
        left = _MOST_REPEATED

        def resolve_subst(self, seq_id: int) -> object:
            node = super().resolve_subst(seq_id)
            self.left -= _parts(node, self.left)
            return node

    tree = _parse_mangled_name(BoundedCursor(symbol))
    return None if tree is None else _expand_arg_packs(tree)


def _parts(node: object, most: int) -> int:
    """How many parts a parsed name has; ValueError where it is more than `most`."""
    waiting = [node]
    count = 0
    while waiting:
        each = waiting.pop()
        count += 1
        if count > most:
            raise ValueError("too long")
        if isinstance(each, tuple):
            waiting += each
    return count
