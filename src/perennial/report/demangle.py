"""C++ symbol names as people write them (Itanium C++ ABI, "External Names")."""

from __future__ import annotations

import re

from perennial.lean_typing import Final

# Reports show a handful of names; longer ones are nobody's reading.
_LONGEST_INPUT: Final = 1000
_LONGEST_OUTPUT: Final = 100
_MANGLED: Final = re.compile(r"\b_Z\w+")


def demangle_words(text: str) -> str:
    """A sentence, with every mangled name in it as people write it."""
    return _MANGLED.sub(lambda match: demangle(match.group()), text) if "_Z" in text else text


def demangle(symbol: str) -> str:
    """The declaration that a mangled name stands for; the name itself where it is none."""
    if not symbol.startswith("_Z") or len(symbol) > _LONGEST_INPUT:
        return symbol
    from itanium_demangler import parse

    try:
        tree = parse(symbol)
        text = None if tree is None else str(tree)
    except (NotImplementedError, ValueError, TypeError, AssertionError, RecursionError, LookupError, AttributeError):
        return symbol  # its grammar is not complete, and names are hostile
    if not text:
        return symbol
    return text if len(text) <= _LONGEST_OUTPUT else f"{text[: _LONGEST_OUTPUT - 1]}…"
