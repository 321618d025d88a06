"""How learned symbols are kept: plain tables for what is small, and one compressed text a soname.

    symbols/ARCH.tsv          the snapshots of an architecture, and the libraries of each
    symbols/SONAME.txt.xz     which snapshot's library defines which nodes and exports which symbols

A soname's text covers all architectures, for most symbols are the same on all of them: split by
architecture, the same data takes four times the space. A snapshot has a number, its bit in the
membership sets, which are written as hexadecimal masks:

    n MASK NODE               NODE is defined in these snapshots
    v MASK VERSION            the symbols in the next line are exported at VERSION (`-`: at none)
    symbol symbol symbol …
    o MASK                    the symbols in the next line are found only by references with a version
    symbol symbol symbol …

Of 700,000 (snapshot, library, symbol, version) rows there are some 40,000 different ones
without the snapshot, in a few hundred groups. Names with white space cannot be written; the
static linker cannot write them either, and a library of a release has none.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator

from perennial.errors import KnowledgeError
from perennial.knowledge.tables import NONE
from perennial.lean_typing import Final, NamedTuple

FOLDER: Final = "symbols"
SUFFIX: Final = ".txt.xz"

SNAPSHOT_COLUMNS: Final = ("snapshot", "release", "date", "kind", "packages")
LIBRARY_COLUMNS: Final = ("library", "snapshot", "package", "tier", "build_id")

# Everything that shapes the bytes is fixed here: the presets of a later liblzma may differ. The
# dictionary spans the largest text; names are text without alignment, hence pb=0.
_FILTERS: Final = [
    {
        "id": lzma.FILTER_LZMA2,
        "dict_size": 1 << 20,
        "lc": 4,
        "lp": 0,
        "pb": 0,
        "mode": lzma.MODE_NORMAL,
        "nice_len": 273,
        "mf": lzma.MF_BT4,
        "depth": 512,
    }
]


class Group(NamedTuple):
    """Symbols that the same snapshots export at the same version."""

    version: str | None
    mask: int
    symbols: str  # separated by spaces


class SonameText(NamedTuple):
    """What is known of one soname, for all snapshots of all architectures."""

    nodes: tuple[tuple[str, int], ...]  # node, mask
    groups: tuple[Group, ...]
    versioned_only: tuple[tuple[int, str], ...] = ()  # mask, symbols


def pack(text: SonameText) -> bytes:
    """The bytes of a soname's file."""
    lines = [f"n {mask:x} {node}" for node, mask in text.nodes]
    for group in text.groups:
        lines += [f"v {group.mask:x} {group.version or NONE}", group.symbols]
    for mask, symbols in text.versioned_only:
        lines += [f"o {mask:x}", symbols]
    data = "".join(f"{line}\n" for line in lines).encode()
    return lzma.compress(data, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=_FILTERS)


def unpack(data: bytes, name: str) -> SonameText:
    """What a soname's file says; `name` is for messages."""
    try:
        lines = lzma.decompress(data, format=lzma.FORMAT_XZ).decode().split("\n")
        return _parse(iter(lines))
    except (lzma.LZMAError, ValueError, StopIteration) as error:
        raise KnowledgeError(f"{name} is damaged: {str(error) or 'it ends too early'}") from error


def _parse(lines: Iterator[str]) -> SonameText:
    nodes: list[tuple[str, int]] = []
    groups: list[Group] = []
    versioned_only: list[tuple[int, str]] = []
    for line in lines:
        if not line:
            continue
        kind, mask, *name = line.split(" ")
        if kind == "o":
            versioned_only.append((int(mask, 16), next(lines)))
            continue
        (version,) = name
        if kind == "n":
            nodes.append((version, int(mask, 16)))
        else:
            groups.append(Group(None if version == NONE else version, int(mask, 16), next(lines)))
    return SonameText(tuple(nodes), tuple(groups), tuple(versioned_only))
