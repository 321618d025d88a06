"""The real installers, in the versions that the tables of perennial.tags name, and what they choose.

They live in a virtual environment of their own below the test cache, made with pip from the configured
index. Choices are asked for many projects at a time: each project is a few wheels of some
hundred bytes in one folder.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from tests.roots.make import alone
from tests.support.wheel_builder import wheel
from tests.wheels.download import cache_dir

PINS: Final = ("pip==26.3", "uv==0.13.8", "poetry==2.5.1", "pdm==2.29.3", "dep-logic==0.7.2", "packaging==26.4")
# The last release of packaging for a Python without `match`, and the first Python that has it.
OLDER_PACKAGING: Final = "packaging==26.3"
FIRST_FOR_PACKAGING: Final = (3, 10)
_TIMEOUT: Final = 600
# What neither a configuration of the user nor one of this workplace may decide.
_CLEAN: Final = {
    "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_CONFIG": "1",
    "UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1",
}  # fmt: skip


@cache
def environment() -> Path:
    """The virtual environment's folder; made where it is not there. Skips where the index cannot be reached."""
    place = cache_dir().parent / "installers" / "-".join(pin.replace("==", "") for pin in PINS)
    with alone(place.parent / ".lock"):
        if not (place / "made").is_file():
            subprocess.run([sys.executable, "-m", "venv", "--clear", os.fspath(place)], check=True)
            command = [os.fspath(place / "bin/python"), "-m", "pip", "install", "--quiet", *PINS]
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
            if done.returncode:
                pytest.skip(f"the installers cannot be had: {done.stderr.strip().rpartition(chr(10))[2]}")
            (place / "made").touch()
    return place


@cache
def older_packaging() -> Path:
    """The folder of packaging's modules, in the release for older Pythons."""
    place = cache_dir().parent / "installers" / OLDER_PACKAGING.replace("==", "")
    with alone(place.parent / ".lock"):
        if not (place / "made").is_file():
            options = ["--quiet", "--no-deps", "--upgrade", "--target", os.fspath(place)]
            command = [sys.executable, "-m", "pip", "install", *options, OLDER_PACKAGING]
            environment = os.environ | {"PIP_CONSTRAINT": os.devnull}
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_TIMEOUT, env=environment, check=False
            )
            if done.returncode:
                pytest.skip(f"{OLDER_PACKAGING} cannot be had: {done.stderr.strip().rpartition(chr(10))[2]}")
            (place / "made").touch()
    return place / "packaging"


def program(name: str) -> str:
    return os.fspath(environment() / "bin" / name)


def ask(code: str, *arguments: str, python: str | None = None) -> Any:
    """What a piece of Python prints as JSON, run with the installers' packages."""
    command = [python or program("python"), "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def write_projects(folder: Path, projects: Mapping[str, Iterable[str]]) -> None:
    """Each project's wheels: `version-tags` or `version-build-tags`, as in a file name."""
    for name, wheels in projects.items():
        for each in wheels:
            version, _, rest = each.partition("-")
            build, _, tags = rest.partition("-") if rest[:1].isdigit() else ("", "", rest)
            wheel(folder, name=name, version=version, build=build or None, tags=tags, members={})


def pip_chooses(folder: Path, projects: Sequence[str], *command: str) -> dict[str, str]:
    """The file that pip would install of each project. `command` starts pip, and may choose a Python."""
    start = command or (program("python"), "-m", "pip")
    options = ["--dry-run", "--no-deps", "--ignore-installed", "--quiet", "--report", "-", "--find-links", str(folder)]
    text = _run([*start, "install", *options, *projects])
    report = json.loads(text)["install"]
    return {each["metadata"]["name"]: each["download_info"]["url"].rpartition("/")[2] for each in report}


_SELECTED: Final = re.compile(r"Selecting: (\S+?)==\S+ \[[^]]*\] \((\S+\.whl)\)")


def uv_chooses(
    folder: Path, projects: Sequence[str], *options: str, command: Sequence[str] | None = None
) -> dict[str, str]:
    """The file that uv would install of each project; `options` choose a Python or a platform."""
    start = [
        *(command or (program("uv"),)),
        "pip",
        "install",
        "--dry-run",
        "--no-deps",
        "--no-index",
        "--no-cache",
        "-vv",
    ]
    text = _run([*start, "--find-links", str(folder), *options, *projects])
    return dict(_SELECTED.findall(text))


def _run(command: Sequence[str]) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "VIRTUAL_ENV"))}
    clean.pop("PYTHONPATH", None)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_TIMEOUT, check=False, env={**clean, **_CLEAN}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout if "--report" in command else done.stdout + done.stderr
