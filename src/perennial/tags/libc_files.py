"""The version of a C library, from its file alone.

glibc's libc.so.6 holds the line that it prints when it is run, "GNU C Library (Debian GLIBC 2.36-9)
stable release version 2.36."; ld.so holds such a line since 2.33. Its highest version node says the
same, unless a release brought no new symbol. musl's loader is its libc, and prints "Version 1.2.5"
when it is run, as PEP 656 has installers do it; the number itself lies in the file between two
zero bytes. Nothing is run here.
"""

from __future__ import annotations

import re

from perennial.errors import ElfFormatError
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.symbol_version import SymbolVersion

LARGEST: Final = 64 << 20  # bytes; glibc's with debugging information is below 20 MB
_GLIBC_LINE: Final = re.compile(
    rb"(?:GNU C Library|ld\.so) [^\n\0]{0,200}?release version (\d{1,4}\.\d{1,4}[^ ,\n\0]{0,40})"
)
# A library may say anything; a list of tags must stay one that can be printed.
_NUMBERS: Final = re.compile(r"(\d{1,2})\.(\d{1,3})(?!\d)")
_MUSL_VERSION: Final = re.compile(rb"\0(\d{1,3}\.\d{1,3}\.\d{1,3}(?:-git-[^\0]{1,60})?)\0")
_MUSL_MARK: Final = b"musl libc"


class LibcVersion(NamedTuple):
    """`text` is the version as the library spells it; `how` is where that stood."""

    version: tuple[int, int]
    text: str
    how: str


def version_pair(text: str) -> tuple[int, int] | None:
    """The (major, minor) that a version begins with: vendors add to it, "2.20-2014.11", "2.27.9000"."""
    found = _NUMBERS.match(text)
    return None if found is None else (int(found[1]), int(found[2]))


def libc_version(libc: Libc, data: bytes) -> LibcVersion | None:
    """What a libc.so.6, an ld.so or a musl loader is the version of; None where it does not say."""
    return _glibc(data) if libc is Libc.GLIBC else _musl(data)


def _glibc(data: bytes) -> LibcVersion | None:
    found = _GLIBC_LINE.search(data)
    if found is not None:
        text = found[1].decode("ascii", "backslashreplace").rstrip(".")
        pair = version_pair(text)
        if pair is not None:
            return LibcVersion(pair, text, f"its release line says {text}")
    from perennial.elf.read import read_elf  # noqa: PLC0415 - seldom needed, and 10 ms

    try:
        nodes = [SymbolVersion.parse(verdef.name) for verdef in read_elf(data).verdefs]
    except ElfFormatError:
        return None
    numbers = max((node.numbers for node in nodes if node.family == "GLIBC" and len(node.numbers) > 1), default=None)
    if numbers is None:
        return None
    text = ".".join(map(str, numbers))
    return LibcVersion((numbers[0], numbers[1]), text, f"its highest version node is GLIBC_{text}")


def _musl(data: bytes) -> LibcVersion | None:
    if _MUSL_MARK not in data:
        return None
    said = {found[1].decode("ascii", "backslashreplace") for found in _MUSL_VERSION.finditer(data)}
    if len(said) != 1:
        return None
    text = said.pop()
    pair = version_pair(text)
    return None if pair is None else LibcVersion(pair, text, f"it holds its version, {text}")
