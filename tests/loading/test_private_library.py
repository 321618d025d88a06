"""Three copies of libstdc++ in one process: the system's, and two private ones under names of their own.

The private ones are this machine's and Debian 13's, bound to glibc 2.31 by hand; so they are in any of the systems.
What is theirs alone, and what all copies have together, is said by addresses; what works, by sources/private.cpp.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from perennial.elf.edit import ElfChanges, SearchPath, VersionChange, VersionRename
from perennial.elf.read import read_elf
from tests.loading.editing import edited
from tests.loading.workshop import SOURCES, SYSTEMS, System, Workshop, root_of
from tests.roots.run import place_in
from tests.roots.toolchain import find_library

CXX: Final = "libstdc++.so.6"
OLDER: Final = "libolder.so"
HERE: Final = SearchPath("$ORIGIN", runpath=True)
# What is newer than 2.31 in what Debian 12's g++ and libstdc++ need, for x86_64: where else it is, and which version.
THREADS: Final = dict.fromkeys(
    ("create", "join", "detach", "once", "key_create", "key_delete", "getspecific", "setspecific", "rwlock_rdlock",
     "rwlock_wrlock", "rwlock_unlock"), "GLIBC_2.2.5",
) | dict.fromkeys(("cond_clockwait", "mutex_clocklock"), "GLIBC_2.30")  # fmt: skip
SHIMMED: Final = ("stat", "lstat", "fstat", "fstat64", "arc4random", "__isoc23_strtoul", "__libc_single_threaded")
WAIT: Final = "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE"  # 3.4.30's says noexcept, and is the same

pytestmark = [
    pytest.mark.loading,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="its table of versions is x86_64's"),
]


class Copy(NamedTuple):
    """A private copy of the library: its soname, and what stands before the names of its versions."""

    soname: str
    prefix: str


ONE: Final = Copy("libstdc++-0b5e77a1.so.6", "PERENNIAL_0B5E77A1_")
TWO: Final = Copy("libstdc++-9c1d02f4.so.6", "PERENNIAL_9C1D02F4_")


def bound_to_old(data: bytes) -> ElfChanges:
    """References to glibc bound by hand to what 2.31 has, and the libraries that they need then."""
    rebind = []
    for symbol in read_elf(data).imports:
        origin = symbol.name, symbol.library or "", symbol.version or ""
        version = THREADS.get(symbol.name.removeprefix("pthread_"))
        if version is not None and symbol.version == "GLIBC_2.34":
            rebind.append(VersionChange(*origin, symbol.name, "libpthread.so.0", version))
        elif symbol.name in SHIMMED and symbol.library == "libc.so.6":
            rebind.append(VersionChange(*origin, f"older_{symbol.name}", None, None))
    return ElfChanges(rebind=tuple(rebind), add_needed=("libpthread.so.0", OLDER), search_path=HERE)


def private_library(data: bytes, copy: Copy, *, unique: bool = False) -> bytes:
    """The library under a name and with versions of its own. `unique`: with its unique symbols left."""
    versions = [version.name for version in read_elf(data).verdefs if not version.is_base]
    return edited(
        data,
        bound_to_old(data)._replace(
            soname=copy.soname,
            rename_versions=tuple(VersionRename(name, copy.prefix + name) for name in versions),
            unique_to_global=not unique,
        ),
    )


def user_of(data: bytes, copy: Copy | None) -> bytes:
    """A module that needs a private copy, or the system's library. Its own unique symbols stay: by them modules of one
    wheel share variables, though each is opened by itself.
    """
    changes = bound_to_old(data)
    if copy is None:
        wait = VersionChange(WAIT, CXX, "GLIBCXX_3.4.30", WAIT, CXX, "GLIBCXX_3.4.11")
        return edited(data, changes._replace(rebind=(*changes.rebind, wait)))
    versions = [version.name for need in read_elf(data).verneeds if need.file == CXX for version in need.versions]
    return edited(
        data,
        changes._replace(
            rename_needed=((CXX, copy.soname),),
            rename_versions=tuple(VersionRename(name, copy.prefix + name, CXX) for name in versions),
        ),
    )


def compiled(folder: Path, name: str, *options: str) -> bytes:
    """The module, by this machine's g++ for this machine's libstdc++."""
    path = folder / name
    command = ["g++", "-std=c++17", "-O1", "-Wall", "-Werror", "-fPIC", "-shared", *options, "-o", str(path)]
    subprocess.run([*command, str(SOURCES / "private.cpp")], check=True)
    return path.read_bytes()


def system_library() -> bytes:
    """This machine's, which is found as its compiler finds it."""
    done = subprocess.run(["g++", f"-print-file-name={CXX}"], check=True, capture_output=True, text=True)
    return Path(done.stdout.strip()).read_bytes()


class Raw(NamedTuple):
    """This machine's library, a newer one, and a module that needs either."""

    library: bytes
    newer: bytes
    module: bytes


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Raw:
    newer = find_library(root_of(_system("trixie")), CXX).read_bytes()
    return Raw(system_library(), newer, compiled(tmp_path_factory.mktemp("module"), "module.so"))


@pytest.fixture(scope="module")
def files(raw: Raw, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """By name: two private copies, and a module for each library that there is."""
    folder = tmp_path_factory.mktemp("built")
    old = _system("bullseye")
    with place_in(root_of(old)) as place:
        older = Workshop(old, place).library("older.c", OLDER).read_bytes()
    return {
        ONE.soname: private_library(raw.library, ONE),
        TWO.soname: private_library(raw.newer, TWO),
        "one.so": user_of(raw.module, ONE),
        "two.so": user_of(raw.module, TWO),
        "system.so": user_of(compiled(folder, "old.so", "-DFOR_OLD"), None),
        OLDER: older,
    }


class Said(NamedTuple):
    """What open_private.py says: of each module, forwards and backwards, and what else they print. `more`: of whom
    catches whose exceptions, or which libraries are left; None where it did not get that far.
    """

    works: bool
    modules: list[dict[str, Any]]
    output: list[str]
    more: list[Any] | None


def run(
    system: System | None, files: Mapping[str, bytes], names: Sequence[str], folder: Path, *,
    mode: str = "local", environment: Mapping[str, str] | None = None,
) -> Said:  # fmt: skip
    """Opens modules in a process of a system; None is this one."""
    everything = {**files, "open.py": (SOURCES / "open_private.py").read_bytes()}
    if system is None:
        for name, content in everything.items():
            (folder / name).write_bytes(content)
        command = [sys.executable, str(folder / "open.py"), mode, *(str(folder / name) for name in names)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        works, output = (done.returncode, done.stderr) == (0, ""), done.stdout
    else:
        with place_in(root_of(system)) as place:
            paths = {name: place.put(name, content) for name, content in everything.items()}
            command = ["/usr/bin/python3", paths["open.py"], mode, *(paths[name] for name in names)]
            outcome = place.run(command, environment=environment)
            works, output = (outcome.exit_code, outcome.errors) == (0, ""), outcome.output
    said = [json.loads(line) for line in output.splitlines() if line[0] in "{["]
    rest = [line for line in output.splitlines() if line[0] not in "{["]
    more = next((value for value in said if isinstance(value, list)), None)
    return Said(works, [value for value in said if isinstance(value, dict)], rest, more)


def working(names: Sequence[str], libraries: Mapping[str, str]) -> list[dict[str, Any]]:
    """What modules say that work with these libraries."""
    there_and_back = (*names, *reversed(names))
    return [{"work": 0, "stream": libraries[name], "unique": libraries[name]} for name in there_and_back]


WHERE: Final = [None, *(s for s in SYSTEMS if not s.musl and str(s.machine) == "x86_64")]
THREE: Final = ("system.so", "one.so", "two.so")
LIBRARY_OF: Final = {"system.so": CXX, "one.so": ONE.soname, "two.so": TWO.soname}
everywhere = pytest.mark.parametrize("system", WHERE, ids=lambda system: str(system or "here"))


@pytest.mark.parametrize("environment", [{}, {"LD_BIND_NOW": "1"}], ids=["lazy", "LD_BIND_NOW"])
@pytest.mark.parametrize("names", [THREE, THREE[::-1]], ids="-".join)
@everywhere
def test_three_copies_in_one_process(
    system: System | None,
    names: Sequence[str],
    environment: Mapping[str, str],
    files: Mapping[str, bytes],
    tmp_path: Path,
) -> None:
    """Each module works with its own, and all print through the C library's one stdout."""
    said = run(system, files, names, tmp_path, environment=environment)
    assert said.works
    assert said.modules == working(names, LIBRARY_OF)
    assert said.output == ["cout 1", "stdio 2", "cout 3"] * 6
    # What is thrown by one copy and caught by another is caught, by the name of its type; both miscount it then.
    assert said.more == [[[1, 0, 0] if a == b else [1, -1, 1] for b in range(3)] for a in range(3)]


@everywhere
def test_unique_symbols_are_shared_by_all_copies(
    system: System | None, files: Mapping[str, bytes], raw: Raw, tmp_path: Path
) -> None:
    """The control: they go by their names alone. Copies of different ages then number their facets in one row, and what
    a stream finds by such a number is something else, or nothing.
    """
    raws = {ONE: raw.library, TWO: raw.newer}
    shared = {copy.soname: private_library(raws[copy], copy, unique=True) for copy in (ONE, TWO)}
    said = run(system, {**files, **shared}, THREE, tmp_path)
    assert not said.works
    assert {each["unique"] for each in said.modules} == {CXX}
    assert [bool(each["work"]) for each in said.modules[:2]] == [False, True]


@everywhere
def test_global_scope(system: System | None, files: Mapping[str, bytes], tmp_path: Path) -> None:
    """Versions of its own keep a copy apart even there. What modules themselves define, without versions, they share:
    so exceptions get from one copy to the other, and the one step fails that counts them.
    """
    said = run(system, files, THREE, tmp_path, mode="global")
    assert said.works
    assert [(each["stream"], each["unique"]) for each in said.modules[:3]] == [(LIBRARY_OF[n],) * 2 for n in THREE]
    counts = next(n for n, line in enumerate(_source(), 1) if "uncaught_exceptions() == 0" in line)
    assert [each["work"] for each in said.modules[:2]] == [0, 0]
    assert {each["work"] for each in said.modules} == {0, counts}


@everywhere
def test_two_copies_with_the_same_versions(
    system: System | None, files: Mapping[str, bytes], raw: Raw, tmp_path: Path
) -> None:
    """Why there is more in their names than whose they are: in the global scope, the first is found for both."""
    same = TWO._replace(prefix=ONE.prefix)
    two = {same.soname: private_library(raw.library, same), "two.so": user_of(raw.module, same)}
    for scope, found in (("local", TWO.soname), ("global", ONE.soname)):
        said = run(system, {**files, **two}, ("one.so", "two.so"), tmp_path, mode=scope)
        assert [each["stream"] for each in said.modules[:2]] == [ONE.soname, found]


@everywhere
def test_they_can_be_closed(system: System | None, files: Mapping[str, bytes], raw: Raw, tmp_path: Path) -> None:
    """Unique symbols keep a library in the process for ever (`do_lookup_unique`), and global ones do not."""
    names = ("one.so", "two.so")
    closable = {name: edited(files[name], ElfChanges(unique_to_global=True)) for name in names}
    said = run(system, {**files, **closable}, names, tmp_path, mode="reopen")
    assert (said.works, said.more) == (True, [])
    assert said.modules == working(names, LIBRARY_OF) * 2
    unique = {ONE.soname: private_library(raw.library, ONE, unique=True)}
    said = run(system, {**files, **closable, **unique}, names, tmp_path, mode="reopen")
    assert (said.works, said.more) == (True, [ONE.soname])


def test_a_program_that_has_copies_of_objects(tmp_path: Path) -> None:
    """R_X86_64_COPY: the program defines the stream, with the version that it needs it in, and renames both at once."""
    program = tmp_path / "program"
    command = ["g++", "-O1", "-fno-pic", "-no-pie", "-o", str(program), str(SOURCES / "copied.cpp")]
    subprocess.run(command, check=True)
    raw = program.read_bytes()
    versions = [version.name for need in read_elf(raw).verneeds if need.file == CXX for version in need.versions]
    renames = tuple(VersionRename(name, ONE.prefix + name, CXX) for name in versions)
    wanted = ElfChanges(rename_needed=((CXX, ONE.soname),), rename_versions=renames, search_path=HERE)
    program.write_bytes(edited(raw, wanted))
    library = system_library()
    names = [version.name for version in read_elf(library).verdefs if not version.is_base]
    renames = tuple(VersionRename(name, ONE.prefix + name) for name in names)
    private = ElfChanges(soname=ONE.soname, rename_versions=renames, unique_to_global=True)
    (tmp_path / ONE.soname).write_bytes(edited(library, private))
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "thrown by 1\n", "")
    assert b"_ZSt4cout" in raw
    assert any(symbol.name == "_ZSt4cout" for symbol in read_elf(raw, exports=True).exports or ())


def _system(suite: str) -> System:
    return next(system for system in SYSTEMS if str(system) == f"x86_64-{suite}-glibc")


def _source() -> list[str]:
    return (SOURCES / "private.cpp").read_text(encoding="utf-8").splitlines()
