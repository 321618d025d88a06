"""`perennial repair` of modules that were cross-built, on this machine, and run where they are at home.

Nothing of this machine takes part: the libraries lie in the sysroot of the other architecture, and its
loader and its Python say whether the result works.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Final

import pytest

from perennial.arch import Architecture
from tests.loading.workshop import LAYOUTS, Layout, System, Workshop, root_of
from tests.roots.machines import MACHINES
from tests.roots.run import Outcome, Place, place_in
from tests.roots.toolchain import Libc
from tests.support.run_perennial import run_perennial
from tests.support.wheel_builder import wheel

pytestmark = pytest.mark.loading

SYSTEMS: Final = [System(machine, machine.new_suite, Libc.GLIBC) for machine in MACHINES.values()]
BY_BOTH_LINKERS: Final = [layout for layout in LAYOUTS if layout.name in {"gnu", "lld"}]


def build(place: Place, system: System, layout: Layout, folder: Path) -> Path:
    """A wheel with one module, whose library needs another; both lie in /opt/cross/lib of the root then."""
    shop = Workshop(system, place, layout)
    far = shop.library("far.c", "libfar.so.1")
    near = shop.library("near.c", "libnear.so.1", needs=[far])
    module = shop.library("module.c", "module.so", needs=[near])
    libraries = place.outside / "lib"
    libraries.mkdir()
    for path in (near, far):
        shutil.copy(path, libraries)
    arch = system.machine.architecture.value
    members = {"demo/__init__.py": b"", "demo/module.abi3.so": module.read_bytes()}
    return wheel(folder, tags=f"cp311-abi3-linux_{arch}", members=members)


def ask(place: Place, path: Path, folder: str) -> Outcome:
    """What the root's Python says of the installed wheel."""
    packages = place.install(path, folder)
    code = "from demo import module; print(module.answer())"
    return place.run(["/usr/bin/python3", "-c", code], environment={"PYTHONPATH": packages})


@pytest.mark.parametrize("layout", BY_BOTH_LINKERS, ids=str)
@pytest.mark.parametrize("system", SYSTEMS, ids=str)
def test_a_cross_built_module_finds_its_grafts(system: System, layout: Layout, tmp_path: Path) -> None:
    root = root_of(system)
    with place_in(root) as place:
        raw = build(place, system, layout, tmp_path)
        out = tmp_path / "out"
        done = run_perennial(
            *("repair", "--sysroot", str(root.folder), "--lib-path", str(place.outside / "lib"), "-w", str(out)),
            str(raw),
        )
        assert done.code == 0, done
        (repaired,) = out.glob("*.whl")
        shutil.rmtree(place.outside / "lib")
        shutil.rmtree(place.outside / "built")
        with zipfile.ZipFile(repaired) as archive:
            grafts = [name for name in archive.namelist() if name.startswith("demo.libs/")]
        assert len(grafts) == 2
        tag = repaired.stem.rpartition("-")[2]
        assert "manylinux_" in tag
        assert tag.endswith(f"_{system.machine.architecture.value}")
        found = ask(place, repaired, "repaired")
        assert (found.exit_code, found.output.strip()) == (0, "42"), found
        # The control: without repair the library is nowhere.
        lost = ask(place, raw, "raw")
        assert lost.exit_code == 1
        assert "libnear.so.1" in lost.errors


def test_other_architectures_are_among_them() -> None:
    assert {Architecture.AARCH64, Architecture.S390X, Architecture.PPC64LE} <= {
        system.machine.architecture for system in SYSTEMS
    }
