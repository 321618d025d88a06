"""The shipped systems: complete, and what this machine's own libraries say where they are the same builds."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from perennial.audit.captures import runtime_symbols
from perennial.coload.library import Library, read_library
from perennial.coload.library_format import decode_library, encode_library
from perennial.coload.profile import FOLDER, Profile, is_c_library, load_profile, names_of_interest, shipped_releases
from perennial.elf.export_hashes import hash_word
from perennial.elf.linkage import Linkage, SymbolKind
from perennial.errors import KnowledgeError, UsageError
from perennial.knowledge.tables import DATA
from perennial.system import Root

RELEASES: Final = ("debian:11", "debian:12", "debian:13", "debian:testing", "debian:unstable")
# What Debian's mirrors have: riscv64 came with 13, loongarch64 will with the next; 11 is kept up on four.
ARCHITECTURES: Final = {
    "x86_64": RELEASES,
    "i686": RELEASES,
    "aarch64": RELEASES,
    "armv7l": RELEASES,
    "ppc64le": RELEASES[1:],
    "s390x": RELEASES[1:],
    "riscv64": RELEASES[2:],
    "loongarch64": RELEASES[3:],
}
SHIPPED: Final = [(release, architecture) for architecture in ARCHITECTURES for release in ARCHITECTURES[architecture]]
shipped = cache(load_profile)
NARROW: Final = ("i686", "armv7l")  # 32 bits: size_t is `unsigned int`, `j` in mangled names


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_shipped(architecture: str) -> None:
    assert shipped_releases(architecture) == ARCHITECTURES[architecture]
    expected = "Debian testing" if architecture == "loongarch64" else "Debian 13"
    assert load_profile(None, architecture).name == expected


def test_its_size_is_bounded() -> None:
    """It is most of what a wheel of perennial has to carry."""
    assert sum(path.stat().st_size for path in Path(DATA, FOLDER).iterdir()) < 1_000_000


@pytest.mark.parametrize(("release", "architecture"), SHIPPED)
def test_a_shipped_system_is_whole(release: str, architecture: str) -> None:
    profile = shipped(release, architecture)
    for library in (profile.program, *profile.libraries.values()):
        assert library.elf.architecture == architecture
        assert set(library.elf.needed) <= profile.libraries.keys(), library.name
    libstdcxx = profile.libraries["libstdc++.so.6"].linkage
    once = libstdcxx.definitions["_ZSt15__once_callable"][0]
    narrow = architecture in NARROW
    # The node is that of GCC 4.4; newer ports begin with one of their own.
    assert (once.kind, once.size) == (SymbolKind.TLS, 4 if narrow else 8)
    assert once.version in ("GLIBCXX_3.4.11", "GLIBCXX_3.4")
    assert {"libz.so.1", "libexpat.so.1"} <= set(profile.program.elf.needed)
    new = "_Znwj" if narrow else "_Znwm"
    assert {"malloc", new, "Py_Initialize", "deflate", "_Unwind_Resume"} <= names_of_interest(profile)
    assert sum(is_c_library(name) for name in profile.libraries) >= 6
    assert is_c_library(standalone_loader(profile))


def standalone_loader(profile: Profile) -> str:
    """The soname of ld.so, whose name each architecture has for itself."""
    (name,) = (name for name in profile.libraries if name.startswith("ld"))
    return name


@pytest.mark.parametrize(("release", "architecture"), SHIPPED)
def test_shipped_symbols_are_in_order(release: str, architecture: str) -> None:
    """That of the alphabet: it makes the files a third smaller, and findings do not depend on it."""
    profile = shipped(release, architecture)
    for library in (profile.program, *profile.libraries.values()):
        assert list(library.linkage.definitions) == sorted(library.linkage.definitions)
        names = [reference.name for reference in library.linkage.references]
        assert names == sorted(names)


def test_a_standalone_interpreter_needs_the_c_library_only() -> None:
    assert load_profile("debian:11", "x86_64", standalone=True).program.elf.needed == (
        "libpthread.so.0", "libdl.so.2", "libutil.so.1", "librt.so.1", "libm.so.6", "libc.so.6",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("release", "architecture"),
    [
        ("debian:9", "x86_64"),
        ("debian:12", "riscv64"),
        ("", "x86_64"),
        (None, "ppc64"),
        (None, "../x86_64"),
    ],
)
def test_what_is_not_shipped(release: str | None, architecture: str) -> None:
    with pytest.raises((UsageError, KnowledgeError)):
        load_profile(release, architecture)


def _installed(profile: Profile) -> list[tuple[Library, Library]]:
    """Shipped libraries with this machine's own, where these are the same builds."""
    root = Root("/")
    pairs = []
    for shipped in (profile.program, *profile.libraries.values()):
        data = root.read(shipped.path)
        if data is not None:
            library = read_library(data, shipped.path, None)
            if library.elf.build_id == shipped.elf.build_id:
                pairs.append((shipped, library))
    return pairs


def contents(linkage: Linkage) -> tuple[object, ...]:
    """All but the order of the symbols."""
    return linkage.definitions, sorted(map(repr, linkage.references)), linkage.is_versioned, linkage.is_symbolic


def test_the_shipped_linkage_is_that_of_real_libraries() -> None:
    pairs = [pair for release in RELEASES for pair in _installed(load_profile(release, "x86_64"))]
    if not pairs:
        pytest.skip("this machine has none of the builds that are shipped")
    for shipped, real in pairs:
        assert contents(shipped.linkage) == contents(real.linkage), shipped.path
        assert shipped.symbolic == real.symbolic
        for field in ("soname", "needed", "rpath", "runpath", "flags", "tls", "stack", "abi"):
            assert getattr(shipped.elf, field) == getattr(real.elf, field), (shipped.path, field)


def test_a_record_holds_all() -> None:
    for library in load_profile("debian:12", "x86_64").libraries.values():
        record = json.loads(json.dumps(encode_library(library)))
        assert decode_library(record, None) == library


@pytest.mark.parametrize("damage", ["defines", "traits", "stack", "left_out", "abi"])
def test_a_damaged_record_is_none(damage: str) -> None:
    record = encode_library(load_profile("debian:12", "x86_64").libraries["libz.so.1"])
    for value in (None, [None], "?", 7, ["x"]):
        with pytest.raises(ValueError):
            decode_library(record | {damage: value}, None)
    with pytest.raises(ValueError, match="not the record"):
        decode_library([], None)


def test_runtime_symbols_are_those_that_the_libraries_refer_to() -> None:
    table = runtime_symbols()
    assert all(symbol.word == hash_word(symbol.name) for symbol in table)
    kinds = {symbol.name: symbol.kind for symbol in table}
    assert kinds["_ZSt11__once_call"] == "thread-local variable"
    assert kinds["_Znwm"] == kinds["_Znwj"] == "allocator"
    assert kinds["__cxa_throw"] == "exceptions"
    assert "malloc" not in kinds
    referred = {
        (reference.name, soname)
        for release, architecture in SHIPPED
        for soname, library in shipped(release, architecture).libraries.items()
        for reference in library.linkage.references
        if not reference.binds_locally
    }
    assert {(symbol.name, symbol.library) for symbol in table} <= referred
