"""How far a policy reaches in each family of version nodes, and what stands in the way of more."""

from __future__ import annotations

from perennial.knowledge import DistributionRelease
from perennial.knowledge.nodes import Node
from perennial.lean_typing import NamedTuple
from perennial.policy.derive import Policies
from perennial.policy.policy import Limit, Policy, Provision
from perennial.symbol_version import SymbolVersion


class Height(NamedTuple):
    """One family of nodes in one policy.

    `highest` is the highest numbered node that the policy provides, None where it provides none;
    `unnumbered` are those without a number (GLIBC_ABI_DT_RELR). `missing` is the first node that
    the policy does not provide, with `since` and `limit` (see `Provision`), and `lacking` are the
    releases of the policy's floor without it.
    """

    family: str  # GLIBCXX
    sonames: tuple[str, ...]
    highest: str | None
    unnumbered: tuple[str, ...]
    missing: str | None
    since: tuple[int, int] | None
    limit: Limit | None
    lacking: tuple[DistributionRelease, ...]


def heights(policies: Policies, policy: Policy) -> tuple[Height, ...]:
    """All families of the policy's libraries, in the order of their libraries' names."""
    libraries = policies.knowledge.libraries(policies.libc, policies.arch.value)
    families = policies.knowledge.families(policies.arch.value)
    users: dict[str, list[str]] = {}
    for soname in sorted(policy.libraries, key=_main_first):
        for family in libraries[soname].families:
            if family in families:
                users.setdefault(family, []).append(soname)
    return tuple(
        _height(policies, policy, tuple(sonames), tuple(families[family].nodes.values()))
        for family, sonames in users.items()
    )


def _main_first(soname: str) -> tuple[bool, str]:
    return (soname != "libc.so.6", soname)


def _height(policies: Policies, policy: Policy, sonames: tuple[str, ...], nodes: tuple[Node, ...]) -> Height:
    soname = sonames[0]
    prefix = nodes[0].family.partition("@")[0]
    provided = [node for node in nodes if policy.provides(soname, node.name)]
    # a node that only somebody's patch has is no step of the ladder
    missing = [node for node in nodes if node.only is None and not policy.provides(soname, node.name)]
    numbered = [node for node in provided if SymbolVersion.parse(node.name).family == prefix]
    following = min(missing, key=_ladder, default=None)
    provision = None if following is None else policies.node(soname, following.name)
    return Height(
        family=prefix,
        sonames=sonames,
        highest=max(numbered, key=_number).name if numbered else None,
        unnumbered=tuple(sorted(node.name for node in provided if node not in numbered)),
        missing=None if following is None else following.name,
        since=None if provision is None else provision.since,
        limit=None if provision is None else provision.limit,
        lacking=() if provision is None else _of_floor(policy, provision),
    )


def _of_floor(policy: Policy, provision: Provision) -> tuple[DistributionRelease, ...]:
    version = policy.tag.version
    return tuple(release for release in provision.witnesses if version is None or release.libc_version >= version)


def _ladder(node: Node) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    return (node.since, _number(node), node.name)


def _number(node: Node) -> tuple[int, ...]:
    return SymbolVersion.parse(node.name).numbers
