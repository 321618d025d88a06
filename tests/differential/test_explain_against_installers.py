"""What `explain` says of installing, against what pip and uv do with the same wheels.

Projects with several versions, of which an installer takes the newest that fits; and single wheels by their
path, which pip takes or calls not supported.
"""

from __future__ import annotations

import os
import random
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from perennial.tags import Installer, Target, accepted_tags
from perennial.tags.ask import ask_interpreter
from perennial.tags.install import Listing, installation, listing
from perennial.tags.project import Offer, ProjectVersion, project_answer
from perennial.wheel.filename import WheelFilename
from tests.support import installers
from tests.support.wheel_builder import wheel

pytestmark = pytest.mark.wheels

COUNT: Final = 120


@cache
def here() -> Target:
    return ask_interpreter(installers.program("python"))


def some_tags(dice: random.Random) -> str:
    """A tag that this system accepts, or one of a neighbour: another architecture, C library, version or Python."""
    target = here()
    varied = dice.choice(
        [
            *[target] * 3,
            target._replace(arch="aarch64", reported_arch=None),
            target._replace(libc_version=(2, 60)),
            target._replace(python=target.python.cpython((3, 15))),
            target._replace(python=target.python.cpython(target.python.version, free_threaded=True)),
        ]
    )
    return dice.choice(accepted_tags(varied))


def projects() -> dict[str, list[str]]:
    dice = random.Random(600)
    return {
        f"p{number}": sorted({f"{dice.randint(1, 4)}.0-{some_tags(dice)}" for _ in range(dice.randint(1, 7))})
        for number in range(COUNT)
    }


def offered(name: str, wheels: list[str]) -> list[ProjectVersion]:
    names = [WheelFilename.parse(f"{name}-{each}.whl") for each in wheels]
    versions = sorted({each.version for each in names}, reverse=True)
    return [ProjectVersion(v, tuple(Offer(each) for each in names if each.version == v)) for v in versions]


def test_pip_takes_the_version_and_the_wheel(tmp_path: Path) -> None:
    there, given = listing(here()), projects()
    answers = {name: project_answer(offered(name, wheels), there) for name, wheels in given.items()}
    expected = {name: answer.takes.filename.text for name, answer in answers.items() if answer.takes is not None}
    older = [name for name, answer in answers.items() if answer.takes is not None and answer.misses]
    refused = [name for name in given if name not in expected]
    assert len(expected) > 50 and len(older) > 10 and len(refused) >= 3
    installers.write_projects(tmp_path, given)
    assert installers.pip_chooses(tmp_path, list(expected)) == expected
    for name in refused[:3]:
        with pytest.raises(AssertionError, match="No matching distribution"):
            installers.pip_chooses(tmp_path, [name])


def test_uv_takes_the_newest_version_of_which_it_is_said_to_take_a_wheel(tmp_path: Path) -> None:
    there, given = listing(here()), projects()
    expected = {}
    for name, wheels in given.items():
        taken = [each.version for file in wheels if uv_takes(each := WheelFilename.parse(f"{name}-{file}.whl"), there)]
        if taken:
            expected[name] = max(taken)
    installers.write_projects(tmp_path, given)
    python = ("--python", installers.program("python"))
    chosen = installers.uv_chooses(tmp_path, list(expected), *python)
    assert {name: file.split("-")[1] for name, file in chosen.items()} == expected


def uv_takes(name: WheelFilename, there: Listing) -> bool:
    found = installation(name, there)
    return any(each.installer is Installer.UV and each.accepts for each in found.installers)


@pytest.mark.parametrize("number", range(12))
def test_pip_takes_a_path_or_calls_it_not_supported(number: int, tmp_path: Path) -> None:
    dice = random.Random(number)
    tags = some_tags(dice)
    requires = dice.choice([None, ">=3.8", ">=3.13", "<3.10"])
    metadata = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n" + (
        f"Requires-Python: {requires}\n" if requires else ""
    )
    path = wheel(tmp_path, tags=tags, members={}, metadata=metadata.encode())
    found = installation(WheelFilename.parse(path.name), listing(here()), requires_python=requires)
    command = [
        installers.program("python"),
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--no-deps",
        "--no-index",
        os.fspath(path),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PIP_CONFIG_FILE": "/dev/null"}
    )
    assert (done.returncode == 0) is found.accepted, done.stderr
    if not found.accepted:
        assert "not a supported wheel" in done.stderr or "requires a different Python" in done.stderr
