"""Names of libraries among a file's strings: what it may load with dlopen.

No table lists what a program loads by name, so this can only be a hint: a string literal
that has the form of a soname, in a file that imports dlopen at all.
"""

from __future__ import annotations

import re
from typing import Final

_OVERLAP: Final = 256  # the longest name that is found across two chunks
_NAME: Final = re.compile(rb"(?<![\x21-\x7e])(?:/[\x21-\x7e]{1,200}/)?lib[A-Za-z0-9_+.-]{1,100}?\.so(?:\.[0-9]+){0,4}\x00")
_MOST_NAMES: Final = 1000
# dlopen and dlmopen, as they stand in a string table
_DLOPEN: Final = (b"\0dlopen\0", b"\0dlmopen\0")


class LibraryStrings:
    """Looks for sonames in the chunks of one file, in order, and in nothing else than they contain.

    A string table precedes the constants in every linker's layout; as long as no chunk has
    named dlopen, nothing is searched.
    """

    __slots__ = ("_names", "_tail", "is_searching")

    def __init__(self, *, search: bool = False) -> None:
        self._names: Final[set[bytes]] = set()
        self.is_searching = search
        self._tail = b""

    def feed(self, chunk: bytes, *, searched: bool) -> None:
        if not searched:
            self._tail = b""
            return
        if not self.is_searching:
            self.is_searching = any(name in chunk for name in _DLOPEN)
        if self.is_searching and len(self._names) < _MOST_NAMES:
            self._search(self._tail + chunk if self._tail else chunk)
        self._tail = chunk[-_OVERLAP:]

    def _search(self, data: bytes) -> None:
        # A literal search first: it runs at memory speed and usually ends the matter.
        position = data.find(b".so")
        while position >= 0:
            start = max(position - _OVERLAP, 0)
            match = _NAME.search(data, start, position + 32)
            while match is not None:
                self._names.add(match.group()[:-1])
                match = _NAME.search(data, match.end() - 1, position + 32)
            position = data.find(b".so", position + 3)

    def found(self) -> tuple[str, ...]:
        return tuple(sorted(name.decode("ascii") for name in self._names))
