"""Reading the data files: tab-separated, `#` for comments, the first row names the columns.

A format that diff and a person can read, and that `str.split` reads in microseconds: loading
the knowledge is part of every command's start.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache

from perennial.errors import KnowledgeError

DATA = os.path.join(os.path.dirname(__file__), "data")

NONE = "-"  # there is none, or it does not apply
UNKNOWN = "?"


def read_table(name: str, columns: Sequence[str]) -> list[list[str]]:
    """The rows of a shipped data file; its header must be just these columns."""
    with open(os.path.join(DATA, name), encoding="utf-8") as file:
        return parse_table(file.read(), columns, name)


def parse_table(text: str, columns: Sequence[str], name: str) -> list[list[str]]:
    """The rows of a table; `name` is for messages only."""
    rows = [line.split("\t") for line in text.split("\n") if line and line[0] != "#"]
    if not rows or rows[0] != list(columns):
        raise KnowledgeError(f"{name}: the columns must be {', '.join(columns)}")
    width = len(columns)
    del rows[0]
    for row in rows:
        if len(row) != width:
            raise KnowledgeError(f"{name}: row {row[0]!r} has {len(row)} fields, not {width}")
    return rows


@cache  # the tables have a few hundred of them, thousands of times
def numbers(text: str) -> tuple[int, ...]:
    """`2.17` as (2, 17)."""
    return tuple(map(int, text.split(".")))


def pair(text: str) -> tuple[int, int]:
    """The first two numbers of a version: `1.2.5` as (1, 2)."""
    major, minor, *_ = text.split(".")
    return int(major), int(minor)


def optional(text: str) -> str | None:
    return None if text in (NONE, UNKNOWN) else text
