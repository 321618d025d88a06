"""Crashes that are compiled here: found in their order, explained, minimised to the symbol, and cured.

The packages are those of tests/coload/reproducers, whose comments say what each does.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

import perennial as perennial_package
from perennial.coload.run.minimise import symbols_not_found
from perennial.coload.run.model import End, Outcome
from tests.coload.cases import FOLDER, build, include_folder, read_case

INCLUDE = include_folder(sys.executable)

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64" or shutil.which("g++") is None or INCLUDE is None,
    reason="the reproducers are for a C++ compiler of x86_64 Linux, and need Python.h",
)
GDB = shutil.which("gdb")
SCHEMA = Path(perennial_package.__file__).parent / "schema" / "coload-1.json"


class Ran(NamedTuple):
    """What `perennial coload --run` said of a reproducer."""

    document: dict[str, Any]
    text: str

    def order(self, first: str) -> dict[str, Any]:
        runs = self.document["runs"]["orders"]
        return next(run for run in runs if run["order"][0].startswith(f"{first}-"))


def perennial(*arguments: str, temporary: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "perennial", "coload", "--no-cache", *arguments]
    environ = os.environ if temporary is None else {**os.environ, "TMPDIR": str(temporary)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=600)


def ran(name: str, folder: Path, *, whole_text: bool = False) -> Ran:
    case = read_case(FOLDER / name)
    assert INCLUDE is not None
    wheels = [str(path) for path in build(case, folder, INCLUDE).wheels.values()]
    smoke = [f"--smoke={package}=import {package}; assert {package}.check() == 42" for package in case.packages]
    done = perennial("--run", "--json", *smoke, *wheels)
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    text = perennial("--run", *([] if whole_text else ["--no-minimise"]), *smoke, *wheels)
    assert text.returncode == 1
    return Ran(document, text.stdout)


def test_state_of_libstdcxx_in_a_package(tmp_path: Path) -> None:
    """The crash of 2019: one order, one of its two variables, gone with libstdc++ first."""
    case = ran("once_call.cpp", tmp_path)
    assert all(run["outcome"]["end"] == "fine" for run in case.document["runs"]["alone"])
    assert case.order("victim")["outcome"]["end"] == "fine"
    bad = case.order("culprit")
    assert (bad["outcome"]["signal"], bad["outcome"]["step"]) == ("SIGSEGV", "smoke victim")
    found = bad["diagnosis"]
    assert found["again"]
    assert {(one["symbol"], one["got"]) for one in found["bindings"]} >= {
        ("_ZSt11__once_call", "culprit/_core.so"),
        ("_ZSt15__once_callable", "culprit/_core.so"),
    }
    assert [(one["library"], one["outcome"]["end"]) for one in found["preloaded"]] == [("libstdc++.so.6", "fine")]
    assert [one["symbol"] for one in found["held"]["references"]] == ["_ZSt11__once_call"]
    assert [one["symbol"] for one in found["hidden"]["symbols"]] == ["_ZSt11__once_call"]
    assert found["hidden"]["symbols"][0]["files"] == ["culprit/_core.so"]
    # The static half of the report names the same symbol.
    assert "_ZSt11__once_call" in {one["symbol"] for one in case.document["conflicts"] if one["severity"] == "error"}
    if GDB is not None:
        names = [frame["function"] for frame in found["native_stack"] if frame["function"]]
        assert "pthread_once" in names[0]
    assert "culprit 1.0, then victim 1.0: SIGSEGV in smoke victim" in case.text
    assert "with libstdc++.so.6 loaded before the imports: works" in case.text


def test_allocator_of_a_package(tmp_path: Path) -> None:
    bad = ran("operator_new.cpp", tmp_path).order("culprit")
    assert bad["outcome"]["signal"] == "SIGABRT"
    found = bad["diagnosis"]
    assert [one["symbol"] for one in found["held"]["references"]] == ["_Znwm"]
    assert [one["symbol"] for one in found["hidden"]["symbols"]] == ["_Znwm"]
    assert found["preloaded"][0]["outcome"]["end"] == "fine"


def test_global_scope(tmp_path: Path) -> None:
    """A function that RTLD_GLOBAL lets another package have: no library of the system takes part, and none cures."""
    bad = ran("global_function.c", tmp_path).order("culprit")
    assert bad["outcome"]["end"] != "fine"
    found = bad["diagnosis"]
    assert found["held"] is None
    assert len(found["hidden"]["symbols"]) == 1
    symbol = found["hidden"]["symbols"][0]["symbol"]
    assert symbol in {one["symbol"] for one in found["bindings"]}
    assert found["preloaded"][0]["outcome"]["end"] != "fine"


@pytest.mark.parametrize(
    ("name", "signal", "step"),
    [("protobuf_global.cpp", "SIGABRT", "import victim"), ("openssl_global.c", "SIGSEGV", "smoke victim")],
)
def test_state_of_a_library_that_both_have(name: str, signal: str, step: str, tmp_path: Path) -> None:
    """RTLD_GLOBAL again: the symbol that the analysis names is the one that the search ends at."""
    case = ran(name, tmp_path)
    (error,) = (one for one in case.document["conflicts"] if one["severity"] == "error")
    assert error["order"][0].startswith("culprit-")
    assert case.order("victim")["outcome"]["end"] == "fine"
    bad = case.order("culprit")
    assert (bad["outcome"]["signal"], bad["outcome"]["step"]) == (signal, step)
    found = bad["diagnosis"]
    assert [one["symbol"] for one in found["hidden"]["symbols"]] == [error["symbol"]]
    assert found["hidden"]["symbols"][0]["files"] == ["culprit/_core.so"]
    assert found["hidden"]["outcome"]["end"] == "fine"
    assert found["held"] is None
    assert found["apart"] == []


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("soname_lacks_symbol.c", "libcodec.so.1"),
        ("protobuf_soname.cpp", "libprotobuf.so.32"),
        ("openssl_soname.c", "libcrypto.so.3"),
    ],
)
def test_a_library_that_stands_in_for_another(name: str, library: str, tmp_path: Path) -> None:
    """No symbol is to blame, and none is blamed because others then miss it: with two names, both work."""
    case = ran(name, tmp_path, whole_text=True)
    assert "library-replaced" in {one["rule"] for one in case.document["conflicts"]}
    bad = case.order("culprit")
    assert bad["outcome"]["end"] in ("exception", "signal")
    found = bad["diagnosis"]
    assert [(one["library"], one["package"], one["outcome"]["end"]) for one in found["apart"]] == [
        (library, "victim", "fine")
    ]
    assert found["hidden"] is None
    assert f"with victim's own {library} under a name of its own: works" in case.text


def test_a_symbol_that_others_then_miss_is_no_cure() -> None:
    said = "python: symbol lookup error: /s/b.so: undefined symbol: late, version V_1"
    error = "ImportError: /s/a.so: undefined symbol: _Z4soonv"
    assert symbols_not_found(Outcome(End.EXIT, "", code=127, said=said)) == {"late"}
    assert symbols_not_found(Outcome(End.EXCEPTION, "", error=error)) == {"_Z4soonv"}
    assert symbols_not_found(Outcome(End.FINE, "")) == set()


# ----- options that do not fit


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--smoke", "demo"], "--smoke demo: it takes a project's name"),
        (["--smoke", "nobody=1"], "--smoke nobody: nothing of that project is imported"),
        (["--timeout", "0"], "--timeout 0: more than 0"),
        (["--with", "/no/such"], "--with /no/such: no such file or folder"),
        (["--python", "3.99"], "--python 3.99: there is no python3.99"),
    ],
)
def test_options(options: list[str], words: str, tmp_path: Path) -> None:
    wheels = [
        str(path) for path in build(read_case(FOLDER / "local_isolation.c"), tmp_path, str(INCLUDE)).wheels.values()
    ]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = perennial("--run", *options, *wheels, temporary=temporary)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(temporary.iterdir()) == []
