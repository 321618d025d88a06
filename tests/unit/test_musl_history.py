"""What is known of musl's history: single facts with their source, laws, and Debian's packages."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from perennial.elf.read import read_elf
from perennial.errors import KnowledgeError
from perennial.knowledge.musl_history import RELEASES, load_musl_history
from perennial.knowledge.tables import DATA, numbers
from tests.differential.test_glibc_history_against_libc import debian_package
from tests.unit.test_glibc_history import ziglang_file

ROOT = Path(__file__).parents[2]
ARCHES = ("aarch64", "armv7l", "i686", "loongarch64", "ppc64le", "riscv64", "s390x", "x86_64")


@pytest.mark.parametrize(
    ("arch", "symbol", "since"),
    [
        # musl's WHATSNEW, by release
        ("x86_64", "memcpy", "1.1.20"),
        ("x86_64", "membarrier", "1.1.22"),
        ("x86_64", "secure_getenv", "1.1.24"),
        ("x86_64", "gettid", "1.2.2"),
        ("x86_64", "reallocarray", "1.2.2"),
        ("x86_64", "qsort_r", "1.2.3"),
        ("x86_64", "pthread_getname_np", "1.2.3"),
        ("x86_64", "statx", "1.2.5"),
        ("x86_64", "preadv2", "1.2.5"),
        ("x86_64", "renameat2", "1.2.6"),
        # ports
        ("riscv64", "memcpy", "1.1.23"),
        ("loongarch64", "memcpy", "1.2.5"),
        ("loongarch64", "fopen64", "1.2.5"),
        # 1.2.0: "functions involving time are overhauled to be time64-ready in 32-bit archs"
        ("i686", "__clock_gettime64", "1.2.0"),
        ("armv7l", "__stat_time64", "1.2.0"),
        ("x86_64", "__clock_gettime64", None),
        ("i686", "___tls_get_addr", "1.1.20"),
        ("x86_64", "arc4random", None),
        ("x86_64", "__memcpy_chk", None),
    ],
)
def test_since(arch: str, symbol: str, since: str | None) -> None:
    assert load_musl_history(arch).since(symbol) == since


def test_a_symbol_by_release() -> None:
    history = load_musl_history("x86_64")
    assert history.exports("statx", "1.2.4") is False
    assert history.exports("statx", "1.2.5") is True
    assert history.exports("no_such_function", "1.2.5") is False
    assert history.newest == RELEASES[-1]
    assert history.exports("statx", "1.3.0") is True, "a later release is taken to have what the newest has"


def test_what_is_not_known_is_none() -> None:
    assert load_musl_history("x86_64").exports("memcpy", "1.1.19") is None
    assert load_musl_history("x86_64").exports("memcpy", "edge") is None
    assert load_musl_history("riscv64").exports("memcpy", "1.1.22") is None
    assert load_musl_history("loongarch64").exports("memcpy", "1.2.4") is None


def test_an_architecture_without_a_port_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="ppc64"):
        load_musl_history("ppc64")


def test_names_for_large_files_stay_at_run_time() -> None:
    """WHATSNEW 1.2.4 removes them for the linker; get_lfs64 in ldso/dynlink.c still finds them."""
    history = load_musl_history("x86_64")
    for release in RELEASES:
        assert history.exports("fopen64", release) is True
        assert history.is_linkable("fopen64", release) is (numbers(release) < (1, 2, 4))
    assert history.since("fopen64") == "1.1.20"
    assert history.missing("fopen64") == ()


def test_the_one_that_the_dynamic_linker_missed() -> None:
    """Run with real libraries: "Error relocating: posix_fallocate64: symbol not found" on 1.2.4 and 1.2.5."""
    for arch in set(ARCHES) - {"loongarch64"}:
        assert load_musl_history(arch).missing("posix_fallocate64") == ("1.2.4", "1.2.5")
    assert load_musl_history("loongarch64").missing("posix_fallocate64") == ("1.2.5",)
    assert load_musl_history("loongarch64").since("posix_fallocate64") == "1.2.6"


def test_a_gap_on_32_bit_ports() -> None:
    assert load_musl_history("i686").missing("__xstat") == ("1.2.0", "1.2.1", "1.2.2", "1.2.3")
    assert load_musl_history("x86_64").missing("__xstat") == ()


@pytest.mark.parametrize("arch", ARCHES)
def test_hardly_anything_ever_goes(arch: str) -> None:
    history = load_musl_history(arch)
    gone = {symbol for symbol in history.symbols if history.exports(symbol, history.newest) is False}
    assert gone == ({"__restore", "__restore_rt"} if arch == "riscv64" else set())
    assert len(history.symbols) > 1650
    assert all(history.since(symbol) is not None for symbol in history.symbols)


@pytest.mark.parametrize("arch", ["armv7l", "i686"])
def test_time64_names_are_of_32_bit_ports_only(arch: str) -> None:
    only = load_musl_history(arch).symbols - load_musl_history("x86_64").symbols
    time64 = {symbol for symbol in only if load_musl_history(arch).since(symbol) == "1.2.0"}
    assert len(time64) == 63
    assert all("64" in symbol for symbol in time64)


def test_the_shipped_table_is_what_the_script_writes() -> None:
    make = runpy.run_path(str(ROOT / "scripts" / "make_musl_history.py"))
    text = ziglang_file("musl", "libc.S").read_text(encoding="utf-8")
    assert make["render"](make["build"](text)) == Path(DATA, "musl", "symbols.tsv").read_text(encoding="utf-8")


FTS = {"fts_children", "fts_close", "fts_open", "fts_read", "fts_set"}
CRYPT = {"crypt", "crypt_r", "encrypt", "setkey"}
# Debian's suite and release of musl -> what Debian's has besides, and what it lacks.
DEBIAN: dict[tuple[str, str], tuple[set[str], set[str]]] = {
    ("bullseye", "1.2.2"): (set(), set()),
    ("bookworm", "1.2.3"): (FTS, CRYPT),  # patches; built without its own crypt
    ("trixie", "1.2.5"): (FTS | {"renameat2"}, set()),  # the latter from musl's next release
}


@pytest.mark.wheels
@pytest.mark.parametrize(("debian_arch", "arch"), [("amd64", "x86_64"), ("i386", "i686"), ("armhf", "armv7l")])
@pytest.mark.parametrize(("suite", "release"), DEBIAN)
def test_against_debians_packages(suite: str, release: str, debian_arch: str, arch: str, tmp_path: Path) -> None:
    version, folder = debian_package("musl", suite, debian_arch, tmp_path)
    if not version.startswith(f"{release}-"):
        pytest.skip(f"{suite} has musl {version} now")
    (library,) = folder.rglob("libc.so")
    real = {symbol.name for symbol in read_elf(library.read_bytes(), exports=True).exports or ()}
    history = load_musl_history(arch)
    table = {symbol for symbol in history.symbols if history.is_linkable(symbol, release)}
    besides, lacks = DEBIAN[suite, release]
    assert real - table == besides
    assert table - real == lacks
