"""Symbol versions: the names of version nodes, such as `GLIBC_2.14` or `GLIBCXX_3.4.29`.

To the loader a version is an opaque string that must be there, letter by letter
(Solaris Linker and Libraries Guide, "Versioning"; glibc, `elf/dl-version.c`). The order
within a family, `GLIBC_2.4 < GLIBC_2.14`, is a convention of those who maintain a library,
and only the explanations rely on it.
"""

from __future__ import annotations

from perennial.lean_typing import NamedTuple


class SymbolVersion(NamedTuple):
    """A version node's name, taken apart: `GLIBC_2.14` is family `GLIBC`, numbers (2, 14).

    `numbers` is empty for names without a version number, such as `GLIBC_PRIVATE` or
    `GLIBC_ABI_DT_RELR`; for these the family is the whole name.
    """

    family: str
    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, name: str) -> SymbolVersion:
        family, underscore, tail = name.rpartition("_")
        parts = tail.split(".")
        if underscore and all(part.isascii() and part.isdigit() for part in parts):
            return cls(family, tuple(map(int, parts)))
        return cls(name, ())


def version_sort_key(name: str) -> tuple[str, tuple[int, ...], str]:
    """Sorts version names by family, then by number, so that 2.4 comes before 2.14."""
    version = SymbolVersion.parse(name)
    return (version.family, version.numbers, name)
