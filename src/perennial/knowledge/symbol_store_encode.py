"""From snapshots to the files of the store, the same bytes for the same snapshots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perennial.errors import KnowledgeError
from perennial.knowledge.snapshot import Snapshot, SnapshotInfo, canonical
from perennial.knowledge.symbol_store_format import (
    LIBRARY_COLUMNS,
    SNAPSHOT_COLUMNS,
    SUFFIX,
    Group,
    SonameText,
    pack,
)
from perennial.knowledge.tables import NONE, UNKNOWN
from perennial.symbol_version import version_sort_key

_HEADER = (
    "# Snapshots of distribution releases, and their libraries; written by scripts/learn_debian.py, do not edit.\n"
)


def encode(snapshots: Iterable[Snapshot]) -> dict[str, bytes]:
    """File name -> content, for a store of these snapshots, of which no two may have the same key."""
    ordered = sorted((canonical(snapshot) for snapshot in snapshots), key=_order)
    keys = [snapshot.info.key for snapshot in ordered]
    if len(set(keys)) != len(keys):
        raise KnowledgeError("two snapshots are of the same release, architecture and kind")
    files: dict[str, bytes] = {}
    for architecture in sorted({snapshot.architecture for snapshot in ordered}):
        own = {bit: each for bit, each in enumerate(ordered) if each.architecture == architecture}
        files[f"{architecture}.tsv"] = _table(own).encode()
    for soname in sorted({library.soname for snapshot in ordered for library in snapshot.libraries}):
        _check_names(soname)
        text = _text(soname, ordered)
        if text != SonameText((), ()):
            files[f"{soname}{SUFFIX}"] = pack(text)
    return dict(sorted(files.items()))


def _order(snapshot: Snapshot) -> tuple[str, tuple[str, tuple[int, ...], str], str]:
    """By release first, so that one release's bits stand together; 9 before 10."""
    family, _, version = snapshot.release.partition(":")
    return snapshot.architecture, version_sort_key(f"{family}_{version}"), snapshot.kind


def _table(snapshots: Mapping[int, Snapshot]) -> str:
    lines = ["\t".join(SNAPSHOT_COLUMNS)]
    for bit, snapshot in snapshots.items():
        info: SnapshotInfo = snapshot.info
        packages = " ".join(f"{name}={version}" for name, version in info.packages.items())
        _check_fields(info.release, info.date, info.kind, *info.packages, *info.packages.values())
        lines.append("\t".join((str(bit), info.release, info.date, info.kind, packages or NONE)))
    lines += ["", "\t".join(LIBRARY_COLUMNS)]
    for bit, snapshot in snapshots.items():
        for library in snapshot.libraries:
            fields = (library.package or NONE, library.tier or UNKNOWN, library.build_id or NONE)
            _check_fields(library.soname, *fields)
            lines.append("\t".join((library.soname, str(bit), *fields)))
    return _HEADER + "".join(f"{line}\n" for line in lines)


def _text(soname: str, snapshots: list[Snapshot]) -> SonameText:
    nodes: dict[str, int] = {}
    exports: dict[tuple[str, str | None], int] = {}
    versioned_only: dict[str, int] = {}
    for bit, snapshot in enumerate(snapshots):
        for library in snapshot.libraries:
            if library.soname == soname:
                for node in library.nodes:
                    nodes[node] = nodes.get(node, 0) | 1 << bit
                for export in library.exports:
                    exports[export] = exports.get(export, 0) | 1 << bit
                for symbol in library.versioned_only:
                    versioned_only[symbol] = versioned_only.get(symbol, 0) | 1 << bit
    groups: dict[tuple[str | None, int], list[str]] = {}
    for (symbol, version), mask in exports.items():
        groups.setdefault((version, mask), []).append(symbol)
    for (version, _), symbols in groups.items():
        _check_names(*symbols, *(() if version is None else (version,)))
    _check_names(*nodes, *versioned_only)
    masks = sorted(set(versioned_only.values()))
    return SonameText(
        tuple(sorted(nodes.items(), key=lambda item: version_sort_key(item[0]))),
        tuple(
            Group(version, mask, " ".join(sorted(symbols)))
            for (version, mask), symbols in sorted(groups.items(), key=lambda item: _group_order(*item[0]))
        ),
        tuple(
            (mask, " ".join(sorted(symbol for symbol, own in versioned_only.items() if own == mask))) for mask in masks
        ),
    )


def _group_order(version: str | None, mask: int) -> tuple[bool, tuple[str, tuple[int, ...], str], int]:
    return version is not None, version_sort_key(version or ""), mask


def _check_names(*names: str) -> None:
    for name in names:
        if not name or name == NONE or "/" in name or len(name.split()) != 1 or name != name.strip():
            raise KnowledgeError(f"{name!r} cannot be stored as a name")


def _check_fields(*fields: str) -> None:
    for field in fields:
        if not field or any(char in field for char in "\t\n\r ="):
            raise KnowledgeError(f"{field!r} cannot be stored as a field")
