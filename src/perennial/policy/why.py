"""Which releases have a library, a version node or a symbol, which lack it, and from which tag on it may be used."""

from __future__ import annotations

import re
from enum import StrEnum

from perennial.knowledge import DistributionRelease
from perennial.knowledge.glibc_history import load_glibc_history
from perennial.knowledge.knowledge import MUSL_SONAME
from perennial.knowledge.snapshot import ABSENT
from perennial.lean_typing import NamedTuple
from perennial.platform_tag import Libc
from perennial.policy.derive import Policies
from perennial.policy.policy import Limit, Provision

_NODE = re.compile(r"[A-Z][A-Z0-9_]*_[0-9]+(\.[0-9]+)*|GLIBC_PRIVATE|GLIBC_ABI_\w+")
_SONAME = re.compile(r"[^@]+\.so(\.[0-9.]+)?")


class Kind(StrEnum):
    """What a name is the name of."""

    LIBRARY = "library"
    VERSION = "version"
    SYMBOL = "symbol"


class Answer(NamedTuple):
    """What is known of one thing that a wheel may need.

    `libraries` are the platform libraries that have it, empty where none is known to. `version` is the
    node of a symbol, and None elsewhere. `has`, `lacks` and `unknown` are the releases that count on
    the architecture, by falling C library; of `since`, `limit`, `despite` and `published` see `Provision`.
    """

    kind: Kind
    name: str
    libraries: tuple[str, ...]
    version: str | None
    since: tuple[int, int] | None
    limit: Limit
    has: tuple[DistributionRelease, ...]
    lacks: tuple[DistributionRelease, ...]
    unknown: tuple[DistributionRelease, ...]
    despite: tuple[DistributionRelease, ...] = ()
    published: str | None = None


def answers(policies: Policies, name: str) -> tuple[Answer, ...]:
    """What is known of `libexpat.so.1`, `GLIBCXX_3.4.26`, `memcpy@GLIBC_2.14`, `arc4random`.

    A symbol without version has an answer for each version that it is known to have, the oldest
    first, and a name that several libraries use one for each of them, unless they are the same.
    """
    kind = kind_of(policies, name)
    if kind is Kind.LIBRARY:
        return (_library(policies, name),)
    if kind is Kind.VERSION:
        return _versions(policies, name)
    symbol, _, version = name.partition("@")
    return _symbols(policies, symbol, version.removeprefix("@") or None)


def kind_of(policies: Policies, name: str) -> Kind:
    if "@" in name:
        return Kind.SYMBOL
    if name in policies.knowledge.libraries(policies.libc, policies.arch.value) or _SONAME.fullmatch(name):
        return Kind.LIBRARY
    known = any(name in family.nodes for family in policies.knowledge.families(policies.arch.value).values())
    return Kind.VERSION if known or _NODE.fullmatch(name) else Kind.SYMBOL


def _library(policies: Policies, soname: str) -> Answer:
    provision = policies.library(soname)
    if provision.limit is Limit.UNKNOWN:
        return Answer(Kind.LIBRARY, soname, (), None, *_ends(provision), (), (), policies.releases)
    verdicts = {release.id: _has_library(policies, release, soname) for release in policies.releases}
    found = _answer(policies, Kind.LIBRARY, soname, provision, verdicts, libraries=(soname,))
    if found.since is None:
        return found
    # tags allow what can be installed nearly everywhere, and name nobody who is in the way of it
    return found._replace(despite=tuple(release for release in found.lacks if release.libc_version >= found.since))


def _has_library(policies: Policies, release: DistributionRelease, soname: str) -> bool:
    arch = policies.arch.value
    host = policies.knowledge.host_library(release, arch, soname)
    return policies.knowledge.provides_library(release, arch, soname) and (host is None or host[0] != ABSENT)


def _versions(policies: Policies, name: str) -> tuple[Answer, ...]:
    arch = policies.arch.value
    grouped: dict[str, list[str]] = {}  # family -> the sonames that share it
    for soname in policies.knowledge.libraries(policies.libc, arch):
        node = policies.knowledge.find_node(policies.libc, arch, soname, name)
        if node is not None:
            grouped.setdefault(node.family, []).append(soname)
    if not grouped:
        return (Answer(Kind.VERSION, name, (), None, None, Limit.UNKNOWN, (), policies.releases, ()),)
    found = []
    for sonames in grouped.values():
        node = policies.knowledge.find_node(policies.libc, arch, sonames[0], name)
        verdicts = {
            release.id: node is not None and policies.knowledge.defines(release, arch, node)
            for release in policies.releases
        }
        # glibc's libraries share their nodes, but some of them are allowed by later tags only
        first = min(sonames, key=lambda soname: policies.node(soname, name).since or policies.newest)
        provision = policies.node(first, name)
        found.append(_answer(policies, Kind.VERSION, name, provision, verdicts, libraries=_libc_first(sonames)))
    return tuple(found)


def _symbols(policies: Policies, symbol: str, version: str | None) -> tuple[Answer, ...]:
    found = [
        _symbol(policies, libraries, symbol, node)
        for node, libraries in _homes(policies, symbol).items()
        if version in (None, node)
    ]
    unknown = Answer(Kind.SYMBOL, symbol, (), version, None, Limit.UNKNOWN, (), (), policies.releases)
    return tuple(found) or (unknown,)


def _homes(policies: Policies, symbol: str) -> dict[str | None, tuple[str, ...]]:
    """Version (None: unversioned) -> the libraries that some release is known to export the symbol from at it."""
    arch = policies.arch.value
    if policies.libc is Libc.MUSL:
        return {None: (MUSL_SONAME,)} if any(_exports(policies, MUSL_SONAME, symbol, None)) else {}
    homes: dict[str | None, list[str]] = {}
    history = load_glibc_history(arch)
    for soname in history.libraries:
        for node in history.versions(soname, symbol):
            homes.setdefault(node, []).append(soname)
    store = policies.knowledge.symbols(arch)
    for soname in store.owners(symbol):
        if not history.knows(soname) and policies.library(soname).since is not None:
            for learned in store.versions(soname, symbol):
                homes.setdefault(learned, []).append(soname)
    return {node: _libc_first(sonames) for node, sonames in homes.items()}


def _symbol(policies: Policies, libraries: tuple[str, ...], symbol: str, version: str | None) -> Answer:
    soname = libraries[0]
    verdicts = {
        release.id: known
        for release, known in zip(policies.releases, _exports(policies, soname, symbol, version), strict=True)
    }
    provision = policies.symbol(soname, symbol, version)
    if version is not None:
        # the node has to be there as well, and of the node more is known than of the symbol
        node = policies.node(soname, version)
        if provision.since is not None and (node.since is None or node.since >= provision.since):
            provision = node
        for release in node.witnesses:
            verdicts[release.id] = verdicts[release.id] or False
    return _answer(policies, Kind.SYMBOL, symbol, provision, verdicts, libraries=libraries, version=version)


def _exports(policies: Policies, soname: str, symbol: str, version: str | None) -> list[bool | None]:
    arch = policies.arch.value
    return [policies.knowledge.exports(release, arch, soname, symbol, version) for release in policies.releases]


def _answer(
    policies: Policies,
    kind: Kind,
    name: str,
    provision: Provision,
    verdicts: dict[str, bool] | dict[str, bool | None],
    *,
    libraries: tuple[str, ...],
    version: str | None = None,
) -> Answer:
    def those(wanted: bool | None) -> tuple[DistributionRelease, ...]:  # noqa: FBT001
        return tuple(release for release in policies.releases if verdicts.get(release.id) is wanted)

    known = (those(True), those(False), those(None))
    return Answer(kind, name, libraries, version, *_ends(provision), *known, provision.despite, provision.published)


def _ends(provision: Provision) -> tuple[tuple[int, int] | None, Limit]:
    return provision.since, provision.limit


def _libc_first(sonames: list[str]) -> tuple[str, ...]:
    return tuple(sorted(sonames, key=lambda soname: (soname != "libc.so.6", soname)))
