"""This machine's programs and libraries, and built files of every architecture, as GNU readelf reads them.

What the two are allowed to differ in stands in DIFFERENCES.md.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from perennial.elf.dynamic_symbols import Binding
from perennial.elf.model import ElfFile, StackPermission
from perennial.elf.read import read_elf
from tests.differential.test_elf_against_pyelftools import FILES
from tests.support.elf_builder import ARCHES, Export, Import, Need, NeedVersion, Verdef, elf

pytestmark = pytest.mark.skipif(shutil.which("readelf") is None, reason="no readelf on this machine")

SAMPLE = FILES[::3]
ISA = {"x86-64-baseline": 1, "x86-64-v2": 2, "x86-64-v3": 4, "x86-64-v4": 8}
SYMBOL = re.compile(
    r"^ +\d+: [0-9a-f]+ +\S+ +\S+ +(?P<bind><.*?>: \d+|\S+) +\S+ +(?:\[.*?\] +)?(?P<index>\S+) (?P<name>\S+)"
)
BINDINGS = {
    "GLOBAL": Binding.GLOBAL,
    "WEAK": Binding.WEAK,
    "UNIQUE": Binding.UNIQUE,
    "<OS specific>: 10": Binding.UNIQUE,
}
Symbols = Counter[tuple[str, str | None, Binding]]


def readelf(path: Path) -> str:
    command = ["readelf", "-W", "-d", "-l", "-n", "-V", "--dyn-syms", str(path)]
    return subprocess.run(command, capture_output=True, check=True, env={"LC_ALL": "C"}).stdout.decode(
        "utf-8", "backslashreplace"
    )


def compare(path: Path) -> None:
    ours, text = read_elf(path.read_bytes(), exports=True), readelf(path)
    assert list(ours.needed) == re.findall(r"\(NEEDED\) +Shared library: \[(.*)\]$", text, re.MULTILINE)
    for value, pattern in (
        (ours.soname, r"\(SONAME\) +Library soname: \[(.*)\]$"),
        (ours.rpath, r"\(RPATH\) +Library rpath: \[(.*)\]$"),
        (ours.runpath, r"\(RUNPATH\) +Library runpath: \[(.*)\]$"),
        (ours.interpreter, r"^ +\[Requesting program interpreter: (.*)\]$"),
    ):
        assert ([] if value is None else [value]) == re.findall(pattern, text, re.MULTILINE)
    assert ours.build_id == next(iter(re.findall(r"Build ID: ([0-9a-f]+)$", text, re.MULTILINE)), None)
    assert ours.stack is stack(text)
    assert ours.x86_isa_needed == isa(text, "needed")
    assert ours.x86_isa_used == isa(text, "used")
    assert needs(ours) == stated_needs(text)
    compare_symbols(ours, text)


def stack(text: str) -> StackPermission:
    flags = re.findall(r"^  GNU_STACK .* (R[W ][E ]) 0x[0-9a-f]+$", text, re.MULTILINE)
    if not flags:
        return StackPermission.UNSTATED
    return StackPermission.EXECUTABLE if "E" in flags[0] else StackPermission.NOT_EXECUTABLE


def isa(text: str, kind: str) -> int:
    found = re.findall(rf"x86 ISA {kind}: (.*)$", text, re.MULTILINE)
    return sum(ISA[name] for name in found[0].split(", ")) if found else 0


def needs(ours: ElfFile) -> list[tuple[str, list[tuple[str, bool, int]]]]:
    return [
        (need.file, [(version.name, version.weak, version.number) for version in need.versions])
        for need in ours.verneeds
    ]


def stated_needs(text: str) -> list[tuple[str, list[tuple[str, bool, int]]]]:
    found: list[tuple[str, list[tuple[str, bool, int]]]] = []
    for line in text.splitlines():
        if file := re.match(r" +(?:0x)?[0-9a-f]+: Version: 1  File: (\S+)  Cnt: \d+$", line):
            found.append((file[1], []))
        elif name := re.match(r" +0x[0-9a-f]+: +Name: (\S+)  Flags: (.*?)  Version: (\d+)$", line):
            found[-1][1].append((name[1], "WEAK" in name[2], int(name[3])))
    return found


def compare_symbols(ours: ElfFile, text: str) -> None:
    imports: Symbols = Counter()
    exports: Symbols = Counter()
    for line in text.splitlines():
        match = SYMBOL.match(line)
        if match is None or match["bind"] not in BINDINGS:
            continue
        name, _, version = match["name"].partition("@")
        if match["index"] == "UND":
            imports[name, version or None, BINDINGS[match["bind"]]] += 1
        elif name not in {definition.name for definition in ours.verdefs}:  # readelf gives these no version
            exports[name, version.removeprefix("@") or None, BINDINGS[match["bind"]]] += 1
    assert Counter((symbol.name, symbol.version, symbol.binding) for symbol in ours.imports) == imports
    versions = {definition.name for definition in ours.verdefs}
    defined = [symbol for symbol in ours.exports or () if symbol.name not in versions]
    assert Counter((symbol.name, symbol.version, symbol.binding) for symbol in defined) == exports


@pytest.mark.parametrize("path", SAMPLE, ids=str)
def test_this_machine(path: Path) -> None:
    compare(path)


@pytest.mark.parametrize("layout", ["gnu-new", "tables-last"])
@pytest.mark.parametrize("arch", ARCHES)
def test_every_architecture(tmp_path: Path, arch: str, layout: str) -> None:
    data = elf(
        arch=arch,
        soname="libdemo.so.1",
        needed=("libc.so.6", "libm.so.6"),
        rpath="$ORIGIN/../demo.libs",
        runpath="$ORIGIN",
        imports=(Import("memcpy", "GLIBC_2.14", "libc.so.6"), Import("weak", weak=True)),
        verneeds=(Need("libm.so.6", (NeedVersion("GLIBC_2.29", weak=True),)),),
        exports=(Export("old", "V1", hidden_version=True), Export("new", "V2"), Export("plain")),
        verdefs=(Verdef("V1"), Verdef("V2", parents=("V1",))),
        hash_style="both",
        build_id=bytes(range(20)),
        stack="rwx",
        layout=layout,
        section_headers=True,
    )
    path = tmp_path / "libdemo.so"
    path.write_bytes(data)
    compare(path)
