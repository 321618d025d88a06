"""The roots in which edited libraries are loaded: every architecture, every Debian suite that has it, glibc and musl.

Packages are unpacked and nothing else: a loader, libraries, Python with modules in C and C++. Start
files, to link programs with, are taken out of the -dev packages, which would bring a compiler along.
"""

from __future__ import annotations

from typing import Final

from perennial.arch import Architecture
from tests.roots.machines import MACHINES, Machine
from tests.roots.make import Contents, Recipe

# glibc of each suite, which is why it is here; sid's moves on.
GLIBC: Final = {"bullseye": "2.31", "bookworm": "2.36", "trixie": "2.41", "sid": "2.43"}

# Names that mean the same in every suite; they bring the libraries, whose packages are renamed with each soname.
_PACKAGES: Final = ("base-files", "libc6", "libgcc-s1", "libgomp1", "libstdc++6", "musl", "python3-lxml", "python3-pil")

_START_FILES: Final = r"""
set -e
cd "$1/tmp"
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get download -qq libc6-dev musl-dev
for deb in *.deb; do
  dpkg-deb --extract "$deb" unpacked
done
(cd unpacked; find . -name '*crt[1in].o' -o -name '*_nonshared.a' | tar --create --files-from=-) |
  tar --extract --directory="$1" --keep-directory-symlink
rm -r ./*.deb unpacked
"""


def recipe(machine: Machine, suite: str) -> Recipe:
    """The root of a suite on an architecture."""
    return Recipe(
        name=f"loading-{suite}-{machine}",
        suite=suite,
        machine=machine,
        packages=_PACKAGES,
        contents=Contents.UNPACKED,
        hooks=(_START_FILES,),
    )


RECIPES: Final = tuple(recipe(machine, suite) for machine in MACHINES.values() for suite in machine.suites)

# Suites whose linkers do what Debian 12's cannot: GNU ld's `-z mark-plt` is of 2.41.
LINKERS: Final = ("trixie", "sid")


def linker_recipe(suite: str) -> Recipe:
    """A root with a suite's own linker, for x86_64."""
    machine = MACHINES[Architecture.X86_64]
    packages = ("base-files", "binutils", "libc6")
    return Recipe(f"linker-{suite}-{machine}", suite, machine, packages, Contents.UNPACKED)
