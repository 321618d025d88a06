"""Which release of musl provides which symbol.

musl has no symbol versions: a reference is satisfied where libc.so knows the name, so that names are
all there is to judge a musllinux wheel by. `musllinux_1_2` covers 1.2.0 to 1.2.6 and later, and a
wheel that was linked against 1.2.5 and needs statx does not load on 1.2.2 ("Error relocating …:
statx: symbol not found").

Almost always a symbol stays once it is there. What differs:

- 32-bit ports got a 64-bit time_t in 1.2.0, and with it names such as __clock_gettime64, to which
  the headers redirect. Everything that was compiled on one of them since then needs those;
- names with a 64 for large files (fopen64) are exported up to 1.2.3. From 1.2.4 on they are in no
  symbol table, and nothing new can be linked to them, but the dynamic linker still satisfies
  relocations that ask for them (get_lfs64 in ldso/dynlink.c), so that old libraries run. It missed
  the longest one, posix_fallocate64, in 1.2.4 and 1.2.5;
- __xstat and its like, on 32-bit ports, were missing from 1.2.0 to 1.2.3.

A distribution may patch more into its musl (Debian's has fts_open). Sources, comparisons with real
libraries, and the format of the table: data/musl/SOURCES.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from perennial.errors import KnowledgeError
from perennial.knowledge.tables import NONE, numbers, read_table
from perennial.lean_typing import Final, NamedTuple

RELEASES: Final = (
    *("1.1.20", "1.1.21", "1.1.22", "1.1.23", "1.1.24"),
    *("1.2.0", "1.2.1", "1.2.2", "1.2.3", "1.2.4", "1.2.5", "1.2.6"),
)
_NUMBERS: Final = tuple(map(numbers, RELEASES))
_END: Final = len(RELEASES)

# The first release with each port, where that is not the oldest one here (musl's WHATSNEW).
FIRST_RELEASES: Final = {
    "aarch64": "1.1.20",
    "armv7l": "1.1.20",
    "i686": "1.1.20",
    "loongarch64": "1.2.5",
    "ppc64le": "1.1.20",
    "riscv64": "1.1.23",
    "s390x": "1.1.20",
    "x86_64": "1.1.20",
}


class _Presence(NamedTuple):
    """In which releases something is there: bit n for RELEASES[n]."""

    exported: int  # in the symbol table
    relocated: int  # not there, and found by relocations nevertheless


class MuslHistory:
    """The history of musl's libc.so on one architecture.

    Releases are written as musl does, `1.2.3`. One that is newer than `newest` is taken to have what
    `newest` has; of one before the port's first, or before 1.1.20, nothing is known.
    """

    def __init__(self, arch: str) -> None:
        if arch not in FIRST_RELEASES:
            raise KnowledgeError(f"the history of musl on {arch!r} is not known, only on {', '.join(FIRST_RELEASES)}")
        self.arch: str = arch
        self.oldest: str = FIRST_RELEASES[arch]
        self.newest: str = RELEASES[-1]
        self._symbols: Mapping[str, _Presence] = _load(arch)

    @property
    def symbols(self) -> frozenset[str]:
        """Every symbol that some release provides."""
        return frozenset(self._symbols)

    def since(self, symbol: str) -> str | None:
        """The first release that provides a symbol; None where none does.

        `oldest` may mean an earlier one. Not every later release needs to provide it: see `missing`.
        """
        provided = self._provided(symbol)
        return RELEASES[(provided & -provided).bit_length() - 1] if provided else None

    def missing(self, symbol: str) -> tuple[str, ...]:
        """The releases of this port that do not provide a symbol, oldest first."""
        provided = self._provided(symbol)
        start = RELEASES.index(self.oldest)
        return tuple(RELEASES[n] for n in range(start, _END) if not provided >> n & 1)

    @property
    def changing(self) -> frozenset[str]:
        """The symbols that some releases of this port provide, and others do not."""
        everywhere = ((1 << _END) - 1) >> RELEASES.index(self.oldest) << RELEASES.index(self.oldest)
        return frozenset(
            symbol
            for symbol, presence in self._symbols.items()
            if (presence.exported | presence.relocated) & everywhere != everywhere
        )

    def exports(self, symbol: str, release: str) -> bool | None:
        """Whether a wheel that refers to a symbol finds it in a release; None where the release is not known."""
        at = self._index(release)
        return None if at is None else bool(self._provided(symbol) >> at & 1)

    def is_linkable(self, symbol: str, release: str) -> bool | None:
        """Whether a symbol is in the symbol table: what the linker, and dlsym, find."""
        at = self._index(release)
        presence = self._symbols.get(symbol)
        return None if at is None else presence is not None and bool(presence.exported >> at & 1)

    def _provided(self, symbol: str) -> int:
        presence = self._symbols.get(symbol)
        return 0 if presence is None else presence.exported | presence.relocated

    def _index(self, release: str) -> int | None:
        """Where a release stands among those that are known; a later one counts as the newest."""
        try:
            wanted = numbers(release)
        except ValueError:
            return None
        if wanted < numbers(self.oldest):
            return None
        return max(n for n, known in enumerate(_NUMBERS) if known <= wanted)


@cache
def load_musl_history(arch: str) -> MuslHistory:
    """The history of musl on an architecture, as platform tags name it; KnowledgeError if there is none."""
    return MuslHistory(arch)


def _load(arch: str) -> dict[str, _Presence]:
    start = RELEASES.index(FIRST_RELEASES[arch])
    table: dict[str, _Presence] = {}
    columns = ("exported", "relocated", "architectures", "symbols")
    for exported, relocated, arches, symbols in read_table("musl/symbols.tsv", columns):
        if arches == "*" or arch in arches.split(" "):
            presence = _Presence(_bits(exported, start), _bits(relocated, start))
            table.update(dict.fromkeys(symbols.split(" "), presence))
    return table


def _bits(text: str, start: int) -> int:
    """`..1.1.24,1.2.4..` as a set of releases, which begins with the port's first."""
    bits = 0
    for ends in text.split(","):
        if ends != NONE:
            first, _, last = ends.partition("..")
            low = max(RELEASES.index(first), start) if first else start
            high = RELEASES.index(last) + 1 if last else _END
            for n in range(low, high):
                bits |= 1 << n
    return bits
