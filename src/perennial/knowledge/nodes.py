"""Which version nodes a library defines, given the highest that it defines.

Maintainers of versioned libraries only ever add nodes (glibc's and GCC's `*.ver` and `Versions`
files), so that the highest node of a family tells the whole set: that was measured to hold in
99.4 % of the cells (data/SOURCES.md), and the exceptions are in the table. A family is a name's
prefix as one library uses it: `GLIBC_2.0` means a node of libc.so.6 on i686, and on aarch64 one
of libgcc_s.so.1, which is why there is a family `GLIBC@libgcc_s.so.1`.
"""

from __future__ import annotations

from collections.abc import Mapping

from perennial.knowledge.tables import numbers, read_table
from perennial.lean_typing import NamedTuple

Numbers = tuple[int, ...]


class Node(NamedTuple):
    """A version node of one family on one architecture."""

    name: str  # the full name: GLIBCXX_3.4.30
    family: str  # GLIBCXX
    since: Numbers  # the lowest highest node with which it comes
    only: frozenset[Numbers] | None = None  # only with these highest nodes: somebody's patch

    def comes_with(self, top: Numbers) -> bool:
        """Whether a library defines it whose highest node is `top`."""
        return self.since <= top if self.only is None else top in self.only


class Family(NamedTuple):
    """The nodes of one family on one architecture."""

    name: str
    top_of: str  # the family whose highest node counts: GLIBC for GLIBC@libgcc_s.so.1
    nodes: Mapping[str, Node]  # by full name
    ladder: tuple[Numbers, ...]  # the highest nodes that there can be, ascending

    def at_most(self, ceiling: Numbers) -> Numbers | None:
        """The highest node that there is here, where the whole family goes up to `ceiling`.

        What is known of a release is its highest node on any architecture; libgcc_s, say, has
        GCC_12.0.0 on x86_64 only, and the same release ends at GCC_11.0 on aarch64.
        """
        best = None
        for top in self.ladder:
            if top > ceiling:
                break
            best = top
        return best


def load_families(arch: str) -> dict[str, Family]:
    """All families on an architecture, by name."""
    rows = read_table("nodes.tsv", ("family", "architectures", "nodes"))
    return {family: _family(family, nodes) for family, arches, nodes in rows if arch in arches.split(" ")}


def _family(family: str, text: str) -> Family:
    prefix = family.partition("@")[0]
    nodes = {}
    ladder: set[Numbers] = set()
    for entry in text.split(" "):
        short, at, since = entry.partition("@")
        short, equals, tops = short.partition("=")
        if equals:
            only = frozenset(map(numbers, tops.split(",")))
            ladder |= only
            node = Node(f"{prefix}_{short}", family, min(only), only)
        else:
            node = Node(f"{prefix}_{short}", family, numbers(since if at else short))
            ladder.add(node.since)
        nodes[node.name] = node
    return Family(family, prefix, nodes, tuple(sorted(ladder)))
