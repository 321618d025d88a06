"""The shipped systems: complete, and what this machine's own libraries say where they are the same builds."""

from __future__ import annotations

import json
from typing import Final

import pytest

from perennial.audit.captures import runtime_symbols
from perennial.coload.library import Library, read_library
from perennial.coload.library_format import decode_library, encode_library
from perennial.coload.profile import Profile, load_profile, names_of_interest, shipped_releases
from perennial.elf.export_hashes import hash_word
from perennial.elf.linkage import SymbolKind
from perennial.errors import KnowledgeError, UsageError
from perennial.system import Root

ARCHITECTURES: Final = ("x86_64", "aarch64")
RELEASES: Final = ("debian:11", "debian:12", "debian:13", "debian:testing", "debian:unstable")
SHIPPED: Final = [(release, architecture) for architecture in ARCHITECTURES for release in RELEASES]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_shipped(architecture: str) -> None:
    assert shipped_releases(architecture) == RELEASES
    assert load_profile(None, architecture).name == "Debian 13"


@pytest.mark.parametrize(("release", "architecture"), SHIPPED)
def test_a_shipped_system_is_whole(release: str, architecture: str) -> None:
    profile = load_profile(release, architecture)
    for library in (profile.program, *profile.libraries.values()):
        assert library.elf.architecture == architecture
        assert set(library.elf.needed) <= profile.libraries.keys(), library.name
    libstdcxx = profile.libraries["libstdc++.so.6"].linkage
    once = libstdcxx.definitions["_ZSt15__once_callable"][0]
    assert (once.kind, once.size, once.version) == (SymbolKind.TLS, 8, "GLIBCXX_3.4.11")
    assert {"libz.so.1", "libexpat.so.1"} <= set(profile.program.elf.needed)
    assert {"malloc", "_Znwm", "Py_Initialize", "deflate", "_Unwind_Resume"} <= names_of_interest(profile)


def test_a_standalone_interpreter_needs_the_c_library_only() -> None:
    assert load_profile("debian:11", "x86_64", standalone=True).program.elf.needed == (
        "libpthread.so.0", "libdl.so.2", "libutil.so.1", "librt.so.1", "libm.so.6", "libc.so.6",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("release", "architecture"), [("debian:9", "x86_64"), (None, "s390x"), (None, "../x86_64"), ("", "x86_64")]
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


def test_the_shipped_linkage_is_that_of_real_libraries() -> None:
    pairs = [pair for release in RELEASES for pair in _installed(load_profile(release, "x86_64"))]
    if not pairs:
        pytest.skip("this machine has none of the builds that are shipped")
    for shipped, real in pairs:
        assert shipped.linkage == real.linkage, shipped.path
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
    assert kinds["_Znwm"] == "allocator"
    assert kinds["__cxa_throw"] == "exceptions"
    assert "malloc" not in kinds
    referred = {
        (reference.name, soname)
        for release, architecture in SHIPPED
        for soname, library in load_profile(release, architecture).libraries.items()
        for reference in library.linkage.references
        if not reference.binds_locally
    }
    assert {(symbol.name, symbol.library) for symbol in table} <= referred
