"""From releases to policies.

PEP 600: a wheel tagged manylinux_X_Y "will work on any mainstream Linux distribution that uses
glibc version X.Y or later". So a policy is an intersection: the tag X.Y provides what every
release that counts, of that architecture and with glibc ≥ X.Y, provides. Releases past their end
of life stay in, because the tags are perennial.

Turned around, each node has one number, the lowest X.Y that provides it, and a policy is the set
of nodes whose number is ≤ X.Y. That makes policies monotone by construction, and makes asking
for one node cheap. The number is the lowest X.Y at which all of this holds:

- no release that counts with glibc ≥ X.Y lacks the node;
- upstream's glibc X.Y defines it: a node that was backported into older releases does not count,
  because it came with an update and others did not take it;
- where fewer than three releases *of this architecture* have exactly glibc X.Y, the floors of the
  architectures that some release with that glibc has define the node too: what the missing
  releases would be like can be seen there;
- where no release at all has exactly glibc X.Y, or that glibc is younger than a year, the newest
  GCC released at least 120 days before it defines the node. On the glibc releases 2.12 to 2.44
  this forecast was never too generous;
- where a PEP has fixed the tag X.Y, the PEP's numbers hold instead, upward and downward.

What a release of perennial has published holds in the same way, upward only: a node that a settled
policy had is not taken away because a release was learned later (`knowledge.published`).

All but these two only ever delay a node. The three, the year and the 120 days are judgement, made in
sight of the past (fewer lower numbers were taken back later); they are constants below.

musl's tags (PEP 656) have libraries only: musl has no symbol versions.
"""

from __future__ import annotations

from functools import lru_cache

from perennial.arch import Architecture
from perennial.knowledge import DistributionRelease, Knowledge
from perennial.knowledge.glibc_history import load_glibc_history
from perennial.knowledge.nodes import Node, Numbers
from perennial.knowledge.published import Promise
from perennial.knowledge.tables import NONE, numbers, pair, read_table
from perennial.knowledge.toolchains import RUNTIME_FAMILIES, day_number
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy.policy import Limit, Policy, Provision

Version = tuple[int, int]
Releases = tuple[DistributionRelease, ...]

FEW_RELEASES = 3
FORECAST_DAYS = 120
SETTLED_DAYS = 365

_LOWEST_MUSL = {Architecture.LOONGARCH64: (1, 2)}  # musl 1.2.5: "new port: loongarch64"


@lru_cache(maxsize=16)  # what has been derived serves the next wheel, and a repair's audit of its own result
def policies(knowledge: Knowledge, libc: Libc, arch: Architecture | str) -> Policies:
    """All policies of one C library on one architecture."""
    return Policies(knowledge, libc, Architecture(arch))


class Policies:
    """All policies of one C library on one architecture.

    `lowest` and `newest` are the versions of the lowest tag that an installer can match and of
    the newest C library known; tags outside are not derived.
    """

    def __init__(self, knowledge: Knowledge, libc: Libc, arch: Architecture) -> None:
        self.knowledge = knowledge
        self.libc = libc
        self.arch = arch
        counted = [release for release in knowledge.releases if release.libc is libc and release.counts]
        counted.sort(key=lambda release: (release.libc_version, release.id), reverse=True)
        self.releases = tuple(release for release in counted if arch.value in release.architectures)
        self._everywhere = tuple(counted)
        self._libraries = knowledge.libraries(libc, arch.value)
        known = {release.libc_version for release in counted}
        if libc is Libc.GLIBC:
            known |= set(knowledge.toolchains.glibc)
        self.lowest: Version = arch.lowest_glibc if libc is Libc.GLIBC else _LOWEST_MUSL.get(arch, (1, 1))
        self.newest: Version = max(known, default=self.lowest)
        self.versions: tuple[Version, ...] = tuple(sorted(v for v in known if v >= self.lowest))
        self._frozen = _load_frozen() if libc is Libc.GLIBC else {}
        self._published = knowledge.published(libc, arch.value)
        exactly = [release.libc_version for release in self.releases]
        self._own = {version: exactly.count(version) for version in set(exactly)}
        self._tops: dict[str, list[tuple[DistributionRelease, Numbers | None]]] = {}
        self._ceilings: dict[tuple[Version, str], tuple[Numbers | None, Limit] | None] = {}
        self._nodes: dict[tuple[str, str], Provision] = {}
        self._firsts: dict[Node, Provision] = {}  # glibc's libraries share their nodes

    def library(self, soname: str) -> Provision:
        """From which tag on a library is provided."""
        library = self._libraries.get(soname)
        if library is None or library.since > self.newest:
            return Provision(None, (), Limit.UNKNOWN)
        if library.since <= self.lowest:
            return Provision(self.lowest, (), Limit.NOTHING)
        return Provision(library.since, (), Limit.ALLOWED)

    def node(self, soname: str, version_name: str) -> Provision:
        """From which tag on a library defines a version node.

        A library that is known to have no version nodes meets every need for one (see
        `Policy.provides`).
        """
        key = (soname, version_name)
        if key not in self._nodes:
            self._nodes[key] = self._find(soname, version_name)
        return self._nodes[key]

    def symbol(self, soname: str, symbol: str, version: str | None = None) -> Provision:
        """From which tag on a library exports a symbol, as far as that is known of the releases.

        `version` is the node that a reference names; an unversioned one asks for the symbol at any.
        """
        allowed = self.library(soname)
        if allowed.since is None:
            return allowed
        arch = self.arch.value
        lacking = tuple(r for r in self.releases if self.knowledge.exports(r, arch, soname, symbol, version) is False)
        upstream = self._symbol_since(soname, symbol, version)
        for candidate in self.versions:
            if candidate < allowed.since:
                continue
            if all(release.libc_version < candidate for release in lacking) and (upstream or candidate) <= candidate:
                limit = Limit.RELEASES if lacking else Limit.UPSTREAM if upstream else Limit.NOTHING
                return Provision(candidate, lacking, Limit.NOTHING if candidate == self.lowest else limit)
        return Provision(None, lacking, Limit.RELEASES if lacking else Limit.UNKNOWN)

    def _symbol_since(self, soname: str, symbol: str, version: str | None) -> Version | None:
        """The first glibc that exports a symbol from any of its libraries; None for other libraries' symbols."""
        if self.libc is not Libc.GLIBC:
            return None
        history = load_glibc_history(self.arch.value)
        if not history.knows(soname):
            return None
        found = [history.since(library, symbol, version) for library in history.libraries]
        return min((since for since in found if since is not None), default=None)

    def policy(self, version: Version) -> Policy:
        """The policy of one tag; versions above `newest` provide what `newest` does."""
        make = PlatformTag.manylinux if self.libc is Libc.GLIBC else PlatformTag.musllinux
        libraries = frozenset(soname for soname in self._libraries if _at_most(self.library(soname).since, version))
        return Policy(
            tag=make(version, self.arch.value),
            libraries=libraries,
            versions={
                soname: frozenset(name for name in names if _at_most(self.node(soname, name).since, version))
                for soname in sorted(libraries)
                if (names := self.known_nodes(soname)) is not None
            },
            derived_from=tuple(release for release in self.releases if release.libc_version >= version),
            provisional=self.is_provisional(version),
        )

    def known_nodes(self, soname: str) -> frozenset[str] | None:
        """All nodes that a library is known to define in any release; None where it has none."""
        library = self._libraries.get(soname)
        if library is None or not library.families:
            return None
        families = self.knowledge.families(self.arch.value)
        return frozenset(name for family in library.families if family in families for name in families[family].nodes)

    def is_provisional(self, version: Version) -> bool:
        """Whether a policy leans on other architectures or on the forecast."""
        if version in self._frozen:
            return not self.releases  # nobody ever measured this architecture
        return version not in self._own or self._is_young(version)

    def _find(self, soname: str, version_name: str) -> Provision:
        allowed = self.library(soname)
        if allowed.since is None or not self._libraries[soname].families:
            return allowed
        node = self.knowledge.find_node(self.libc, self.arch.value, soname, version_name)
        if node is None:
            return Provision(None, self.releases, Limit.UNKNOWN)
        found = self._firsts.get(node)
        if found is None:
            found = self._firsts[node] = self._first(node)
        if found.since is None or found.since >= allowed.since:
            return found
        return found._replace(since=allowed.since, limit=Limit.ALLOWED)

    def _first(self, node: Node) -> Provision:
        """The lowest version at which nothing speaks against a node."""
        lacking = tuple(
            release for release, top in self._tops_of(node.family) if top is None or not node.comes_with(top)
        )
        limit, blocked = Limit.NOTHING, self.lowest
        for version in self.versions:
            against = self._against(node, version, lacking)
            promise = None if against in (None, Limit.UPSTREAM, Limit.FROZEN) else self._promise(node, version)
            if against is None or promise is not None:
                older = tuple(release for release in lacking if release.libc_version < version)
                witnesses = self._witnesses(node, blocked, limit, older)
                published = None if promise is None else promise.published
                return Provision(version, witnesses, limit, lacking[: len(lacking) - len(older)], published)
            limit, blocked = against, version
        return Provision(None, self._witnesses(node, blocked, limit, lacking), limit)

    def _promise(self, node: Node, version: Version) -> Promise | None:
        return None if self._published is None else self._published.has(node, version)

    def _tops_of(self, family: str) -> list[tuple[DistributionRelease, Numbers | None]]:
        """The highest node of a family in each release, looked up once for all of its nodes."""
        if family not in self._tops:
            arch = self.arch.value
            self._tops[family] = [(release, self.knowledge.top(release, arch, family)) for release in self.releases]
        return self._tops[family]

    def _witnesses(self, node: Node, version: Version, limit: Limit, lacking: Releases) -> Releases:
        if limit is not Limit.OTHER_ARCHITECTURE:
            return lacking
        elsewhere = (r for r in self._elsewhere(version) if r not in lacking)
        return tuple(r for r in elsewhere if not self.knowledge.defines(r, self.arch.value, node)) + lacking

    def _against(self, node: Node, version: Version, lacking: Releases) -> Limit | None:
        """What speaks against providing a node from this version on; None if nothing does."""
        upstream = self._upstream(node)
        if upstream is not None and upstream > version:
            return Limit.UPSTREAM
        family = _tops_family(node)
        for frozen, tops in self._frozen.items():
            if frozen >= version and family in tops:
                top = tops[family]
                if top is None or not node.comes_with(top):
                    return Limit.FROZEN
                if frozen == version:
                    return None
        if lacking and lacking[0].libc_version >= version:
            return Limit.RELEASES
        ceiling = None if version in self._frozen else self._ceiling(version, node.family)
        if ceiling is not None and (ceiling[0] is None or not node.comes_with(ceiling[0])):
            return ceiling[1]
        return None

    def _upstream(self, node: Node) -> Version | None:
        """The first glibc with a node of glibc's; None for other libraries' nodes."""
        if node.family != "GLIBC":
            return None
        marker = self.knowledge.toolchains.markers.get(node.name)
        return marker if marker is not None else (node.since[0], node.since[1])

    def _ceiling(self, version: Version, family: str) -> tuple[Numbers | None, Limit] | None:
        """The highest node to be trusted where the releases of this architecture do not settle it."""
        key = (version, family)
        if key not in self._ceilings:
            self._ceilings[key] = self._find_ceiling(version, family)
        return self._ceilings[key]

    def _find_ceiling(self, version: Version, family: str) -> tuple[Numbers | None, Limit] | None:
        if family.startswith("GLIBC") and family != "GLIBCXX":
            return None  # glibc is the clock: what it defines needs no guess
        ceilings: list[tuple[Numbers, Limit]] = []
        if self._own.get(version, 0) < FEW_RELEASES:
            for release in self._elsewhere(version):
                top = self.knowledge.top(release, self.arch.value, family)
                if top is None:
                    return None, Limit.OTHER_ARCHITECTURE
                ceilings.append((top, Limit.OTHER_ARCHITECTURE))
        unseen = version not in self._own and not ceilings
        if family in RUNTIME_FAMILIES and (unseen or self._is_young(version)):
            top = self._forecast(version, family)
            if top is None:
                return None, Limit.FORECAST
            ceilings.append((top, Limit.FORECAST))
        return min(ceilings, key=lambda ceiling: ceiling[0], default=None)

    def _elsewhere(self, version: Version) -> Releases:
        """The floors of all architectures on which some release has exactly this C library."""
        arches = {
            arch for release in self._everywhere if release.libc_version == version for arch in release.architectures
        }
        return tuple(
            release
            for release in self._everywhere
            if release.libc_version >= version and not arches.isdisjoint(release.architectures)
        )

    def _forecast(self, version: Version, family: str) -> Numbers | None:
        """The highest node that distributions with a glibc are likely to have, at the least."""
        compiler = self.knowledge.toolchains.newest_compiler_before(version, days=FORECAST_DAYS)
        known = self.knowledge.families(self.arch.value).get(family)
        if compiler is None or known is None or family not in compiler.tops:
            return None
        return known.at_most(numbers(compiler.tops[family]))

    def _is_young(self, version: Version) -> bool:
        released = self.knowledge.toolchains.glibc.get(version)
        if self.libc is not Libc.GLIBC:
            return False
        if released is None:
            return True
        return day_number(self.knowledge.as_of) - day_number(released) < SETTLED_DAYS


def _at_most(since: Version | None, version: Version) -> bool:
    return since is not None and since <= version


def _tops_family(node: Node) -> str:
    return node.family.partition("@")[0]


def _load_frozen() -> dict[Version, dict[str, Numbers | None]]:
    """glibc version -> family -> highest node that a PEP allows; None for no node at all."""
    frozen: dict[Version, dict[str, Numbers | None]] = {}
    for version, family, top, _ in read_table("frozen.tsv", ("glibc", "family", "top", "source")):
        frozen.setdefault(pair(version), {})[family] = None if top == NONE else numbers(top)
    return frozen
