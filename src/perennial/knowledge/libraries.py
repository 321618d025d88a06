"""Which libraries a wheel may take from the platform, from which tag on, and what versions they carry.

Version nodes are keyed by (soname, version), as ld.so does it (glibc, `elf/dl-version.c`): a
`GLIBC_2.17` that libc.so.6 defines is of no use to somebody who wants it from libm.so.6. In this
form of the knowledge, a soname has whole families of nodes, and glibc's libraries share one; the
knowledge of single symbols will be narrower, and comes in at the same place.
"""

from __future__ import annotations

from perennial.knowledge.tables import NONE, pair, read_table
from perennial.lean_typing import NamedTuple


class PlatformLibrary(NamedTuple):
    """A library that the tags of one C library, on one architecture, allow."""

    soname: str
    families: tuple[str, ...]  # empty: it has no version nodes
    since: tuple[int, int]  # the lowest X.Y whose tag allows it


def load_libraries(libc: str, arch: str) -> dict[str, PlatformLibrary]:
    """By soname."""
    columns = ("soname", "libc", "families", "since", "architectures", "source")
    libraries = {}
    for soname, of_libc, families, since, arches, _ in read_table("libraries.tsv", columns):
        if of_libc == libc and (arches == "*" or arch in arches.split(" ")):
            names = () if families == NONE else tuple(families.split(" "))
            libraries[soname] = PlatformLibrary(soname, names, pair(since))
    return libraries
