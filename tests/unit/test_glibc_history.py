"""What is known of glibc's history: single facts with their source, and laws that hold for all of it."""

from __future__ import annotations

import importlib.util
import os
import runpy
import time
from pathlib import Path

import pytest

from perennial.errors import KnowledgeError
from perennial.knowledge.glibc_history import GlibcHistory, load_glibc_history
from perennial.knowledge.libraries import load_libraries
from perennial.knowledge.nodes import load_families
from perennial.knowledge.tables import DATA, numbers

ROOT = Path(__file__).parents[2]
ARCHES = ("aarch64", "armv7l", "i686", "loongarch64", "ppc64", "ppc64le", "riscv64", "s390x", "x86_64")
LIBC = "libc.so.6"
PTHREAD = "libpthread.so.0"


def ziglang_file(*parts: str) -> Path:
    """A file of the ziglang package, installed or in the folder that PERENNIAL_ZIGLANG names."""
    folder = os.environ.get("PERENNIAL_ZIGLANG")
    spec = importlib.util.find_spec("ziglang")
    if not folder and spec is not None and spec.submodule_search_locations:
        folder = spec.submodule_search_locations[0]
    path = Path(folder or "ziglang", "lib", "libc", *parts)
    if not path.is_file():
        pytest.skip("needs the ziglang package: installed, or its folder in PERENNIAL_ZIGLANG")
    return path


@pytest.mark.parametrize(
    ("arch", "library", "symbol", "version", "since"),
    [
        # glibc 2.14 NEWS: memcpy copies upwards no more; x86_64 only
        ("x86_64", LIBC, "memcpy", "GLIBC_2.14", (2, 14)),
        ("x86_64", LIBC, "memcpy", "GLIBC_2.2.5", (2, 2)),
        ("x86_64", LIBC, "memcpy", None, (2, 2)),
        ("i686", LIBC, "memcpy", "GLIBC_2.14", None),
        ("i686", LIBC, "memcpy", "GLIBC_2.0", (2, 0)),
        # 2.17 NEWS: new port
        ("aarch64", LIBC, "memcpy", "GLIBC_2.17", (2, 17)),
        # 2.36 NEWS: "The functions arc4random, arc4random_buf, and arc4random_uniform have been added"
        ("x86_64", LIBC, "arc4random", None, (2, 36)),
        # 2.34 NEWS: "all functionality formerly implemented in the libraries libpthread, libdl, libutil, libanl"
        ("x86_64", LIBC, "pthread_create", "GLIBC_2.34", (2, 34)),
        ("x86_64", LIBC, "pthread_create", "GLIBC_2.2.5", (2, 34)),
        ("x86_64", PTHREAD, "pthread_create", "GLIBC_2.2.5", (2, 2)),
        ("x86_64", PTHREAD, "pthread_create", "GLIBC_2.34", None),
        ("i686", PTHREAD, "pthread_create", "GLIBC_2.1", (2, 1)),
        ("x86_64", "libdl.so.2", "dlopen", "GLIBC_2.2.5", (2, 2)),
        ("x86_64", LIBC, "dlopen", None, (2, 34)),
        ("x86_64", "libanl.so.1", "getaddrinfo_a", "GLIBC_2.2.5", (2, 2)),
        ("x86_64", LIBC, "getaddrinfo_a", "GLIBC_2.34", (2, 34)),
        # 2.34 NEWS: __libc_start_main runs constructors itself
        ("x86_64", LIBC, "__libc_start_main", "GLIBC_2.34", (2, 34)),
        ("x86_64", LIBC, "__libc_start_main", "GLIBC_2.2.5", (2, 2)),
        # 2.28 NEWS
        ("x86_64", LIBC, "fcntl64", "GLIBC_2.28", (2, 28)),
        ("x86_64", LIBC, "statx", "GLIBC_2.28", (2, 28)),
        ("x86_64", "libm.so.6", "pow", "GLIBC_2.29", (2, 29)),
        # 2.35 and 2.38 NEWS
        ("x86_64", LIBC, "_dl_find_object", "GLIBC_2.35", (2, 35)),
        ("x86_64", LIBC, "__isoc23_strtol", "GLIBC_2.38", (2, 38)),
        # 2.43: C23's free_sized
        ("x86_64", LIBC, "free_sized", "GLIBC_2.43", (2, 43)),
        # 2.18, the only node of its own that aarch64 has there
        ("aarch64", LIBC, "_mcount", "GLIBC_2.18", (2, 18)),
        # glibc, elf/Versions
        ("i686", LIBC, "_Unwind_Find_FDE", "GCC_3.0", (2, 3)),
        ("x86_64", LIBC, "_Unwind_Find_FDE", None, None),
        # 2.27 and 2.36 NEWS: new ports
        ("riscv64", LIBC, "memcpy", None, (2, 27)),
        ("loongarch64", LIBC, "memcpy", None, (2, 36)),
        ("loongarch64", LIBC, "pthread_create", None, (2, 36)),
        ("loongarch64", PTHREAD, "pthread_create", None, None),
        ("x86_64", "ld-linux-x86-64.so.2", "__tls_get_addr", "GLIBC_2.3", (2, 3)),
        ("s390x", "ld64.so.1", "__tls_get_offset", None, (2, 3)),
        ("x86_64", LIBC, "no_such_function", None, None),
    ],
)
def test_since(arch: str, library: str, symbol: str, version: str | None, since: tuple[int, int] | None) -> None:
    assert load_glibc_history(arch).since(library, symbol, version) == since


def test_removed_symbols_end() -> None:
    """2.34 NEWS: malloc_get_state and malloc_set_state "have been moved" to libc_malloc_debug."""
    history = load_glibc_history("x86_64")
    assert history.until(LIBC, "malloc_get_state", "GLIBC_2.2.5") == (2, 33)
    assert history.is_exported(LIBC, "malloc_get_state", "GLIBC_2.2.5", (2, 33))
    assert not history.is_exported(LIBC, "malloc_get_state", None, (2, 34))
    assert load_glibc_history("riscv64").versions(LIBC, "malloc_get_state") == ()
    assert history.until("ld-linux-x86-64.so.2", "malloc") == (2, 31)
    assert history.until(LIBC, "malloc") is None


def test_the_move_of_threads_into_libc() -> None:
    history = load_glibc_history("x86_64")
    assert history.until(PTHREAD, "pthread_create") == (2, 33)
    assert history.providers("pthread_create", "GLIBC_2.2.5", (2, 33)) == (PTHREAD,)
    assert history.providers("pthread_create", "GLIBC_2.2.5", (2, 34)) == (LIBC,)
    assert history.versions(LIBC, "pthread_create") == ("GLIBC_2.2.5", "GLIBC_2.34")
    # one that moved before the others, and got a new version there
    assert history.since(LIBC, "pthread_sigmask") == (2, 32)
    assert history.until(PTHREAD, "pthread_sigmask") == (2, 31)


def test_what_is_and_is_not_known() -> None:
    history = load_glibc_history("aarch64")
    assert history.newest == (2, 44)
    assert history.knows(LIBC) and history.knows("ld-linux-aarch64.so.1")
    assert not history.knows("ld-linux-x86-64.so.2")
    assert not history.knows("libmvec.so.1") and not history.knows("libnsl.so.1")
    assert history.since("libmvec.so.1", "_ZGVnN2v_sin") is None
    assert history.symbols("libmvec.so.1") == frozenset()
    assert history.since(LIBC, "__libc_early_init", "GLIBC_PRIVATE") is None
    assert load_glibc_history("aarch64") is history


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="sparc64"):
        load_glibc_history("sparc64")


@pytest.mark.parametrize("arch", ARCHES)
def test_exports_are_in_order_and_within_bounds(arch: str) -> None:
    history = load_glibc_history(arch)
    count = 0
    for library in history.libraries:
        for symbol in history.symbols(library):
            exports = history.exports(library, symbol)
            assert symbol.replace("_", "a").isalnum() and not symbol[0].isdigit()
            assert exports
            plain = [export for export in exports if export.version.startswith("GLIBC_")]
            nodes = [numbers(export.version.removeprefix("GLIBC_")) for export in plain]
            assert nodes == sorted(set(nodes))
            assert all(export.since >= node[:2] for export, node in zip(plain, nodes, strict=True))
            for export in exports:
                assert (2, 0) <= export.since <= (export.until or history.newest) <= history.newest
            count += len(exports)
    assert count > 3000


@pytest.mark.parametrize("arch", ARCHES)
def test_each_symbol_stands_in_one_row(arch: str) -> None:
    """`changing` and `removed` look at rows one by one; a second row could say otherwise of a symbol."""
    history = load_glibc_history(arch)
    for library in history.libraries:
        symbols = [symbol for row in history._load(library) for symbol in row.unfolded]
        assert len(symbols) == len(set(symbols)) == len(history.symbols(library))


@pytest.mark.parametrize("arch", ARCHES)
def test_provided_is_exported_by_some_library(arch: str) -> None:
    history = load_glibc_history(arch)
    for symbol, version in (("pthread_create", None), ("memcpy", "GLIBC_2.14"), ("gets", None), ("no_such", None)):
        for minor in range(5, history.newest[1] + 1):
            release = (2, minor)
            assert history.is_provided(symbol, version, release) is bool(history.providers(symbol, version, release))


@pytest.mark.parametrize("arch", ARCHES)
def test_nothing_is_lost_by_a_move(arch: str) -> None:
    """What the old libraries had in 2.33, under a version, libc.so.6 has under it in 2.34."""
    history = load_glibc_history(arch)
    moved = 0
    for library in (PTHREAD, "libdl.so.2", "librt.so.1", "libutil.so.1", "libanl.so.1"):
        for symbol in history.symbols(library):
            for export in history.exports(library, symbol):
                assert export.until is not None
                if export.at((2, 33)):
                    assert history.is_exported(LIBC, symbol, export.version, (2, 34)), (library, symbol)
                    moved += 1
    assert moved > 200 or arch == "loongarch64"


@pytest.mark.parametrize("arch", ARCHES)
def test_versions_are_nodes_that_the_knowledge_of_releases_has(arch: str) -> None:
    """Two sources: measured releases (nodes.tsv), and this. Nodes that only old libraries had count as known."""
    history = load_glibc_history(arch)
    nodes = set(load_families(arch)["GLIBC"].nodes)
    used = {
        export.version
        for symbol in history.symbols(LIBC)
        for export in history.exports(LIBC, symbol)
        if export.version.startswith("GLIBC_") and export.until is None
    }
    assert used <= nodes


@pytest.mark.parametrize("arch", ARCHES)
def test_its_libraries_are_those_that_policies_allow(arch: str) -> None:
    """Every glibc library that a policy allows is covered, but for the two that are not in the tables."""
    allowed = {name for name, library in load_libraries("glibc", arch).items() if "GLIBC" in library.families}
    assert allowed - set(load_glibc_history(arch).libraries) <= {"libnsl.so.1", "libmvec.so.1"}


def test_tables_are_small_and_quick() -> None:
    assert sum(path.stat().st_size for path in Path(DATA, "glibc").glob("*.tsv")) < 60_000
    best = 1.0
    for _ in range(7):
        start = time.process_time()
        history = GlibcHistory("x86_64")
        for library in history.libraries:
            history.exports(library, "")
        best = min(best, time.process_time() - start)
    assert best < 0.008


def test_the_shipped_tables_are_what_the_script_writes() -> None:
    make = runpy.run_path(str(ROOT / "scripts" / "make_glibc_history.py"))
    table = make["build"](ziglang_file("glibc", "abilists").read_bytes())
    files = make["render"](table)
    assert files == {path.name: path.read_text(encoding="utf-8") for path in Path(DATA, "glibc").glob("*.tsv")}


def test_every_export_is_decoded_as_it_was_meant() -> None:
    make = runpy.run_path(str(ROOT / "scripts" / "make_glibc_history.py"))
    table = make["build"](ziglang_file("glibc", "abilists").read_bytes())
    meant = {
        (arch, library, symbol, node if "_" in node else f"GLIBC_{node}", since, until)
        for (arch, library, symbol), exports in table.items()
        for node, since, until in exports.values()
    }
    decoded = set()
    for arch in ARCHES:
        history = load_glibc_history(arch)
        for soname in history.libraries:
            library = "ld" if soname.startswith("ld") else soname.removeprefix("lib").partition(".")[0]
            for symbol in history.symbols(soname):
                for export in history.exports(soname, symbol):
                    until = make["ENDLESS"] if export.until is None else export.until[1]
                    decoded.add((arch, library, symbol, export.version, export.since[1], until))
    assert decoded == meant
