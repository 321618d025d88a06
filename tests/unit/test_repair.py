"""What a repair decides: which libraries, where they are looked for, which tags, and what stands against it."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

import perennial
from perennial.arch import Architecture
from perennial.errors import UnreadableError
from perennial.finding import Severity
from perennial.platform_tag import Libc
from perennial.repair.library import Library, LibraryFiles, read_library
from perennial.system import Root
from tests.support.audits import LIBC, MODULE, audit_of, rules
from tests.support.elf_builder import ElfSpec, Export, Import, Need, NeedVersion, build_elf
from tests.support.elf_spec import ARCHES
from tests.support.repairs import facts, grafts, members, repair
from tests.support.run_perennial import run_perennial
from tests.support.wheel_builder import alter_line, wheel

LINUX: Final = "cp312-cp312-linux_x86_64"
CLOCK: Final = Import("clock_gettime", "GLIBC_2.17", LIBC)
SCHEMA: Final = json.loads((Path(perennial.__file__).parent / "schema" / "repair-1.json").read_text(encoding="utf-8"))


def lib(folder: Path, name: str, *needed: str, arch: str = "x86_64", **fields: Any) -> Path:
    """A library that the builder makes, as `folder/name`."""
    fields.setdefault("soname", name)
    fields.setdefault("exports", (Export(f"of_{name.partition('.')[0]}"),))
    imports = fields.pop("imports", () if arch != "x86_64" else (CLOCK,))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(build_elf(ElfSpec.for_arch(arch, needed=(*needed, LIBC), imports=imports, **fields)))
    return path


def module(*needed: str, arch: str = "x86_64", **fields: Any) -> bytes:
    """An extension module."""
    imports = fields.pop("imports", () if arch != "x86_64" else (CLOCK,))
    fields.setdefault("exports", (Export("PyInit__core"),))
    return build_elf(ElfSpec.for_arch(arch, needed=(*needed, LIBC), imports=imports, **fields))


def demo(folder: Path, content: bytes, *, tags: str = LINUX, **options: Any) -> Path:
    more = options.pop("members", {})
    folder.mkdir(parents=True, exist_ok=True)
    return wheel(folder, tags=tags, members={"demo/__init__.py": b"", MODULE: content, **more}, **options)


def at(folder: Path) -> tuple[str, ...]:
    return ("--ldpaths", str(folder))


# ----- what is grafted


EXCLUDED: Final = {
    (): {"libone.so.5", "libtwo.so.1"},
    ("libone.so.5", "libtwo.so.1"): set(),
    ("libone.so.[4,5]",): {"libtwo.so.1"},
    ("libone.so.[6,7]",): {"libone.so.5", "libtwo.so.1"},
    ("libone.so.*",): {"libtwo.so.1"},
    ("libone.so",): {"libone.so.5", "libtwo.so.1"},
    ("{folder}/*",): set(),
    ("{folder}/libtwo*",): {"libone.so.5"},
    ("*",): set(),
}


@pytest.mark.parametrize("patterns", EXCLUDED)
def test_exclude(patterns: tuple[str, ...], tmp_path: Path) -> None:
    """By soname or path, with wildcards; libthree, which only libtwo needs, goes with it."""
    folder = tmp_path / "lib"
    lib(folder, "libone.so.5")
    lib(folder, "libtwo.so.1", "libthree.so")
    lib(folder, "libthree.so")
    expected = EXCLUDED[patterns] | ({"libthree.so"} if "libtwo.so.1" in EXCLUDED[patterns] else set())
    options = [word for pattern in patterns for word in ("--exclude", pattern.format(folder=folder))]
    run = repair(demo(tmp_path, module("libone.so.5", "libtwo.so.1")), options=(*at(folder), *options))
    assert grafts(run.path).keys() == expected
    kept = {"libone.so.5", "libtwo.so.1"} - expected
    assert kept <= set(facts(run.path)[MODULE].needed)
    assert "manylinux_2_17_x86_64" in run.path.name
    assert any("matches nothing" in warning for warning in run.warnings) is (
        EXCLUDED[patterns] == EXCLUDED[()] and patterns != ()
    )


def test_an_exclude_without_version_is_explained(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libone.so.5")
    run = repair(demo(tmp_path, module("libone.so.5")), options=(*at(tmp_path / "lib"), "--exclude", "libone.so"))
    assert run.warnings == [
        "--exclude libone.so matches nothing that the wheel needs; the wheel needs libone.so.5: patterns match whole "
        "names, as in libone.so*"
    ]


@pytest.mark.parametrize("name", ["libstdc++.so.6", "libgcc_s.so.1"])
def test_runtimes_are_grafted_only_if_asked_for(name: str, tmp_path: Path) -> None:
    lib(tmp_path / "lib", name)
    wheel_ = demo(tmp_path, module(name))
    assert grafts(repair(wheel_, options=at(tmp_path / "lib")).path) == {}
    run = repair(wheel_, to=tmp_path / "asked", options=(*at(tmp_path / "lib"), "--include", name))
    assert grafts(run.path).keys() == {name}
    (warning,) = run.warnings
    assert warning.startswith(f"{name} is grafted because you asked for it, and is the runtime of the compiler")


def test_musllinux_takes_the_runtime_along(tmp_path: Path) -> None:
    """PEP 656 lets a wheel take nothing but musl from the system."""
    libc = "libc.musl-x86_64.so.1"
    (tmp_path / "lib").mkdir()
    for name in ("libstdc++.so.6", "libgcc_s.so.1"):
        (tmp_path / "lib" / name).write_bytes(build_elf(ElfSpec(soname=name, needed=(libc,))))
    content = build_elf(ElfSpec(needed=("libstdc++.so.6", "libgcc_s.so.1", libc), exports=(Export("PyInit__core"),)))
    run = repair(demo(tmp_path, content), options=at(tmp_path / "lib"))
    assert grafts(run.path).keys() == {"libstdc++.so.6", "libgcc_s.so.1"}
    assert run.warnings == []
    assert run.path.name.startswith("demo-1.0-cp312-cp312-musllinux_1_1_x86_64")


@pytest.mark.parametrize(("libc", "grafted"), [(LIBC, 2), ("libc.musl-x86_64.so.1", 3)])
def test_what_counts_as_loaded_by_soname(libc: str, grafted: int, tmp_path: Path) -> None:
    """glibc takes a library that was loaded under another name; musl looks for one of that name."""
    folder = tmp_path / "lib"
    folder.mkdir()
    one = build_elf(ElfSpec(soname="libone.so.1", needed=(libc,)))
    (folder / "libone.so").write_bytes(one)
    (folder / "libone.so.1").write_bytes(build_elf(ElfSpec(soname="libone.so.1", needed=(libc,), rodata=b"another")))
    (folder / "libtwo.so").write_bytes(build_elf(ElfSpec(soname="libtwo.so", needed=("libone.so.1", libc))))
    content = build_elf(ElfSpec(needed=("libone.so", "libtwo.so", libc), exports=(Export("PyInit__core"),)))
    path = repair(demo(tmp_path, content), options=at(folder)).path
    assert len([name for name in members(path) if name.startswith("demo.libs/")]) == grafted


@pytest.mark.parametrize("patcher", ["perennial", "patchelf"])
def test_relative_relocations_are_written_out_for_musl(patcher: str, tmp_path: Path) -> None:
    """musl before 1.2.4 leaves those of DT_RELR undone, and every musllinux tag promises it."""
    libc = "libc.musl-x86_64.so.1"
    (tmp_path / "lib").mkdir()
    common: dict[str, Any] = {
        "relr": True,
        "section_headers": True,
        "hash_style": "both",
        "build_id": b"12345678901234567890",
    }
    library = ElfSpec(soname="libone.so.1", needed=(libc,), exports=(Export("one"),), **common)
    (tmp_path / "lib" / "libone.so.1").write_bytes(build_elf(library))
    content = build_elf(ElfSpec(needed=("libone.so.1", libc), exports=(Export("PyInit__core"),), **common))
    run = repair(demo(tmp_path, content), options=(*at(tmp_path / "lib"), "--patcher", patcher))
    assert run.path.name.startswith("demo-1.0-cp312-cp312-musllinux_1_1_x86_64")
    (one,) = grafts(run.path).values()
    assert not one.has_relr


def test_relative_relocations_and_glibc(tmp_path: Path) -> None:
    """They stay where the asked-for tag's glibc knows them, or none is asked for and they are declared."""
    declared = (Need(LIBC, (NeedVersion("GLIBC_ABI_DT_RELR"),)),)
    content = module(relr=True, verneeds=declared)
    for number, (tag, has) in enumerate({"manylinux_2_28": False, "manylinux_2_36": True, "auto": True}.items()):
        run = repair(
            demo(tmp_path / str(number), content), options=("--plat", f"{tag}" if tag == "auto" else f"{tag}_x86_64")
        )
        assert facts(run.path)[MODULE].has_relr is has, tag
    run = repair(demo(tmp_path / "silent", module(relr=True)), options=())
    assert not facts(run.path)[MODULE].has_relr


@pytest.mark.parametrize("name", ["libcuda.so.1", "libEGL.so.1", "libnvidia-ml.so.1", "libthread_db.so.1"])
def test_what_has_to_be_the_systems_own(name: str, tmp_path: Path) -> None:
    """Not grafted, though it is there; left to the system or copied as asked."""
    lib(tmp_path / "lib", name)
    wheel_ = demo(tmp_path, module(name))
    (problem,) = repair(wheel_, options=at(tmp_path / "lib")).problems
    assert problem.startswith(f"{MODULE} needs {name}, which the tag does not let it take from the system and which ")
    left = repair(wheel_, to=tmp_path / "left", options=(*at(tmp_path / "lib"), "--exclude", name))
    assert grafts(left.path) == {}
    asked = repair(wheel_, to=tmp_path / "asked", options=(*at(tmp_path / "lib"), "--include", name))
    assert grafts(asked.path).keys() == {name}


def test_the_systems_own_under_another_name(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libalias.so", soname="libcuda.so.1")
    (problem,) = repair(demo(tmp_path, module("libalias.so")), options=at(tmp_path / "lib")).problems
    assert problem.startswith(f"{MODULE} needs libalias.so (libcuda.so.1), which the tag does not let it take")


def test_what_a_new_search_path_takes_away(tmp_path: Path) -> None:
    """liba found libb because _core had loaded it. Now libcx loads liba too, and has RUNPATH, which liba does not
    inherit: so liba gets a search path as well.
    """
    more = {
        "demo/deep/liba.so": module("libb.so", soname="liba.so", exports=(Export("a"),)),
        "demo/deep/libb.so": module(soname="libb.so", exports=(Export("b"),)),
        "other/_other.so": module("libcx.so", rpath="$ORIGIN"),
        "other/libcx.so": module("liba.so", soname="libcx.so", runpath="$ORIGIN"),
    }
    path = repair(demo(tmp_path, module("liba.so", "libb.so", rpath="$ORIGIN/deep"), members=more)).path
    found = facts(path)
    assert found["other/libcx.so"].runpath == "$ORIGIN:$ORIGIN/../demo/deep"
    assert found["demo/deep/liba.so"].rpath == "$ORIGIN"
    assert found[MODULE].rpath == "$ORIGIN/deep"
    assert not rules(audit_of(path), Severity.ERROR)


def test_include_what_the_system_brings(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libz.so.1")
    wheel_ = demo(tmp_path, module("libz.so.1"))
    assert grafts(repair(wheel_, options=at(tmp_path / "lib")).path) == {}
    run = repair(wheel_, to=tmp_path / "asked", options=(*at(tmp_path / "lib"), "--include", "libz.so.1"))
    assert grafts(run.path).keys() == {"libz.so.1"}


def test_a_low_tag_provides_less(tmp_path: Path) -> None:
    """libexpat is allowed from 2.12 on."""
    lib(tmp_path / "lib", "libexpat.so.1", imports=())
    wheel_ = demo(tmp_path, module("libexpat.so.1", imports=()))
    for plat, expected in (("manylinux2010_x86_64", set()), ("manylinux1_x86_64", {"libexpat.so.1"})):
        run = repair(wheel_, to=tmp_path / plat, options=(*at(tmp_path / "lib"), "--plat", plat))
        assert grafts(run.path).keys() == expected


def test_versions_of_what_is_not_needed(tmp_path: Path) -> None:
    """ld.so looks for the library of a version need among all that are loaded (glibc, `find_needed`), by its name."""
    lib(tmp_path / "lib", "libone.so", "libtwo.so")
    lib(tmp_path / "lib", "libtwo.so", exports=(Export("two", "TWO_1"),))
    need = Need("libtwo.so", (NeedVersion("TWO_1"),))
    path = repair(demo(tmp_path, module("libone.so", verneeds=(need,))), options=at(tmp_path / "lib")).path
    named = {need.file for need in facts(path)[MODULE].verneeds}
    assert grafts(path)["libtwo.so"].soname in named
    assert "libtwo.so" not in named


def test_no_mangle(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libone.so.5", "libtwo.so.1")
    lib(tmp_path / "lib", "libtwo.so.1")
    options = (*at(tmp_path / "lib"), "--no-mangle", "libtwo.so*", "--no-mangle", "libnone.so")
    run = repair(demo(tmp_path, module("libone.so.5")), options=options)
    assert "demo.libs/libtwo.so.1" in members(run.path)
    assert "libtwo.so.1" in grafts(run.path)["libone.so.5"].needed
    assert len(run.warnings) == 2
    assert "libtwo.so.1 keeps its name" in run.warnings[0]
    assert "--no-mangle libnone.so" in run.warnings[1]


def test_two_of_one_name_cannot_both_keep_it(tmp_path: Path) -> None:
    lib(tmp_path / "a", "libone.so")
    lib(tmp_path / "b", "libone.so", rodata=b"another")
    more = {"demo/_b.so": module("libone.so", rpath=str(tmp_path / "b"))}
    wheel_ = demo(tmp_path, module("libone.so", rpath=str(tmp_path / "a")), members=more)
    (problem,) = repair(wheel_, options=("--no-mangle", "libone.so")).problems
    assert problem.endswith("would both be demo.libs/libone.so")


def test_what_is_included_has_to_be_there(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libarm.so", arch="armv7l")
    options = ("--include", "libnone.so", "--include", str(tmp_path / "lib" / "libarm.so"), "--ldpaths", "/nowhere")
    problems = repair(demo(tmp_path, module()), options=options).problems
    assert sorted(problem.rpartition(": ")[2] for problem in problems) == ["for another architecture", "nothing there"]


def test_what_is_included_by_name_was_looked_for_in_many_places(tmp_path: Path) -> None:
    lib(tmp_path / "arm", "libarm.so", arch="armv7l")
    options = ("--include", "libnone.so", "--include", "libarm.so", "--ldpaths", f"/nowhere:{tmp_path}/arm:/never")
    assert set(repair(demo(tmp_path, module()), options=options).problems) == {
        f"--include {tmp_path}/arm/libarm.so: for another architecture",
        "--include libnone.so: was looked for in 3 places and not found (-v lists them)",
    }


def test_an_exclude_of_the_systems_is_no_mistake(tmp_path: Path) -> None:
    """The library is the system's already; its versions are judged all the same."""
    late = Import("pthread_create", "GLIBC_2.34", LIBC)
    run = repair(demo(tmp_path, module(imports=(late,))), options=("--exclude", "libc.so*"))
    assert run.warnings == []
    assert "manylinux_2_34" in run.path.name


def test_a_soname_is_no_path(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libone.so", soname="../../libone.so")
    run = repair(demo(tmp_path, module("libone.so")), options=at(tmp_path / "lib"))
    assert grafts(run.path).keys() == {"libone.so"}


def test_a_name_in_strings_is_mentioned(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libone.so.5")
    more = {"demo/_b.so": module("libx.so", imports=(CLOCK, Import("dlopen")), rodata=b"\0libone.so.5\0")}
    wheel_ = demo(tmp_path, module("libone.so.5"), members=more)
    run = repair(wheel_, options=(*at(tmp_path / "lib"), "--exclude", "libx.so"))
    assert any(warning.startswith("demo/_b.so has libone.so.5 among its strings") for warning in run.warnings)


def test_versions_of_another_wheel(tmp_path: Path) -> None:
    """A library that another wheel brings has to define what is needed from it."""
    has = Export("of_libone", "ONE_1")
    other = wheel(
        tmp_path, name="other", members={"other/libone.so": build_elf(ElfSpec(soname="libone.so", exports=(has,)))}
    )
    need = Need("libone.so", (NeedVersion("ONE_2"),))
    wheel_ = demo(tmp_path, module("libone.so", verneeds=(need,)))
    (problem,) = repair(wheel_, options=("--provided-by", str(other))).problems
    assert problem == f"{MODULE} needs ONE_2 from libone.so, and that of {other} lacks it"
    fits = demo(tmp_path / "x", module("libone.so", verneeds=(Need("libone.so", (NeedVersion("ONE_1"),)),)))
    assert facts(repair(fits, options=("--provided-by", str(other))).path)[MODULE].rpath == "$ORIGIN/../other"


def test_a_provider_of_nothing(tmp_path: Path) -> None:
    other = demo(tmp_path / "other", module())
    run = repair(demo(tmp_path, module()), options=("--provided-by", str(other)))
    assert run.warnings == [f"--provided-by {other}: the wheel needs none of its libraries"]
    pure = wheel(tmp_path, name="pure", tags="py3-none-any", members={"pure.py": b""})
    assert repair(demo(tmp_path / "y", module()), options=("--provided-by", str(pure))).outcome.code == 3


# ----- where it is looked for


def looks(document: dict[str, Any], name: str) -> list[tuple[str, str]]:
    """(origin, outcome) of each place where a name was looked for."""
    (search,) = [search for search in document["searches"] if search["name"] == name]
    return [(look["origin"], look["outcome"]) for look in search["looks"]]


def test_order_with_rpath(tmp_path: Path) -> None:
    """ld.so(8): DT_RPATH, LD_LIBRARY_PATH, then the system's folders."""
    lib(tmp_path / "lib", "libone.so")
    content = module("libone.so", rpath=f"{tmp_path}/r1:{tmp_path}/r2")
    env = {"LD_LIBRARY_PATH": f"{tmp_path}/l", "AUDITWHEEL_LD_LIBRARY_PATH": f"{tmp_path}/a"}
    run = repair(demo(tmp_path, content), options=("--lib-path", str(tmp_path / "lib")), env=env)
    assert looks(run.wheel, "libone.so") == [
        (f"RPATH of {MODULE}", "nothing"), (f"RPATH of {MODULE}", "nothing"), ("library path", "found"),
    ]  # fmt: skip
    lib(tmp_path / "r2", "libone.so", rodata=b"nearer")
    run = repair(demo(tmp_path, content), to=tmp_path / "2", options=("--lib-path", str(tmp_path / "lib")), env=env)
    assert looks(run.wheel, "libone.so")[-1] == (f"RPATH of {MODULE}", "found")


def test_order_with_runpath(tmp_path: Path) -> None:
    """LD_LIBRARY_PATH, then DT_RUNPATH (pypa/auditwheel #373: not the other way round)."""
    lib(tmp_path / "run", "libone.so")
    content = module("libone.so", runpath=str(tmp_path / "run"))
    run = repair(demo(tmp_path, content), env={"LD_LIBRARY_PATH": f"{tmp_path}/env"})
    assert looks(run.wheel, "libone.so") == [("library path", "nothing"), (f"RUNPATH of {MODULE}", "found")]
    lib(tmp_path / "env", "libone.so", rodata=b"first")
    run = repair(demo(tmp_path, content), to=tmp_path / "2", env={"LD_LIBRARY_PATH": f"{tmp_path}/env"})
    assert looks(run.wheel, "libone.so") == [("library path", "found")]


def test_rpath_is_inherited_and_runpath_is_not(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libone.so", "libtwo.so")
    lib(tmp_path / "lib", "libtwo.so")
    found = repair(demo(tmp_path, module("libone.so", rpath=str(tmp_path / "lib"))))
    assert grafts(found.path).keys() == {"libone.so", "libtwo.so"}
    lost = repair(demo(tmp_path / "x", module("libone.so", runpath=str(tmp_path / "lib"))))
    assert "needs libtwo.so" in lost.problems[0]


def test_origin_of_a_library_is_where_it_was_found(tmp_path: Path) -> None:
    """glibc's `l_origin` is the folder of the name that was opened: links to files are not followed."""
    real = lib(tmp_path / "real", "libone.so.1.0", "libtwo.so", soname="libone.so.1", runpath="$ORIGIN/../two")
    lib(tmp_path / "links" / "two", "libtwo.so")
    (tmp_path / "links" / "one").mkdir()
    (tmp_path / "links" / "one" / "libone.so.1").symlink_to(real)
    run = repair(demo(tmp_path, module("libone.so.1")), options=at(tmp_path / "links" / "one"))
    assert grafts(run.path).keys() == {"libone.so.1", "libtwo.so"}


def test_other_kinds_of_files_are_passed_by(tmp_path: Path) -> None:
    """As ld.so does with other machines' (`open_verify`); a linker script and another C library's are no use either."""
    lib(tmp_path / "1", "libone.so", arch="aarch64")
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "libone.so").write_text("GROUP ( libother.so )", encoding="utf-8")
    (tmp_path / "3").mkdir()
    musl = ElfSpec(soname="libone.so", needed=("libc.musl-x86_64.so.1",))
    (tmp_path / "3" / "libone.so").write_bytes(build_elf(musl))
    lib(tmp_path / "4", "libone.so")
    folders = ":".join(str(tmp_path / each) for each in "1234")
    run = repair(demo(tmp_path, module("libone.so")), options=("--ldpaths", folders))
    assert [outcome for _, outcome in looks(run.wheel, "libone.so")] == [
        "other_architecture", "not_elf", "other_libc", "found",
    ]  # fmt: skip
    folders = folders.rpartition(":")[0]
    (problem,) = repair(demo(tmp_path / "x", module("libone.so")), options=("--ldpaths", folders)).problems
    assert "libone.so is for another architecture" in problem
    assert "libone.so is for another C library" in problem


@pytest.mark.parametrize("arch", sorted(set(ARCHES) - {"x86_64"}))
def test_other_architectures(arch: str, tmp_path: Path) -> None:
    """Of any architecture on any machine: from a sysroot, or from folders; this machine's own are left alone."""
    version = {"riscv64": "GLIBC_2.27", "loongarch64": "GLIBC_2.36"}.get(arch, "GLIBC_2.17")
    imports = (Import("malloc", version, LIBC),)
    content = module("libone.so.1", arch=arch, imports=imports)
    tags = f"cp312-cp312-linux_{arch}"
    alone = repair(demo(tmp_path, content, tags=tags))
    assert alone.problems[0].endswith(f"this machine's own folders are not looked into for {arch} with glibc")
    assert looks(alone.wheels[0], "libone.so.1") == []

    root = tmp_path / "root"
    lib(root / "opt" / "lib", "libone.so.1.0", "libtwo.so", arch=arch, imports=imports, soname="libone.so.1")
    lib(root / "usr" / "lib", "libtwo.so", arch=arch, imports=imports)
    (root / "etc").mkdir()
    (root / "etc" / "ld.so.conf").write_text("/opt/lib\n", encoding="utf-8")
    (root / "opt" / "lib" / "libone.so.1").symlink_to("/opt/lib/libone.so.1.0")
    run = repair(demo(tmp_path, content, tags=tags), to=tmp_path / "a", options=("--sysroot", str(root)))
    assert grafts(run.path).keys() == {"libone.so.1", "libtwo.so"}
    assert looks(run.wheel, "libone.so.1") == [("/etc/ld.so.conf:1", "found")]
    folders = ("--lib-path", str(root / "usr" / "lib"), "--lib-path", str(root / "opt" / "lib"))
    (root / "opt" / "lib" / "libone.so.1").unlink()
    (root / "opt" / "lib" / "libone.so.1.0").rename(root / "opt" / "lib" / "libone.so.1")
    again = repair(demo(tmp_path, content, tags=tags), to=tmp_path / "b", options=folders)
    assert facts(again.path) == facts(run.path)
    assert arch in run.path.name
    assert not rules(audit_of(run.path), Severity.ERROR)


def test_the_sysroot_is_the_root(tmp_path: Path) -> None:
    """An RPATH means a folder in there, and the environment's folders do not count."""
    root = tmp_path / "root"
    lib(root / "opt", "libone.so")
    lib(tmp_path / "env", "libone.so", rodata=b"wrong")
    run = repair(
        demo(tmp_path, module("libone.so", rpath="/opt")),
        options=("--sysroot", str(root)),
        env={"LD_LIBRARY_PATH": str(tmp_path / "env")},
    )
    assert looks(run.wheel, "libone.so") == [(f"RPATH of {MODULE}", "found")]


# ----- tags


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "manylinux2014_x86_64.manylinux_2_17_x86_64"),
        (("--plat", "auto"), "manylinux2014_x86_64.manylinux_2_17_x86_64"),
        (("--plat", "manylinux2014_x86_64"), "manylinux2014_x86_64.manylinux_2_17_x86_64"),
        (("--plat", "manylinux_2_17_x86_64", "--only-plat"), "manylinux2014_x86_64.manylinux_2_17_x86_64"),
        (("--plat", "manylinux_2_28_x86_64"), "manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64"),
        (("--plat", "manylinux_2_28"), "manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64"),
        (("--plat", "manylinux_2_28_x86_64", "--only-plat"), "manylinux_2_28_x86_64"),
        (("--no-update-tags",), "linux_x86_64"),
    ],
)
def test_tags(options: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    path = repair(demo(tmp_path, module()), options=options).path
    assert path.name == f"demo-1.0-cp312-cp312-{expected}.whl"
    lines = [line for line in members(path)["demo-1.0.dist-info/WHEEL"].decode().splitlines() if line.startswith("Tag")]
    assert lines == [f"Tag: cp312-cp312-{tag}" for tag in expected.split(".")]


def test_plat_from_the_environment(tmp_path: Path) -> None:
    run = repair(demo(tmp_path, module()), env={"AUDITWHEEL_PLAT": "manylinux_2_31_x86_64"}, options=("--only-plat",))
    assert run.path.name.endswith("-manylinux_2_31_x86_64.whl")


def test_claims_that_hold_stay(tmp_path: Path) -> None:
    """And those that do not go."""
    tags = "cp312-cp312-manylinux_2_5_x86_64.manylinux_2_34_x86_64"
    path = repair(demo(tmp_path, module(), tags=tags)).path
    assert path.name.endswith("-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_34_x86_64.whl")


@pytest.mark.parametrize(
    ("plat", "problem"),
    [
        ("manylinux_2_28_aarch64", "--plat manylinux_2_28_aarch64 asks for aarch64, and its files are for x86_64"),
        ("musllinux_1_2_x86_64", "--plat musllinux_1_2_x86_64 asks for musl, and its files are linked against glibc"),
    ],
)
def test_tags_of_another_kind(plat: str, problem: str, tmp_path: Path) -> None:
    assert repair(demo(tmp_path, module()), options=("--plat", plat)).problems == [problem]


def test_too_low_a_tag(tmp_path: Path) -> None:
    """All files that stand against it are named: the wheel's own, and those that would be copied, with their origin."""
    late = Import("pthread_create", "GLIBC_2.34", LIBC)
    path = lib(tmp_path / "lib", "libone.so", imports=(late,))
    wheel_ = demo(tmp_path, module("libone.so", imports=(Import("x", "GLIBC_2.27", LIBC),)))
    problems = repair(wheel_, options=(*at(tmp_path / "lib"), "--plat", "manylinux_2_17_x86_64")).problems
    assert len(problems) == 2
    assert any(f"{MODULE} needs x@GLIBC_2.27 from libc.so.6" in problem for problem in problems)
    assert any("pthread_create@GLIBC_2.34" in each and each.endswith(f"copied from {path})") for each in problems)


def test_purelib_flips(tmp_path: Path) -> None:
    path = repair(demo(tmp_path, module(), tags="cp312-cp312-any", purelib=True)).path
    assert b"Root-Is-Purelib: false\n" in members(path)["demo-1.0.dist-info/WHEEL"]
    assert not rules(audit_of(path), Severity.ERROR)


def test_tags_of_wheel_that_differ(tmp_path: Path) -> None:
    """Somebody has renamed the file; name and WHEEL agree again. Compressed sets say the same, and stay."""
    renamed = "cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64"
    for lines in (["cp312-cp312-linux_x86_64"], [renamed]):
        path = demo(tmp_path, module(), tags=renamed, wheel_tags=lines)
        run = repair(path, to=tmp_path / lines[0][-9:])
        assert run.path.name == path.name
        assert not rules(audit_of(run.path), Severity.ERROR)
        assert run.wheel["status"] == ("copied" if lines == [renamed] else "repaired")


def test_isa(tmp_path: Path) -> None:
    wheel_ = demo(tmp_path, module(x86_isa_needed=0b100))
    assert "x86-64-v3" in repair(wheel_).problems[0]
    assert repair(wheel_, options=("--disable-isa-ext-check",)).path.name.count("manylinux_2_17")


# ----- what stands against it


def test_all_problems_at_once(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libstack.so", stack="rwx")
    lib(tmp_path / "lib", "libarm.so", arch="armv7l")
    lib(tmp_path / "lib", "libnew.so", imports=(Import("arc4random", "GLIBC_2.36", LIBC),))
    wheel_ = demo(tmp_path, module("libstack.so", "libarm.so", "libnew.so", "libnone.so", "libcuda.so.1"))
    problems = repair(wheel_, options=(*at(tmp_path / "lib"), "--plat", "manylinux_2_28_x86_64")).problems
    for word in ("libstack-", "libarm.so is for another architecture", "GLIBC_2.36", "libnone.so", "libcuda.so.1"):
        assert sum(word in problem for problem in problems) == 1, (word, problems)
    assert len(problems) == 5


def test_a_changed_file_is_not_given_a_new_record(tmp_path: Path) -> None:
    edit = alter_line("demo/__init__.py", digest="sha256=AAAA")
    (problem,) = repair(demo(tmp_path, module(), edit_record=edit)).problems
    assert "demo/__init__.py" in problem


def test_nothing_to_repair(tmp_path: Path) -> None:
    pure = wheel(tmp_path, name="pure", tags="py3-none-any", members={"pure.py": b"x = 1\n"})
    (problem,) = repair(pure).problems
    assert "no compiled files" in problem
    run = repair(pure, options=("--allow-pure-python-wheel",))
    assert run.path.read_bytes() == pure.read_bytes()
    again = repair(run.path, to=run.path.parent, options=("--allow-pure-python-wheel",))
    assert again.outcome.code == 0
    mac = wheel(tmp_path, name="mac", tags="cp312-cp312-macosx_11_0_arm64", members={"mac.so": b"\xcf\xfa\xed\xfe"})
    assert "macosx_11_0_arm64" in repair(mac, to=tmp_path / "mac").problems[0]


def test_growth(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libone.so", text=os.urandom(300_000))
    wheel_ = demo(tmp_path, module("libone.so"))
    for size in ("1000", "200k", "200KB", "0.2MB"):
        run = repair(wheel_, options=(*at(tmp_path / "lib"), "--max-size-growth", size))
        if size == "0.2MB":
            assert run.outcome.code == 2
            continue
        (problem,) = run.problems
        assert "libone.so with" in problem
    assert repair(wheel_, options=(*at(tmp_path / "lib"), "--max-size-growth", "1MiB")).path.is_file()


def test_no_file_is_left_behind(tmp_path: Path) -> None:
    """Whatever fails, and however late."""
    lib(tmp_path / "lib", "libone.so")
    wheel_ = demo(tmp_path, module("libone.so"))
    for options in (("--max-size-growth", "1"), ("--plat", "manylinux_2_5_x86_64")):
        assert repair(wheel_, options=(*at(tmp_path / "lib"), *options)).problems
    assert list((tmp_path / "wheelhouse").iterdir()) == []


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """SIGKILL leaves a whole wheel or none under its name; what else remains is hidden, and no wheel."""
    lib(tmp_path / "lib", "libone.so", text=os.urandom(4_000_000))
    wheel_ = demo(tmp_path, module("libone.so"))
    whole = repair(wheel_, options=at(tmp_path / "lib")).path.read_bytes()
    command = [sys.executable, "-m", "perennial", "repair", *at(tmp_path / "lib"), str(wheel_)]
    started = time.monotonic()
    subprocess.run([*command, "-w", str(tmp_path / "first")], check=True, capture_output=True)
    takes = time.monotonic() - started
    for number in range(16):
        out = tmp_path / f"out{number}"
        with subprocess.Popen([*command, "-w", str(out)], stdout=subprocess.DEVNULL) as process:
            # The last half is where files are written.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(takes * (0.5 + number / 32))
            process.kill()
        found = sorted(out.glob("*")) if out.is_dir() else []
        assert all(path.suffix == ".whl" or path.name.startswith(".perennial-") for path in found)
        assert all(path.read_bytes() == whole for path in found if path.suffix == ".whl")
    # What is left over by one that was killed keeps nobody from repairing.
    assert repair(wheel_, to=tmp_path / "out8", options=at(tmp_path / "lib")).outcome.code == 0


def test_a_library_that_changes_meanwhile(tmp_path: Path) -> None:
    """What is grafted is what was examined."""
    path = lib(tmp_path / "lib", "libone.so")
    found = LibraryFiles(Architecture.X86_64, Libc.GLIBC).look(Root("/"), str(path))
    assert isinstance(found, Library)
    assert read_library(found) == path.read_bytes()
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(UnreadableError, match="has changed"):
        read_library(found)


# ----- the command


def test_usage(tmp_path: Path) -> None:
    wheel_ = demo(tmp_path, module())
    for options, env in (
        (("--plat", "win32"), {}),
        (("--plat", "manylinux_2_28_vax"), {}),
        (("--sysroot", str(tmp_path / "none")), {}),
        (("--lib-sdir", "/../out"), {}),
        (("--strip=most",), {}),
        ((), {"AUDITWHEEL_PATCHER": "lief-patchelf"}),
        ((), {"AUDITWHEEL_ZIP_COMPRESSION_LEVEL": "11"}),
    ):
        run = repair(wheel_, options=options, env=env)
        assert run.outcome.code == 2, options
        assert run.outcome.errors.count("\n") == 1
    assert run_perennial("repair").code == 2


def test_strip_swallows_no_wheel(tmp_path: Path) -> None:
    wheel_ = demo(tmp_path, module())
    outcome = run_perennial("repair", "-w", str(tmp_path / "out"), "--strip", str(wheel_))
    assert outcome.code == 0, outcome.errors
    assert len(list((tmp_path / "out").glob("*.whl"))) == 1


def test_as_cibuildwheel_calls_it(tmp_path: Path) -> None:
    wheel_ = demo(tmp_path, module())
    outcome = run_perennial("repair", "-w", "repaired", str(wheel_), cwd=tmp_path)
    assert outcome.code == 0
    assert [path.suffix for path in (tmp_path / "repaired").iterdir()] == [".whl"]
    assert run_perennial("repair", str(wheel_), cwd=tmp_path).code == 0
    assert len(list((tmp_path / "wheelhouse").glob("*.whl"))) == 1


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libone.so")
    wheel_ = demo(tmp_path, module("libone.so"))
    planned = repair(wheel_, options=(*at(tmp_path / "lib"), "--dry-run"))
    assert planned.outcome.code == 0
    assert not (tmp_path / "wheelhouse").exists()
    done = repair(wheel_, options=at(tmp_path / "lib"))
    assert planned.wheel["output"]["filename"] == done.path.name
    assert planned.wheel["grafts"] == done.wheel["grafts"]
    assert (planned.wheel["status"], done.wheel["status"]) == ("planned", "repaired")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_many_wheels(jobs: str, tmp_path: Path) -> None:
    """In the order of the input, whatever becomes of each; a broken one keeps no other from being repaired."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in ("alpha", "beta", "gamma"):
        demo(folder, module(*(["libnone.so"] if name == "beta" else [])), name=name)
    (folder / "zeta-1-py3-none-any.whl").write_bytes(b"no zip")
    run = repair(folder, to=tmp_path / "out", options=("-j", jobs, *at(tmp_path)))
    assert run.outcome.code == 3
    assert [each["status"] for each in run.wheels] == ["repaired", "failed", "repaired"]
    assert [path.name.partition("-")[0] for path in run.written] == ["alpha", "gamma"]
    assert "zeta" in run.outcome.errors


def test_two_that_become_one(tmp_path: Path) -> None:
    one = demo(tmp_path, module())
    (tmp_path / "other").mkdir()
    other = demo(tmp_path / "other", module(), tags="cp312-cp312-manylinux_2_17_x86_64")
    run = repair(one, other)
    assert run.outcome.code == 1
    assert "was written to" in run.wheels[1]["problems"][0]["message"]


def test_text(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libone.so")
    wheel_ = demo(tmp_path, module("libone.so", "libtwo.so"))
    for words in ((), ("-v",), ("-q",)):
        outcome = run_perennial("repair", *words, *at(tmp_path / "lib"), "-w", str(tmp_path / "out"), str(wheel_))
        assert outcome.code == 1
        assert "libtwo.so" in outcome.output
        assert ("nothing there" in outcome.output) is (words == ("-v",))
    options = (*at(tmp_path / "lib"), "--exclude", "libtwo.so", "-w", str(tmp_path / "out"))
    outcome = run_perennial("repair", "-v", *options, str(wheel_))
    assert "RPATH $ORIGIN/../demo.libs, was (none)" in outcome.output
    assert "found  (--ldpaths)" in outcome.output


def test_json_is_what_the_schema_says(tmp_path: Path) -> None:
    validator = Draft202012Validator(SCHEMA)
    lib(tmp_path / "lib", "libone.so", rpath="/x")
    wheel_ = demo(tmp_path, module("libone.so", "libpython3.12.so.1.0"))
    for options in (("--dry-run",), (), ("--plat", "manylinux_2_5_x86_64")):
        outcome = repair(wheel_, options=(*at(tmp_path / "lib"), *options)).outcome
        validator.validate(outcome.document)
    unreadable = repair(tmp_path / "none.whl").outcome
    validator.validate(unreadable.document)
    assert unreadable.code == 3


# ----- the file itself


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [("0", 315532800), ("315532799", 315532800), ("315532801", 315532800), ("650203201", 650203200)],
)
def test_source_date_epoch(epoch: str, expected: int, tmp_path: Path) -> None:
    """Zip archives know no time before 1980, and even seconds only."""
    import zipfile
    from datetime import UTC, datetime

    path = repair(demo(tmp_path, module()), env={"SOURCE_DATE_EPOCH": epoch}).path
    with zipfile.ZipFile(path) as archive:
        times = {datetime(*info.date_time, tzinfo=UTC).timestamp() for info in archive.infolist()}
    assert times == {expected}


def test_compression(tmp_path: Path) -> None:
    lib(tmp_path / "lib", "libone.so", text=bytes(range(256)) * 400)
    wheel_ = demo(tmp_path, module("libone.so"))
    sizes = [
        repair(wheel_, to=tmp_path / level, options=(*at(tmp_path / "lib"), "-z", level)).path.stat().st_size
        for level in ("0", "1", "9")
    ]
    assert sizes[0] > 100_000 > sizes[1] >= sizes[2]
    env = {"AUDITWHEEL_ZIP_COMPRESSION_LEVEL": "0"}
    assert repair(wheel_, to=tmp_path / "e", options=at(tmp_path / "lib"), env=env).path.stat().st_size == sizes[0]


def test_permissions_stay(tmp_path: Path) -> None:
    modes = {"demo/run.sh": 0o100750, MODULE: 0o100711, "demo/__init__.py": 0o100640}
    lib(tmp_path / "lib", "libone.so").chmod(stat.S_IRUSR)
    wheel_ = demo(tmp_path, module("libone.so"), members={"demo/run.sh": b"#!/bin/sh\n"}, modes=modes)
    import zipfile

    with zipfile.ZipFile(repair(wheel_, options=at(tmp_path / "lib")).path) as archive:
        found = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert {name: found[name] for name in modes} == modes
    assert {mode for name, mode in found.items() if name.startswith("demo.libs/")} == {0o100755}


def test_names_say_what_is_written(tmp_path: Path) -> None:
    """The same name where the same is written, and only there."""

    def name(folder: str, **fields: Any) -> str:
        where = tmp_path / folder
        second, third = fields.pop("second", b""), fields.pop("third", b"")
        lib(where, "libone.so", "libtwo.so", **fields)
        lib(where, "libtwo.so", "libthree.so", rodata=second)
        lib(where, "libthree.so", rodata=third)
        (where / "w").mkdir()
        run = repair(demo(where / "w", module("libone.so")), options=("--ldpaths", str(where), *options))
        return next(str(graft["path"]) for graft in run.wheel["grafts"] if graft["soname"] == "libone.so")

    options: tuple[str, ...] = ()
    first = name("a")
    assert name("b") == first
    assert name("c", rodata=b"other") != first
    assert name("d", second=b"other") != first  # the name of libtwo's graft stands in libone's
    assert name("g", third=b"other") != first  # and libthree's in libtwo's, which so has another name
    options = ("--strip",)
    assert name("e") != first
    options = ("--exclude", "libtwo.so")
    assert name("f") != first
    options = ("--no-mangle", "libtwo.so")
    assert name("h") != first
