"""Debian systems with glibc from 2.31 on, looked at from outside, and asked from inside.

Each root has CPython, its debug build, and PyPy where the suite has it. Inside (chroot, which takes
root's rights) packaging lists the tags of each of them, and pip and uv choose among random wheels;
outside, perennial has read the root's files and run nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from perennial.tags import Installer, Target, accepted_tags
from perennial.tags.inspect import inspect_interpreter, inspect_root
from tests.differential.test_tags_against_installers import OLDEST_FOR_PIP, check_choices
from tests.roots.make import Recipe, obtain_or_skip
from tests.roots.pythons import RECIPES
from tests.support import installers

pytestmark = [
    pytest.mark.roots,
    pytest.mark.skipif(os.geteuid() != 0, reason="chroot takes root's rights"),
]

SYS_TAGS: Final = """
import json, sys
sys.path.insert(0, sys.argv[1])
from packaging.tags import sys_tags
print(json.dumps([str(tag) for tag in sys_tags()]))
"""
CASES: Final = [
    pytest.param(recipe, path, id=f"{recipe.suite}-{path}")
    for recipe in RECIPES
    for path in ("python3", "python3-dbg", "pypy3")
    if path in recipe.packages
]
GLIBC: Final = {"bullseye": (2, 31), "bookworm": (2, 36), "trixie": (2, 41)}  # sid has 2.43 in 2026-11, and changes


@cache
def root_of(recipe: Recipe) -> Path:
    return obtain_or_skip(recipe).folder


@contextmanager
def inside(root: Path) -> Iterator[tuple[Path, str]]:
    """A folder in the root: its path outside and inside. There is a /dev/null then, without which uv runs no Python."""
    device = root / "dev/null"
    device.parent.mkdir(exist_ok=True)
    with suppress(FileExistsError):
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    with tempfile.TemporaryDirectory(dir=root / "tmp") as folder:
        yield Path(folder), f"/{Path(folder).relative_to(root)}"


def target_of(root: Path, path: str) -> Target:
    return inspect_interpreter(f"/usr/bin/{path}", os.fspath(root))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.suite)
def test_the_root_is_what_debian_says(recipe: Recipe) -> None:
    root = root_of(recipe)
    target = inspect_root(os.fspath(root))
    done = subprocess.run(
        ["chroot", root, "/usr/bin/getconf", "GNU_LIBC_VERSION"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == target.libc_text
    assert target.libc_version is not None
    assert target.libc_version >= (2, 43) if recipe.suite == "sid" else target.libc_version == GLIBC[recipe.suite]
    assert target.name is not None
    assert target.name.startswith("Debian GNU/Linux")


@pytest.mark.parametrize(("recipe", "path"), CASES)
def test_packaging_lists_the_same_inside(recipe: Recipe, path: str) -> None:
    root = root_of(recipe)
    target = target_of(root, path)
    with inside(root) as (outer, inner):
        if target.python.version < installers.FIRST_FOR_PACKAGING:
            source = os.fspath(installers.older_packaging())
        else:
            source = installers.ask("import packaging, json; print(json.dumps(packaging.__path__[0]))")
        shutil.copytree(source, outer / "packaging", ignore=shutil.ignore_patterns("__pycache__"))
        done = subprocess.run(
            ["chroot", root, f"/usr/bin/{path}", "-B", "-c", SYS_TAGS, inner],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(accepted_tags(target, Installer.PACKAGING)) == json.loads(done.stdout)
    assert list(accepted_tags(target)) == json.loads(done.stdout)


@pytest.mark.parametrize(("recipe", "path"), CASES)
def test_uv_chooses_inside(recipe: Recipe, path: str) -> None:
    root = root_of(recipe)
    with inside(root) as (outer, inner):
        shutil.copy(installers.program("uv"), outer / "uv")

        def choose(folder: Path, projects: Sequence[str]) -> dict[str, str]:
            command = ("chroot", os.fspath(root), f"{inner}/uv")
            options = ("--python", f"/usr/bin/{path}", "--system", "--break-system-packages")
            return installers.uv_chooses(Path(inner) / folder.name, projects, *options, command=command)

        (outer / "wheels").mkdir()
        check_choices(target_of(root, path), Installer.UV, outer / "wheels", choose)


@pytest.mark.parametrize(("recipe", "path"), CASES)
def test_pip_chooses_inside(recipe: Recipe, path: str) -> None:
    root = root_of(recipe)
    target = target_of(root, path)
    if target.python.version < OLDEST_FOR_PIP:
        pytest.skip("pip 26.3 supports no such Python")
    with inside(root) as (outer, inner):
        source = installers.ask("import pip, json; print(json.dumps(pip.__path__[0]))")
        shutil.copytree(source, outer / "pip", ignore=shutil.ignore_patterns("__pycache__"))

        def choose(folder: Path, projects: Sequence[str]) -> dict[str, str]:
            start = f"import runpy, sys; sys.path.insert(0, {inner!r}); runpy.run_module('pip', run_name='__main__')"
            command = ("chroot", os.fspath(root), f"/usr/bin/{path}", "-B", "-c", start)
            names = [*projects, "--break-system-packages"]
            return installers.pip_chooses(Path(inner) / folder.name, names, *command)

        (outer / "wheels").mkdir()
        check_choices(target, Installer.PIP, outer / "wheels", choose)
