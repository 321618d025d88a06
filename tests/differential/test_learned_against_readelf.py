"""What is learned against what readelf says, symbol by symbol, on this machine's own libraries.

readelf reads section headers where there are some, and prints names as `name@@VERSION`: the
default version, `name@VERSION`: another one. Whatever it lists as defined and not local is an
export; hidden visibility does not occur among them, which is checked.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from perennial.knowledge.snapshot import Export, ProvidedLibrary, Snapshot, sorted_exports
from perennial.knowledge.symbol_store import load_symbols
from perennial.learn import Request, learn_path
from perennial.learn.folder import read_folder
from perennial.learn.limits import Budget

_SYMBOL = re.compile(
    r"\s+\d+: [0-9a-f]+\s+\S+\s+(?P<type>\S+)\s+(?P<binding>\S+)\s+(?P<visibility>\S+)\s+(?:\[.*?\]\s+)?"
    r"(?P<section>\S+)\s+(?P<name>\S+)"
)
_NODE = re.compile(r"Name: (?P<name>\S+)")


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


def readelf(*arguments: str) -> str:
    return subprocess.run(
        ["readelf", "--wide", *arguments], capture_output=True, text=True, check=True, env={"LC_ALL": "C"}
    ).stdout


def exports_by_readelf(path: str) -> tuple[Export, ...]:
    exports = []
    for line in readelf("--dyn-syms", path).splitlines():
        match = _SYMBOL.fullmatch(line.rstrip().partition(" <localentry")[0])
        if match is None or match["section"] == "UND" or match["binding"] == "LOCAL":
            continue
        assert match["visibility"] in ("DEFAULT", "PROTECTED")
        assert match["type"] not in ("SECTION", "FILE")
        name, _, version = match["name"].partition("@")
        if match["section"] == "ABS" and match["type"] == "OBJECT" and not version:
            version = name  # a node's own symbol, GLIBC_2.2.5@@GLIBC_2.2.5: readelf leaves the repetition out
        exports.append((name, version.lstrip("@") or None))
    return sorted_exports(exports)


def nodes_by_readelf(path: str) -> set[str]:
    text = readelf("--version-info", path)
    found: set[str] = set()
    in_definitions = False
    for line in text.splitlines():
        if line.startswith("Version "):
            in_definitions = line.startswith("Version definition")
        match = _NODE.search(line)
        if in_definitions and match is not None and "Flags: BASE" not in line and "Parent" not in line:
            found.add(match["name"])
    return found


def library(snapshot: Snapshot, soname: str) -> ProvidedLibrary:
    return next(each for each in snapshot.libraries if each.soname == soname)


def test_every_symbol_of_every_library_is_what_readelf_says() -> None:
    checked = 0
    for each in this_system().libraries:
        path = files()[each.soname]
        expected = exports_by_readelf(path)
        assert each.exports == expected, each.soname
        assert set(each.nodes) == nodes_by_readelf(path), each.soname
        assert each.build_id is None or each.build_id in readelf("--notes", path)
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
