"""This system: what the Python that runs this says of itself.

The one module of the package that asks the machine. No process is started; the ctypes library is
loaded only where confstr has no answer, and files are read only where that one has none either.
"""

from __future__ import annotations

import importlib.machinery
import os
import struct
import sys
import sysconfig
from collections.abc import Iterator, Mapping

from perennial.errors import UnreadableError
from perennial.lean_typing import Final
from perennial.platform_tag import Libc
from perennial.tags.detect import Observed, detect
from perennial.tags.libc_files import version_pair
from perennial.tags.os_release import os_release, release_id
from perennial.tags.program import Program, read_program
from perennial.tags.root import Root, find_libc
from perennial.tags.target import LEGACY_ATTRIBUTES, Override, Target

CONFSTR: Final = "confstr(CS_GNU_LIBC_VERSION)"
FUNCTION: Final = "gnu_get_libc_version()"


def this_system() -> Target:
    """The system and the Python that run this; `details` say how each part was found out.

    Raises `UsageError` on other systems than Linux.
    """
    return detect(observe())._replace(release=release_id(os_release(Root("/"))))


def observe() -> Observed:
    """Asks the running Python."""
    executable = sys.executable or ""
    program: Program | str = "the Python's own file is unknown"
    try:
        if executable:
            program = read_program(executable)
    except UnreadableError as error:
        program = f"the Python's own file could not be read ({error})"
    is_musl = isinstance(program, Program) and program.libc is Libc.MUSL
    return Observed(
        answers=tuple(_answers()),
        platform=sysconfig.get_platform(),
        pointer_bits=8 * struct.calcsize("P"),
        implementation=sys.implementation.name,
        version=sys.version_info[:3],
        abi_flags=getattr(sys, "abiflags", ""),
        suffix=importlib.machinery.EXTENSION_SUFFIXES[0],
        executable=executable,
        program=program,
        found=find_libc(Root("/"), program) if isinstance(program, Program) and is_musl else None,
        override=_override(),
    )


def _answers() -> Iterator[tuple[str, str]]:
    """What the process says of glibc: each question with its answer, up to the first that is a version."""
    for question, ask in ((CONFSTR, _confstr), (FUNCTION, _loaded)):
        answer = ask()
        if answer is not None:
            yield question, answer
            if version_pair(answer.removeprefix("glibc").strip()) is not None:
                return


def _confstr() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):  # unknown to other C libraries than glibc
        return None


def _loaded() -> str | None:
    """gnu_get_libc_version() of the process, where it has such a function."""
    try:
        import ctypes  # noqa: PLC0415 - absent from some builds, and slow

        function = ctypes.CDLL(None).gnu_get_libc_version
    except (ImportError, OSError, AttributeError):
        return None
    function.restype = ctypes.c_char_p
    said = function()
    return said.decode("ascii", "backslashreplace") if isinstance(said, bytes) else None


def _override() -> Override | None:
    """The `_manylinux` module, which a distributor may have put into the standard library."""
    try:
        import _manylinux  # type: ignore[import-not-found]  # noqa: PLC0415
    except ImportError:
        return None
    source = getattr(_manylinux, "__file__", None)
    legacy: Mapping[str, bool] = {
        name: bool(getattr(_manylinux, name)) for name in LEGACY_ATTRIBUTES.values() if hasattr(_manylinux, name)
    }
    isolated = source is None or os.path.dirname(os.path.abspath(source)) in _isolated_path()
    return Override(source or "the interpreter", getattr(_manylinux, "manylinux_compatible", None), legacy, isolated)


def _isolated_path() -> frozenset[str]:
    """The folders that `python -I` looks into: neither the script's own nor PYTHONPATH's."""
    outer = {os.path.abspath(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder}
    own = os.path.abspath(os.path.dirname(sys.argv[0])) if sys.argv and sys.argv[0] not in ("", "-c", "-m") else ""
    return frozenset(map(os.path.abspath, filter(None, sys.path))) - outer - {own}
