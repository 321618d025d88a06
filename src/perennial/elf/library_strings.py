"""Names of libraries among a file's strings: what it may load with dlopen.

No table lists what a program loads by name, so this can only be a hint: a string literal
that has the form of a soname, in a file that imports dlopen at all.
"""

from __future__ import annotations

import re

from perennial.lean_typing import Final

# What ends a name, after its last ".so"; and a whole name, by itself or at the end of a path.
_END: Final = re.compile(rb"\.so(?:\.[0-9]{1,10}){0,4}\x00")
_NAME: Final = rb"(?:/[\x21-\x7e]{1,200}/)?lib[A-Za-z0-9_+.-]{1,100}\.so(?:\.[0-9]{1,10}){0,4}"
_BEFORE: Final = 320  # bytes before ".so" that a name may take, and the one that bounds it
_AFTER: Final = 48  # bytes that _END may take
# bytes.translate to NUL for what no name contains
_GRAPHIC: Final = bytes(byte if 0x21 <= byte <= 0x7E else 0 for byte in range(256))
# A file with more of them is a list of libraries, or made to keep us busy: it hints at nothing.
_MOST_NAMES: Final = 1000
_MOST_ENDS: Final = 10_000


class LibraryStrings:
    """Looks for sonames in pieces of one file, which come in ascending order. What is found
    does not depend on how the file was cut into pieces.
    """

    __slots__ = ("_ends", "_names", "_next", "_tail", "_tail_start")

    def __init__(self) -> None:
        self._names: Final[set[bytes]] = set()
        self._tail = b""  # the last bytes seen, from _tail_start on
        self._tail_start = 0
        self._next = 0  # where the first ".so" may stand that has not been judged
        self._ends = 0

    def feed(self, start: int, piece: bytes) -> None:
        """Takes the bytes from offset `start` on."""
        if start != self._tail_start + len(self._tail):
            self._judge(self._tail, self._tail_start, len(self._tail))
            self._tail, self._next = b"", start
        data = self._tail + piece if self._tail else piece
        base = start - len(self._tail)
        until = max(len(data) - _AFTER, 0)
        self._judge(data, base, until)
        self._next = max(self._next, base + until)
        keep = max(until - _BEFORE, 0)
        self._tail, self._tail_start = data[keep:], base + keep

    def _judge(self, data: bytes, base: int, until: int) -> None:
        """Looks at each ".so" that stands before data[until] and has not been looked at."""
        if self._is_too_much:
            return
        # One pattern with a literal prefix: it runs faster than bytes.find, and seldom matches.
        for match in _END.finditer(data, max(self._next - base, 0)):
            position = match.start()
            self._ends += position < until
            if position >= until or self._is_too_much:
                break
            low = max(position - _BEFORE, 0)
            word = data[low + data[low:position].translate(_GRAPHIC).rfind(b"\0") + 1 : match.end() - 1]
            if len(word) < _BEFORE and re.fullmatch(_NAME, word):
                self._names.add(word)

    @property
    def _is_too_much(self) -> bool:
        return self._ends > _MOST_ENDS or len(self._names) > _MOST_NAMES

    def found(self) -> tuple[str, ...]:
        """The names, once no piece follows."""
        self._judge(self._tail, self._tail_start, len(self._tail))
        self._tail = b""
        return () if self._is_too_much else tuple(sorted(name.decode("ascii") for name in self._names))
