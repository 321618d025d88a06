"""packaging's private names, with perennial behind them, so that packaging's own tests run against it.

A pytest plugin (`-p packaging_adapter`, this folder on PYTHONPATH): importing it replaces
`packaging._manylinux`, `packaging._musllinux` and `packaging._elffile`, and the functions of `packaging.tags`
that compute lists. What it adds is names, argument lists and caches; versions are detected, ELF files
read and lists computed by perennial. PERENNIAL_AS says whose list: that of an installer, or, empty, of
the PEPs. Each test that came through here is written to the file that PERENNIAL_SEEN names.
"""

from __future__ import annotations

import functools
import os
import pathlib
import subprocess
import sys
import sysconfig
import tempfile
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NamedTuple

import packaging
import pytest

from perennial.elf.image import Image, read_interpreter
from perennial.elf.source import WholeFile
from perennial.errors import ElfFormatError, UnreadableError
from perennial.platform_tag import Libc
from perennial.tags import here
from perennial.tags.compute import TagList
from perennial.tags.detect import Observed, detect
from perennial.tags.installers import Installer, rules_of
from perennial.tags.libc_files import version_pair
from perennial.tags.platforms import is_promised, platform_tags
from perennial.tags.program import Program, read_program
from perennial.tags.pythons import cpython_pairs, generic_pythons, python_pairs
from perennial.tags.target import Override, Python, Target

INSTALLER = Installer(os.environ["PERENNIAL_AS"]) if os.environ.get("PERENNIAL_AS") else None
_REAL = sys.executable
_called: list[str] = []


def ours(function: Callable[..., Any]) -> Callable[..., Any]:
    """Notes that a test came this way."""

    @functools.wraps(function)
    def noting(*arguments: Any, **named: Any) -> Any:
        _called.append(function.__name__)
        return function(*arguments, **named)

    return noting


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    _called.clear()
    yield
    if _called and "PERENNIAL_SEEN" in os.environ:
        with open(os.environ["PERENNIAL_SEEN"], "a", encoding="utf-8") as file:
            file.write(f"{item.nodeid}\n")


# ----- packaging._elffile

elffile: Any = types.ModuleType("packaging._elffile")


class ELFInvalid(ValueError):  # noqa: N818 - packaging's name
    pass


elffile.ELFInvalid = ELFInvalid
setattr(elffile, "EIClass", IntEnum("EIClass", {"C32": 1, "C64": 2}))  # noqa: B010 - mypy takes no enum as an attribute
setattr(elffile, "EIData", IntEnum("EIData", {"Lsb": 1, "Msb": 2}))  # noqa: B010 - mypy takes no enum as an attribute
setattr(elffile, "EMachine", IntEnum("EMachine", {"I386": 3, "S390": 22, "Arm": 40, "X8664": 62, "AArch64": 183}))  # noqa: B010 - mypy takes no enum as an attribute


def _whole(data: bytes) -> bytes:
    """The fixtures of manylinux end after the file header. Perennial takes a program that lacks its program
    headers for broken, so empty ones (PT_NULL) are put there.
    """
    if len(data) in (52, 64) and data[:4] == b"\x7fELF":
        return data + bytes(1 << 12)
    return data


def _read_program(path: str) -> Program:
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError:
        return read_program(path)
    with tempfile.NamedTemporaryFile() as file:
        file.write(_whole(data))
        file.flush()
        return read_program(file.name)


class ELFFile:
    def __init__(self, file: Any) -> None:
        try:
            image = Image(WholeFile(_whole(file.read())))
            self.interpreter = read_interpreter(image)
        except ElfFormatError as error:
            raise ELFInvalid(str(error)) from error
        self.capacity = image.layout.bits // 32
        self.encoding = 1 if image.layout.little_endian else 2
        self.machine = image.header.machine
        self.flags = image.header.flags


elffile.ELFFile = ELFFile

# ----- packaging._manylinux

manylinux: Any = types.ModuleType("packaging._manylinux")


class GLibCVersion(NamedTuple):
    major: int
    minor: int


manylinux._GLibCVersion = GLibCVersion
manylinux.platform_tags = None  # tests put things in its place; perennial does without


@contextmanager
def _parse_elf(path: str) -> Iterator[ELFFile | None]:
    try:
        with open(path, "rb") as file:
            yield ELFFile(file)
    except (OSError, TypeError, ValueError):
        yield None


def _version_text(answer: str | None) -> str | None:
    text = (answer or "").removeprefix("glibc").strip()
    return text if version_pair(text) else None


@ours
def _glibc_version_string_confstr() -> str | None:
    return _version_text(here._confstr())


@ours
def _glibc_version_string_ctypes() -> str | None:
    return _version_text(here._loaded())


@ours
def _glibc_version_string() -> str | None:
    said: str | None = manylinux._glibc_version_string_confstr() or manylinux._glibc_version_string_ctypes()
    return said


@ours
def _parse_glibc_version(text: str) -> GLibCVersion:
    return GLibCVersion(*(version_pair(text) or (-1, -1)))


@functools.lru_cache
def _get_glibc_version() -> GLibCVersion:
    text = manylinux._glibc_version_string()
    return GLibCVersion(-1, -1) if text is None else manylinux._parse_glibc_version(text)


@functools.lru_cache
def _get_manylinux_module() -> types.ModuleType | None:
    raise AssertionError("perennial asks for the module in here._override")


@ours
def _is_compatible(arch: str, version: tuple[int, int]) -> bool:
    target = Target(
        Libc.GLIBC, tuple(manylinux._get_glibc_version()), arch, Python.cpython((3, 12)), override=here._override()
    )
    return is_promised((version[0], version[1]), arch, target, rules_of(INSTALLER))


for function in (
    *(_parse_elf, _glibc_version_string_confstr, _glibc_version_string_ctypes, _glibc_version_string),
    *(_parse_glibc_version, _get_glibc_version, _get_manylinux_module, _is_compatible),
):
    setattr(manylinux, function.__name__, function)

# ----- packaging._musllinux

musllinux: Any = types.ModuleType("packaging._musllinux")
musllinux.sys = sys
musllinux.subprocess = subprocess


class MuslVersion(NamedTuple):
    major: int
    minor: int


musllinux._MuslVersion = MuslVersion


@functools.lru_cache
def _get_musl_version(executable: str) -> tuple[int, int] | None:
    _called.append("_get_musl_version")
    try:
        program = _read_program(executable)
    except UnreadableError:
        return None
    # Which loader is perennial's finding; that the loader is then run is what packaging's tests record.
    if program.libc is not Libc.MUSL:
        return None
    done = subprocess.run([program.loader or ""], check=False, stderr=subprocess.PIPE, text=True)
    return _parse_musl_version(done.stderr)


def _parse_musl_version(output: str) -> tuple[int, int] | None:
    head, _, rest = output.strip().partition("\n")
    pair = version_pair(rest.removeprefix("Version "))
    return MuslVersion(*pair) if head.startswith("musl") and pair else None


musllinux._get_musl_version = _get_musl_version
musllinux._parse_musl_version = _parse_musl_version

for module in (elffile, manylinux, musllinux):
    sys.modules[module.__name__] = module
    setattr(packaging, module.__name__.rpartition(".")[2], module)

# ----- packaging.tags

from packaging import tags  # noqa: E402 - it binds the modules above


def _platforms_target(*, is_32bit: bool) -> Target:
    """This system, with what packaging's tests put in the place of its parts."""
    platform = sysconfig.get_platform()
    try:
        program: Program | str = _read_program(sys.executable)
    except UnreadableError as error:
        program = str(error)
    if sys.executable == _REAL and INSTALLER is None:
        program = "the test puts another architecture in the place of this one, and leaves its Python there"
    observed = Observed(
        answers=(),
        platform=platform.replace("_", "-", 1),
        pointer_bits=32 if is_32bit else 64,
        implementation="cpython",
        version=(3, 12, 0),
        abi_flags="",
        suffix="",
        executable=sys.executable,
        program=program,
    )
    musl = musllinux._get_musl_version(sys.executable)
    override = Override(
        "the test", lambda major, minor, arch: manylinux._is_compatible(arch, GLibCVersion(major, minor))
    )
    libc = Libc.GLIBC if musl is None else Libc.MUSL
    version = tuple(manylinux._get_glibc_version() if musl is None else musl)
    return detect(observed)._replace(libc=libc, libc_version=version, override=override)


@ours
def _linux_platforms(is_32bit: bool = tags._32_BIT_INTERPRETER) -> Iterator[str]:
    platform = tags._normalize_string(sysconfig.get_platform())
    if not platform.startswith("linux_"):
        return iter([platform])
    return iter(platform_tags(_platforms_target(is_32bit=is_32bit), INSTALLER))


def _python(version: Sequence[int] | None, interpreter: str, abis: Iterable[str]) -> Python:
    major, minor = (version or sys.version_info)[:2]  # a target always has a minor version
    return Python(interpreter, (major, minor), tuple(abis))


@ours
def cpython_tags(
    python_version: Sequence[int] | None = None,
    abis: Iterable[str] | None = None,
    platforms: Iterable[str] | None = None,
    *,
    warn: bool = False,
) -> Iterator[tags.Tag]:
    version = tuple(python_version or sys.version_info[:2])
    own = tags._cpython_abis(version, warn) if abis is None else abis
    python = _python(version, "cp", [abi for abi in own if abi not in ("abi3", "abi3t", "none")])
    places = list(tags.platform_tags() if platforms is None else platforms)
    return (tags.Tag(p, a, place) for p, a in cpython_pairs(python, INSTALLER) for place in places)


@ours
def compatible_tags(
    python_version: Sequence[int] | None = None,
    interpreter: str | None = None,
    platforms: Iterable[str] | None = None,
) -> Iterator[tags.Tag]:
    version = tuple((python_version or sys.version_info)[:2])
    places = list(tags.platform_tags() if platforms is None else platforms)
    names = list(generic_pythons((version[0], version[1])))
    yield from (tags.Tag(name, "none", place) for name in names for place in places)
    yield from (tags.Tag(name, "none", "any") for name in ([interpreter] if interpreter else []) + names)


@ours
def sys_tags(*, warn: bool = False) -> Iterator[tags.Tag]:
    name = tags.interpreter_name()
    version = tuple(sys.version_info[:2])
    abis = tags._cpython_abis(version, warn) if name == "cp" else tags._generic_abi()
    pairs = python_pairs(_python(version, name, abis), INSTALLER)
    return (tags.Tag(*tag.split("-")) for tag in TagList(tuple(tags.platform_tags()), pairs).tags())


for function in (_linux_platforms, cpython_tags, compatible_tags, sys_tags):
    setattr(tags, function.__name__, function)
