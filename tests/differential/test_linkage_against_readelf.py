"""What files give to lookups and ask of them, as GNU readelf reads it; and built files of every byte order."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from perennial.elf.dynamic_symbols import Binding
from perennial.elf.linkage import Definition, Linkage, SymbolKind, read_linkage
from tests.differential.test_elf_against_pyelftools import FILES
from tests.support.elf_builder import ARCHES, Export, Import, elf
from tests.support.ld_debug import relocated
from tests.support.this_machine import ld_so_cache

readelf_is_there = pytest.mark.skipif(shutil.which("readelf") is None, reason="no readelf on this machine")

# Some of everything, and those that all packages meet in.
CENTRAL: Final = ("libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "libz.so.1")
SAMPLE: Final = tuple(
    dict.fromkeys(
        [*FILES[::5], Path(sys.executable).resolve()]
        + [Path(path) for name in CENTRAL if (path := ld_so_cache().get(name)) is not None]
    )
)
KINDS: Final = {
    "FUNC": SymbolKind.FUNCTION,
    "IFUNC": SymbolKind.FUNCTION,
    "OBJECT": SymbolKind.OBJECT,
    "COMMON": SymbolKind.OBJECT,
    "TLS": SymbolKind.TLS,
    "NOTYPE": SymbolKind.OTHER,
}
BINDINGS: Final = {"GLOBAL": Binding.GLOBAL, "WEAK": Binding.WEAK, "UNIQUE": Binding.UNIQUE}
# Sections that stay writable once the file is relocated; `.got` and `.data.rel.ro` do not, with PT_GNU_RELRO.
WRITABLE: Final = re.compile(r"\.(?:data|bss|tdata|tbss|ldata|lbss)(?:\..*)?$")
RELRO: Final = re.compile(r"\.data\.rel\.ro.*|\.data\.rel\.local\.ro.*")


class Row(NamedTuple):
    """A line of `readelf --dyn-syms` of a global symbol; `version` with its @ or @@, as it stands there."""

    value: int
    size: int
    kind: str
    binding: str
    visibility: str
    section: str
    name: str
    version: str

    @property
    def is_definition(self) -> bool:
        """What `check_match` and `do_lookup_x` do not pass over."""
        has_value = self.value != 0 or self.section == "ABS" or self.kind == "TLS"
        seen = self.visibility in ("DEFAULT", "PROTECTED") and self.binding in BINDINGS and self.kind in KINDS
        return self.section != "UND" and has_value and seen

    @property
    def node(self) -> str | None:
        if self.section == "ABS" and self.kind == "OBJECT" and not self.version:
            return self.name  # a node's own symbol: readelf leaves the repetition out
        return self.version.lstrip("@") or None


def readelf(*arguments: str) -> str:
    done = subprocess.run(["readelf", "-W", *arguments], capture_output=True, check=True, env={"LC_ALL": "C"})
    return done.stdout.decode("utf-8", "backslashreplace")


def rows(path: Path) -> list[Row]:
    found = []
    for line in readelf("--dyn-syms", str(path)).splitlines():
        # ppc64le and aarch64 have more to say in st_other: "[<localentry>: 8]", "[VARIANT_PCS]"
        words = re.sub(r" \[(?:<\w+>: \w+|[A-Z_]+)\] ", " ", line.replace("<OS specific>: 10", "UNIQUE")).split()
        if len(words) < 8 or not words[0].rstrip(":").isdigit() or words[4] == "LOCAL":
            continue
        name, at, version = words[7].partition("@")
        kind, binding, visibility, section = words[3:7]
        found.append(Row(int(words[1], 16), int(words[2], 0), kind, binding, visibility, section, name, at + version))
    return found


def sections(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^ +\[ *(\d+)\] (\S+) ", readelf("-S", str(path)), re.MULTILINE))


def stated(definition: Definition, name: str) -> tuple[object, ...]:
    return name, definition.version, definition.binding, definition.kind, definition.size


@readelf_is_there
@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_files_of_this_machine(path: Path) -> None:
    compare_with_readelf(path)


def compare_with_readelf(path: Path) -> int:
    """Every definition and reference of a file; how many there are."""
    linkage, table = read_linkage(path.read_bytes()), rows(path)
    definitions = [(name, each) for name, found in linkage.definitions.items() for each in found]
    assert sorted(map(repr, (stated(each, name) for name, each in definitions))) == sorted(
        repr((row.name, row.node, BINDINGS[row.binding], KINDS[row.kind], row.size))
        for row in table
        if row.is_definition
    )
    # name@VERSION is not the default version. (Copies of a library's variables have it, too: at a needed version.)
    own_nodes = set(re.findall(r"Rev: \d+  Flags: \S+ +Index: \d+  Cnt: \d+  Name: (\S+)", readelf("-V", str(path))))
    hidden = {(row.name, row.node) for row in table if row.is_definition and re.match("@[^@]", row.version)}
    assert {(name, each.version) for name, each in definitions if each.hidden} == {
        (name, node) for name, node in hidden if node in own_nodes
    }
    named = relocated(str(path))
    by_name = {(row.name, row.node) for row in table if row.visibility in ("DEFAULT", "PROTECTED")}
    assert {(each.name, each.version) for each in linkage.references} == named & by_name
    weak = {(row.name, row.node) for row in table if row.binding == "WEAK"}
    assert {(each.name, each.version) for each in linkage.references if each.weak} == named & by_name & weak
    assert {each.name for each in linkage.references if each.own} <= linkage.definitions.keys()
    return len(definitions) + len(linkage.references)


@readelf_is_there
@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_what_stays_writable(path: Path) -> None:
    """Against the sections, which perennial does not read, where there are any and PT_GNU_RELRO is used."""
    if "GNU_RELRO" not in readelf("-l", str(path)):
        return
    names, linkage = sections(path), read_linkage(path.read_bytes())
    for row in rows(path):
        if row.is_definition and row.kind == "OBJECT" and row.section in names:
            section = names[row.section]
            expected = WRITABLE.match(section) is not None and RELRO.match(section) is None
            found = {each.writable for each in linkage.definitions[row.name] if each.version == row.node}
            assert found == {expected}, (row, section)


def test_the_sample_is_worth_reading() -> None:
    assert len(SAMPLE) >= 20


# ----- files that no compiler of this machine makes


@pytest.mark.parametrize("hash_style", ["gnu", "sysv"])
@pytest.mark.parametrize("arch", ARCHES)
def test_built_files(arch: str, hash_style: str) -> None:
    exports = (
        Export("plain"),
        Export("old", version="V1", hidden_version=True, size=3),
        Export("old", version="V2", size=4),
        Export("weak", weak=True),
        Export("unique", unique=True, kind="object", size=24),
        Export("state", kind="tls", size=12),
        Export("kept", visibility="protected"),
        Export("own", visibility="hidden"),
    )
    imports = (Import("asked", "W1", "libw.so.1"), Import("perhaps", weak=True), Import("data", kind="object"))
    linkage = read_linkage(
        elf(
            arch=arch, exports=exports, imports=imports, needed=("libw.so.1",), relocations=True, hash_style=hash_style,
            tls=(12, 4),
        )
    )  # fmt: skip
    found = {
        name: [stated(each, name)[1:] for each in definitions] for name, definitions in linkage.definitions.items()
    }
    function, either = SymbolKind.FUNCTION, Binding.GLOBAL
    assert found == {
        "plain": [(None, either, function, 8)],
        "old": [("V1", either, function, 3), ("V2", either, function, 4)],
        "weak": [(None, Binding.WEAK, function, 8)],
        "unique": [(None, Binding.UNIQUE, SymbolKind.OBJECT, 24)],
        "state": [(None, either, SymbolKind.TLS, 12)],
        "kept": [(None, either, function, 8)],
    }
    assert [each.hidden for each in linkage.definitions["old"]] == [True, False]
    assert linkage.definitions["state"][0].writable
    assert not linkage.definitions["plain"][0].writable
    assert linkage.is_versioned
    asked = {each.name: each for each in linkage.references}
    assert {"asked", "perhaps", "data"} <= asked.keys()
    assert "own" not in asked
    assert (asked["asked"].version, asked["asked"].library) == ("W1", "libw.so.1")
    assert (asked["perhaps"].weak, asked["asked"].weak) == (True, False)
    assert asked["data"].kind is SymbolKind.OBJECT


def test_only_some_names() -> None:
    """`names` keeps what is asked for, and what is unique in a process whatever its name."""
    data = elf(
        exports=(Export("a"), Export("b"), Export("u", unique=True)),
        imports=(Import("c"), Import("d")),
        relocations=True,
    )
    whole, part = read_linkage(data), read_linkage(data, frozenset({"a", "c"}))
    assert set(part.definitions) == {"a", "u"}
    assert {each.name for each in part.references} == {"c"} | ({"a", "u"} & {each.name for each in whole.references})
    assert isinstance(part, Linkage)
