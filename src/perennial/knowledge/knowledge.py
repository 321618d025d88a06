"""What is known about distribution releases, in one object.

Everything is read from the small tables in data/ (sources: data/SOURCES.md), and nothing from
this machine. What belongs to one architecture is read when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from perennial.knowledge.glibc_history import load_glibc_history
from perennial.knowledge.libraries import PlatformLibrary, load_libraries
from perennial.knowledge.musl_history import load_musl_history
from perennial.knowledge.nodes import Family, Node, Numbers, load_families
from perennial.knowledge.published import Published, load_published
from perennial.knowledge.release import DistributionRelease
from perennial.knowledge.tables import NONE, UNKNOWN, numbers, optional, pair, read_table
from perennial.knowledge.toolchains import Toolchains, load_toolchains
from perennial.lean_typing import TYPE_CHECKING
from perennial.platform_tag import Libc

if TYPE_CHECKING:
    from perennial.knowledge.snapshot import Snapshot
    from perennial.knowledge.symbol_store import SymbolStore

MUSL_SONAME = "libc.so"  # under which musl's libc is known here; Alpine spells it libc.musl-<arch>.so.1
_FAMILIES = ("GLIBCXX", "CXXABI", "GCC", "ZLIB", "LIBATOMIC")
_RELEASE_COLUMNS = (
    *("id", "name", "libc", "libc_version", "released", "end_of_life", "extended_end_of_life", "rolling"),
    *_FAMILIES,
    *("architectures", "x86_64_level", "python", "kernel", "measured_on"),
)


class Knowledge:
    """Distribution releases, and what each provides.

    `as_of` is the ISO date on which the knowledge was true, the newest date of a measurement:
    it stands where others would read the clock, so that verdicts do not depend on the day.
    `own` gives a user's own snapshots of an architecture, which overlay the shipped ones; it is
    asked when symbols are first looked up there. `keeps_promises` says that what was published holds (see
    `published`); without it policies are what follows from the releases and nothing else.
    """

    def __init__(
        self,
        releases: Iterable[DistributionRelease],
        own: Callable[[str], Iterable[Snapshot]] | None = None,
        *,
        keeps_promises: bool = False,
    ) -> None:
        self.releases: tuple[DistributionRelease, ...] = tuple(releases)
        self.as_of: str = max((release.measured_on or "" for release in self.releases), default="")
        self._families: dict[str, Mapping[str, Family]] = {}
        self._libraries: dict[tuple[str, str], Mapping[str, PlatformLibrary]] = {}
        self._tops: dict[tuple[str, str, str], Numbers | None] = {}
        self._toolchains: Toolchains | None = None
        self._own = own
        self.keeps_promises = keeps_promises
        self._host_provided: dict[tuple[str, str], tuple[str, str]] | None = None
        self._stores: dict[str, SymbolStore] = {}
        self._shipped_stores: dict[str, SymbolStore] = {}

    @property
    def toolchains(self) -> Toolchains:
        if self._toolchains is None:
            self._toolchains = load_toolchains()
        return self._toolchains

    def published(self, libc: Libc, arch: str) -> Published | None:
        """What published policies promise, where that is to hold."""
        return load_published(libc.value, arch) if self.keeps_promises else None

    def families(self, arch: str) -> Mapping[str, Family]:
        """The families of version nodes on an architecture, by name."""
        if arch not in self._families:
            self._families[arch] = load_families(arch)
        return self._families[arch]

    def libraries(self, libc: Libc, arch: str) -> Mapping[str, PlatformLibrary]:
        """The libraries that tags of this C library and architecture allow, by soname."""
        key = (libc.value, arch)
        if key not in self._libraries:
            self._libraries[key] = load_libraries(*key)
        return self._libraries[key]

    def symbols(self, arch: str) -> SymbolStore:
        """What was learned of the symbols of releases on an architecture, the user's own snapshots included."""
        if arch not in self._stores:
            from perennial.knowledge.symbol_store import load_symbols  # few wheels need it, and it brings lzma

            self._stores[arch] = load_symbols(arch, () if self._own is None else self._own(arch))
        return self._stores[arch]

    def shipped_symbols(self, arch: str) -> SymbolStore:
        """The same without the user's own snapshots, for which nobody then has to look (10 ms)."""
        if self._own is None or arch in self._stores:
            return self.symbols(arch)
        if arch not in self._shipped_stores:
            from perennial.knowledge.symbol_store import load_symbols

            self._shipped_stores[arch] = load_symbols(arch)
        return self._shipped_stores[arch]

    def exports(
        self, release: DistributionRelease, arch: str, soname: str, symbol: str, version: str | None = None
    ) -> bool | None:
        """Whether a release's library exports a symbol, at a version or at any; None where that is not known.

        glibc's and musl's own histories are complete for their libraries. Symbols of glibc move
        between its libraries, and ld.so looks a symbol up in all of them: what any of them
        exports is there. Other libraries are known from the releases that were learned.
        """
        if release.libc is Libc.MUSL:
            return load_musl_history(arch).exports(symbol, release.libc_release) if soname == MUSL_SONAME else None
        history = load_glibc_history(arch)
        if history.knows(soname):
            return history.is_provided(symbol, version, release.libc_version)
        store = self.symbols(arch)
        members = store.exporting(soname, symbol, version)
        learned = [number for number, info in enumerate(store.snapshots) if info.release == release.id]
        if members is None or not learned or not store.providing(soname).issuperset(learned):
            return None
        return members.issuperset(learned)

    def host_library(self, release: DistributionRelease, arch: str, soname: str) -> tuple[str, str] | None:
        """(tier, package) of a library that tags allow: how deep in an installation of a release it comes.

        None where nothing is known; the package is "" where the release has none.
        """
        store = self.symbols(arch)
        for number, info in enumerate(store.snapshots):
            if info.release == release.id:
                library = store.library(soname, number)
                return None if library is None or library.tier is None else (library.tier, library.package)
        if self._host_provided is None:
            self._host_provided = _load_host_provided()
        return self._host_provided.get((soname, release.id))

    def find_node(self, libc: Libc, arch: str, soname: str, version: str) -> Node | None:
        """The node that some version of a platform library defines; None where none does."""
        library = self.libraries(libc, arch).get(soname)
        if library is not None:
            families = self.families(arch)
            for name in library.families:
                if name in families and version in families[name].nodes:
                    return families[name].nodes[version]
        return None

    def top(self, release: DistributionRelease, arch: str, family: str) -> Numbers | None:
        """The highest node of a family that a release defines on an architecture."""
        key = (release.id, arch, family)
        if key not in self._tops:
            known = self.families(arch).get(family)
            ceiling = None if known is None else self._ceiling(release, known.top_of)
            self._tops[key] = None if known is None or ceiling is None else known.at_most(ceiling)
        return self._tops[key]

    def defines(self, release: DistributionRelease, arch: str, node: Node) -> bool:
        """Whether a release's libraries define a node."""
        top = self.top(release, arch, node.family)
        return top is not None and node.comes_with(top)

    def provides_library(self, release: DistributionRelease, arch: str, soname: str) -> bool:
        """Whether a library can be had from a release on an architecture."""
        library = self.libraries(release.libc, arch).get(soname)
        return library is not None and arch in release.architectures and library.since <= release.libc_version

    def nodes(self, release: DistributionRelease, arch: str, soname: str) -> frozenset[str] | None:
        """The version nodes that a release's library defines, as full names.

        None where the library is not known, or is known to have no version nodes.
        """
        library = self.libraries(release.libc, arch).get(soname)
        if library is None or not library.families or not self.provides_library(release, arch, soname):
            return None
        families = self.families(arch)
        return frozenset(
            node.name
            for family in library.families
            if family in families
            for node in families[family].nodes.values()
            if self.defines(release, arch, node)
        )

    def _ceiling(self, release: DistributionRelease, family: str) -> Numbers | None:
        """The highest node of a family that a release may define on any architecture.

        libgcc_s and libstdc++ come from one GCC, which the highest GLIBCXX node gives away; what
        that GCC defines on other architectures than the measured one counts too.
        """
        measured = release.tops.get(family)
        if measured is None:
            return None
        own = numbers(measured)
        if family in ("GCC", "CXXABI"):
            for compiler in self.toolchains.compilers:
                if compiler.tops["GLIBCXX"] == release.tops.get("GLIBCXX"):
                    return max(own, numbers(compiler.tops[family]))
        return own


@cache
def load_knowledge() -> Knowledge:
    """The knowledge that ships with perennial."""
    return Knowledge(load_releases(load_mainstream()), keeps_promises=True)


def _load_host_provided() -> dict[tuple[str, str], tuple[str, str]]:
    """(soname, release) -> (tier, package)"""
    rows = read_table("host_provided.tsv", ("soname", "releases", "tier", "package", "source"))
    return {
        (soname, release): (tier, optional(package) or "")
        for soname, releases, tier, package, _ in rows
        for release in releases.split(" ")
    }


def load_mainstream() -> dict[str, tuple[int, str]]:
    """Family or release id -> tier and reason."""
    rows = read_table("mainstream.tsv", ("scope", "tier", "reason"))
    return {scope: (int(tier), reason) for scope, tier, reason in rows}


def load_releases(mainstream: Mapping[str, tuple[int, str]]) -> list[DistributionRelease]:
    """The shipped releases, each judged by the given list of what is mainstream."""
    return [_release(row, mainstream) for row in read_table("releases.tsv", _RELEASE_COLUMNS)]


_NOT_LISTED = (0, "not listed as mainstream")


def _release(row: list[str], mainstream: Mapping[str, tuple[int, str]]) -> DistributionRelease:
    identity, name, libc, libc_release, released, end, extended, rolling = row[:8]
    arches, level, python, kernel, measured_on = row[13:]
    family, _, version = identity.partition(":")
    tops = {name: top for name, top in zip(_FAMILIES, row[8:13], strict=True) if top not in (NONE, UNKNOWN)}
    if libc == "glibc":
        tops["GLIBC"] = libc_release
    tier, reason = mainstream.get(identity) or mainstream.get(family) or _NOT_LISTED
    return DistributionRelease(
        identity,
        name,
        family,
        version,
        Libc(libc),
        pair(libc_release),
        libc_release,
        optional(released),
        optional(end),
        optional(extended),
        rolling != NONE,
        frozenset(arches.split(" ")),
        tops,
        None if level == NONE else int(level[1:]),
        optional(python),
        optional(kernel),
        optional(measured_on),
        tier,
        reason,
    )
