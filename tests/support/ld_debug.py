"""What ld.so bound in a real process (`LD_DEBUG=bindings`), and what the simulation says of the same loads.

The process runs with LD_BIND_NOW, so that what the program itself needs is bound at once, too: the
simulation knows no lazy binding. Lines that no relocation caused are told apart, each for its reason;
whether a file has a relocation for a symbol is asked of readelf.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from perennial.coload.library import Library
from perennial.coload.loader import Process, System
from perennial.coload.profile import Profile
from tests.support.this_machine import read_file

_RECORDER: Final = Path(__file__).with_name("record_loads.py")
_LINE: Final = re.compile(
    r"\s*\d+:\tbinding file (?P<asker>.+?) \[0\] to (?P<got>.+?) \[0\]: \w+ symbol `(?P<symbol>[^']*)'"
    r"(?: \[(?P<version>[^\]]*)\])?$"
)
_VISIBLE: Final = re.compile(r"\s*\d+:\tadd (?P<path>.+) \[0\] to global scope$")
# Of an indirect function, readelf says the name, with (), where there is a value otherwise.
_RELOCATION: Final = re.compile(
    r"^[0-9a-f]{8,}\s+[0-9a-f]{8,}\s+R_\w+\s+(?:[0-9a-f]+|\S+\(\))\s+"
    r"(?P<symbol>[^\s@]+)(?:@@?(?P<version>\S+))?(?: [+-] .*)?$"
)


class Asked(NamedTuple):
    """A reference: the file by its real path, and the symbol."""

    asker: str
    symbol: str
    version: str | None


class Truth(NamedTuple):
    """A real process: what it loaded through Python, as ("local" or "global", path), what ld.so bound, and what
    became visible to all after the start, whoever asked for that.
    """

    loads: tuple[tuple[str, str], ...]
    bindings: Mapping[Asked, frozenset[str]]
    visible: frozenset[str]
    status: int
    said: str


def run_and_record(python: str, code: str, folder: Path, environment: Mapping[str, str] | None = None) -> Truth:
    """Runs Python code under ld.so's eyes."""
    log, out = folder / "ld.log", folder / "loads.txt"
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("LD_", "PYTHON"))}
    clean |= {"LD_DEBUG": "bindings,scopes", "LD_DEBUG_OUTPUT": str(log), "LD_BIND_NOW": "1", **(environment or {})}
    command = [os.path.realpath(python), "-I", "-S", str(_RECORDER), str(out), code]
    with subprocess.Popen(command, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        _, said = process.communicate(timeout=1200)
    loads: list[tuple[str, str]] = []
    if out.is_file():
        loads = [(how, path) for how, _, path in (line.partition(" ") for line in out.read_text().splitlines()[1:])]
    bindings, visible = _read_log(Path(f"{log}.{process.pid}"))
    return Truth(tuple(loads), bindings, visible, process.returncode, said)


def _read_log(path: Path) -> tuple[Mapping[Asked, frozenset[str]], frozenset[str]]:
    found: dict[Asked, set[str]] = defaultdict(set)
    visible: set[str] = set()
    real = cache(os.path.realpath)
    with path.open(encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            match = _LINE.match(line)
            if match is not None:
                key = Asked(real(match["asker"]), match["symbol"], match["version"])
                found[key].add(real(match["got"]))
            elif (match := _VISIBLE.match(line)) is not None:
                visible.add(real(match["path"]))
    return {key: frozenset(got) for key, got in found.items()}, frozenset(visible)


class _Files(dict[str, Library]):
    """Every file of this machine by its path, read when it is asked for."""

    def __missing__(self, path: str) -> Library:
        self[path] = read_file(path, "installed")
        return self[path]

    def get(self, path: str, default: object = None) -> Library | None:  # type: ignore[override]
        return self[path] if path in self or os.path.isfile(path) else None


class Simulated(NamedTuple):
    """What the simulation bound, None where it finds nothing; and the paths of all that it loaded, and of what
    is visible to all.
    """

    bindings: Mapping[Asked, str | None]
    loaded: frozenset[str]
    visible: frozenset[str]


def simulate(loads: tuple[tuple[str, str], ...], profile: Profile) -> Simulated:
    """The same loads, played through."""
    files = _Files()
    process = Process(System(profile.program, profile.libraries, files, profile.glibc))
    real = cache(os.path.realpath)
    found: dict[Asked, str | None] = {}

    def bind(objects: tuple[object, ...]) -> None:
        for bound in process.bind(objects):  # type: ignore[arg-type]
            key = Asked(real(bound.asker.library.path), bound.reference.name, bound.reference.version)
            got = None if bound.provider is None else real(bound.provider.library.path)
            assert found.setdefault(key, got) == got

    bind(process.objects)
    for how, path in loads:
        if how == "needed":
            if process.named(path) is None:
                bind(process.load(profile.libraries[path].path))
        else:
            bind(process.load(path, visible_to_all=how == "global"))
    visible = frozenset(real(loaded.library.path) for loaded in process.global_scope)
    return Simulated(found, frozenset(real(loaded.library.path) for loaded in process.objects), visible)


class Comparison(NamedTuple):
    """`equal` counts references with one provider in both; `set_aside` lines that no relocation of a known
    file caused, by reason; `explained` are differences that are known, by reason, and `different` the others:
    (reference, ld.so's providers, the simulation's).
    """

    equal: int
    set_aside: Mapping[str, int]
    explained: Mapping[str, int]
    different: tuple[tuple[Asked, frozenset[str], str | None], ...]


def compare(truth: Truth, simulated: Simulated, program: str) -> Comparison:
    """Holds the simulation against the process, reference by reference, both ways."""
    equal, set_aside, explained = 0, Counter[str](), Counter[str]()
    different: list[tuple[Asked, frozenset[str], str | None]] = []
    for key, got in truth.bindings.items():
        if key in simulated.bindings:
            said = simulated.bindings[key]
            if got == {said}:
                equal += 1
            elif key.asker == program and key.symbol in copied(program):
                explained["what the program copies a variable from"] += 1
            elif program in got <= {program, said} and key.symbol in entries(program):
                explained["the program's own entry for a library's function"] += 1
            elif got <= truth.visible - simulated.visible:
                explained["what code in C opened with RTLD_GLOBAL"] += 1
            else:
                different.append((key, got, said))
        else:
            reason = _reason(key, simulated)
            if reason is None:
                different.append((key, got, None))
            else:
                set_aside[reason] += 1
    for key in simulated.bindings.keys() - truth.bindings.keys():
        if simulated.bindings[key] is not None:
            different.append((key, frozenset(), simulated.bindings[key]))
    return Comparison(
        equal, set_aside, explained, tuple(sorted(different, key=lambda each: each[0].asker + each[0].symbol))
    )


def _reason(key: Asked, simulated: Simulated) -> str | None:
    """Why there is a line in the log for which the simulation has no reference; None where there is no excuse."""
    if "linux-vdso.so" in key.asker:
        return "the kernel's page of functions"
    if os.path.basename(key.asker).startswith("ld-linux"):
        return "ld.so asks for itself"
    if key.asker not in simulated.loaded:
        return "a file that code in C opened"
    if (key.symbol, key.version) not in relocated(key.asker):
        return "dlsym"
    return None


@cache
def relocated(path: str) -> frozenset[tuple[str, str | None]]:
    """The symbols that a file's relocations name, with their versions, says readelf."""
    return frozenset((symbol, version) for _, symbol, version in _relocations(path))


@cache
def copied(path: str) -> frozenset[str]:
    """The variables that a program has copies of (R_*_COPY)."""
    return frozenset(symbol for line, symbol, _ in _relocations(path) if "_COPY " in line)


@cache
def entries(path: str) -> frozenset[str]:
    """Functions of libraries of which a program that is not position independent takes the address: it has an
    entry of its own for each, undefined and with a value, and references that are not calls are bound to that
    (`check_match`: undefined symbols are passed over for ELF_RTYPE_CLASS_PLT only). The entry leads on to the
    library's function.
    """
    done = subprocess.run(["readelf", "--dyn-syms", "-W", path], capture_output=True, check=True, env={"LC_ALL": "C"})
    rows = (line.split() for line in done.stdout.decode().splitlines())
    return frozenset(
        row[7].partition("@")[0]
        for row in rows
        if len(row) > 7 and row[6] == "UND" and row[1].strip("0") and row[1] != "Value"
    )


def _relocations(path: str) -> Iterator[tuple[str, str, str | None]]:
    done = subprocess.run(["readelf", "-rW", path], capture_output=True, check=True, env={"LC_ALL": "C"})
    for line in done.stdout.decode("utf-8", "backslashreplace").splitlines():
        match = _RELOCATION.match(line)
        if match is not None:
            yield line, match["symbol"], match["version"]
