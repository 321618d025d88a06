"""Stanzas of `Field: value`, as Debian writes control files, package indices and its database (deb822(5))."""

from __future__ import annotations

from collections.abc import Iterator


def read_stanzas(text: str) -> Iterator[dict[str, str]]:
    """The stanzas of a text; the lines of a value that goes over several are joined by newlines."""
    stanza: dict[str, str] = {}
    field = ""
    for line in text.split("\n"):
        if not line or line.isspace():
            if stanza:
                yield stanza
            stanza, field = {}, ""
        elif line[0] in " \t":
            if field:
                stanza[field] += f"\n{line.strip()}"
        else:
            field, colon, value = line.partition(":")
            if colon:
                stanza[field] = value.strip()
            else:
                field = ""
    if stanza:
        yield stanza
