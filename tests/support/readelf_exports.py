"""What readelf says of a library: the oracle for what is learned.

readelf prints names as `name@@VERSION`: the default version, `name@VERSION`: another one, and reads
files of any architecture. Whatever it lists as defined and not local is an export; hidden
visibility does not occur among them, which is checked.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from perennial.knowledge.snapshot import Export, sorted_exports

_SYMBOL: Final = re.compile(
    r"\s+\d+: [0-9a-f]+\s+\S+\s+(?P<type>\S+)\s+(?P<binding>\S+)\s+(?P<visibility>\S+)\s+(?:\[.*?\]\s+)?"
    r"(?P<section>\S+)\s+(?P<name>\S+)"
)
_DEFINITION: Final = re.compile(
    r"\s+(?:0x)?[0-9a-f]+: Rev: \d+  Flags: (?P<flags>.*?) +Index: (?P<index>\d+)  Cnt: \d+  Name: (?P<name>\S+)"
)
_SONAME: Final = re.compile(r"\(SONAME\)\s+Library soname: \[(.*)\]")
_LAST_BASE: Final = 2  # glibc, elf/dl-lookup.c: check_match


class Defined(NamedTuple):
    """A symbol that a library defines; `is_default` where it is the one that a linker takes."""

    name: str
    version: str | None
    is_default: bool


def readelf(*arguments: str) -> str:
    return subprocess.run(
        ["readelf", "--wide", *arguments], capture_output=True, text=True, check=True, env={"LC_ALL": "C"}
    ).stdout


def defined_by_readelf(path: str) -> Iterator[Defined]:
    for line in readelf("--dyn-syms", path).splitlines():
        match = _SYMBOL.fullmatch(line.rstrip().partition(" <localentry")[0])
        if match is None or match["section"] == "UND" or match["binding"] == "LOCAL":
            continue
        assert match["visibility"] in ("DEFAULT", "PROTECTED")
        assert match["type"] not in ("SECTION", "FILE")
        name, at, version = match["name"].partition("@")
        if match["section"] == "ABS" and match["type"] == "OBJECT" and not version:
            version = name  # a node's own symbol, GLIBC_2.2.5@@GLIBC_2.2.5: readelf leaves the repetition out
        yield Defined(name, version.lstrip("@") or None, not at or version.startswith("@"))


def exports_by_readelf(path: str) -> tuple[Export, ...]:
    return sorted_exports((each.name, each.version) for each in defined_by_readelf(path))


def nodes_by_readelf(path: str) -> dict[str, int]:
    """Node -> index, without the base node."""
    found = map(_DEFINITION.fullmatch, readelf("--version-info", path).splitlines())
    return {each["name"]: int(each["index"]) for each in found if each is not None and "BASE" not in each["flags"]}


def versioned_only_by_readelf(path: str) -> set[str]:
    """The symbols that a reference without a version does not find: neither default nor of the first node."""
    first = {name for name, index in nodes_by_readelf(path).items() if index <= _LAST_BASE}
    symbols = list(defined_by_readelf(path))
    return {each.name for each in symbols} - {
        each.name for each in symbols if each.is_default or each.version is None or each.version in first
    }


def build_id_by_readelf(path: str) -> str | None:
    match = re.search(r"Build ID: ([0-9a-f]+)", readelf("--notes", path))
    return None if match is None else match[1]


def sonames_by_readelf(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Soname -> the files that have it."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        for soname in _SONAME.findall(readelf("--dynamic", str(path))):
            found.setdefault(soname, []).append(path)
    return found
