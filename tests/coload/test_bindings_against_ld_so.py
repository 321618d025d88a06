"""The simulated loader against ld.so: for each reference, who provides it.

A process loads modules under `LD_DEBUG=bindings`, and the simulation the same ones in the same order. What
the two may differ in stands below, with the reason.
"""

from __future__ import annotations

import os
import platform
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Final

import pytest
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

from tests.coload.cases import FILES, FOLDER, Case, build, include_folder, read_case
from tests.roots.make import skip_unless_ci
from tests.support.ld_debug import Comparison, compare, run_and_record, simulate
from tests.support.this_machine import profile
from tests.wheels.download import LockedWheel, UnavailableError, coload_wheels, locked_wheels, obtain

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64" or shutil.which("readelf") is None,
    reason="ld.so of x86_64 Linux is asked, and readelf",
)

SYSTEM_PYTHON: Final = "/usr/bin/python3"
# Differences that are known. Two are of programs that are not position independent (Debian's python3): the
# simulation takes a program's references for ordinary ones, and has one kind of reference where ld.so has two.
# The third: nothing is known of what code in C opens. onnxruntime opens a library of its own with RTLD_GLOBAL,
# which makes the system's libstdc++ visible to all, so that later modules take libstdc++'s for their own.
EXPLAINED: Final = frozenset(
    {"what the program copies a variable from", "the program's own entry for a library's function"}
    | {"what code in C opened with RTLD_GLOBAL"}
)
# Lines of the log for which there is no reference in a file that Python loaded.
SET_ASIDE: Final = frozenset(
    {"dlsym", "the kernel's page of functions", "ld.so asks for itself", "a file that code in C opened"}
)
LEAST_AGREEMENT: Final = 0.995
FAILING_IMPORTS: Final = frozenset(
    {"soname_lacks_symbol", "static_tls", "openssl_soname", "protobuf_global", "protobuf_soname", "protobuf_twins"}
)
DT_FLAGS, DF_BIND_NOW = 30, 8


def check(comparison: Comparison, least: int) -> None:
    """At least so many references, and no difference that is not known."""
    assert comparison.different == ()
    assert set(comparison.explained) <= EXPLAINED
    assert set(comparison.set_aside) <= SET_ASIDE
    # What is set aside is little beside what is compared: nothing large is left out.
    assert sum(comparison.set_aside.values()) <= comparison.equal / 50
    assert comparison.equal >= least


def agreement(comparison: Comparison) -> float:
    return comparison.equal / (comparison.equal + sum(comparison.explained.values()) + len(comparison.different))


def pythons() -> list[str]:
    return [sys.executable, *([SYSTEM_PYTHON] if os.path.isfile(SYSTEM_PYTHON) else [])]


@pytest.mark.parametrize("python", pythons(), ids=os.path.basename)
def test_standard_library(python: str, tmp_path: Path) -> None:
    code = "import bz2, ctypes, curses, decimal, lzma, sqlite3, ssl, xml.etree.ElementTree, zlib"
    truth = run_and_record(python, code, tmp_path)
    assert truth.status == 0, truth.said
    comparison = compare(truth, simulate(truth.loads, profile(python)), os.path.realpath(python))
    check(comparison, 7000)
    assert agreement(comparison) >= LEAST_AGREEMENT


@pytest.mark.skipif(shutil.which("g++") is None, reason="the reproducers are for a C++ compiler")
@pytest.mark.parametrize("case", [read_case(path) for path in FILES], ids=lambda case: case.path.stem)
def test_reproducers(case: Case, tmp_path: Path) -> None:
    """Whatever goes wrong in them: it is bound as the simulation says."""
    python = SYSTEM_PYTHON if case.one("interpreter") else sys.executable
    include = include_folder(python) if os.path.isfile(python) else None
    if include is None:
        pytest.skip(f"{python} is not here, or not its Python.h")
    installed = build(case, tmp_path, include)
    for number, order in enumerate(permutations(case.packages)):
        folder = tmp_path / str(number)
        folder.mkdir()
        imports = "".join(f"import {package}\n" for package in order)
        code = f"import sys\nsys.path.insert(0, {str(installed.site)!r})\n{imports}"
        truth = run_and_record(python, code, folder)
        if truth.status != 0:
            # An import that fails unloads what it has loaded, and its bindings are no more than begun; or it ends
            # the process, before what it has loaded is on the list of what Python did.
            assert case.path.stem in FAILING_IMPORTS, truth.said
            continue
        check(compare(truth, simulate(truth.loads, profile(python)), os.path.realpath(python)), 900)


@pytest.mark.skipif(shutil.which("g++") is None, reason="the reproducers are for a C++ compiler")
@pytest.mark.parametrize("is_symbolic", [False, True])
def test_symbolic(is_symbolic: bool, tmp_path: Path) -> None:
    """DF_SYMBOLIC by itself: with -Bsymbolic the linker would leave nothing to look up."""
    include = include_folder(sys.executable)
    if include is None:
        pytest.skip(f"Python.h of {sys.executable} is not installed")
    case = read_case(FOLDER / "global_data.c")
    linked = [f"{value} -Wl,-z,now" if name == "build" else value for name, value in case.directives]
    case = case._replace(directives=tuple(zip((name for name, _ in case.directives), linked, strict=True)))
    site = build(case, tmp_path, include).site
    if is_symbolic:
        victim = site / "victim/_core.so"
        content, flags = victim.read_bytes(), struct.Struct("<QQ")
        assert content.count(flags.pack(DT_FLAGS, DF_BIND_NOW)) == 1
        victim.write_bytes(content.replace(flags.pack(DT_FLAGS, DF_BIND_NOW), flags.pack(DT_FLAGS, 2 | DF_BIND_NOW)))
    code = f"import sys\nsys.path.insert(0, {str(site)!r})\nimport culprit, victim\nassert victim.check() == 42"
    truth = run_and_record(sys.executable, code, tmp_path)
    assert truth.status == int(not is_symbolic)
    check(compare(truth, simulate(truth.loads, profile(sys.executable)), os.path.realpath(sys.executable)), 900)


# ----- real wheels

LEFT_OUT: Final = {
    "tensorflow": "ends the process when its libraries are loaded one by one: they register flags twice",
    "torch": "needs libraries of the GPU's vendor, which are packages of their own: nothing of it can be loaded",
}


def fitting() -> list[LockedWheel]:
    """The locked wheels that the running Python could install and that have something to load, by name."""
    supported = set(sys_tags())
    found = {}
    for wheel in (*locked_wheels(), *coload_wheels()):
        if wheel.project in LEFT_OUT or wheel.filename.endswith("-none-any.whl"):
            continue
        if parse_wheel_filename(wheel.filename)[3] & supported:
            found[wheel.project] = wheel
    return [found[name] for name in sorted(found)]


def install(wheels: Sequence[LockedWheel], site: Path) -> list[str]:
    """Unpacks wheels; returns the names of what can be imported, wheel by wheel."""
    tops: list[str] = []
    for wheel in wheels:
        try:
            path = obtain(wheel)
        except UnavailableError as error:
            skip_unless_ci(str(error))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
        subprocess.run([*command, "--upgrade", "--target", str(site), str(path)], check=True)
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[0] for name in archive.namelist() if "/" in name}
        tops += sorted(name for name in names if name.isidentifier() and name not in tops)
    return tops


@pytest.mark.wheels
@pytest.mark.parametrize("turned", [False, True], ids=["by name", "turned around"])
def test_wheels(tmp_path: Path, *, turned: bool) -> None:
    """All of them in one process, in one order and the other."""
    wheels = fitting()
    tops = install(wheels[::-1] if turned else wheels, tmp_path / "site")
    code = Path(__file__).with_name("load_everything.py").read_text(encoding="utf-8")
    wanted = {"LOAD_EVERYTHING": ":".join([str(tmp_path / "site"), *tops])}
    truth = run_and_record(sys.executable, code, tmp_path, wanted)
    assert truth.status == 0, truth.said
    comparison = compare(truth, simulate(truth.loads, profile(sys.executable)), os.path.realpath(sys.executable))
    check(comparison, 50_000)
    assert agreement(comparison) >= LEAST_AGREEMENT
