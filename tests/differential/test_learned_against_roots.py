"""What is learned of a root of a Debian suite against what readelf says of the libraries in it.

Two suites, two architectures, symbol by symbol. readelf (binutils) is the oracle: it also finds the
files, by the DT_SONAME of everything that lies in the loader's folders. What ships with perennial was
read from the same packages by another way, from the mirror's archives; where a package's version is
still the same, all of it must be equal too.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest

from perennial.knowledge.snapshot import ABSENT, ProvidedLibrary, Snapshot
from perennial.knowledge.symbol_store import load_symbols
from perennial.learn import Request, learn_path
from perennial.learn.libraries import wanted_libraries
from perennial.platform_tag import Libc
from tests.roots.learned import SUITES, Suite
from tests.roots.make import Root, obtain_or_skip
from tests.support.readelf_exports import (
    build_id_by_readelf,
    exports_by_readelf,
    nodes_by_readelf,
    sonames_by_readelf,
    versioned_only_by_readelf,
)

pytestmark = [
    pytest.mark.roots,
    pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not installed"),
    pytest.mark.parametrize("suite", SUITES, ids=str),
]

DATE = "2026-11-20"
ON_THIS_DAY = Request(None, None, DATE, "updates")


def root_of(suite: Suite) -> Root:
    return obtain_or_skip(suite.recipe)


@cache
def learned(suite: Suite) -> Snapshot:
    return learn_path(root_of(suite).folder, ON_THIS_DAY)


@cache
def shipped(suite: Suite) -> Snapshot:
    store = load_symbols(suite.architecture.value)
    (number,) = (number for number, info in enumerate(store.snapshots) if info.release == suite.release)
    return store.snapshot(number)


def by_soname(snapshot: Snapshot) -> dict[str, ProvidedLibrary]:
    return {each.soname: each for each in snapshot.libraries if each.tier != ABSENT}


def library_files(root: Path) -> list[Path]:
    """Every ELF file where this system's loader looks, each once, though /lib may be a link to /usr/lib.

    Files that are links are left out: what they lead to is there too, or they lead out of the root.
    """
    folders = [root / top / name for top in (".", "usr") for name in ("lib", "lib64", "lib32", "libx32")]
    folders += [inner for folder in folders for inner in folder.glob("*-linux-*") if inner.is_dir()]
    files = {folder.resolve() / path.name for folder in folders for path in folder.glob("*.so*") if is_library(path)}
    assert all(path.is_relative_to(root.resolve()) for path in files)
    return sorted(files)


def is_library(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def test_every_symbol_of_every_library_is_what_readelf_says(suite: Suite) -> None:
    snapshot = learned(suite)
    assert (snapshot.release, snapshot.architecture) == (suite.release, suite.architecture.value)
    wanted = wanted_libraries(Libc.GLIBC)
    by_readelf = {s: p for s, p in sonames_by_readelf(library_files(root_of(suite).folder)).items() if s in wanted}
    assert {each.soname for each in snapshot.libraries} == by_readelf.keys()
    symbols = 0
    for each in snapshot.libraries:
        (path,) = map(str, by_readelf[each.soname])
        expected = exports_by_readelf(path)
        assert each.exports == expected, each.soname
        assert set(each.nodes) == set(nodes_by_readelf(path)), each.soname
        assert set(each.versioned_only) == versioned_only_by_readelf(path), each.soname
        assert each.build_id == build_id_by_readelf(path), each.soname
        symbols += len(expected)
    assert symbols > 15_000
    assert len(snapshot.libraries) > 20


def test_the_shipped_data_has_the_same_libraries(suite: Suite) -> None:
    """And of the same packages, whatever their version: nothing is installed that it does not know."""
    here, there = by_soname(learned(suite)), by_soname(shipped(suite))
    assert {soname: each.package for soname, each in here.items()} == {
        soname: each.package for soname, each in there.items()
    }


def test_the_shipped_data_is_what_is_in_the_root_where_the_packages_are_the_same(suite: Suite) -> None:
    here, there = learned(suite), shipped(suite)
    same = [each for each in here.libraries if here.packages[each.package] == there.packages.get(each.package)]
    if not same:
        pytest.skip(f"no package of {suite} has the version that the shipped data was read from")
    for each in same:
        assert by_soname(there)[each.soname]._replace(tier=None) == each, each.soname


def test_the_archive_says_the_same_as_the_folder(suite: Suite) -> None:
    archive = root_of(suite).archive
    assert archive is not None
    assert learn_path(archive, ON_THIS_DAY) == learned(suite)
