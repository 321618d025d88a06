"""What is shipped of each architecture's system libraries, against the files themselves as readelf reads them.

The roots have the suites' packages of the day. Where these are the builds that were read for
`knowledge/data/linkage/`, what is shipped must be what is in them.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from perennial.coload.library import Library, read_library
from perennial.coload.profile import load_profile, shipped_releases
from perennial.elf.linkage import Linkage
from perennial.system import Root
from tests.differential.test_linkage_against_readelf import compare_with_readelf
from tests.roots import loading
from tests.roots.machines import MACHINES, Machine
from tests.roots.make import obtain_or_skip

pytestmark = [
    pytest.mark.loading,
    pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not installed"),
]

RELEASES: Final = {
    "bullseye": "debian:11", "bookworm": "debian:12", "trixie": "debian:13", "sid": "debian:unstable",
}  # fmt: skip
SYSTEMS: Final = [(machine, suite) for machine in MACHINES.values() for suite in machine.suites]


def contents(linkage: Linkage) -> tuple[object, ...]:
    """All but the order of the symbols: what is shipped has that of the alphabet."""
    return linkage.definitions, sorted(map(repr, linkage.references)), linkage.is_versioned, linkage.is_symbolic


def shipped_files(machine: Machine, suite: str) -> list[tuple[Library, Path]]:
    """What is shipped, with the files of a root that have the same path, or the place that it has moved to."""
    folder = obtain_or_skip(loading.recipe(machine, suite)).folder
    root = Root(str(folder))
    profile = load_profile(RELEASES[suite], machine.architecture.value)
    found = []
    for library in (profile.program, *profile.libraries.values()):
        path = root.resolve(library.path)
        if root.is_file(path):
            found.append((library, folder / path.lstrip("/")))
    return found


@pytest.mark.parametrize(("machine", "suite"), SYSTEMS, ids=str)
def test_against_readelf(machine: Machine, suite: str) -> None:
    files = shipped_files(machine, suite)
    assert {"libc.so.6", "libstdc++.so.6", "libgcc_s.so.1"} <= {library.name for library, _ in files}
    assert re.search(r"/python3\.\d+$", str(files[0][1]))
    compared = same = 0
    for library, path in files:
        compared += compare_with_readelf(path)
        real = read_library(path.read_bytes(), library.path, None)
        if real.elf.build_id == library.elf.build_id:
            same += 1
            assert contents(real.linkage) == contents(library.linkage), library.path
            for field in ("abi", "soname", "needed", "rpath", "runpath", "flags", "tls", "stack"):
                assert getattr(real.elf, field) == getattr(library.elf, field), (library.path, field)
    assert compared > 10_000
    if suite == "bookworm":  # its point releases are over, but for security
        assert same >= 5, f"{same} of {len(files)}"


def test_every_architecture_of_debian_is_shipped() -> None:
    for machine, suite in SYSTEMS:
        assert RELEASES[suite] in shipped_releases(machine.architecture.value)
