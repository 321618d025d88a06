"""Compiled extension modules against private libraries, repaired, and loaded where these libraries are no more."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from perennial.finding import Severity
from tests.support.audits import audit_of, rules
from tests.support.compiled import (
    ARCH,
    LINUX_TAG,
    MODULE,
    PYTHON_TAG,
    SUFFIX,
    ask,
    compile_c,
    extension,
    install,
    library,
    needs_compiler,
    pack,
    program,
)
from tests.support.repairs import facts, grafts, members, repair

pytestmark = needs_compiler


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    """The folder of private libraries, which is no more when a repaired wheel is loaded."""
    return tmp_path / "lib"


def loaded(path: Path, lib: Path, *modules: str) -> int:
    """The answer of a repaired wheel's modules without the libraries that it was built with."""
    hidden = lib.with_name("hidden")
    lib.rename(hidden)
    try:
        site = install(path, path.parent / f"env-{path.stem[-8:]}")
        answer, mapped = ask(site, *modules)
    finally:
        hidden.rename(lib)
    assert not any(str(lib.parent / "hidden") in each for each in mapped)
    return answer


def test_a_library_comes_along(tmp_path: Path, lib: Path) -> None:
    liba = library(lib / "liba.so.1", 1)
    core = extension(tmp_path / "_core.so", links=[liba], value=40)
    path = repair(pack(tmp_path, {MODULE: core}), options=("--lib-path", str(lib))).path
    assert re.fullmatch(rf"demo-1\.0-{PYTHON_TAG}-{PYTHON_TAG}-(manylinux\w+\.)?manylinux_2_\d+_{ARCH}\.whl", path.name)
    assert loaded(path, lib, "demo._core") == 41

    (graft,) = [name for name in facts(path) if name.startswith("demo.libs/")]
    name = graft.partition("/")[2]
    assert re.fullmatch(r"liba-[0-9a-f]{8}\.so\.1", name)
    assert facts(path)[graft].soname == name
    assert name in facts(path)[MODULE].needed
    assert "liba.so.1" not in facts(path)[MODULE].needed
    assert facts(path)[MODULE].rpath == "$ORIGIN/../demo.libs"
    assert not rules(audit_of(path), Severity.ERROR)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.getinfo(graft).external_attr >> 16 == 0o100755
        assert archive.namelist()[-1] == "demo-1.0.dist-info/RECORD"
        assert "demo-1.0.dist-info/sboms/perennial.cdx.json" in archive.namelist()


@pytest.mark.parametrize("kind", ["none", "rpath", "runpath"])
def test_search_paths_of_grafts(kind: str, tmp_path: Path, lib: Path) -> None:
    """Those of the system that they are taken from go; what they need themselves is beside them."""
    own = None if kind == "none" else (kind, str(lib / "b"))
    libb = library(lib / "b" / "libb.so", 1, run_path=None if own is None else (kind, "/nowhere"))
    liba = library(lib / "a" / "liba.so", 10, links=[libb], run_path=own)
    core = extension(tmp_path / "_core.so", links=[liba])
    folders = ["a", "b"] if kind == "none" else ["a"]
    options = [word for folder in folders for word in ("--lib-path", str(lib / folder))]
    path = repair(pack(tmp_path, {MODULE: core}), options=tuple(options)).path
    assert loaded(path, lib, "demo._core") == 11
    found = grafts(path)
    assert found.keys() == {"liba.so", "libb.so"}
    assert (found["liba.so"].rpath, found["liba.so"].runpath) == ("$ORIGIN", None)
    assert (found["libb.so"].rpath, found["libb.so"].runpath) == (None, None)


@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_search_path_of_the_wheels_own_files(kind: str, tmp_path: Path, lib: Path) -> None:
    """Entries inside the environment stay, in their order; others go; the kind stays."""
    libc = library(lib / "libc1.so", 1)
    inner = library(tmp_path / "inner" / "libinner.so", 20)
    text = f"$ORIGIN/inner:{lib}:$ORIGIN/../../../../../outside:relative:$ORIGIN/inner:$ORIGIN/../other"
    core = extension(tmp_path / "_core.so", links=[libc, inner], run_path=(kind, text))
    path = repair(pack(tmp_path, {MODULE: core, "demo/inner/libinner.so": inner})).path
    elf = facts(path)[MODULE]
    written = elf.rpath if kind == "rpath" else elf.runpath
    assert written == "$ORIGIN/inner:$ORIGIN/../other:$ORIGIN/../demo.libs"
    assert (elf.runpath if kind == "rpath" else elf.rpath) is None
    assert loaded(path, lib, "demo._core") == 21


def test_what_the_wheel_has_is_found_as_before(tmp_path: Path, lib: Path) -> None:
    """libb is found through the RPATH that liba inherits. liba gets a path of its own, and must not lose that."""
    libc1 = library(lib / "libc1.so", 1)
    libb = library(tmp_path / "own" / "libb.so", 10)
    liba = library(tmp_path / "own" / "liba.so", 100, links=[libb, libc1])
    core = extension(tmp_path / "_core.so", links=[liba], run_path=("rpath", "$ORIGIN/sub"))
    wheel = pack(tmp_path, {MODULE: core, "demo/sub/liba.so": liba, "demo/sub/libb.so": libb})
    path = repair(wheel, options=("--lib-path", str(lib))).path
    assert loaded(path, lib, "demo._core") == 111
    assert members(path)["demo/sub/libb.so"] == members(wheel)["demo/sub/libb.so"]
    assert members(path)[MODULE] == members(wheel)[MODULE]
    assert facts(path)["demo/sub/liba.so"].rpath == "$ORIGIN/../../demo.libs"


def test_what_the_wheel_has_and_does_not_find(tmp_path: Path, lib: Path) -> None:
    """It is not copied from outside: the file learns where it is."""
    liba = library(lib / "liba.so", 1)
    core = extension(tmp_path / "_core.so", links=[liba])
    run = repair(pack(tmp_path, {MODULE: core, "demo/deep/liba.so": liba}), options=("--lib-path", str(lib)))
    assert grafts(run.path) == {}
    assert facts(run.path)[MODULE].rpath == "$ORIGIN/deep"
    assert loaded(run.path, lib, "demo._core") == 1
    assert any("did not find liba.so" in warning for warning in run.warnings)


def test_a_graft_that_needs_a_library_of_the_wheel(tmp_path: Path, lib: Path) -> None:
    libown = library(lib / "libown.so", 1)
    liba = library(lib / "liba.so", 10, links=[libown])
    core = extension(tmp_path / "_core.so", links=[liba, libown], run_path=("rpath", "$ORIGIN/deep"))
    path = repair(pack(tmp_path, {MODULE: core, "demo/deep/libown.so": libown}), options=("--lib-path", str(lib))).path
    assert grafts(path).keys() == {"liba.so"}
    assert grafts(path)["liba.so"].rpath == "$ORIGIN/../demo/deep"
    assert loaded(path, lib, "demo._core") == 12


def test_several_top_level_packages(tmp_path: Path, lib: Path) -> None:
    liba, libb = library(lib / "liba.so", 1), library(lib / "libb.so", 10)
    modules = {
        f"one/deep/_a{SUFFIX}": extension(tmp_path / "_a.so", links=[liba]),
        f"two/_b{SUFFIX}": extension(tmp_path / "_b.so", links=[libb]),
        f"_top{SUFFIX}": extension(tmp_path / "_top.so", links=[liba, libb]),
    }
    wheel = pack(tmp_path, {**modules, "one/__init__.py": b""})
    path = repair(wheel, options=("--lib-path", str(lib))).path
    assert grafts(path).keys() == {"liba.so", "libb.so"}
    found = facts(path)
    assert [found[name].rpath for name in modules] == [
        "$ORIGIN/../../demo.libs", "$ORIGIN/../demo.libs", "$ORIGIN/demo.libs",
    ]  # fmt: skip
    assert loaded(path, lib, "one.deep._a", "two._b", "_top") == 1 + 10 + 11


def test_members_of_platlib(tmp_path: Path, lib: Path) -> None:
    """`*.data/platlib` is installed beside the packages."""
    liba = library(lib / "liba.so", 1)
    core = extension(tmp_path / "_core.so", links=[liba])
    name = f"demo-1.0.data/platlib/demo/_core{SUFFIX}"
    path = repair(pack(tmp_path, {name: core}), options=("--lib-path", str(lib))).path
    assert facts(path)[name].rpath == "$ORIGIN/../demo.libs"


def test_versions_follow(tmp_path: Path, lib: Path) -> None:
    """A version need names its library; left behind, ld.so would end the process (glibc, `_dl_check_map_versions`)."""
    script = tmp_path / "versions.map"
    script.write_text("LIBA_1 { global: liba; local: *; };\n", encoding="utf-8")
    liba = library(lib / "liba.so.1", 7, flags=[f"-Wl,--version-script,{script}"])
    core = extension(tmp_path / "_core.so", links=[liba])
    path = repair(pack(tmp_path, {MODULE: core}), options=("--lib-path", str(lib))).path
    elf = facts(path)[MODULE]
    (need,) = [need for need in elf.verneeds if [version.name for version in need.versions] == ["LIBA_1"]]
    assert need.file in elf.needed
    assert loaded(path, lib, "demo._core") == 7


def test_a_circle(tmp_path: Path, lib: Path) -> None:
    """Two libraries that need each other."""
    liba = library(lib / "liba.so", 1)
    libb = library(lib / "libb.so", 10, links=[liba])
    library(lib / "liba.so", 1, flags=["-Wl,--no-as-needed", str(libb)])
    core = extension(tmp_path / "_core.so", links=[libb])
    path = repair(pack(tmp_path, {MODULE: core}), options=("--lib-path", str(lib))).path
    found = grafts(path)
    assert found["liba.so"].soname in found["libb.so"].needed
    assert found["libb.so"].soname in found["liba.so"].needed
    assert loaded(path, lib, "demo._core") == 11


def test_one_copy_of_one_file(tmp_path: Path, lib: Path) -> None:
    """Under three names: links, and a copy."""
    liba = library(lib / "liba.so.1.2", 1, soname="liba.so.1")
    (lib / "liba.so.1").symlink_to("liba.so.1.2")
    shutil.copy(liba, lib / "liba.so")
    other = library(lib / "libother.so", 10, links=[liba])
    core = extension(tmp_path / "_core.so", links=[liba, other])
    path = repair(pack(tmp_path, {MODULE: core}), options=("--lib-path", str(lib))).path
    assert grafts(path).keys() == {"liba.so.1", "libother.so"}
    assert loaded(path, lib, "demo._core") == 12


def test_two_files_of_one_name(tmp_path: Path, lib: Path) -> None:
    """Each module has the one that its own search path leads to, in one process."""
    first, second = library(lib / "1" / "liba.so", 1), library(lib / "2" / "liba.so", 20)
    modules = {
        f"demo/_{each.parent.name}{SUFFIX}": extension(
            tmp_path / f"_{each.parent.name}.so", links=[each], run_path=("rpath", str(each.parent))
        )
        for each in (first, second)
    }
    path = repair(pack(tmp_path, modules)).path
    names = [name for name in members(path) if name.startswith("demo.libs/")]
    assert len(names) == 2
    assert loaded(path, lib, "demo._1", "demo._2") == 21


def test_programs_move_behind_a_script(tmp_path: Path, lib: Path) -> None:
    """A program in `bin` finds nothing by $ORIGIN; one that needs no graft stays what it is."""
    liba = library(lib / "liba.so", 5)
    moved, kept = program(tmp_path / "moved", links=[liba]), program(tmp_path / "kept")
    scripts = {"demo-1.0.data/scripts/moved": moved, "demo-1.0.data/scripts/kept": kept}
    wheel = pack(tmp_path, {"demo/__init__.py": b"", **scripts}, tags="py3-none-any", purelib=True)
    path = repair(wheel, options=("--lib-path", str(lib))).path
    assert path.name.startswith("demo-1.0-py3-none-manylinux")
    found = members(path)
    assert found["demo-1.0.data/scripts/moved"].startswith(b"#!python\n")
    assert found["demo-1.0.data/scripts/kept"] == kept.read_bytes()
    assert facts(path)["demo.scripts/moved"].rpath == "$ORIGIN/../demo.libs"
    assert b"Root-Is-Purelib: false\n" in found["demo-1.0.dist-info/WHEEL"]

    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(path)], check=True, capture_output=True)
    shutil.rmtree(lib)
    for name, said in (("moved", "5 word"), ("kept", "0 word")):
        done = subprocess.run([environment / "bin" / name, "word"], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == said


def test_libpython_is_no_longer_needed(tmp_path: Path, lib: Path) -> None:
    name = "libpython3.99.so.1.0"
    core = extension(tmp_path / "_core.so", links=[library(lib / name, 0, function="unused")], functions=())
    run = repair(pack(tmp_path, {MODULE: core}), options=("--lib-path", str(lib)))
    assert name not in facts(run.path)[MODULE].needed
    assert grafts(run.path) == {}
    assert loaded(run.path, lib, "demo._core") == 0
    assert any(name in warning for warning in run.warnings)


def test_a_library_without_soname(tmp_path: Path, lib: Path) -> None:
    """It is needed by the path that it was linked by, where that has a slash."""
    liba = library(lib / "liba.so", 3, soname=None)
    core = extension(tmp_path / "_core.so", links=[liba])
    assert str(liba) in facts(pack(tmp_path, {MODULE: core}))[MODULE].needed
    path = repair(pack(tmp_path, {MODULE: core})).path
    assert grafts(path).keys() == {"liba.so"}
    assert loaded(path, lib, "demo._core") == 3


def test_strip(tmp_path: Path, lib: Path) -> None:
    """Bare --strip is auditwheel's; the wheel behind it is no level."""
    liba = library(lib / "liba.so", 1, flags=["-g"])
    core = extension(tmp_path / "_core.so", links=[liba], flags=["-g"])
    wheel = pack(tmp_path, {MODULE: core})
    sizes: dict[tuple[str, ...], int] = {}
    for options in ((), ("--strip=debug",), ("--strip",)):
        path = repair(wheel, to=tmp_path / f"out{len(sizes)}", options=("--lib-path", str(lib), *options)).path
        assert loaded(path, lib, "demo._core") == 1
        sections = {
            name: subprocess.run(["readelf", "-SW", "-"], input=data, capture_output=True, check=False).stdout
            for name, data in members(path).items()
            if data.startswith(b"\x7fELF")
        }
        assert len(sections) == 2
        sizes[options] = sum(len(data) for name, data in members(path).items() if name in sections)
    assert sizes["--strip",] < sizes["--strip=debug",] < sizes[()]


def test_dlopen_of_what_was_included(tmp_path: Path, lib: Path) -> None:
    """It keeps its name, and files that have the name among their strings look in the right place."""
    library(lib / "libplug.so.1", 9)
    source = 'extern void *dlopen(const char *, int); int opened(void) { return dlopen("libplug.so.1", 2) ? 1 : 0; }'
    opener = compile_c(source, tmp_path / "libopener.so", "-shared", "-fPIC", "-Wl,-soname,libopener.so")
    core = extension(tmp_path / "_core.so", links=[opener], functions=["opened"], run_path=("rpath", "$ORIGIN"))
    wheel = pack(tmp_path, {MODULE: core, "demo/libopener.so": opener})
    without = repair(wheel, to=tmp_path / "without").path
    assert loaded(without, lib, "demo._core") == 0
    for what in (("--include", str(lib / "libplug.so.1")), ("--include", "libplug.so.1", "--lib-path", str(lib))):
        run = repair(wheel, to=tmp_path / f"with{len(what)}", options=what)
        assert "demo.libs/libplug.so.1" in members(run.path)
        assert loaded(run.path, lib, "demo._core") == 1


def test_the_same_bytes_anywhere(tmp_path: Path, lib: Path) -> None:
    """Another folder, another umask, another order of libraries on disk."""
    liba = library(lib / "liba.so", 1)
    core = extension(tmp_path / "_core.so", links=[liba])
    wheel = pack(tmp_path, {MODULE: core})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(lib, elsewhere / "lib")
    (elsewhere / "lib" / "liba.so").chmod(0o600)
    os.utime(elsewhere / "lib" / "liba.so", (1, 1))
    first = repair(wheel, to=tmp_path / "first", options=("--lib-path", str(lib))).path
    copy = Path(shutil.copy(wheel, elsewhere))
    second = repair(copy, to=tmp_path / "second", options=("--lib-path", str(elsewhere / "lib"))).path
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_repairing_again_changes_nothing(tmp_path: Path, lib: Path) -> None:
    liba = library(lib / "liba.so", 1)
    core = extension(tmp_path / "_core.so", links=[liba])
    for options in ((), ("--strip",), ("--plat", f"manylinux_2_28_{ARCH}"), ("-L", "/.vendored")):
        folder = tmp_path / f"o{len(options)}{options[:1]}"
        wheel = pack(folder, {MODULE: core})
        once = repair(wheel, options=(*options, "--lib-path", str(lib))).path
        run = repair(once, to=folder / "again", options=options)
        assert run.path.name == once.name
        assert run.path.read_bytes() == once.read_bytes()
        assert run.wheel["status"] == "copied"


def test_in_place(tmp_path: Path, lib: Path) -> None:
    """With the names unchanged, the result may take the place of the input."""
    core = extension(tmp_path / "_core.so", links=[library(lib / "liba.so", 1)])
    wheel = pack(tmp_path, {MODULE: core})
    run = repair(wheel, to=tmp_path, options=("--no-update-tags", "--lib-path", str(lib)))
    assert run.outcome.code == 0
    assert grafts(wheel).keys() == {"liba.so"}
    assert f"Tag: {LINUX_TAG}\n".encode() in members(wheel)["demo-1.0.dist-info/WHEEL"]


def test_libraries_of_another_wheel(tmp_path: Path, lib: Path) -> None:
    """Both are installed; the file gets a search path that leads to the other's library, which keeps its name."""
    liba = library(lib / "liba.so.1", 30)
    core = extension(tmp_path / "_core.so", links=[liba])
    other = pack(tmp_path / "other", {"provider/lib/liba.so.1": liba}, name="provider")
    installed = install(other, tmp_path / "site-packages")
    installed = installed.rename(installed.parent.parent / "x").rename(tmp_path / "site-packages" / "site-packages")
    for source in (other, installed / "provider"):
        run = repair(pack(tmp_path, {MODULE: core}), to=tmp_path / source.name, options=("--provided-by", str(source)))
        assert grafts(run.path) == {}
        assert facts(run.path)[MODULE].rpath == "$ORIGIN/../provider/lib"
        site = install(run.path, tmp_path / f"env{source.name}")
        shutil.copytree(install(other, tmp_path / "o"), site, dirs_exist_ok=True)
        assert ask(site, "demo._core")[0] == 30
        assert run.wheel["output"]["lowest_tag"].startswith("manylinux")


@pytest.mark.skipif(shutil.which("patchelf") is None, reason="there is no patchelf")
def test_patchelf(tmp_path: Path, lib: Path) -> None:
    """As the own editor, under other names: it writes something else."""
    libb = library(lib / "libb.so", 1)
    liba = library(lib / "liba.so", 10, links=[libb])
    core = extension(tmp_path / "_core.so", links=[liba])
    wheel = pack(tmp_path, {MODULE: core})
    names = []
    for patcher in ("perennial", "patchelf"):
        for strip in ((), ("--strip",)):
            to = tmp_path / patcher / str(len(strip))
            path = repair(wheel, to=to, options=("--lib-path", str(lib), "--patcher", patcher, *strip)).path
            assert loaded(path, lib, "demo._core") == 11
            names += [name for name in members(path) if name.startswith("demo.libs/liba")]
    assert len(set(names)) == 4
