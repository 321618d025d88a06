"""Which release of glibc exports which symbol, under which versions, from which of its libraries.

glibc keeps its ABI in lists that its own build checks (`*.abilist`, `make check-abi`): a symbol
version, once released, stays, and a new one names the release that brought it. So the history is
nearly in the names (memcpy@GLIBC_2.14 is exported since 2.14, on x86_64), with four exceptions, which
the tables in data/glibc spell out:

- a port that came later starts with one node for all that was there: GLIBC_2.17 is the oldest on
  aarch64, GLIBC_2.27 on riscv64;
- from 2.30 to 2.34 the symbols of libpthread, libdl, librt, libutil and libanl, and some of
  libresolv, moved to libc.so.6. It has each under every version it ever had, *since that release*,
  and most of them under a new one besides (pthread_create@@GLIBC_2.34). The old libraries are still
  there, with their version nodes and without symbols. A reference to pthread_create@GLIBC_2.2.5 of
  libpthread.so.0 is nevertheless satisfied by glibc 2.36: ld.so asks the named library for the
  *node* only (elf/dl-version.c), and looks the symbol up, by name and version, in every library of
  the process (elf/dl-lookup.c). Whoever judges a reference asks `providers`;
- some symbols are gone: malloc_get_state, the dynamic linker's own malloc;
- a few nodes are no GLIBC_ ones (GCC_3.0 on i686 and s390x).

GLIBC_PRIVATE is left out, which is no promise to anybody, and so are what has no symbols of its own
(GLIBC_ABI_DT_RELR) and the placeholders that keep the emptied libraries' nodes alive. Releases before
2.16 are inferred from the names of nodes, later ones were compared with glibc's lists; what
distributions add by patch is in neither. Sources and comparisons: data/glibc/SOURCES.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from perennial.errors import KnowledgeError
from perennial.knowledge.tables import NONE, numbers, read_table
from perennial.lean_typing import Final, NamedTuple

Release = tuple[int, int]

NEWEST: Final = (2, 44)

# The oldest node of each port; where another port has an older one, this stands for it.
FIRST_NODES: Final = {
    "aarch64": "2.17",
    "armv7l": "2.4",
    "i686": "2.0",
    "loongarch64": "2.36",
    "ppc64": "2.3",
    "ppc64le": "2.17",
    "riscv64": "2.27",
    "s390x": "2.2",
    "x86_64": "2.2.5",
}
_FILES: Final = {
    "libanl.so.1": "libanl",
    "libc.so.6": "libc",
    "libdl.so.2": "libdl",
    "libm.so.6": "libm",
    "libpthread.so.0": "libpthread",
    "libresolv.so.2": "libresolv",
    "librt.so.1": "librt",
    "libutil.so.1": "libutil",
}
# glibc, shlib-versions files
_LINKERS: Final = {
    "aarch64": "ld-linux-aarch64.so.1",
    "armv7l": "ld-linux-armhf.so.3",
    "i686": "ld-linux.so.2",
    "loongarch64": "ld-linux-loongarch-lp64d.so.1",
    "ppc64": "ld64.so.1",
    "ppc64le": "ld64.so.2",
    "riscv64": "ld-linux-riscv64-lp64d.so.1",
    "s390x": "ld64.so.1",
    "x86_64": "ld-linux-x86-64.so.2",
}


class Export(NamedTuple):
    """A version under which a library exports a symbol, and in which releases of glibc."""

    version: str  # GLIBC_2.14
    since: Release
    until: Release | None  # the last one; None: up to the newest that is known

    def at(self, release: Release) -> bool:
        return self.since <= release and (self.until is None or release <= self.until)


Exports = tuple[Export, ...]  # of one symbol, the oldest version first


class _Row(NamedTuple):
    """The symbols, front-coded, that share a history on one architecture; each stands in one row only."""

    exports: Exports
    symbols: str

    @property
    def unfolded(self) -> list[str]:
        return _unfold(self.symbols) if "~" in self.symbols else self.symbols.split(" ")


class GlibcHistory:
    """The history of one architecture's glibc. A library is read when it is first asked for.

    Libraries are named by soname, versions in full (`GLIBC_2.14`), releases as (2, 14), where a
    point release counts as its series: what came with 2.2.5 is there since (2, 2).
    """

    def __init__(self, arch: str) -> None:
        if arch not in FIRST_NODES:
            raise KnowledgeError(f"the history of glibc on {arch!r} is not known, only on {', '.join(FIRST_NODES)}")
        self.arch: str = arch
        self.newest: Release = NEWEST
        self._files = {**_FILES, _LINKERS[arch]: "ld"}
        self._rows: dict[str, list[_Row]] = {}
        self._tables: dict[str, Mapping[str, Exports]] = {}
        self._anywhere: dict[tuple[str, str | None], list[Export]] = {}

    @property
    def libraries(self) -> tuple[str, ...]:
        """The sonames of which the history is known."""
        return tuple(sorted(self._files))

    def knows(self, library: str) -> bool:
        """Whether what `exports` does not list is known not to be exported by this library.

        It is of glibc's main libraries; libnsl, libmvec, libnss_* and libthread_db are not in the tables.
        """
        return library in self._files

    def exports(self, library: str, symbol: str) -> Exports:
        """All versions under which a library ever exported a symbol, the oldest first."""
        return self._table(library).get(symbol, ())

    def versions(self, library: str, symbol: str) -> tuple[str, ...]:
        """The names of those versions."""
        return tuple(export.version for export in self.exports(library, symbol))

    def since(self, library: str, symbol: str, version: str | None = None) -> Release | None:
        """The first release of glibc in which a library exports symbol@version; None where none does.

        Without a version, the first that exports the symbol at all. That is what a reference without
        version needs: it is bound to the library's base version, or else to the only default one
        (elf/dl-lookup.c, check_match).
        """
        return min((export.since for export in self._matching(library, symbol, version)), default=None)

    def until(self, library: str, symbol: str, version: str | None = None) -> Release | None:
        """The last release in which a library exports symbol@version, or, without, the symbol at all.

        None where the newest still does, and also where none ever did (`since` tells).
        """
        last: Release | None = None
        for export in self._matching(library, symbol, version):
            if export.until is None:
                return None
            last = export.until if last is None else max(last, export.until)
        return last

    def is_exported(self, library: str, symbol: str, version: str | None, release: Release) -> bool:
        """Whether a library exports symbol@version (None: any version) in a release up to `newest`."""
        return any(export.at(release) for export in self._matching(library, symbol, version))

    def providers(self, symbol: str, version: str | None, release: Release) -> tuple[str, ...]:
        """The libraries that export symbol@version in a release: where ld.so would find it."""
        return tuple(library for library in self.libraries if self.is_exported(library, symbol, version, release))

    def is_provided(self, symbol: str, version: str | None, release: Release) -> bool:
        """Whether any of the libraries exports symbol@version in a release; asked of one release after the other."""
        key = (symbol, version)
        if key not in self._anywhere:
            self._anywhere[key] = [export for library in self._files for export in self._matching(library, *key)]
        return any(export.at(release) for export in self._anywhere[key])

    def symbols(self, library: str) -> frozenset[str]:
        """Every symbol that a library exports in any release."""
        return frozenset(self._table(library))

    def changing(self, library: str, floor: Release) -> frozenset[str]:
        """The symbols that a library exports in some releases from `floor` on and not, or not yet, in others."""
        return self._symbols_where(library, lambda exports: exports[0].since > floor or _ends(exports))

    def removed(self, library: str) -> frozenset[str]:
        """The symbols that a library exported at a version, and no longer does in the newest release."""
        return self._symbols_where(library, _ends)

    def _symbols_where(self, library: str, holds: Callable[[Exports], bool]) -> frozenset[str]:
        """Every audit asks for a few symbols of a few rows; only theirs are unfolded."""
        return frozenset(symbol for row in self._load(library) if holds(row.exports) for symbol in row.unfolded)

    def _table(self, library: str) -> Mapping[str, Exports]:
        if library not in self._tables:
            rows = self._load(library)
            self._tables[library] = {symbol: row.exports for row in rows for symbol in row.unfolded}
        return self._tables[library]

    def _load(self, library: str) -> list[_Row]:
        if library not in self._rows:
            file = self._files.get(library)
            self._rows[library] = [] if file is None else _load(file, self.arch)
        return self._rows[library]

    def _matching(self, library: str, symbol: str, version: str | None) -> Exports:
        exports = self.exports(library, symbol)
        return exports if version is None else tuple(export for export in exports if export.version == version)


@cache
def load_glibc_history(arch: str) -> GlibcHistory:
    """The history of glibc on an architecture, as platform tags name it; KnowledgeError if there is none."""
    return GlibcHistory(arch)


def _load(name: str, arch: str) -> list[_Row]:
    """The rows of one library that say something about an architecture."""
    rows = read_table(f"glibc/{name}.tsv", ("versions", "symbols"))
    return [_Row(exports, symbols) for versions, symbols in rows if (exports := _exports(versions, arch))]


def _ends(exports: Exports) -> bool:
    return any(export.until is not None for export in exports)


def _exports(text: str, arch: str) -> Exports:
    """What a row's versions come to on an architecture."""
    nodes, *exceptions = text.split(" ")
    for exception in exceptions:
        arches, _, own = exception.partition("=")
        if arch in arches.split(","):
            nodes = own
            break
    if nodes == NONE:
        return ()
    first = numbers(FIRST_NODES[arch])
    found: dict[tuple[int, ...], Export] = {}
    for token in nodes.split(","):
        rest, _, until = token.partition("-")
        node, _, since = rest.partition("+")
        # a full name sorts before all numbers, and needs its own release
        key = max(numbers(node), first) if node[0] == "2" else ()
        version = f"GLIBC_{'.'.join(map(str, key))}" if key else node
        start = max(key[1] if key else 0, int(since or 0))
        end = (2, int(until)) if until else None
        if end is None or start <= end[1]:
            found[key] = _wider(found.get(key), Export(version, (2, start), end))
    return tuple(found[key] for key in sorted(found))


def _wider(known: Export | None, other: Export) -> Export:
    """Two nodes that are one on this architecture."""
    if known is None:
        return other
    until = None if known.until is None or other.until is None else max(known.until, other.until)
    return Export(known.version, min(known.since, other.since), until)


def _unfold(text: str) -> list[str]:
    """Symbols that are front-coded: `~7f` is the first seven characters of the one before it, and `f`."""
    symbols = []
    last = ""
    for word in text.split(" "):
        last = last[: int(word[1], 36)] + word[2:] if word[0] == "~" else word
        symbols.append(last)
    return symbols
