"""Small libraries and extension modules from a C compiler, as a build would leave them, and their wheels.

Every library has one function of its own name, `liba` for liba.so, that returns its value and those of the
libraries that it is linked with; `answer()` of an extension module does the same. What is returned says which
libraries were loaded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.wheel_builder import wheel

INCLUDE: Final = sysconfig.get_path("include")
NO_COMPILER: Final = (
    "a C compiler"
    if shutil.which("cc") is None
    else "Python's headers"
    if not (Path(INCLUDE) / "Python.h").is_file()
    else "Linux"
    if sys.platform != "linux"
    else None
)
needs_compiler = pytest.mark.skipif(NO_COMPILER is not None, reason=f"there is no {NO_COMPILER} here")

SUFFIX: Final = sysconfig.get_config_var("EXT_SUFFIX")
PYTHON_TAG: Final = f"cp{sys.version_info[0]}{sys.version_info[1]}"
ARCH: Final = os.uname().machine if hasattr(os, "uname") else "unknown"
LINUX_TAG: Final = f"{PYTHON_TAG}-{PYTHON_TAG}-linux_{ARCH}"
MODULE: Final = f"demo/_core{SUFFIX}"


def compile_c(source: str, target: Path, *flags: str) -> Path:
    """Compiles a text of C."""
    target.parent.mkdir(parents=True, exist_ok=True)
    text = target.with_name(f"{target.name}.c")
    text.write_text(source, encoding="utf-8")
    done = subprocess.run(
        ["cc", "-O1", "-o", str(target), str(text), *flags], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    text.unlink()
    return target


def library(
    target: Path,
    value: int,
    *,
    links: Sequence[Path] = (),
    soname: str | None = "",
    function: str | None = None,
    flags: Sequence[str] = (),
    run_path: tuple[str, str] | None = None,
) -> Path:
    """A library at `target`; "" makes its file name the soname. `run_path` is ("rpath" or "runpath", value)."""
    name = function or target.name.partition(".")[0]
    own = target.name if soname == "" else soname
    command = ["-shared", "-fPIC", *flags, *([f"-Wl,-soname,{own}"] if own else []), *_linked(links, run_path)]
    return compile_c(_function(name, value, [_name(each) for each in links]), target, *command)


def extension(
    target: Path,
    *,
    links: Sequence[Path] = (),
    functions: Sequence[str] | None = None,
    flags: Sequence[str] = (),
    run_path: tuple[str, str] | None = None,
    value: int = 0,
) -> Path:
    """An extension module whose `answer()` is `value` and what its libraries return."""
    names = [_name(each) for each in links] if functions is None else list(functions)
    module = target.name.partition(".")[0]
    source = f"""
#define PY_SSIZE_T_CLEAN
#include <Python.h>
{_function("own", value, names)}
static PyObject *answer(PyObject *self, PyObject *ignored) {{ return PyLong_FromLong(own()); }}
static PyMethodDef methods[] = {{ {{"answer", answer, METH_NOARGS, NULL}}, {{NULL}} }};
static struct PyModuleDef definition = {{ PyModuleDef_HEAD_INIT, "{module}", NULL, -1, methods }};
PyMODINIT_FUNC PyInit_{module}(void) {{ return PyModule_Create(&definition); }}
"""
    command = ["-shared", "-fPIC", f"-I{INCLUDE}", *flags, *_linked(links, run_path)]
    return compile_c(source, target, *command)


def program(target: Path, *, links: Sequence[Path] = (), flags: Sequence[str] = ()) -> Path:
    """A program that prints the sum, and its first argument."""
    names = [_name(each) for each in links]
    source = f"""
#include <stdio.h>
{_function("own", 0, names)}
int main(int count, char **words) {{ printf("%d %s\\n", own(), count > 1 ? words[1] : "-"); return 0; }}
"""
    return compile_c(source, target, *flags, *_linked(links, None))


def _name(path: Path) -> str:
    return path.name.partition(".")[0]


def _function(name: str, value: int, others: Sequence[str]) -> str:
    declared = "".join(f"int {other}(void);\n" for other in others)
    return f"{declared}int {name}(void) {{ return {' + '.join([str(value), *(f'{other}()' for other in others)])}; }}\n"


def _linked(links: Sequence[Path], run_path: tuple[str, str] | None) -> list[str]:
    words = ["-Wl,--no-as-needed", *map(str, links), "-Wl,--as-needed"]
    words += [f"-Wl,-rpath-link,{each.parent}" for each in links]
    if run_path is not None:
        kind, text = run_path
        words += ["-Wl,--enable-new-dtags" if kind == "runpath" else "-Wl,--disable-new-dtags", f"-Wl,-rpath,{text}"]
    return words


def pack(folder: Path, members: Mapping[str, Path | bytes], *, tags: str = LINUX_TAG, **options: Any) -> Path:
    """`demo-1.0` with these members, files by path; compiled ones may be run, as builds leave them."""
    contents = {name: each if isinstance(each, bytes) else each.read_bytes() for name, each in members.items()}
    for package in {name.rpartition("/")[0] for name in contents if "/" in name and ".data/" not in name}:
        contents.setdefault(f"{package}/__init__.py", b"")
    modes = {name: 0o100755 for name, each in contents.items() if each.startswith(b"\x7fELF")}
    folder.mkdir(parents=True, exist_ok=True)
    return wheel(folder, tags=tags, members=contents, modes=modes | options.pop("modes", {}), **options)


def install(path: Path, root: Path) -> Path:
    """Unpacks a wheel's packages as installers do; returns the folder for `sys.path`."""
    site = root / "site"
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            place = site / info.filename
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.read(info))
            place.chmod(0o755 if info.external_attr >> 16 & 0o111 else 0o644)
    return site


_ASK: Final = """\
import importlib, sys
sys.path.insert(0, sys.argv[1])
print(sum(importlib.import_module(name).answer() for name in sys.argv[2:]))
with open("/proc/self/maps") as maps:
    print(*sorted({line.split()[-1] for line in maps if ".so" in line}), sep="\\n")
"""


def ask(site: Path, *modules: str, env: Mapping[str, str] | None = None) -> tuple[int, set[str]]:
    """What the modules answer in a process of their own, and the libraries that it has mapped."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    done = subprocess.run(
        [sys.executable, "-I", "-c", _ASK, str(site), *modules],
        capture_output=True, text=True, check=False, env={**clean, **(env or {})},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, *mapped = done.stdout.splitlines()
    return int(first), set(mapped)
