"""Roots with Pythons to run: glibc 2.31, 2.36, 2.41, and what sid has."""

from __future__ import annotations

import platform
from typing import Final

from perennial.arch import Architecture
from tests.roots.machines import MACHINES
from tests.roots.make import Contents, Recipe

# What is in bullseye's distutils is part of python3 later on.
_PACKAGES: Final = {
    "bullseye": ("python3", "python3-dbg", "python3-distutils"),
    "bookworm": ("python3", "python3-dbg", "pypy3"),
    "trixie": ("python3", "python3-dbg", "pypy3"),
    "sid": ("python3", "python3-dbg"),
}

RECIPES: Final = tuple(
    Recipe(
        name=f"pythons-{suite}",
        suite=suite,
        machine=MACHINES[Architecture(platform.machine())],
        packages=("base-files", *packages),
        contents=Contents.INSTALLED,
    )
    for suite, packages in _PACKAGES.items()
)
