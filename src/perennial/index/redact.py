"""URLs as they may be shown: without passwords, tokens and signed query strings."""

from __future__ import annotations

import re

from perennial.lean_typing import Final

# Greedy up to the last @ before a slash: a password may itself hold an @.
_USERINFO: Final = re.compile(r"(?<=://)[^/\s\"'<>]*@")
_QUERY: Final = re.compile(r"(://[^\s?#\"'<>]*)[?#][^\s\"'<>]*")


def redact(text: str) -> str:
    """The text with the credentials and queries of all URLs in it left out, on one line."""
    shown = _QUERY.sub(r"\1", _USERINFO.sub("****@", text))
    return " ".join("".join(c if c.isprintable() else " " for c in shown).split())
