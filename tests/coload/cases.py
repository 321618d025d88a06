"""Reads the reproducers, compiles them into two wheels, installs these, and imports them in an order.

A file begins with directives, one a line, in comments that start with `//!`. PACKAGE is `culprit` or
`victim`, which are wheels of their own; a path begins with the package, or with `PACKAGE.libs`:

    //! build: PATH = COMMAND        run in the folder where the wheels are put together; `-o PATH` is added
    //! cured: PATH = COMMAND        with the remedy: instead of the `build` of that path, or beside them
    //! copy: PATH = SONAME          a copy of one of the system's libraries with PATH's name as its soname, and a
                                     build-id of its own
    //! cured-copy: PATH = SONAME    with the remedy: beside them
    //! code: PATH = PYTHON          a Python file; without one a package has `from ._core import check`
    //! cured-code: PATH = PYTHON    the same with the remedy
    //! interpreter: SONAME          run by the system's interpreter, which must need this library
    //! glibc: X.Y                   run by the loader of a newer system
    //! environment: NAME=VALUE...
    //! check: PYTHON                what is run after the imports; without it `check` of each, in their order,
                                     where `victim.check()` must be 42
    //! breaks: ORDER: WORDS         imported in this order, it ends with this signal, or says these words
    //! works: ORDER
    //! finds: RULE SEVERITY ORDER: SYMBOL   `-` for no symbol, `*` for any

Of errors and warnings `finds` is complete: none may be found that is not expected. With the remedy there
are none, and every order works.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import signal
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final, NamedTuple

from tests.roots.make import skip_unless_ci
from tests.support.wheel_builder import wheel

FOLDER: Final = Path(__file__).with_name("reproducers")
FILES: Final = sorted(path for path in FOLDER.iterdir() if path.suffix in (".c", ".cpp"))
PACKAGES: Final = ("culprit", "victim")

_DIRECTIVE: Final = re.compile(r"//! ([a-z-]+): (.+)")
_KEYS: Final = frozenset(
    {"build", "cured", "copy", "cured-copy", "code", "cured-code", "interpreter", "glibc"}
    | {"environment", "check", "breaks", "works", "finds"}
)
_PLAIN: Final = "from ._core import check\n"
_CHECK: Final = "said = {name: sys.modules[name].check() for name in order}; assert said.get('victim', 42) == 42"


class Breaks(NamedTuple):
    """An order of imports that goes wrong, and how: a signal's name, or words on standard error."""

    order: tuple[str, ...]
    words: str


class Finds(NamedTuple):
    """A conflict that the analysis reports."""

    rule: str
    severity: str
    order: tuple[str, ...]
    symbol: str

    def answers(self, expected: Finds) -> bool:
        """Whether it is what is expected, whose symbol may be any."""
        return self == (expected if expected.symbol != "*" else expected._replace(symbol=self.symbol))


class Case(NamedTuple):
    """A reproducer by its directives."""

    path: Path
    directives: tuple[tuple[str, str], ...]

    def all(self, key: str) -> list[str]:
        return [value for name, value in self.directives if name == key]

    def one(self, key: str) -> str | None:
        return next(iter(self.all(key)), None)

    def pairs(self, key: str) -> dict[str, str]:
        return dict(value.split(" = ", 1) for value in self.all(key))

    @property
    def breaks(self) -> tuple[Breaks, ...]:
        parts = (value.split(": ", 1) for value in self.all("breaks"))
        return tuple(Breaks(tuple(order.split()), words) for order, words in parts)

    @property
    def works(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(value.split()) for value in self.all("works"))

    @property
    def finds(self) -> tuple[Finds, ...]:
        found = []
        for value in self.all("finds"):
            head, symbol = value.split(": ", 1)
            rule, severity, *order = head.split()
            found.append(Finds(rule, severity, tuple(order), symbol))
        return tuple(found)

    @property
    def has_remedy(self) -> bool:
        return bool(self.all("cured") or self.all("cured-code"))

    @property
    def packages(self) -> tuple[str, ...]:
        built = {path.split("/")[0] for path in self.pairs("build")}
        return tuple(name for name in PACKAGES if name in built)


def read_case(path: Path) -> Case:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("//!"):
            directive = _DIRECTIVE.fullmatch(line)
            assert directive is not None, f"{path.name}: {line}"
            assert directive[1] in _KEYS, f"{path.name}: {line}"
            found.append((directive[1], directive[2].strip()))
    return Case(path, tuple(found))


class Installed(NamedTuple):
    """The wheels of a case by package, and the folder in which they are installed."""

    wheels: dict[str, Path]
    site: Path


def build(case: Case, folder: Path, include: str, *, cured: bool = False) -> Installed:
    """Compiles a case; `include` is where Python.h is."""
    site = folder / "site"
    commands = case.pairs("build") | (case.pairs("cured") if cured else {})
    code = case.pairs("code") | (case.pairs("cured-code") if cured else {})
    copies = case.pairs("copy") | (case.pairs("cured-copy") if cured else {})
    for path, soname in copies.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(rebuilt(renamed(soname, path.rpartition("/")[2]), path))
    flags = f"-shared -fPIC -O1 -w -I{include} -I{FOLDER}"
    words = {"cc": f"gcc {flags}", "cxx": f"g++ -std=c++17 {flags}", "src": str(case.path)}
    words["hidden"] = f"-Wl,--version-script={FOLDER / 'only_init.map'}"
    for path, command in sorted(commands.items(), key=lambda item: item[0].endswith("_core.so")):
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        line = [*shlex.split(command.format(**words)), "-o", path]
        # Every path is built: where the remedy has another file, nothing needs the first any more.
        done = subprocess.run(line, cwd=site, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    for package in case.packages:
        (site / package / "__init__.py").write_text(code.get(f"{package}/__init__.py", _PLAIN), encoding="utf-8")
    return Installed({package: _wheel(package, folder, site) for package in case.packages}, site)


def _wheel(package: str, folder: Path, site: Path) -> Path:
    files = (path for top in (package, f"{package}.libs") for path in sorted((site / top).rglob("*")))
    members = {str(path.relative_to(site)): path.read_bytes() for path in files if path.is_file()}
    version = "".join(map(str, sys.version_info[:2]))
    return wheel(folder, name=package, tags=f"cp{version}-cp{version}-linux_x86_64", members=members)


def renamed(soname: str, name: str) -> bytes:
    """A library that the compiler finds with another soname of the same length, written over the old one."""
    assert len(soname) == len(name)
    found = subprocess.run(["g++", f"-print-file-name={soname}"], capture_output=True, text=True, check=True)
    path = Path(found.stdout.strip())
    if not path.is_absolute():
        skip_unless_ci(f"{soname} is not installed here")
    content = path.read_bytes()
    old = b"\0" + soname.encode() + b"\0"
    assert content.count(old) == 1
    return content.replace(old, b"\0" + name.encode() + b"\0")


# A note of type NT_GNU_BUILD_ID with a SHA-1, up to its contents (gABI chapter 5, "Note Section")
_BUILD_ID: Final = struct.pack("<III", 4, 20, 3) + b"GNU\0"


def rebuilt(content: bytes, name: str) -> bytes:
    """A library as another build of it: the build-id is what tells them apart."""
    place = content.index(_BUILD_ID) + len(_BUILD_ID)
    return content[:place] + hashlib.sha1(name.encode(), usedforsecurity=False).digest() + content[place + 20 :]


def include_folder(python: str) -> str | None:
    """Where an interpreter's Python.h is, None where it is not installed."""
    if python == sys.executable:
        folder = sysconfig.get_path("include")
    else:
        command = [python, "-c", "import sysconfig; print(sysconfig.get_path('include'))"]
        folder = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return folder if os.path.isfile(f"{folder}/Python.h") else None


class Outcome(NamedTuple):
    """How a process ended: the name of a signal, or its exit status; and what it said."""

    end: str
    said: str


def run(case: Case, site: Path, order: tuple[str, ...], python: tuple[str, ...]) -> Outcome:
    """Imports the packages in an order and does what the case wants to see."""
    setup = f"import os, sys\nsys.path.insert(0, {str(site)!r})\norder = {order!r}\n"
    code = setup + "".join(f"import {package}\n" for package in order) + f"{case.one('check') or _CHECK}\n"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LD_", "PYTHON", "OMP_"))}
    environment |= dict(pair.split("=", 1) for pair in (case.one("environment") or "").split())
    command = [*python, "-I", "-S", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    end = signal.Signals(-done.returncode).name if done.returncode < 0 else str(done.returncode)
    return Outcome(end, done.stderr)
