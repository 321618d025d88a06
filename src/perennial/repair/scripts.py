"""Programs in `*.data/scripts` that need grafts.

Installers put them into the environment's `bin`, from where no fixed way leads to site-packages, so that
$ORIGIN is of no use there (pypa/auditwheel issue 340). The program moves into a folder beside the packages, and
in its place comes a Python script that runs it: installers give scripts that begin with `#!python` the interpreter
of the environment (PyPA specification "Binary distribution format", "The .data directory").
"""

from __future__ import annotations

from perennial.lean_typing import NamedTuple


class MovedScript(NamedTuple):
    """A program of the wheel, the path that it gets, and the script that runs it there."""

    old: str
    new: str
    shim: bytes


def move_script(path: str, distribution: str) -> MovedScript | None:
    """None for what is no program of `*.data/scripts`."""
    parts = path.split("/")
    if len(parts) != 3 or not parts[0].endswith(".data") or parts[1] != "scripts":
        return None
    new = f"{distribution}.scripts/{parts[2]}"
    return MovedScript(path, new, _SHIM.format(path=new).encode())


# sysconfig's scheme of the running interpreter is that of the environment that the script was installed into.
_SHIM = """\
#!python
import os
import sys
import sysconfig

program = os.path.join(sysconfig.get_path("platlib"), *{path!r}.split("/"))
os.execv(program, sys.argv)
"""
