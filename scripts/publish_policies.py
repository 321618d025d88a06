#!/usr/bin/env python3
"""Adds to `knowledge/data/published.tsv` what this perennial promises: `publish_policies.py VERSION [FILE]`.

VERSION is that of perennial, `0.1.0`. Settled policies are derived from the releases alone, and every height that is
above what was promised before becomes a promise. Lines that are there stay as they are: a promise is taken back in
`withdrawn.tsv`, with the reason. FILE is where the table goes (default: where it is).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from perennial.arch import Architecture
from perennial.knowledge import Knowledge, load_knowledge
from perennial.knowledge.nodes import Numbers
from perennial.knowledge.published import COLUMNS, load_published
from perennial.knowledge.tables import DATA, NONE
from perennial.platform_tag import Libc
from perennial.policy import Policies, policies

FILE = Path(DATA) / "published.tsv"
HEADER = """\
# Heights of the settled policies that a release of perennial published; written by scripts/publish_policies.py, which
# only adds. X.Y=TOP: from that tag on the libraries have the nodes up to TOP. Family -: the tags allow them, no more.
"""
Version = tuple[int, int]


class Cell(NamedTuple):
    """How far a family reaches in one settled policy."""

    libc: str
    architecture: str
    family: str
    sonames: tuple[str, ...]
    version: Version
    top: Numbers


def cells(own: Policies) -> Iterator[Cell]:
    """All cells of an architecture's settled policies, by family and rising version."""
    knowledge, arch = own.knowledge, own.arch.value
    users: dict[str, list[str]] = {}
    for soname, library in sorted(knowledge.libraries(own.libc, arch).items()):
        for family in library.families:
            users.setdefault(family, []).append(soname)
    families = knowledge.families(arch)
    for family in sorted(users.keys() & families.keys()):
        for version in own.versions:
            if own.is_provisional(version):
                continue
            allowed = [name for name in users[family] if (own.library(name).since or own.newest) <= version]
            nodes = (node for node in families[family].nodes.values() if node.only is None)
            tops = [
                node.since
                for node in nodes
                if any((own.node(name, node.name).since or (9, 9)) <= version for name in allowed)
            ]
            if tops:
                yield Cell(own.libc.value, arch, family, tuple(users[family]), version, max(tops))


def libraries(own: Policies) -> Iterator[str]:
    """A row for the libraries without nodes that tags allow from one X.Y on."""
    groups: dict[Version, list[str]] = {}
    for soname, library in sorted(own.knowledge.libraries(own.libc, own.arch.value).items()):
        since = own.library(soname).since
        if since is not None and not library.families and not all(map(own.is_provisional, own.versions)):
            groups.setdefault(since, []).append(soname)
    for since, sonames in sorted(groups.items()):
        yield f"{own.libc}\t{own.arch}\t{NONE}\t{' '.join(sonames)}\t{dotted(since)}"


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def additions(version: str, own: Policies) -> Iterator[str]:
    """The rows that today's policies add to what is promised."""
    promised = load_published(own.libc.value, own.arch.value)
    steps: dict[tuple[str, tuple[str, ...]], list[tuple[Version, Numbers]]] = {}
    for cell in cells(own):
        promise = promised.promise(cell.family, cell.version)
        group = steps.setdefault((cell.family, cell.sonames), [])
        if (promise is None or promise.top < cell.top) and (not group or group[-1][1] < cell.top):
            group.append((cell.version, cell.top))
    for (family, sonames), group in steps.items():
        if group:
            tops = " ".join(f"{dotted(at)}={dotted(top)}" for at, top in group)
            yield f"{version}\t{own.libc}\t{own.arch}\t{family}\t{' '.join(sonames)}\t{tops}"


def main(version: str, target: str = str(FILE)) -> None:
    knowledge = Knowledge(load_knowledge().releases)
    path = Path(target)
    old = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [line for line in old if not line.startswith("#")] or ["\t".join(COLUMNS)]
    known = {line.partition("\t")[2] for line in rows}
    for libc in Libc:
        for arch in Architecture:
            own = policies(knowledge, libc, arch)
            if own.releases:
                rows += [f"{version}\t{row}" for row in libraries(own) if row not in known]
                rows += additions(version, own)
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
