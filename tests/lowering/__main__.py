"""Lowers the sample of tests/lowering/sample.toml, and runs it on an older root.

`python -m tests.lowering` makes the roots, the Python, the wheels and what lowering makes of them, two at a time, for
the tests with the marker `lowering` to find. The exit code is 1 where something could not be made.

`python -m tests.lowering --root FOLDER [--python PATH] [NAME...]` puts the wheels to work in a root file system of
yours: each as it was built and lowered, one line a package. The Python has to be in it, of version 3.13, and PATH is
where programs in the root see it; without --python the one of the tests is put into /opt/python, which needs glibc
2.31. The exit code is 1 where a lowered wheel does not work.
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from perennial.arch import Architecture
from tests.lowering.sample import Sample, samples
from tests.lowering.wheels import System, exercise, lowered_wheel, python_archive, raw_wheel, works
from tests.roots.cpython import PYTHON, put_python
from tests.roots.machines import MACHINES
from tests.roots.make import Root, UnavailableError
from tests.roots.run import run_in_root
from tests.wheels.download import UnavailableError as NothingAnswersError

_VERSIONS: Final = "import os, sys; print(os.confstr('CS_GNU_LIBC_VERSION').split()[1], *sys.version_info[:2], sep='.')"


def make_everything() -> int:
    """Builds and lowers all of the sample; returns the exit code."""

    def attempt(wanted: Sample) -> str | None:
        try:
            lowered_wheel(wanted)
        except (UnavailableError, NothingAnswersError, AssertionError) as error:
            return f"{wanted}: {error}"
        return None

    everything = samples()
    with ThreadPoolExecutor(2) as pool:
        troubles = [trouble for trouble in pool.map(attempt, everything) if trouble is not None]
    sys.stdout.write(f"{len(everything) - len(troubles)} of {len(everything)} wheels\n")
    for trouble in dict.fromkeys(troubles):
        sys.stderr.write(f"{trouble}\n")
    return 1 if troubles else 0


def run_in(where: System, names: Sequence[str]) -> int:
    """Runs the sample, or what of it is named, in a root; returns the exit code."""
    asked = run_in_root(where.root, [where.python, "-c", _VERSIONS])
    if asked.exit_code != 0:
        sys.stderr.write(f"{where.python} does not run in {where.root.folder}: {str(asked).strip()}\n")
        return 2
    major, minor, *python = map(int, asked.output.split("."))
    if python != [3, 13]:
        sys.stderr.write(f"{where.python} is {'.'.join(map(str, python))}; the wheels are for 3.13\n")
        return 2
    sys.stdout.write(f"glibc {major}.{minor}\n")
    failed = False
    for wanted in samples():
        if names and wanted.name not in names and str(wanted) not in names:
            continue
        lowest = tuple(map(int, wanted.to.split("_")[1:]))
        if lowest > (major, minor):
            sys.stdout.write(f"{wanted}: not for it, lowered to {wanted.to}\n")
            continue
        raw = exercise(wanted, raw_wheel(wanted), where)
        lowered = exercise(wanted, lowered_wheel(wanted), where)
        failed |= not works(lowered)
        said = ["works" if works(each) else _reason(each.errors) for each in (raw, lowered)]
        sys.stdout.write(f"{wanted}: as built: {said[0]}; lowered: {said[1]}\n")
    return 1 if failed else 0


def _reason(errors: str) -> str:
    """What the loader says, where it does; else the last line."""
    lines = errors.strip().splitlines() or ["fails"]
    loader = [line for line in lines if re.search(r"version `\S+' not found|cannot open shared object file", line)]
    return (loader or lines)[-1].strip()


def main(arguments: Sequence[str]) -> int:
    """Makes everything, or runs what is named in a root."""
    parser = argparse.ArgumentParser(prog="python -m tests.lowering")
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="a root file system to run in")
    parser.add_argument("--python", metavar="PATH", help="its Python 3.13, as programs in it see the path")
    parser.add_argument("names", nargs="*", metavar="NAME", help="packages of the sample (default: all)")
    chosen = parser.parse_args(arguments)
    if chosen.root is None:
        return make_everything()
    root = Root(chosen.root.resolve(), None, MACHINES[Architecture(platform.machine())])
    if chosen.python is None:
        put_python(python_archive(), root)
    return run_in(System(root, chosen.python or PYTHON), chosen.names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
