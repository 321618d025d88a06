"""Which release exports which symbol at which version, on one architecture.

To ld.so a reference is met by a library if its node is defined and the symbol is there at
this node (glibc, elf/dl-lookup.c: `check_match`), so that this is what is asked here: by soname,
symbol and version. Snapshots are numbered from 0 in the order of `SymbolStore.snapshots`,
and answers are sets of these numbers.

A soname's symbols are read when they are first asked for. A user's own snapshots overlay the
shipped ones, library by library: of one of the same release, architecture and kind, each library
replaces the shipped one of its soname, and the others stay. What somebody has not installed, or not
among a few packages, is no less a part of the release; what a release is known to lack, a snapshot
says (tier "absent").
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from perennial.errors import KnowledgeError
from perennial.knowledge.snapshot import (
    ABSENT,
    ProvidedLibrary,
    Snapshot,
    SnapshotInfo,
    canonical,
    sorted_exports,
    sorted_nodes,
)
from perennial.knowledge.symbol_store_format import (
    FOLDER,
    LIBRARY_COLUMNS,
    SNAPSHOT_COLUMNS,
    SUFFIX,
    SonameText,
    unpack,
)
from perennial.knowledge.tables import DATA, NONE, UNKNOWN, optional, parse_table
from perennial.lean_typing import Final

Members = frozenset[int]
Read = Callable[[str], bytes | None]  # a file of the store by name; None where there is none


def load_symbols(arch: str, own: Iterable[Snapshot] = ()) -> SymbolStore:
    """What shipped knowledge and a user's own snapshots say of an architecture."""
    return SymbolStore(arch, _read_shipped, own)


def _read_shipped(name: str) -> bytes | None:
    try:
        with open(os.path.join(DATA, FOLDER, name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


class SymbolStore:
    """The symbols of one architecture's snapshots.

    `read` gives the files of a store (see `symbol_store_format`); `own` are snapshots whose
    libraries replace those of a shipped one of the same key, or that come on top.
    """

    def __init__(self, arch: str, read: Read, own: Iterable[Snapshot] = ()) -> None:
        self.architecture: Final = arch
        self._read = read
        self._own: Final = {each.info.key: each for each in own if each.architecture == arch}
        shipped, rows = _tables(arch, read)
        numbers = {info.key: number for number, info in enumerate(shipped.values())}
        for key in self._own:
            numbers.setdefault(key, len(numbers))
        self._shipped: Final = {info.key: info for info in shipped.values()}
        infos = dict(self._shipped)
        for key, snapshot in self._own.items():
            infos[key] = _overlaid(infos.get(key), snapshot.info)
        self.snapshots: Final = tuple(infos.values())
        self._numbers: Final = {bit: number for number, bit in enumerate(shipped)}
        self._libraries: Final[dict[str, dict[int, ProvidedLibrary]]] = {}
        for soname, bit, package, tier, build_id in rows:
            text = "" if package == NONE else package
            known = None if tier == UNKNOWN else tier
            library = ProvidedLibrary(soname, text, known, optional(build_id), (), ())
            self._libraries.setdefault(soname, {})[self._numbers[int(bit)]] = library
        # The libraries that were learned here, by soname and snapshot.
        self._own_libraries: Final[dict[str, dict[int, ProvidedLibrary]]] = {}
        for key, snapshot in self._own.items():
            for library in snapshot.libraries:
                number = numbers[key]
                found = self._libraries.setdefault(library.soname, {})
                library = _described(library, found.get(number))  # noqa: PLW2901
                found[number] = library
                self._own_libraries.setdefault(library.soname, {})[number] = library
        self._symbols: dict[str, _SonameSymbols] = {}
        self._sets: dict[int, Members] = {}

    @cached_property
    def sonames(self) -> tuple[str, ...]:
        """The libraries of which something is known, sorted; it may be that no release has them."""
        return tuple(sorted(self._libraries))

    def providing(self, soname: str) -> Members:
        """The snapshots that have a library."""
        found = self._libraries.get(soname, {})
        return frozenset(number for number, library in found.items() if library.tier != ABSENT)

    def library(self, soname: str, snapshot: int) -> ProvidedLibrary | None:
        """A snapshot's library with its package, tier and build-id, and without symbols; None where it has none."""
        found = self._libraries.get(soname, {}).get(snapshot)
        return None if found is None else found._replace(nodes=(), exports=(), versioned_only=())

    def tier(self, soname: str, snapshot: int) -> str | None:
        """How deep in an installation of a release a library comes.

        "absent" where the release is known not to have it; None where it is not known.
        """
        found = self._libraries.get(soname, {}).get(snapshot)
        return None if found is None else found.tier

    def nodes(self, soname: str) -> Mapping[str, Members]:
        """The version nodes of a library, and which snapshots define each; {} for an unknown one."""
        return self._of(soname).nodes if soname in self._libraries else {}

    def exporting(self, soname: str, symbol: str, version: str | None) -> Members | None:
        """The snapshots whose library meets a reference to a symbol; None where the library is unknown.

        With a version, that is those that export it at this version; without, those in which
        ld.so binds a reference without a version (see `perennial.learn.unversioned`).
        """
        if soname not in self._libraries:
            return None
        symbols = self._of(soname)
        if version is not None:
            return symbols.exporting(symbol, version)
        return symbols.exporting_any(symbol) - symbols.versioned_only(symbol)

    def versions(self, soname: str, symbol: str) -> Mapping[str | None, Members]:
        """The versions at which a library exports a symbol, and in which snapshots."""
        return self._of(soname).versions(symbol) if soname in self._libraries else {}

    def changing(self, soname: str) -> frozenset[str]:
        """The symbols that a library exports in some of the snapshots that have it, and not in others."""
        if soname not in self._libraries:
            return frozenset()
        return self._of(soname).not_in_all(self.providing(soname))

    def owners(self, symbol: str) -> tuple[str, ...]:
        """The libraries that export a symbol in some snapshot; reads them all."""
        return tuple(soname for soname in self.sonames if self._of(soname).exporting_any(symbol))

    def is_own(self, soname: str, snapshot: int) -> bool:
        """Whether a snapshot's library was learned here, and did not ship."""
        return snapshot in self._own_libraries.get(soname, {})

    def source(self, soname: str, snapshot: int) -> SnapshotInfo:
        """The snapshot that a library is from: the user's own, or the shipped one below it."""
        key = self.snapshots[snapshot].key
        return self._own[key].info if self.is_own(soname, snapshot) else self._shipped[key]

    def snapshot(self, number: int) -> Snapshot:
        """A whole snapshot, what shipped and what was learned here together."""
        info = self.snapshots[number]
        libraries = []
        for soname in self.sonames:
            library = self._libraries[soname].get(number)
            if library is not None:
                symbols = self._of(soname)
                nodes = sorted_nodes(node for node, members in symbols.nodes.items() if number in members)
                libraries.append(
                    library._replace(
                        nodes=nodes,
                        exports=sorted_exports(symbols.exports(number)),
                        versioned_only=symbols.all_versioned_only(number),
                    )
                )
        return canonical(Snapshot(*info, tuple(libraries)))

    def _of(self, soname: str) -> _SonameSymbols:
        found = self._symbols.get(soname)
        if found is None:
            name = f"{soname}{SUFFIX}"
            data = self._read(name)
            text = SonameText((), ()) if data is None else unpack(data, name)
            own = self._own_libraries.get(soname, {})
            if own:
                found = _SonameSymbols(text, lambda mask: self._members(mask).difference(own), own)
            else:
                found = _SonameSymbols(text, self._members, own)
            self._symbols[soname] = found
        return found

    def _members(self, mask: int) -> Members:
        """The snapshots of this architecture in a mask."""
        found = self._sets.get(mask)
        if found is None:
            found = frozenset(number for bit, number in self._numbers.items() if mask >> bit & 1)
            self._sets[mask] = found
        return found


class _Group:
    """Symbols with the same members; taken apart when first looked into."""

    __slots__ = ("_symbols", "_text", "members")

    def __init__(self, members: Members, text: str) -> None:
        self.members: Final = members
        self._text = text
        self._symbols: frozenset[str] | None = None

    @property
    def symbols(self) -> frozenset[str]:
        if self._symbols is None:
            self._symbols = frozenset(self._text.split(" "))
        return self._symbols


class _SonameSymbols:
    """One soname's nodes and groups, of one architecture."""

    def __init__(
        self, text: SonameText, members_of: Callable[[int], Members], own: Mapping[int, ProvidedLibrary]
    ) -> None:
        nodes = {node: members for node, mask in text.nodes if (members := members_of(mask))}
        self._groups: dict[str | None, list[_Group]] = {}
        for version, mask, symbols in text.groups:
            members = members_of(mask)
            if members:
                self._groups.setdefault(version, []).append(_Group(members, symbols))
        for number, library in own.items():
            only = frozenset((number,))
            for node in library.nodes:
                nodes[node] = nodes.get(node, frozenset()) | only
            names: dict[str | None, list[str]] = {}
            for symbol, version in library.exports:
                names.setdefault(version, []).append(symbol)
            for version, each in names.items():
                self._groups.setdefault(version, []).append(_Group(only, " ".join(each)))
        self.nodes: Final[Mapping[str, Members]] = nodes
        shipped = (_Group(members, symbols) for mask, symbols in text.versioned_only if (members := members_of(mask)))
        of_own = (
            _Group(frozenset((n,)), " ".join(each.versioned_only)) for n, each in own.items() if each.versioned_only
        )
        self._versioned_only = (*shipped, *of_own)

    def exporting(self, symbol: str, version: str | None) -> Members:
        found: Members = frozenset()
        for group in self._groups.get(version, ()):
            if symbol in group.symbols:
                found |= group.members
        return found

    def exporting_any(self, symbol: str) -> Members:
        return frozenset().union(*(self.exporting(symbol, version) for version in self._groups))

    def not_in_all(self, everywhere: Members) -> frozenset[str]:
        groups = (group for each in self._groups.values() for group in each if group.members != everywhere)
        return frozenset().union(*(group.symbols for group in groups))

    def versioned_only(self, symbol: str) -> Members:
        return frozenset().union(*(group.members for group in self._versioned_only if symbol in group.symbols))

    def all_versioned_only(self, number: int) -> tuple[str, ...]:
        groups = (group.symbols for group in self._versioned_only if number in group.members)
        return tuple(sorted(frozenset().union(*groups)))

    def versions(self, symbol: str) -> Mapping[str | None, Members]:
        return {version: members for version in self._groups if (members := self.exporting(symbol, version))}

    def exports(self, number: int) -> Iterable[tuple[str, str | None]]:
        for version, groups in self._groups.items():
            for group in groups:
                if number in group.members:
                    for symbol in group.symbols:
                        yield symbol, version


def _overlaid(shipped: SnapshotInfo | None, own: SnapshotInfo) -> SnapshotInfo:
    """The own date, and the packages of both."""
    if shipped is None:
        return own
    return own._replace(packages=dict(sorted({**shipped.packages, **own.packages}.items())))


def _described(own: ProvidedLibrary, shipped: ProvidedLibrary | None) -> ProvidedLibrary:
    """A root does not tell how deep in an installation a library comes, nor always its package; what shipped may."""
    if shipped is None or ABSENT in (own.tier, shipped.tier):
        return own
    return own._replace(package=own.package or shipped.package, tier=own.tier or shipped.tier)


def _tables(arch: str, read: Read) -> tuple[dict[int, SnapshotInfo], list[list[str]]]:
    """An architecture's snapshots by bit, and the rows of its libraries."""
    name = f"{arch}.tsv"
    data = read(name)
    if data is None:
        return {}, []
    snapshots, separator, libraries = data.decode("utf-8").partition("\n\n")
    if not separator:
        raise KnowledgeError(f"{name} has no table of libraries")
    infos = {}
    for bit, release, date, kind, packages in parse_table(snapshots, SNAPSHOT_COLUMNS, name):
        pairs = [] if packages == NONE else [package.partition("=") for package in packages.split(" ")]
        infos[int(bit)] = SnapshotInfo(release, arch, date, kind, {name: version for name, _, version in pairs})
    return infos, parse_table(libraries, LIBRARY_COLUMNS, name)
