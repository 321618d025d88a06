"""DT_NEEDED is resolved as ld.so would in an environment that has nothing but this wheel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from perennial.audit.resolve import Bundled, Missing, ProvidedByPlatform, Resolutions, resolve
from perennial.wheel.wheel import read_wheel
from tests.support.elf_builder import elf
from tests.support.wheel_builder import wheel

PLATFORM = frozenset({"libc.so.6", "libz.so.1"})


def resolved(folder: Path, files: Mapping[str, dict[str, Any]]) -> Resolutions:
    path = wheel(folder, members={name: elf(**facts) for name, facts in files.items()})
    return resolve(read_wheel(path).elf_members, PLATFORM)


def library(soname: str, *needed: str, **facts: Any) -> dict[str, Any]:
    return {"soname": soname, "needed": needed, **facts}


EXT = "demo/ext.cpython-311-x86_64-linux-gnu.so"


def test_the_platform_provides_what_tags_allow(tmp_path: Path) -> None:
    found = resolved(tmp_path, {EXT: library("ext", "libc.so.6", "libpq.so.5")})
    assert found.of(EXT) == {
        "libc.so.6": ProvidedByPlatform("libc.so.6"),
        "libpq.so.5": Missing("libpq.so.5", ()),
    }


@pytest.mark.parametrize(
    "entry",
    ["$ORIGIN/../demo.libs", "${ORIGIN}/../demo.libs", "/nowhere:$ORIGIN/../demo.libs/", "$ORIGIN/../x/../demo.libs"],
)
@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_own_search_path(tmp_path: Path, kind: str, entry: str) -> None:
    found = resolved(
        tmp_path, {EXT: library("ext", "liba.so", **{kind: entry}), "demo.libs/liba.so": library("liba.so")}
    )
    assert found.of(EXT)["liba.so"] == Bundled("liba.so", "demo.libs/liba.so")


def test_a_bundled_library_comes_before_the_systems(tmp_path: Path) -> None:
    found = resolved(
        tmp_path, {EXT: library("ext", "libz.so.1", runpath="$ORIGIN"), "demo/libz.so.1": library("libz.so.1")}
    )
    assert found.of(EXT)["libz.so.1"] == Bundled("libz.so.1", "demo/libz.so.1")


def test_the_folder_of_the_file_itself_is_not_searched(tmp_path: Path) -> None:
    found = resolved(tmp_path, {EXT: library("ext", "liba.so"), "demo/liba.so": library("liba.so")})
    assert found.of(EXT)["liba.so"] == Missing("liba.so", ("demo/liba.so",))


def test_ld_so_opens_files_by_name_and_not_by_soname(tmp_path: Path) -> None:
    found = resolved(
        tmp_path, {EXT: library("ext", "liba.so.1", runpath="$ORIGIN"), "demo/liba.so": library("liba.so.1")}
    )
    assert found.of(EXT)["liba.so.1"] == Missing("liba.so.1", ("demo/liba.so",))


CHAIN = {"demo.libs/liba.so": library("liba.so", "libb.so"), "demo.libs/libb.so": library("libb.so")}


def test_rpath_is_inherited(tmp_path: Path) -> None:
    found = resolved(tmp_path, {EXT: library("ext", "liba.so", rpath="$ORIGIN/../demo.libs"), **CHAIN})
    assert found.of("demo.libs/liba.so")["libb.so"] == Bundled("libb.so", "demo.libs/libb.so")


def test_runpath_is_not_inherited(tmp_path: Path) -> None:
    found = resolved(tmp_path, {EXT: library("ext", "liba.so", runpath="$ORIGIN/../demo.libs"), **CHAIN})
    assert found.of("demo.libs/liba.so")["libb.so"] == Missing("libb.so", ("demo.libs/libb.so",))


def test_runpath_shuts_out_inherited_rpath(tmp_path: Path) -> None:
    files = {
        EXT: library("ext", "liba.so", rpath="$ORIGIN/../demo.libs"),
        "demo.libs/liba.so": library("liba.so", "libb.so", runpath="$ORIGIN/elsewhere"),
        "demo.libs/libb.so": library("libb.so"),
    }
    assert resolved(tmp_path, files).of("demo.libs/liba.so")["libb.so"] == Missing("libb.so", ("demo.libs/libb.so",))


def test_what_the_extension_has_loaded_is_found_by_soname(tmp_path: Path) -> None:
    ext = library("ext", "liba.so", "libb.so", runpath="$ORIGIN/../demo.libs")
    found = resolved(tmp_path, {EXT: ext, **CHAIN})
    assert found.of("demo.libs/liba.so")["libb.so"] == Bundled("libb.so", "demo.libs/libb.so")


def test_a_load_that_fails_for_one_extension_counts(tmp_path: Path) -> None:
    files = {
        "demo/a.abi3.so": library("a", "liba.so", "libb.so", runpath="$ORIGIN/../demo.libs"),
        "demo/b.abi3.so": library("b", "liba.so", runpath="$ORIGIN/../demo.libs"),
        **CHAIN,
    }
    assert resolved(tmp_path, files).of("demo.libs/liba.so")["libb.so"] == Missing("libb.so", ("demo.libs/libb.so",))


def test_libraries_that_need_each_other(tmp_path: Path) -> None:
    files = {
        "demo.libs/liba.so": library("liba.so", "libb.so", runpath="$ORIGIN"),
        "demo.libs/libb.so": library("libb.so", "liba.so"),
    }
    found = resolved(tmp_path, files)
    assert found.of("demo.libs/liba.so")["libb.so"] == Bundled("libb.so", "demo.libs/libb.so")
    assert found.of("demo.libs/libb.so")["liba.so"] == Bundled("liba.so", "demo.libs/liba.so")


@pytest.mark.parametrize("entry", ["$ORIGIN/$LIB", "$LIB", "/abs", "$ORIGIN/" + "../" * 12 + "x", "relative", ""])
def test_places_outside_are_not_searched(tmp_path: Path, entry: str) -> None:
    found = resolved(tmp_path, {EXT: library("ext", "liba.so", runpath=entry), "demo/x/liba.so": library("liba.so")})
    assert isinstance(found.of(EXT)["liba.so"], Missing)


def test_schemes_of_the_data_folder_are_where_installers_put_them(tmp_path: Path) -> None:
    files = {
        "demo-1.0.data/scripts/tool": library(
            "tool", "liba.so", runpath="$ORIGIN/../lib/python3.11/site-packages/demo.libs"
        ),
        "demo-1.0.data/platlib/demo/x.so": library("x", "liba.so", runpath="$ORIGIN/../demo.libs"),
        "demo-1.0.data/data/lib/y.so": library("y", "liba.so", runpath="$ORIGIN/python3.12/site-packages/demo.libs"),
        "demo.libs/liba.so": library("liba.so"),
    }
    found = resolved(tmp_path, files)
    for member in list(files)[:3]:
        assert found.of(member)["liba.so"] == Bundled("liba.so", "demo.libs/liba.so"), member


def test_a_path_as_needed_entry(tmp_path: Path) -> None:
    found = resolved(
        tmp_path,
        {EXT: library("ext", "$ORIGIN/sub/liba.so", "/usr/lib/libb.so"), "demo/sub/liba.so": library("liba.so")},
    )
    assert found.of(EXT)["$ORIGIN/sub/liba.so"] == Bundled("$ORIGIN/sub/liba.so", "demo/sub/liba.so")
    assert found.of(EXT)["/usr/lib/libb.so"] == Missing("/usr/lib/libb.so", ())


def test_entangled_files_end_in_bounded_time(tmp_path: Path) -> None:
    """500 files that all need each other, in a way that only playing each load through could settle."""
    names = [f"lib{number}.so" for number in range(500)]
    found = process_time()
    resolutions = resolved(tmp_path, {f"demo/{name}": library(name, *names) for name in names})
    assert process_time() - found < 20
    assert isinstance(resolutions.of("demo/lib0.so")["lib1.so"], Missing)


def test_long_search_paths_cost_little(tmp_path: Path) -> None:
    """20,000 needed names, searched for in 20,000 folders."""
    needed = tuple(f"lib{number}.so" for number in range(20_000))
    runpath = ":".join(f"$ORIGIN/{number}" for number in range(20_000))
    start = process_time()
    found = resolved(tmp_path, {EXT: library("ext", *needed, runpath=runpath), "demo/7/lib1.so": library("lib1.so")})
    assert process_time() - start < 10
    assert found.of(EXT)["lib1.so"] == Bundled("lib1.so", "demo/7/lib1.so")
    assert found.of(EXT)["lib2.so"] == Missing("lib2.so", ())
