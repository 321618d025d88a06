#!/usr/bin/env python3
"""Rebuilds `knowledge/data/nodes.tsv` from measurements: `make_node_table.py upstream_map.json > nodes.tsv`.

The input maps family -> architecture -> highest node -> {"set": nodes}: which version nodes a
library defines, given the highest that it defines. The libraries' maintainers only ever add nodes,
so that these sets are nearly cumulative, and one list of nodes per family and architecture says it
all. In a list,

    2.17        is defined wherever the highest node is 2.17 or later
    TM_1@1.3.6  is defined wherever the highest node is 1.3.6 or later (no number of its own, or
                one that was filled in later, or that is not known from earlier measurements)
    2.2.5=2.23  is defined only where the highest node is exactly 2.23 (2.27, …): somebody's patch

Two things are added to what was measured, each marked in SOURCES.md:

- nodes beyond the newest that was measured on an architecture, where x86_64 and aarch64 both have
  them and the family's nodes do not depend on the architecture;
- big-endian ppc64, which nobody measured: the rows of the nearest measured ports.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping

NodeSets = Mapping[str, frozenset[str]]  # highest node -> nodes
Facts = Mapping[str, Mapping[str, NodeSets]]  # family -> architecture -> NodeSets

HEADER = """\
# Version nodes by family and architecture; written by scripts/make_node_table.py, do not edit.
# node: from this highest node on; node@top: from top on; node=top,top: only with these highest nodes.
# FAMILY@library: nodes with FAMILY's prefix that this library defines, not the family's own.
"""

# glibc ports whose first node is later than 2.0, and yet releases define GLIBC_2.0 there: it is
# libgcc_s that does (gcc, libgcc/config/libgcc-glibc.ver: __register_frame and friends, which
# glibc exported before libgcc_s existed). s390x has its own such file, with its first node.
LIBGCC_NODES = {"s390x": "2.2"}
LIBGCC_NONE = {"x86_64", "ppc64"}  # libgcc/config/i386/libgcc-glibc.ver leaves 64-bit out
GLIBC_HAS_2_0 = {"i686"}

# libgcc_s adds its nodes architecture by architecture, so that none can be inferred.
PER_ARCHITECTURE = {"GCC"}

PPC64_MODELS = {"GCC": "ppc64le", "GLIBC": "s390x", "GLIBCXX": "s390x", "CXXABI": "s390x"}
PPC64_FIRST_GLIBC = (2, 3)  # glibc, sysdeps/unix/sysv/linux/powerpc/powerpc64/shlib-versions


def numbers(name: str) -> tuple[int, ...] | None:
    """The numbers of `2.17`; None for names that are no plain numbers."""
    try:
        return tuple(map(int, name.split(".")))
    except ValueError:
        return None


def _order(name: str) -> tuple[bool, tuple[int, ...], str]:
    plain = numbers(name)
    tail = numbers(name.rpartition("_")[2])
    return (plain is None, plain or tail or (), name)


def read_facts(text: str) -> Facts:
    raw = json.loads(text)
    return {
        family: {arch: {top: frozenset(fact["set"]) for top, fact in tops.items()} for arch, tops in by_arch.items()}
        for family, by_arch in raw.items()
    }


def compact(sets: NodeSets) -> list[str]:
    """The list of nodes, with their exceptions, that stands for the sets."""
    tops = sorted((top for top in sets if top), key=_order)
    written = []
    for node in sorted(frozenset().union(*sets.values()), key=_order):
        having = [top for top in tops if node in sets[top]]
        own = numbers(node)
        if own is not None and having == [top for top in tops if (numbers(top) or ()) >= own]:
            written.append(node)
        elif having == tops[tops.index(having[0]) :]:
            written.append(f"{node}@{having[0]}")
        else:
            written.append(f"{node}={','.join(having)}")
    return written


def newest(nodes: Iterable[str]) -> tuple[int, ...]:
    return max((own for node in nodes if (own := numbers(node)) is not None), default=())


def extend(family: str, nodes: list[str], reference: tuple[list[str], list[str]]) -> list[str]:
    """Adds the plain nodes after the newest one that both reference architectures have."""
    if family in PER_ARCHITECTURE:
        return nodes
    last = newest(nodes)
    shared = [node for node in reference[0] if node in reference[1]]
    later = [node for node in shared if (own := numbers(node)) is not None and own > last]
    plain = [node for node in nodes if numbers(node) is not None]
    return plain + later + [node for node in nodes if numbers(node) is None]


def rows(facts: Facts) -> dict[tuple[str, str], list[str]]:
    """(family, architecture) -> nodes, as they are written."""
    table: dict[tuple[str, str], list[str]] = {}
    for family, by_arch in sorted(facts.items()):
        lists = {arch: compact(sets) for arch, sets in sorted(by_arch.items())}
        for arch, nodes in lists.items():
            table[family, arch] = extend(family, nodes, (lists["x86_64"], lists["aarch64"]))
    for family in sorted(facts):
        model = table[family, PPC64_MODELS.get(family, "x86_64")]
        table[family, "ppc64"] = [
            node for node in model if family != "GLIBC" or (numbers(node) or PPC64_FIRST_GLIBC) >= PPC64_FIRST_GLIBC
        ]
    for family, arch in [key for key in table if key[0] == "GLIBC"]:
        if arch not in GLIBC_HAS_2_0 and "2.0" in table[family, arch]:
            table[family, arch].remove("2.0")
        if arch not in LIBGCC_NONE:
            table["GLIBC@libgcc_s.so.1", arch] = [LIBGCC_NODES.get(arch, "2.0")]
    return table


def render(table: Mapping[tuple[str, str], list[str]]) -> str:
    """One line per family and distinct list."""
    arches: dict[tuple[str, str], list[str]] = {}
    for (family, arch), nodes in sorted(table.items()):
        arches.setdefault((family, " ".join(nodes)), []).append(arch)
    lines = [f"{family}\t{' '.join(names)}\t{nodes}\n" for (family, nodes), names in arches.items()]
    return HEADER + "family\tarchitectures\tnodes\n" + "".join(lines)


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: make_node_table.py upstream_map.json > nodes.tsv", file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        facts = read_facts(file.read())
    sys.stdout.write(render(rows(facts)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
