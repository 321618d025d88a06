"""Names of libraries among a file's strings: what it may load with dlopen.

No table lists what a program loads by name, so this can only be a hint: a string literal
that has the form of a soname, in a file that imports dlopen at all.
"""

from __future__ import annotations

import re
from typing import Final

# What ends a name, after its last ".so"; and a whole name, by itself or at the end of a path.
_END: Final = re.compile(rb"\.so(?:\.[0-9]{1,10}){0,4}\x00")
_NAME: Final = re.compile(rb"(?:/[\x21-\x7e]{1,200}/)?lib[A-Za-z0-9_+.-]{1,100}\.so(?:\.[0-9]{1,10}){0,4}")
_BEFORE: Final = 320  # bytes before ".so" that a name may take, and the one that bounds it
_AFTER: Final = 48  # bytes that _END may take
# bytes.translate to NUL for what no name contains
_GRAPHIC: Final = bytes(byte if 0x21 <= byte <= 0x7E else 0 for byte in range(256))
# A file with more of them is a list of libraries, or made to keep us busy: it hints at nothing.
_MOST_NAMES: Final = 1000
_MOST_ENDS: Final = 10_000
# dlopen and dlmopen, as they stand in a string table
_DLOPEN: Final = (b"\0dlopen\0", b"\0dlmopen\0")


class LibraryStrings:
    """Looks for sonames in pieces of one file, which come in ascending order.

    As long as no piece has named dlopen, nothing is searched: `skipped_until` says up to which
    offset, so that it can be made up for (`stop`) once it is known that dlopen is imported. What is found
    does not depend on how the file was cut into pieces.
    """

    __slots__ = ("_ends", "_is_searching", "_next", "_stop", "_tail", "_tail_start", "names", "skipped_until")

    def __init__(self, *, stop: int | None = None) -> None:
        self.names: Final[set[bytes]] = set()
        self.skipped_until = 0
        self._stop: Final = stop
        self._is_searching = stop is not None
        self._tail = b""  # the last bytes seen, from _tail_start on
        self._tail_start = 0
        self._next = 0  # where the first ".so" may stand that has not been judged
        self._ends = 0

    def feed(self, start: int, piece: bytes) -> None:
        if start != self._tail_start + len(self._tail):
            self._judge(self._tail, self._tail_start, len(self._tail))
            self._tail, self._next = b"", start
        data = self._tail + piece if self._tail else piece
        base = start - len(self._tail)
        if not self._is_searching:
            self._is_searching = any(name in data for name in _DLOPEN)
        until = max(len(data) - _AFTER, 0)
        self._judge(data, base, until)
        self._next = max(self._next, base + until)
        keep = max(until - _BEFORE, 0)
        self._tail, self._tail_start = data[keep:], base + keep

    def finish(self) -> None:
        """No piece follows."""
        self._judge(self._tail, self._tail_start, len(self._tail))
        self._tail = b""

    def _judge(self, data: bytes, base: int, until: int) -> None:
        """Looks at each ".so" that stands before data[until] and has not been looked at."""
        if not self._is_searching:
            self.skipped_until = max(self.skipped_until, base + until)
            return
        if self._stop is not None:
            until = min(until, self._stop - base)
        # A literal search first: it runs at memory speed and usually ends the matter.
        position = data.find(b".so", max(self._next - base, 0), until + 2)
        if position < 0 or self.is_too_much:
            return
        for match in _END.finditer(data, position):
            if match.start() >= until:
                break
            self._ends += 1
            if self.is_too_much:
                break
            before = data[max(match.start() - _BEFORE, 0) : match.start()]
            word = data[match.start() - len(before) + before.translate(_GRAPHIC).rfind(b"\0") + 1 : match.end() - 1]
            if len(word) < _BEFORE and _NAME.fullmatch(word):
                self.names.add(word)

    @property
    def is_too_much(self) -> bool:
        return self._ends > _MOST_ENDS or len(self.names) > _MOST_NAMES

    def add(self, other: LibraryStrings) -> None:
        """What was found elsewhere in the same file."""
        self.names.update(other.names)
        self._ends += other._ends

    def found(self) -> tuple[str, ...]:
        return () if self.is_too_much else tuple(sorted(name.decode("ascii") for name in self.names))
