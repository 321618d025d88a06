"""All policies at once, as plain data for other tools.

Policies are monotone, so that one number a library and a node says them all: the lowest X.Y
that provides it. `export_policies` writes that down, with the reason and the witnesses;
`export_for_auditwheel` spells the policies out one by one, in the shape of auditwheel's policy file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perennial.lean_typing import Any, Final
from perennial.platform_tag import LEGACY_ALIASES, Libc
from perennial.policy.derive import Policies
from perennial.policy.policy import Provision
from perennial.symbol_version import version_sort_key

SCHEMA: Final = "perennial.policies/1"

Version = tuple[int, int]


def export_policies(families: Iterable[Policies]) -> dict[str, Any]:
    """Every policy of the given architectures and C libraries: `{"schema", "as_of", "policies": […]}`."""
    chosen = tuple(families)
    return {
        "schema": SCHEMA,
        "as_of": max((each.knowledge.as_of for each in chosen), default=""),
        "policies": [_family(each) for each in chosen if each.versions],
    }


def _family(policies: Policies) -> dict[str, Any]:
    libraries = policies.knowledge.libraries(policies.libc, policies.arch.value)
    return {
        "libc": policies.libc.value,
        "architecture": policies.arch.value,
        "tags": [_tag(policies, version) for version in policies.versions],
        "libraries": [
            {
                "soname": soname,
                **_provision(policies.library(soname)),
                "nodes": _nodes(policies, soname),
            }
            for soname in sorted(libraries)
            if policies.library(soname).since is not None
        ],
    }


def _tag(policies: Policies, version: Version) -> dict[str, Any]:
    policy = policies.policy(version)
    alias = policy.tag.legacy_alias
    return {
        "tag": policy.tag.text,
        "legacy_alias": None if alias is None else alias.text,
        "provisional": policy.provisional,
        "floor": [release.id for release in policy.derived_from],
    }


def _nodes(policies: Policies, soname: str) -> list[dict[str, Any]] | None:
    names = policies.known_nodes(soname)
    if names is None:
        return None
    return [{"name": name, **_provision(policies.node(soname, name))} for name in sorted(names, key=version_sort_key)]


def _provision(provision: Provision) -> dict[str, Any]:
    return {
        "since": None if provision.since is None else "{}.{}".format(*provision.since),
        "limit": provision.limit.value,
        "witnesses": [release.id for release in provision.witnesses],
    }


# ----- auditwheel

_HIGHEST_PRIORITY: Final = 1000

# The names that a linker gives to places in a library (ld's default scripts): exported by chance, and used by nobody.
_OF_THE_LINKER: Final = frozenset(
    {"_init", "_fini", "_edata", "_end", "__end__", "_bss_end__", "__bss_end__", "__bss_start", "__bss_start__"}
)


def export_for_auditwheel(architectures: Iterable[Policies]) -> list[dict[str, Any]]:
    """The manylinux policies as auditwheel's `manylinux-policy.json` has them, `linux` included.

    What that shape cannot say is rounded to the safe side or left out: nodes are pooled by prefix,
    whatever library defines them, and one list of libraries serves all architectures.
    """
    chosen = tuple(each for each in architectures if each.libc is Libc.GLIBC)
    versions = sorted({version for each in chosen for version in each.versions})
    linux = {
        "name": "linux",
        "aliases": [],
        "priority": 0,
        "symbol_versions": {},
        "lib_whitelist": [],
        "blacklist": {},
    }
    return [linux, *(_auditwheel_policy(chosen, version) for version in versions)]


def _auditwheel_policy(chosen: tuple[Policies, ...], version: Version) -> dict[str, Any]:
    here = [each for each in chosen if version in each.versions]
    policies = {each.arch.value: each.policy(version) for each in here}
    # auditwheel lets the dynamic linkers through by name
    sonames = {name for policy in policies.values() for name in policy.libraries if not name.startswith("ld")}
    return {
        "name": f"manylinux_{version[0]}_{version[1]}",
        "aliases": [alias for alias, meaning in LEGACY_ALIASES.items() if meaning == version],
        # the lower the tag the higher the priority
        "priority": _HIGHEST_PRIORITY - 100 * version[0] - version[1],
        "symbol_versions": {
            each.arch.value: _by_prefix(each, policies[each.arch.value].versions)
            for each in sorted(here, key=lambda each: each.arch.value)
        },
        "lib_whitelist": sorted(sonames),
        "blacklist": _blacklist(here, version),
    }


def _by_prefix(policies: Policies, versions: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    """Prefix -> the rest of the nodes' names. A prefix that is missing would not be checked at all."""
    prefixes = sorted({family.partition("@")[0] for family in policies.knowledge.families(policies.arch.value)})
    names = sorted({name for nodes in versions.values() for name in nodes}, key=version_sort_key)
    return {
        prefix: [name.removeprefix(f"{prefix}_") for name in names if name.startswith(f"{prefix}_")]
        for prefix in prefixes
    }


def _blacklist(here: list[Policies], version: Version) -> dict[str, list[str]]:
    """Symbols of libraries without versions, which a learned release of the floor lacks and another one has."""
    lacking: dict[str, set[str]] = {}
    for policies in here:
        store = policies.knowledge.symbols(policies.arch.value)
        floor = {release.id for release in policies.policy(version).derived_from}
        numbers = frozenset(number for number, info in enumerate(store.snapshots) if info.release in floor)
        for soname in store.sonames:
            if policies.known_nodes(soname) is None and policies.library(soname).since is not None:
                having = store.providing(soname) & numbers
                for symbol in store.changing(soname) - _OF_THE_LINKER:
                    members = store.exporting(soname, symbol, None)
                    if members is not None and not having <= members:
                        lacking.setdefault(soname, set()).add(symbol)
    return {soname: sorted(symbols) for soname, symbols in sorted(lacking.items())}
