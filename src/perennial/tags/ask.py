"""Another Python of this system, asked by running it: what files do not tell.

It runs with -I (neither the user's settings nor the current folder count) and prints JSON. That
executes what its site-packages start with (.pth files), which is why it has to be asked for.
"""

from __future__ import annotations

import json
import subprocess

from perennial.arch import Architecture
from perennial.errors import UnreadableError, printable
from perennial.lean_typing import Any, Final
from perennial.platform_tag import Libc
from perennial.tags.detect import Observed, detect
from perennial.tags.here import CONFSTR, FUNCTION
from perennial.tags.program import Program, read_program
from perennial.tags.root import Root, find_libc
from perennial.tags.target import Override, Target

_TIMEOUT: Final = 60  # seconds
_MOST_MINORS: Final = 100
_QUESTIONS: Final = (("confstr", CONFSTR), ("loaded", FUNCTION))
# For any Python from 2.7 on. The override is asked for every manylinux_2_Y of the architecture.
_SCRIPT: Final = r"""
import json, os, struct, sys, sysconfig
said = {"platform": sysconfig.get_platform(), "pointer_bits": 8 * struct.calcsize("P"), "executable": sys.executable}
try:
    said["confstr"] = os.confstr("CS_GNU_LIBC_VERSION")
except (AttributeError, OSError, ValueError):
    said["confstr"] = None
said["loaded"] = None
if said["confstr"] is None:
    try:
        import ctypes
        function = ctypes.CDLL(None).gnu_get_libc_version
        function.restype = ctypes.c_char_p
        said["loaded"] = function().decode("ascii", "replace")
    except (ImportError, OSError, AttributeError):
        pass
implementation = getattr(sys, "implementation", None)
said["implementation"] = implementation.name if implementation else "cpython"
said["version"] = list(sys.version_info[:3])
said["abi_flags"] = getattr(sys, "abiflags", "")
try:
    from importlib.machinery import EXTENSION_SUFFIXES
    said["suffix"] = EXTENSION_SUFFIXES[0]
except (ImportError, IndexError):
    said["suffix"] = ""
try:
    import _manylinux
except ImportError:
    said["override"] = None
else:
    names = ("manylinux1_compatible", "manylinux2010_compatible", "manylinux2014_compatible")
    override = {"source": getattr(_manylinux, "__file__", None) or "the interpreter", "answers": None}
    override["legacy"] = dict((name, bool(getattr(_manylinux, name))) for name in names if hasattr(_manylinux, name))
    if hasattr(_manylinux, "manylinux_compatible"):
        asked = [(2, minor, arch) for minor in range(%d) for arch in sys.argv[1].split(",")]
        answers = [(each, _manylinux.manylinux_compatible(*each)) for each in asked]
        override["answers"] = [[list(each), None if yes is None else bool(yes)] for each, yes in answers]
    said["override"] = override
sys.stdout.write(json.dumps(said))
"""


def ask_interpreter(path: str) -> Target:
    """The target of a Python on this system, as it says itself. UnreadableError where it does not."""
    try:
        program: Program | str = read_program(path)
    except UnreadableError as error:
        program = f"its own file says nothing ({error})"
    said = _ask(path)
    found = None
    if isinstance(program, Program) and program.libc is Libc.MUSL:
        found = find_libc(Root("/"), program)
    try:
        observed = Observed(
            answers=tuple((question, said[key]) for key, question in _QUESTIONS if said[key] is not None),
            platform=said["platform"],
            pointer_bits=said["pointer_bits"],
            implementation=said["implementation"],
            version=tuple(said["version"]),
            abi_flags=said["abi_flags"],
            suffix=said["suffix"],
            executable=said["executable"],
            program=program,
            found=found,
            override=_override(said["override"]),
        )
    except (KeyError, TypeError) as error:
        raise UnreadableError(f"{printable(path)}: answered something else than what it was asked") from error
    return detect(observed)


def _ask(path: str) -> dict[str, Any]:
    arches = ",".join((*Architecture, "armv8l", "armv6l"))
    try:
        done = _run([path, "-I", "-c", _SCRIPT % _MOST_MINORS, arches])
        if done.returncode != 0 and b"-I" in done.stderr:  # Python 2 has no -I
            done = _run([path, "-E", "-s", "-c", _SCRIPT % _MOST_MINORS, arches])
    except OSError as error:
        raise UnreadableError(f"{printable(path)}: cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise UnreadableError(f"{printable(path)}: no answer within {_TIMEOUT} s") from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UnreadableError(
            f"{printable(path)}: is no Python that answers (exit code {done.returncode}: {printable(last)})"
        ) from error
    if not isinstance(answer, dict):
        raise UnreadableError(f"{printable(path)}: answered something else than what it was asked")
    return answer


def _run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=False, stdin=subprocess.DEVNULL)


def _override(said: dict[str, Any] | None) -> Override | None:
    if said is None:
        return None
    answers = None
    if said["answers"] is not None:
        answers = {tuple(asked): answer for asked, answer in said["answers"]}
    table = answers
    return Override(
        said["source"],
        None if table is None else lambda major, minor, arch: table.get((major, minor, arch)),
        said["legacy"],
    )
