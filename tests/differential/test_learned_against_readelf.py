"""What is learned against what readelf says, symbol by symbol, on this machine's own libraries."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest

from perennial.knowledge.snapshot import ProvidedLibrary, Snapshot
from perennial.knowledge.symbol_store import load_symbols
from perennial.learn import Request, learn_path
from perennial.learn.folder import read_folder
from perennial.learn.limits import Budget
from tests.support.readelf_exports import (
    build_id_by_readelf,
    exports_by_readelf,
    nodes_by_readelf,
    versioned_only_by_readelf,
)


def _debian_12() -> bool:
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return False
    return "ID=debian\n" in text and 'VERSION_ID="12"' in text


pytestmark = [
    pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not installed"),
    pytest.mark.skipif(not _debian_12(), reason="this system is not Debian 12"),
]


@cache
def this_system() -> Snapshot:
    return learn_path(Path("/"), Request(None, None, "2026-11-20", "updates"))


@cache
def files() -> dict[str, str]:
    """Soname -> path, of what was learned here."""
    found = read_folder("/", Budget("/")).libraries
    wanted = this_system().architecture
    return {library.soname: f"/{path}" for path, library in found.items() if library.architecture.value == wanted}


def library(snapshot: Snapshot, soname: str) -> ProvidedLibrary:
    return next(each for each in snapshot.libraries if each.soname == soname)


def test_every_symbol_of_every_library_is_what_readelf_says() -> None:
    checked = 0
    for each in this_system().libraries:
        path = files()[each.soname]
        expected = exports_by_readelf(path)
        assert each.exports == expected, each.soname
        assert set(each.nodes) == set(nodes_by_readelf(path)), each.soname
        assert set(each.versioned_only) == versioned_only_by_readelf(path), each.soname
        assert each.build_id == build_id_by_readelf(path), each.soname
        checked += len(expected)
    assert checked > 5000


def test_the_shipped_data_is_what_is_installed_here_where_the_packages_are_the_same() -> None:
    here = this_system()
    store = load_symbols(here.architecture)
    number = next(n for n, info in enumerate(store.snapshots) if info.release == "debian:12")
    shipped = store.snapshot(number)
    same = [
        each
        for each in here.libraries
        if each.package and here.packages[each.package] == shipped.packages.get(each.package)
    ]
    if not same:
        pytest.skip("no package here has the version that the shipped data was read from")
    for each in same:
        there = library(shipped, each.soname)
        assert there._replace(tier=None) == each, each.soname
