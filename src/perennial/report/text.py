"""Small words of prose."""

from __future__ import annotations


def listed(items: list[str] | tuple[str, ...], most: int) -> str:
    """`a, b, c and 4 more`"""
    shown = ", ".join(items[:most])
    rest = len(items) - most
    return f"{shown} and {rest} more" if rest > 0 else shown


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 file`, `2 files`"""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
