"""Needs of single symbols, which version nodes do not express.

A version node says that a library is new enough for all symbols at it. It says nothing about

- references without version: to libraries that have no versions (expat, glib, X11; all of
  musl), and to versioned ones by files that were linked without them (`arc4random` of a
  home-made toolchain). These are held against what each release exports, where that is known;
- symbols that were removed under a node that is still there (`malloc_get_state`).

A reference without version may be meant for any library of the process. It counts only where
a library that the file loads is known to export the symbol in some release, and no file of the
wheel does: what is not certain is not reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from perennial.audit.requirements import Imports, Provider, Requirement
from perennial.audit.resolve import ProvidedByPlatform, Resolutions
from perennial.audit.verdict import Need
from perennial.knowledge.glibc_history import load_glibc_history
from perennial.knowledge.knowledge import MUSL_SONAME
from perennial.knowledge.musl_history import load_musl_history
from perennial.lean_typing import Final
from perennial.platform_tag import Libc
from perennial.policy import Limit, Policies, Provision

# The members of the wheel that export each of these symbols.
Exporters = Callable[[frozenset[str]], Mapping[str, tuple[str, ...]]]

_LIBC: Final = "libc.so.6"
_Wanted = dict[tuple[str, str, str | None], list[str]]  # (library, symbol, version) -> members


def find_symbol_needs(
    policies: Policies,
    imports: Mapping[str, Imports],
    requirements: Iterable[Requirement],
    resolutions: Resolutions,
    exporters: Exporters | None,
) -> tuple[Need, ...]:
    """The symbols that keep a wheel from the lowest tag there is.

    `exporters` is asked, seldom, which of the wheel's files export some symbols; without it the wheel is taken
    to export none of them.
    """
    wanted: _Wanted = {}
    if policies.libc is Libc.MUSL:
        _musl_symbols(policies, imports, wanted)
    else:
        _removed_symbols(policies, requirements, wanted)
        _unversioned_symbols(policies, imports, resolutions, wanted)
    found = {key: provision for key in wanted if (provision := _provision(policies, key)) is not None}
    if found and exporters is not None:
        bundled = exporters(frozenset(symbol for _, symbol, _ in found))
        found = {key: provision for key, provision in found.items() if key[2] is not None or key[1] not in bundled}
    return tuple(
        Need(library, version, tuple(sorted(wanted[library, symbol, version])), (symbol,), provision, symbol)
        for (library, symbol, version), provision in sorted(found.items(), key=lambda item: str(item[0]))
    )


def _provision(policies: Policies, key: tuple[str, str, str | None]) -> Provision | None:
    """From which tag on a symbol is provided; None where every tag does."""
    provision = policies.symbol(*key)
    return None if provision.limit is Limit.NOTHING else provision


def _loaded(member: str, resolutions: Resolutions) -> tuple[str, ...]:
    """The libraries of the system that a file loads itself, libc among them, as every process has it."""
    own = (soname for soname, found in resolutions.of(member).items() if isinstance(found, ProvidedByPlatform))
    return tuple(dict.fromkeys((*own, _LIBC)))


def _unversioned_symbols(
    policies: Policies, imports: Mapping[str, Imports], resolutions: Resolutions, wanted: _Wanted
) -> None:
    changing: dict[str, frozenset[str]] = {}
    for member, imported in imports.items():
        for library in _loaded(member, resolutions):
            if library not in changing:
                changing[library] = _changing(policies, library)
            for name in imported.required & changing[library]:
                wanted.setdefault((library, name, None), []).append(member)


def _changing(policies: Policies, library: str) -> frozenset[str]:
    """The symbols of a library that some releases export and others do not."""
    history = load_glibc_history(policies.arch.value)
    if history.knows(library):
        return history.changing(library, policies.lowest)
    if policies.known_nodes(library) is None:
        return policies.knowledge.symbols(policies.arch.value).changing(library)
    return frozenset()  # a versioned library, of GCC or zlib: its symbols come with their nodes


def _removed_symbols(policies: Policies, requirements: Iterable[Requirement], wanted: _Wanted) -> None:
    removed = load_glibc_history(policies.arch.value).removed(_LIBC)
    for need in requirements:
        if need.library == _LIBC and need.provider is Provider.PLATFORM and not removed.isdisjoint(need.symbols):
            for symbol in sorted(removed.intersection(need.symbols)):
                wanted.setdefault((_LIBC, symbol, need.version), []).append(need.member)


def _musl_symbols(policies: Policies, imports: Mapping[str, Imports], wanted: _Wanted) -> None:
    changing = load_musl_history(policies.arch.value).changing
    for member, imported in imports.items():
        for name in imported.required & changing:
            wanted.setdefault((MUSL_SONAME, name, None), []).append(member)
