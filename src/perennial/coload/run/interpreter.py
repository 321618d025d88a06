"""The Python that imports: looked for, and asked what it is."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping

from packaging.tags import Tag, compatible_tags, cpython_tags

from perennial.coload.run.child import run_child
from perennial.errors import UsageError, printable
from perennial.lean_typing import Final, NamedTuple
from perennial.wheel.filename import WheelFilename

_TIMEOUT: Final = 30  # seconds, for a Python to say what it is
_VERSION: Final = re.compile(r"[23]\.\d{1,2}")

# Where tools that install Pythons put them, below the home folder; none of these is on PATH by itself.
_INSTALLED: Final = (
    ".pyenv/versions/{version}.*/bin/python{version}",
    ".local/share/uv/python/cpython-{version}.*/bin/python{version}",
)

_QUESTION: Final = """
import json, os, sys, sysconfig
print(json.dumps({
    "implementation": sys.implementation.name,
    "version": list(sys.version_info[:3]),
    "soabi": sysconfig.get_config_var("SOABI") or "",
    "platform": sysconfig.get_platform(),
    "libc": os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else "",
}))
"""


class Interpreter(NamedTuple):
    """A Python that runs here. `machine` is the architecture, as platform tags end."""

    path: str
    version: tuple[int, int, int]
    abi: str  # "cp36m"
    machine: str
    libc: str  # "glibc 2.36"; empty where it is not glibc

    @property
    def text(self) -> str:
        return "{}.{}.{}".format(*self.version)


def find_interpreter(wanted: str, environ: Mapping[str, str], folder: str, *, option: str = "--python") -> Interpreter:
    """`wanted` is a version (3.6) or a path; it is run in `folder`. `option` is what messages call it by.

    Raises `UsageError` where there is none, or it is none that wheels can be imported with.
    """
    if not _VERSION.fullmatch(wanted):
        path = shutil.which(wanted, path=environ.get("PATH"))
        if path is None:
            raise UsageError(f"{option} {printable(wanted)}: no such program")
        found = _ask(os.path.abspath(path), folder)
        if found is None:
            raise UsageError(f"{option} {printable(wanted)}: it does not run, or is not CPython 3.4 or newer")
        return found
    for path in _places(wanted, environ):
        found = _ask(path, folder)
        if found is not None and found.version[:2] == tuple(map(int, wanted.split("."))):
            return found
    raise UsageError(
        f"{option} {wanted}: there is no python{wanted} on PATH, nor among the versions of pyenv and uv; give its path"
    )


def _places(version: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Where a version may be. A shim on PATH can be there without leading anywhere, so all are tried."""
    for folder in environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, f"python{version}")
        if folder and os.access(path, os.X_OK):
            yield os.path.abspath(path)
    home = environ.get("HOME")
    if home:
        for pattern in _INSTALLED:
            yield from sorted(glob.glob(os.path.join(glob.escape(home), pattern.format(version=version))), reverse=True)


def _ask(path: str, folder: str) -> Interpreter | None:
    try:
        ended = run_child((path, "-I", "-c", _QUESTION), environ={"HOME": folder}, folder=folder, timeout=_TIMEOUT)
    except OSError:
        return None
    if ended.status != 0:
        return None
    try:
        said = json.loads(ended.said)
        major, minor, micro = said["version"]
    except (ValueError, TypeError, KeyError):
        return None
    if said["implementation"] != "cpython" or (major, minor) < (3, 4):
        return None
    # cpython-36m-x86_64-linux-gnu, cpython-313t-x86_64-linux-gnu
    words = said["soabi"].split("-")
    abi = f"cp{words[1]}" if len(words) > 1 else f"cp{major}{minor}"
    machine = said["platform"].rpartition("-")[2].replace(".", "_")
    return Interpreter(path, (major, minor, micro), abi, machine, said["libc"] or "")


def fits(wheel: WheelFilename, interpreter: Interpreter) -> bool:
    """Whether the interpreter's version, ABI and architecture are among the wheel's.

    Its glibc is not asked: a wheel that is too new for it says so when it is loaded, and that is what
    the run is for.
    """
    platforms = [
        tag.text for tag in wheel.platforms if tag.text == "any" or tag.text.endswith(f"_{interpreter.machine}")
    ]
    wanted = {Tag(python, abi, platform) for python in wheel.pythons for abi in wheel.abis for platform in platforms}
    return not wanted.isdisjoint(_tags(interpreter, [platform for platform in platforms if platform != "any"]))


def _tags(interpreter: Interpreter, platforms: Iterable[str]) -> Iterator[Tag]:
    version = interpreter.version[:2]
    names = list(platforms) or [f"linux_{interpreter.machine}"]
    yield from cpython_tags(version, abis=[interpreter.abi], platforms=names)
    yield from compatible_tags(version, interpreter=f"cp{version[0]}{version[1]}", platforms=names)
