"""When glibc and GCC were released, and the nodes of GCC's runtime libraries.

Two uses: the forecast of what distributions with a young glibc will have, and what GCC's
libraries define on architectures where the highest node of the x86 ones does not tell.
"""

from __future__ import annotations

from collections.abc import Mapping

from perennial.knowledge.tables import NONE, pair, read_table
from perennial.lean_typing import NamedTuple

RUNTIME_FAMILIES = ("GLIBCXX", "CXXABI", "GCC", "LIBATOMIC")


class Compiler(NamedTuple):
    """A release of GCC that added version nodes."""

    version: str
    released: str  # ISO date
    tops: Mapping[str, str]  # family -> highest node on any architecture


class Toolchains(NamedTuple):
    glibc: Mapping[tuple[int, int], str]  # version -> ISO date
    compilers: tuple[Compiler, ...]  # oldest first
    markers: Mapping[str, tuple[int, int]]  # GLIBC_ABI_DT_RELR -> first glibc

    def newest_compiler_before(self, version: tuple[int, int], *, days: int) -> Compiler | None:
        """The newest GCC that was out at least so many days before a glibc; None if none is known."""
        date = self.glibc.get(version)
        if date is None:
            return None
        limit = day_number(date) - days
        older = [compiler for compiler in self.compilers if day_number(compiler.released) <= limit]
        # by version, not by date: the last fixes of an old series come after the next series
        return older[-1] if older else None


def day_number(date: str) -> int:
    """Days since some day for an ISO date, without importing datetime.

    The civil-from-days algorithm's inverse, with years that start in March (H. Hinnant,
    "chrono-Compatible Low-Level Date Algorithms").
    """
    year, month, day = map(int, date.split("-"))
    if month <= 2:
        year -= 1
        month += 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day


def load_toolchains() -> Toolchains:
    glibc = {}
    compilers = []
    columns = ("project", "version", "released", *RUNTIME_FAMILIES)
    for project, version, released, *tops in read_table("toolchains.tsv", columns):
        if project == "glibc":
            glibc[pair(version)] = released
        else:
            known = {family: top for family, top in zip(RUNTIME_FAMILIES, tops, strict=True) if top != NONE}
            compilers.append(Compiler(version, released, known))
    markers = {node: pair(since) for node, since, _ in read_table("markers.tsv", ("node", "glibc", "source"))}
    return Toolchains(glibc, tuple(compilers), markers)
