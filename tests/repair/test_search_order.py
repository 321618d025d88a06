"""Where a library is found, held against ld.so: programs that say which of several libraries they were given."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from perennial.arch import architecture_of_tag
from perennial.elf.read import read_elf
from perennial.platform_tag import Libc
from perennial.repair.options import Places
from perennial.repair.search import Searcher
from tests.support.compiled import ARCH, compile_c, library, needs_compiler

pytestmark = needs_compiler

# One of these folders is each library's search path; a copy of `libend` lies in some of them, and says which.
FOLDERS: Final = ("one", "two", "three", "env")


KINDS: Final = (None, "rpath", "runpath")


class Case(NamedTuple):
    """program -> libmid -> libend. The search path of the first two, and where copies of libend lie."""

    kinds: tuple[str | None, str | None]  # rpath or runpath of program and libmid
    copies: tuple[str, ...]
    environment: bool


CASES: Final = [
    Case(kinds, copies, environment)
    for kinds in itertools.product(KINDS, KINDS)
    for copies in (("one",), ("two",), ("env",), ("one", "two"), ("one", "env"), ("two", "env"), ("one", "two", "env"))
    for environment in (False, True)
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs and middle libraries of all kinds."""
    root = tmp_path_factory.mktemp("order")
    for number, folder in enumerate(FOLDERS):
        library(root / "copies" / folder / "libend.so", number + 1)
    end = root / "copies" / "one" / "libend.so"
    for kind in KINDS:
        path = None if kind is None else (kind, f"$ORIGIN/two:{root}/x/two")
        library(root / f"mid-{kind}" / "libmid.so", 0, links=[end], run_path=path)
    mid = root / "mid-None" / "libmid.so"
    for kind in KINDS:
        flags = []
        if kind is not None:
            flags = [
                "-Wl,--enable-new-dtags" if kind == "runpath" else "-Wl,--disable-new-dtags",
                f"-Wl,-rpath,{root}/x/mid:{root}/x/one",
            ]
        source = "int libmid(void); int main(void) { return libmid(); }"
        linked = ["-Wl,--no-as-needed", str(mid), f"-Wl,-rpath-link,{end.parent}"]
        compile_c(source, root / f"program-{kind}", *linked, *flags)
    return root


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kinds}-{case.copies}-{case.environment}")
def test_order(case: Case, built: Path) -> None:
    if any(name in os.environ for name in ("LD_PRELOAD", "LD_AUDIT")):
        pytest.skip("this process has a loader of its own making")
    place = built / "x"
    shutil.rmtree(place, ignore_errors=True)
    outer, inner = case.kinds
    for folder in FOLDERS:
        (place / folder).mkdir(parents=True)
    for folder in case.copies:
        (place / folder / "libend.so").write_bytes((built / "copies" / folder / "libend.so").read_bytes())
    (place / "mid").mkdir()
    (place / "mid" / "libmid.so").write_bytes((built / f"mid-{inner}" / "libmid.so").read_bytes())
    environment = [str(place / "env"), str(place / "mid")] if case.environment else []

    start = built / f"program-{outer}"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    clean |= {"LD_LIBRARY_PATH": ":".join(environment)} if environment else {}
    done = subprocess.run([str(start)], env=clean, capture_output=True, text=True, check=False)

    architecture = architecture_of_tag(ARCH)
    assert architecture is not None
    searcher = Searcher(Places(library_path=tuple(environment)), architecture, Libc.GLIBC)
    asker = searcher.requester(str(start), read_elf(start.read_bytes()), str(built), (), searcher.root)
    middle = searcher.find("libmid.so", asker).library
    end = None
    if middle is not None:
        end = searcher.find("libend.so", searcher.requester_of(middle, asker.handed_down)).library
    if end is None:
        assert done.returncode == 127, "ld.so found it"
        assert "cannot open shared object file" in done.stderr
        return
    assert FOLDERS[done.returncode - 1] == Path(end.path).parent.name, done.stderr


@pytest.mark.skipif(shutil.which("musl-gcc") is None, reason="there is no musl-gcc here (Debian's musl-tools)")
@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_musl_hands_both_kinds_down(kind: str, tmp_path: Path) -> None:
    """libmid has no search path, and finds libend by that of the program."""

    def compiled(source: str, target: Path, *flags: str) -> Path:
        target.parent.mkdir(exist_ok=True)
        command = ["musl-gcc", "-x", "c", "-", "-x", "none", "-o", str(target), *flags]
        subprocess.run(command, input=source, text=True, check=True, capture_output=True)
        return target

    shared = ("-shared", "-fPIC")
    end = compiled("int of_end(void) { return 7; }", tmp_path / "lib" / "libend.so", *shared, "-Wl,-soname,libend.so")
    middle = compiled(
        "int of_end(void); int of_mid(void) { return of_end(); }",
        tmp_path / "lib" / "libmid.so", *shared, "-Wl,-soname,libmid.so", str(end),
    )  # fmt: skip
    start = compiled(
        "int of_mid(void); int main(void) { return of_mid(); }",
        tmp_path / "start", str(middle), f"-Wl,-rpath,{end.parent}",
        "-Wl,--enable-new-dtags" if kind == "runpath" else "-Wl,--disable-new-dtags",
    )  # fmt: skip
    assert subprocess.run([str(start)], env={}, check=False).returncode == 7

    architecture = architecture_of_tag(ARCH)
    assert architecture is not None
    searcher = Searcher(Places(), architecture, Libc.MUSL)
    asker = searcher.requester(str(start), read_elf(start.read_bytes()), str(tmp_path), (), searcher.root)
    found = searcher.find("libmid.so", asker).library
    assert found is not None
    below = searcher.find("libend.so", searcher.requester_of(found, asker.handed_down)).library
    assert below is not None
    assert below.path == str(end)
