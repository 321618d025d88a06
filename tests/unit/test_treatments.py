"""The tables of treatments: nothing in them is misspelt, unproved, or newer than what it is for."""

from __future__ import annotations

import ctypes
import json
import platform
from pathlib import Path
from typing import Any, Final

import pytest

from perennial.arch import Architecture
from perennial.elf.read import read_elf
from perennial.knowledge import load_knowledge
from perennial.knowledge.glibc_history import load_glibc_history
from perennial.knowledge.tables import read_table
from perennial.knowledge.treatments import _COLUMNS, _TABLES, ANY, Treatment, TreatmentKind, load_treatments
from perennial.platform_tag import Libc
from perennial.policy import policies
from perennial.policy.lowering import Binding, Lowering, Reference, Refusal
from tests.support.compiled import compile_c, needs_compiler

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ROOT / "tests/lowering/sources"
FACTS: Final = ROOT.parent / "shared/facts/lowering_treatments.json"
ROWS: Final = [(table, row) for table in _TABLES for row in read_table(table, _COLUMNS)]
PORTS: Final = [arch for arch in Architecture if arch is not Architecture.LOONGARCH64]


def lowering(arch: str) -> Lowering:
    return Lowering(policies(load_knowledge(), Libc.GLIBC, arch))


def every(arch: str) -> list[tuple[Reference, tuple[Treatment, ...]]]:
    """All references of glibc's that a table names and that an architecture has."""
    history, tables = load_glibc_history(arch), load_treatments(arch)
    return [
        (Reference(library, symbol, version, weak=False), tables.find(library, symbol, version))
        for library, symbol, version in sorted(tables.keys)
        if symbol != ANY and history.since(library, symbol, version) is not None
    ]


@pytest.mark.parametrize(("table", "row"), ROWS, ids=lambda each: each if isinstance(each, str) else each[3][:30])
def test_every_row_says_what_differs_and_is_proved(table: str, row: list[str]) -> None:
    kind, _library, _versions, _symbols, _to, _needs, archs, difference, source, test = row
    assert kind in set(TreatmentKind)
    assert len(difference) > 10 or difference == "none"
    assert len(source) > 5
    assert archs == ANY or set(archs.split(",")) <= set(Architecture)
    assert list(SOURCES.glob(f"{test}.c*")), f"{table}: tests/lowering/sources/{test}.c is missing"


def test_every_source_is_some_rows() -> None:
    assert {path.stem for path in SOURCES.glob("*.c*")} - {"main", "weak_binding"} == {row[-1] for _, row in ROWS}


@pytest.mark.parametrize(
    "row", [row for table, row in ROWS if table.endswith(("glibc.tsv", "shim.tsv"))], ids=lambda row: row[3][:30]
)
def test_every_symbol_is_one_of_glibcs(row: list[str]) -> None:
    """At one of the versions, on one of the architectures that it is said for: what is misspelt is nowhere."""
    _kind, library, versions, symbols, _to, _needs, archs, *_ = row
    if not library.startswith(("libc.", "libm.", "libpthread.", "libdl.", "librt.")) or symbols == ANY:
        return
    ports = [arch.value for arch in Architecture] if archs == ANY else archs.split(",")
    for symbol in symbols.split(" "):
        found = [
            version
            for version in versions.split(" ")
            for arch in ports
            if load_glibc_history(arch).since(library, symbol, version) is not None
        ]
        assert found, symbol


@pytest.mark.parametrize("arch", PORTS)
def test_what_takes_the_place_is_there(arch: str) -> None:
    """Each binding exists on the oldest glibc that it is for, and on every later one."""
    judge, history = lowering(arch), load_glibc_history(arch)
    bound = 0
    for reference, _ in every(arch):
        first = judge.first(reference)
        if first is None:
            continue
        chosen = judge.choose(reference, first)
        if not isinstance(chosen, Binding) or chosen.library is None or not history.knows(chosen.library):
            continue
        bound += 1
        assert history.is_exported(chosen.library, chosen.symbol, chosen.version, first), chosen
        for release in range(first[1], history.newest[1] + 1):
            assert history.providers(chosen.symbol, chosen.version, (2, release)), (chosen, release)
    assert bound > 100


@pytest.mark.parametrize("arch", PORTS)
def test_treatments_hold_upwards(arch: str) -> None:
    """What can be lowered to X.Y can be lowered to everything above."""
    judge = lowering(arch)
    known = policies(load_knowledge(), Libc.GLIBC, arch).versions
    for reference, _ in every(arch):
        possible = [
            not isinstance(judge.choose(reference, version), Refusal) for version in known if version >= judge.lowest
        ]
        assert possible == sorted(possible), reference


def test_an_older_version_alone_is_not_enough() -> None:
    """totalorder, cfgetospeed and fromfp changed their meaning or their arguments; a program's start as well."""
    judge = lowering("x86_64")
    for library, symbol, version in (
        ("libm.so.6", "totalorder", "GLIBC_2.31"),
        ("libc.so.6", "cfgetospeed", "GLIBC_2.42"),
        ("libc.so.6", "__libc_start_main", "GLIBC_2.34"),
        ("libm.so.6", "fromfp", "GLIBC_2.43"),
    ):
        refusal = judge.choose(Reference(library, symbol, version, weak=False), (2, 28))
        assert isinstance(refusal, Refusal)
        assert refusal.reason == "an older version exists, and means something else or was never compared"


def test_order_of_preference() -> None:
    """Moved before weak, weak before shim; and a shim where there is nothing to move to."""
    judge = lowering("x86_64")
    clockwait = Reference("libc.so.6", "pthread_cond_clockwait", "GLIBC_2.34", weak=False)
    moved, shim = judge.choose(clockwait, (2, 31)), judge.choose(clockwait, (2, 17))
    assert isinstance(moved, Binding)
    assert isinstance(shim, Binding)
    assert (moved.library, moved.version) == ("libpthread.so.0", "GLIBC_2.30")
    assert (shim.treatment.kind, shim.symbol) == (TreatmentKind.SHIM, "perennial_pthread_cond_clockwait")
    statx = judge.choose(Reference("libc.so.6", "statx", "GLIBC_2.28", weak=True), (2, 17))
    strong = judge.choose(Reference("libc.so.6", "statx", "GLIBC_2.28", weak=False), (2, 17))
    assert isinstance(statx, Binding)
    assert isinstance(strong, Binding)
    assert (statx.treatment.kind, strong.treatment.kind) == (TreatmentKind.WEAK, TreatmentKind.SHIM)


def test_what_a_reference_without_version_finds_is_settled() -> None:
    """glibc, check_match: the definition at the first node, or else the default one; not one of the two."""
    judge = lowering("x86_64")
    weak = Reference("libc.so.6", "pthread_cond_clockwait", "GLIBC_2.34", weak=True)  # @@GLIBC_2.34, @GLIBC_2.30
    chosen = judge.choose(weak, (2, 17))
    assert isinstance(chosen, Binding)
    assert chosen.treatment.kind is TreatmentKind.WEAK
    either = Reference("libc.so.6", "fmemopen", "GLIBC_2.22", weak=True)  # @@GLIBC_2.22, and @GLIBC_2.2.5 at the first
    assert isinstance(judge.choose(either, (2, 17)), Refusal)


@needs_compiler
def test_a_reference_without_version_by_this_systems_loader(tmp_path: Path) -> None:
    """Of a symbol that has a default version and an older one, both above the first node, it finds the default one."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("the rule is that of glibc's loader")
    history = load_glibc_history("x86_64")
    found = [e.version for e in history.exports("libc.so.6", "pthread_cond_clockwait") if e.at(system_glibc())]
    if platform.machine() != "x86_64" or found != ["GLIBC_2.30", "GLIBC_2.34"]:
        pytest.skip("this system's libc.so.6 does not have pthread_cond_clockwait in two versions")
    code = (
        "extern int pthread_cond_clockwait() __attribute__((weak)); int found() { return pthread_cond_clockwait != 0; }"
    )
    library = compile_c(code, tmp_path / "probe.so", "-shared", "-fPIC", "-nostdlib")
    assert read_elf(library.read_bytes()).verneeds == ()
    assert ctypes.CDLL(str(library)).found() == 1


def system_glibc() -> tuple[int, int]:
    major, minor = platform.libc_ver()[1].split(".")[:2]
    return int(major), int(minor)


def test_traps_have_to_be_allowed() -> None:
    known = policies(load_knowledge(), Libc.GLIBC, "x86_64")
    reference = Reference("libc.so.6", "strtof128", "GLIBC_2.26", weak=False)
    refusal = Lowering(known).choose(reference, (2, 17))
    assert isinstance(refusal, Refusal)
    assert "--allow-trap" in refusal.reason
    allowed = Lowering(known, traps=True).choose(reference, (2, 17))
    assert isinstance(allowed, Binding)
    assert allowed.treatment.kind is TreatmentKind.TRAP


# What the experiments that came before had a treatment for, and we have not, or another one.
OTHERWISE: Final = {
    "__libc_start_main@GLIBC_2.34": "the older one leaves constructors to start files that no longer do it",
}


@pytest.mark.skipif(not FACTS.is_file(), reason="shared/facts is not beside this checkout")
@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_what_was_tried_before_is_treated(arch: str) -> None:
    facts: dict[str, dict[str, Any]] = json.loads(FACTS.read_text(encoding="utf-8"))[f"{arch}-linux-gnu"]
    judge = Lowering(policies(load_knowledge(), Libc.GLIBC, arch), traps=True)
    refused = set()
    for name, fact in facts.items():
        symbol, _, version = name.partition("@")
        chosen = judge.choose(Reference(fact["lib"], symbol, version, weak=False), (2, 17))
        if not isinstance(chosen, Binding):
            refused.add(name)
        elif fact["treatment"] == "rever" and chosen.version is not None:
            assert f"{chosen.symbol}@{chosen.version}" == fact["to"], name
    assert refused == set(OTHERWISE)
