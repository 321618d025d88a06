"""Each rule about several packages finds what it is for, in the order that it is about, and nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from perennial.coload.analysis import analyse_pairs
from perennial.coload.facts_cache import FactsCache
from perennial.coload.gather import gather
from perennial.coload.package import read_package
from perennial.coload.profile import load_profile
from perennial.coload.rules import RULES
from perennial.coload.sources import ShippedSystem, WheelSource
from tests.support.elf_builder import Export, Import, elf
from tests.support.wheel_builder import wheel

TAGS: Final = "cp312-cp312-manylinux_2_17_x86_64"
LIBC, LIBSTDCXX, LIBGOMP = "libc.so.6", "libstdc++.so.6", "libgomp.so.1"
CODE_GLOBAL: Final = b"import sys, os\nsys.setdlopenflags(os.RTLD_GLOBAL | os.RTLD_NOW)\n"
CODE_MAYBE: Final = b"import sys, os\ndef later():\n    sys.setdlopenflags(os.RTLD_GLOBAL)\n"
STATIC_TLS: Final = 0x10
ACTIVE: Final = "_ZN6google8protobuf8internal4initEv"
EMPTY: Final = "_ZZN6google8protobuf8internal5emptyEvE1s"

Files = Mapping[str, bytes]


def module(*imports: str | Import, exports: tuple[Export, ...] = (), **fields: Any) -> bytes:
    fields.setdefault("needed", (LIBC,))
    return elf(
        imports=tuple(Import(one) if isinstance(one, str) else one for one in (*imports, "PyModule_Create2")),
        exports=(Export("PyInit__core"), *exports), relocations=True, **fields,
    )  # fmt: skip


def library(soname: str, *exports: Export, build: bytes = b"", **fields: Any) -> bytes:
    fields.setdefault("needed", (LIBC,))
    return elf(soname=soname, exports=exports, build_id=build or None, **fields)


def package(content: bytes, code: bytes = b"", **beside: bytes) -> dict[str, bytes]:
    """A package with an extension module; `beside` are libraries in the same folder, by their number in the test."""
    return {"_core.cpython-312-x86_64-linux-gnu.so": content, "__init__.py": code, **beside}


def with_library(soname: str, content: bytes, *imports: str, **fields: Any) -> dict[str, bytes]:
    own = module(*imports, needed=(soname, LIBC), runpath="$ORIGIN", **fields)
    return {**package(own), soname: content}


def twice(symbol: str, *, code: bytes) -> tuple[Files, Files]:
    """Two packages with a definition of one function each; the first is loaded with `code`'s flags."""
    first = package(module(exports=(Export(symbol),)), code)
    second = with_library("libown-1.so", library("libown-1.so", Export(symbol)), symbol)
    return first, second


def std_init(soname: str) -> bytes:
    return library(soname, Export("_ZNSt8ios_base4InitC1Ev"))


def foo(symbol: str, build: bytes) -> bytes:
    return library("libfoo.so.1", Export(symbol), build=build)


def unique(size: int, name: str = "_ZZ1gvE1s") -> Export:
    return Export(name, unique=True, kind="object", data=bytes(size))


PLAIN: Final = package(module())
CASES: Final[dict[str, tuple[Files, Files, dict[tuple[str, ...], str]]]] = {
    # rule: (package a, package b, severity by order)
    "static-tls-exhausted": (
        package(module(dt_flags=STATIC_TLS, tls=(1000, 8))),
        package(module(dt_flags=STATIC_TLS, tls=(700, 8))),
        {("a", "b"): "error", ("b", "a"): "error"},
    ),
    "executable-stack": (package(module(stack="rwx")), PLAIN, {("a",): "error"}),
    "leaked-unwinder": (
        package(module(exports=(Export("__cxa_begin_catch"),), needed=(LIBSTDCXX, LIBC))),
        PLAIN,
        {("a",): "warning"},
    ),
    "interpreter-shadows": (
        with_library("libdeflate-0123abcd.so", library("libdeflate-0123abcd.so", Export("deflate")), "deflate"),
        PLAIN,
        {("a",): "warning"},
    ),
    "several-libstdcxx": (
        with_library("libstdc++-0123abcd.so.6", std_init("libstdc++-0123abcd.so.6")),
        package(module(needed=(LIBSTDCXX, LIBC))),
        {("a", "b"): "info", ("b", "a"): "info"},
    ),
    "several-openmp-runtimes": (
        with_library("libomp-0123abcd.so", library("libomp-0123abcd.so", Export("__kmpc_fork_call"))),
        with_library("libiomp5.so", library("libiomp5.so", Export("__kmpc_fork_call"))),
        {("a", "b"): "warning", ("b", "a"): "warning"},
    ),
    "shared-protobuf": (*twice(ACTIVE, code=CODE_GLOBAL), {("a", "b"): "error"}),
    "shared-openssl": (*twice("EVP_DigestInit_ex", code=CODE_MAYBE), {("a", "b"): "warning"}),
    "mixed-cxx11-abi": (
        with_library("libfoo.so.1", foo("_Z3fooSs", b"1"), "_Z3fooSs"),
        with_library(
            "libfoo.so.1",
            foo("_Z3fooNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", b"2"),
            "_Z3fooNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
        ),
        {("a", "b"): "error", ("b", "a"): "error"},
    ),
    "library-replaced": (
        with_library("libfoo.so.1", foo("foo_open", b"1"), "foo_open"),
        with_library("libfoo.so.1", library("libfoo.so.1", Export("foo_open"), Export("foo_new"), build=b"2"),
                     "foo_open", "foo_new"),
        {("a", "b"): "error", ("b", "a"): "warning"},
    ),
    "global-namespace": (*twice("codec_open", code=CODE_GLOBAL), {("a", "b"): "warning"}),
    "unique-symbol-differs": (
        with_library("liba-1.so", library("liba-1.so", unique(8)), "_ZZ1gvE1s"),
        with_library("libb-1.so", library("libb-1.so", unique(16)), "_ZZ1gvE1s"),
        {("a", "b"): "error", ("b", "a"): "error"},
    ),
}  # fmt: skip


def conflicts(folder: Path, one: Files, other: Files) -> list[tuple[str, tuple[str, ...], str]]:
    sources = []
    for name, files in (("a", one), ("b", other)):
        members = {f"{name}/{path}": content for path, content in files.items()}
        sources.append(WheelSource(str(wheel(folder, name=name, tags=TAGS, members=members))))
    gathered = gather(sources, ShippedSystem(load_profile("debian:13", "x86_64")), FactsCache(None))
    return [
        (conflict.rule, tuple(name.partition("-")[0] for name in conflict.order), conflict.severity.value)
        for conflict in analyse_pairs(gathered.packages, gathered.profile).conflicts
    ]


@pytest.mark.parametrize("rule", CASES)
def test_rule(rule: str, tmp_path: Path) -> None:
    one, other, expected = CASES[rule]
    found = {order: severity for name, order, severity in conflicts(tmp_path, one, other) if name == rule}
    assert found == expected


def test_unique_symbols_of_one_size_are_shared_on_purpose(tmp_path: Path) -> None:
    """Read whole, as where some of them differ: those that do not are no finding of the rules by library."""
    packages = []
    for name in ("a", "b"):
        soname = f"lib{name}-1.so"
        files = with_library(soname, library(soname, unique(8, EMPTY)), EMPTY)
        members = {f"{name}/{path}": content for path, content in files.items()}
        packages.append(read_package(str(wheel(tmp_path, name=name, tags=TAGS, members=members))))
    assert analyse_pairs(packages, load_profile("debian:13", "x86_64")).conflicts == ()


@pytest.mark.parametrize(
    ("soname", "second"),
    [
        ("libfoo.so.1", (Export("foo_open"),)),  # not a hash: as good as no name
        ("libfoo-0123abcd.so.1", (Export("foo_open"), Export("foo_new"))),  # a hash of something else, as it turns out
    ],
)
def test_without_builds_names_alone_do_not_tell(soname: str, second: tuple[Export, ...], tmp_path: Path) -> None:
    one = with_library(soname, library(soname, Export("foo_open")), "foo_open")
    other = with_library(soname, library(soname, *second), "foo_open")
    assert {rule for rule, _, _ in conflicts(tmp_path, one, other)} == {"library-replaced"}


def test_names_of_rules() -> None:
    assert CASES.keys() <= RULES.keys()


def same(soname: str) -> Files:
    return with_library(soname, foo("foo_open", b"same"), "foo_open")


SILENT: Final[dict[str, tuple[Files, Files]]] = {
    "the same names, RTLD_LOCAL": twice("codec_open", code=b""),
    "one soname, one build": (same("libfoo.so.1"), same("libfoo.so.1")),
    "one hash, and no build": (
        with_library("libfoo-0123abcd.so.1", library("libfoo-0123abcd.so.1", Export("foo_open")), "foo_open"),
        with_library("libfoo-0123abcd.so.1", library("libfoo-0123abcd.so.1", Export("foo_open")), "foo_open"),
    ),
    "malloc of one's own": (
        package(module(exports=(Export("malloc"), Export("free")))),
        package(module(Import("malloc", "GLIBC_2.2.5", LIBC))),
    ),
    "static TLS that fits": (
        package(module(dt_flags=STATIC_TLS, tls=(600, 8))),
        package(module(dt_flags=STATIC_TLS, tls=(500, 8))),
    ),
    "RTLD_GLOBAL that nobody asks for": twice(
        "codec_open", code=b"import os, sys\nif os.getenv('X'):\n    sys.setdlopenflags(os.RTLD_GLOBAL)\n"
    ),
    "unique symbols of one size": (
        with_library("liba-1.so", library("liba-1.so", unique(8)), "_ZZ1gvE1s"),
        with_library("libb-1.so", library("libb-1.so", unique(8)), "_ZZ1gvE1s"),
    ),
    "one OpenMP runtime": (package(module(needed=(LIBGOMP, LIBC))), package(module(needed=(LIBGOMP, LIBC)))),
}


@pytest.mark.parametrize("name", SILENT)
def test_silent(name: str, tmp_path: Path) -> None:
    assert conflicts(tmp_path, *SILENT[name]) == []
