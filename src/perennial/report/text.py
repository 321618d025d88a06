"""Text that may come from anywhere, made fit for a terminal and for people."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with everything that does not print shown as an escape.

    Names of files, symbols and libraries come from wheels, and a terminal obeys control
    characters.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii") if char != "\n" else "\\n"


def listed(items: list[str] | tuple[str, ...], most: int) -> str:
    """`a, b, c and 4 more`"""
    shown = ", ".join(items[:most])
    rest = len(items) - most
    return f"{shown} and {rest} more" if rest > 0 else shown


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 file`, `2 files`"""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
