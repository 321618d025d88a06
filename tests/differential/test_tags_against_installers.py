"""What installers list and choose, against what perennial says that they do.

The installers are the real ones, of the versions that perennial.tags.installers names. pip's, poetry's
and pdm's lists can be asked for. uv's cannot: it is shown two wheels with neighbouring tags of the
list, for each such pair, and takes the one that stands first; and each tag that is not in the list,
beside a wheel that anybody takes, and takes the latter. Then all choose among random wheels.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from perennial.errors import UsageError
from perennial.tags import Installer, Target, accepted_tags, best
from perennial.tags.ask import ask_interpreter
from perennial.tags.installers import RULES
from perennial.tags.spec import parse_target
from tests.support import installers

pytestmark = pytest.mark.wheels

# Pythons besides the one that runs this, where pyenv has them.
PYTHONS: Final = tuple(sorted(Path(os.path.expanduser("~/.pyenv/versions")).glob("3.*/bin/python")))
OLDEST_FOR_PIP: Final = (3, 10)  # pip 26.3


def python_parameters() -> list[Any]:
    found = [pytest.param(os.fspath(path), id=path.parent.parent.name) for path in PYTHONS]
    return found or [pytest.param("", marks=pytest.mark.skip(reason="pyenv has no Pythons here"))]


def described(text: str) -> Target:
    return parse_target(text)


def test_the_versions_are_those_of_the_table() -> None:
    pinned = dict(pin.split("==") for pin in installers.PINS)
    for installer, rules in RULES.items():
        assert rules.measured.partition(" ")[0] == pinned[installer.value]
    assert RULES[Installer.PDM].measured.endswith(f"(dep-logic {pinned['dep-logic']})")


# ----- lists that can be asked for


PIP: Final = """
import json
from pip._internal.utils.compatibility_tags import get_supported
print(json.dumps([str(tag) for tag in get_supported()]))
"""
POETRY: Final = """
import json, sys
from pathlib import Path
from poetry.utils.env import VirtualEnv
print(json.dumps([str(tag) for tag in VirtualEnv(Path(sys.argv[1])).get_supported_tags()]))
"""


def test_pip_of_this_python() -> None:
    target = ask_interpreter(installers.program("python"))
    assert list(accepted_tags(target, Installer.PIP)) == installers.ask(PIP)


@pytest.mark.parametrize("python", python_parameters())
def test_poetry(python: str, tmp_path: Path) -> None:
    """poetry looks at a project's virtual environment."""
    target = ask_interpreter(python)
    if target.python.version < (3, 9):
        pytest.skip("poetry 2.5 supports no environments of that Python")
    subprocess.run([python, "-m", "venv", "--without-pip", os.fspath(tmp_path)], check=True)
    listed = installers.ask(POETRY, os.fspath(tmp_path))
    assert list(accepted_tags(target, Installer.POETRY)) == listed


PDM: Final = """
import json, sys
from dep_logic.tags import EnvSpec
spec, wheels = json.loads(sys.argv[1]), json.load(open(sys.argv[2]))
env = EnvSpec.from_spec(*spec)
print(json.dumps([env.wheel_compatibility(f"demo-1.0-{tag}.whl") for tag in wheels]))
"""
PDM_TARGETS: Final = {
    "glibc:2.28,python=3.12": ("==3.12.1", "manylinux_2_28_x86_64", "cpython"),
    "glibc:2.36,python=3.11,arch=aarch64": ("==3.11.2", "manylinux_2_36_aarch64", "cpython"),
    "glibc:2.41,python=3.13t": ("==3.13.5", "manylinux_2_41_x86_64", "cpython", True),
    "glibc:2.36,python=3.12,arch=i686": ("==3.12.1", "manylinux_2_36_i686", "cpython"),
    "glibc:2.42,python=3.14,arch=riscv64": ("==3.14.0", "manylinux_2_42_riscv64", "cpython"),
    "glibc:2.42,python=3.14,arch=loongarch64": ("==3.14.0", "manylinux_2_42_loongarch64", "cpython"),
    "glibc:3.20,python=3.14": ("==3.14.0", "manylinux_3_20_x86_64", "cpython"),
    "glibc:3.2,python=3.14": ("==3.14.0", "manylinux_3_2_x86_64", "cpython"),
    "musl:1.2,python=3.12": ("==3.12.1", "musllinux_1_2_x86_64", "cpython"),
    "glibc:2.36,python=pp311": ("==3.11.9", "manylinux_2_36_x86_64", "pypy"),
}


def others(target: Target) -> list[str]:
    """Tags of the neighbourhood: by the PEPs, and as every installer has them, for a little more and a little less."""
    found: dict[str, None] = {}
    major, minor = target.libc_version or (2, 30)
    for version in ((major, minor), (major, minor + 2), (2, 60)):
        for installer in (None, *Installer):
            for python in (target.python, described("glibc:2.5,python=3.16").python):
                varied = target._replace(libc_version=version, python=python)
                try:
                    found |= dict.fromkeys(accepted_tags(varied, installer))
                except UsageError:
                    continue
    return list(found)


@pytest.mark.parametrize("text", PDM_TARGETS)
def test_pdm(text: str, tmp_path: Path) -> None:
    """dep-logic gives each tag a rank, larger for better; equal ranks are ties."""
    target = described(text)
    listed = accepted_tags(target, Installer.PDM)
    everything = [*listed, *(tag for tag in others(target) if tag not in set(listed))]
    path = tmp_path / "tags.json"
    path.write_text(json.dumps(everything), encoding="utf-8")
    ranks = installers.ask(PDM, json.dumps(PDM_TARGETS[text]), os.fspath(path))
    accepted = [tag for tag, rank in zip(everything, ranks, strict=True) if rank is not None]
    assert accepted == list(listed)
    assert all(one >= other for one, other in pairwise(ranks[: len(listed)]))


# ----- uv, by its choices


UV_TARGETS: Final = {
    "glibc:2.17,python=3.12": ("--python-platform", "x86_64-manylinux2014", "--python-version", "3.12"),
    "glibc:2.28,python=3.13": ("--python-platform", "x86_64-manylinux_2_28", "--python-version", "3.13"),
    "glibc:2.40,python=3.8": ("--python-platform", "x86_64-manylinux_2_40", "--python-version", "3.8"),
    "glibc:2.31,python=3.11,arch=aarch64": ("--python-platform", "aarch64-manylinux_2_31", "--python-version", "3.11"),
    "glibc:2.39,python=3.12,arch=riscv64": ("--python-platform", "riscv64-unknown-linux", "--python-version", "3.12"),
    "musl:1.2,python=3.11": ("--python-platform", "x86_64-unknown-linux-musl", "--python-version", "3.11"),
    "musl:1.2,python=3.12,arch=aarch64": (
        "--python-platform",
        "aarch64-unknown-linux-musl",
        "--python-version",
        "3.12",
    ),
}


def check_uv(target: Target, folder: Path, *options: str) -> None:
    listed = accepted_tags(target, Installer.UV)
    refused = [tag for tag in others(target) if tag not in set(listed)]
    refused = random.Random(0).sample(refused, min(len(refused), 600))
    projects = {f"p{number}": [f"1.0-{one}", f"1.0-{other}"] for number, (one, other) in enumerate(pairwise(listed))}
    expected = {f"p{number}": one for number, one in enumerate(listed[:-1])}
    for number, tag in enumerate(refused):
        # The last of the list is accepted, by the pairs above.
        projects[f"q{number}"] = [f"1.0-{tag}", f"1.0-{listed[-1]}"]
        expected[f"q{number}"] = listed[-1]
    installers.write_projects(folder, projects)
    chosen = installers.uv_chooses(folder, list(projects), *options)
    assert chosen == {name: f"{name}-1.0-{tag}.whl" for name, tag in expected.items()}
    assert len(refused) > 100


@pytest.mark.parametrize("text", UV_TARGETS)
def test_uv_for_another_platform(text: str, tmp_path: Path) -> None:
    check_uv(described(text), tmp_path, "--python", installers.program("python"), *UV_TARGETS[text])


@pytest.mark.parametrize("python", python_parameters())
def test_uv_of_a_python(python: str, tmp_path: Path) -> None:
    check_uv(ask_interpreter(python), tmp_path, "--python", python, "--system")


# ----- what they choose


def random_projects(target: Target, count: int, seed: int) -> dict[str, list[str]]:
    """Projects of one version with one to twelve wheels, compressed tag sets and build numbers among them."""
    dice = random.Random(seed)
    likely = accepted_tags(target)
    everything = [*likely, *others(target)]
    projects = {}
    for number in range(count):
        wheels = []
        for _ in range(dice.randint(1, 12)):
            tag = dice.choice(likely if dice.random() < 0.4 else everything)
            if dice.random() < 0.3:
                python, abi, platform = tag.split("-")
                second = dice.choice(everything).split("-")[2]
                tag = f"{python}-{abi}-{'.'.join(sorted({platform, second}))}"
            wheels.append(f"1.0-{dice.randint(0, 3)}-{tag}" if dice.random() < 0.3 else f"1.0-{tag}")
        projects[f"r{number}"] = list(dict.fromkeys(wheels))
    return projects


def check_choices(
    target: Target, installer: Installer, folder: Path, choose: Callable[[Path, Sequence[str]], dict[str, str]]
) -> None:
    expected = {}
    projects = random_projects(target, 150, seed=len(target.arch) + target.python.version[1])
    for name, wheels in projects.items():
        found = best([f"{name}-{each}.whl" for each in wheels], target, installer)
        if found is not None:
            expected[name] = found
    assert 30 < len(expected) < len(projects), "some fit, and some do not"
    installers.write_projects(folder, projects)
    chosen = choose(folder, list(expected))
    assert {name: rank_of(file, target, installer) for name, file in chosen.items()} == {
        name: rank_of(file, target, installer) for name, file in expected.items()
    }
    for name in [name for name in projects if name not in expected][:3]:
        with pytest.raises(AssertionError):
            choose(folder, [name])


def rank_of(file: str, target: Target, installer: Installer) -> tuple[str, ...]:
    """The best tag of a file and its build number: files in which both are the same are equally good."""
    parts = file.removesuffix(".whl").split("-")
    python, abi, platforms = parts[-3:]
    own = {f"{p}-{a}-{q}" for p in python.split(".") for a in abi.split(".") for q in platforms.split(".")}
    first = next(tag for tag in accepted_tags(target, installer) if tag in own)
    return (first, parts[2] if len(parts) == 6 else "")


@pytest.mark.parametrize("python", python_parameters())
def test_pip_chooses(python: str, tmp_path: Path) -> None:
    target = ask_interpreter(python)
    if target.python.version < OLDEST_FOR_PIP:
        pytest.skip("pip 26.3 supports no such Python")
    command = (installers.program("python"), "-m", "pip", "--python", python)
    check_choices(
        target, Installer.PIP, tmp_path, lambda folder, names: installers.pip_chooses(folder, names, *command)
    )


@pytest.mark.parametrize("python", python_parameters())
def test_uv_chooses(python: str, tmp_path: Path) -> None:
    target = ask_interpreter(python)
    options = ("--python", python, "--system")
    check_choices(target, Installer.UV, tmp_path, lambda folder, names: installers.uv_chooses(folder, names, *options))


@pytest.mark.parametrize("text", UV_TARGETS)
def test_uv_chooses_for_another_platform(text: str, tmp_path: Path) -> None:
    target = described(text)
    options = ("--python", installers.program("python"), *UV_TARGETS[text])
    check_choices(target, Installer.UV, tmp_path, lambda folder, names: installers.uv_chooses(folder, names, *options))


OVERRIDES: Final = {
    "a function": "def manylinux_compatible(major, minor, arch):\n    return None if minor > 20 else minor % 2 == 0\n",
    "no to all": "def manylinux_compatible(major, minor, arch):\n    return False\n",
    "yes to all": "def manylinux_compatible(major, minor, arch):\n    return True\n",
    "attributes": "manylinux2014_compatible = False\nmanylinux1_compatible = False\n",
}


@pytest.mark.parametrize("kind", OVERRIDES)
@pytest.mark.parametrize("installer", [Installer.PIP, Installer.UV])
def test_overrides_at_work(installer: Installer, kind: str, tmp_path: Path) -> None:
    """A virtual environment whose site-packages have a `_manylinux` module."""
    environment = tmp_path / "environment"
    subprocess.run([installers.program("python"), "-m", "venv", "--without-pip", os.fspath(environment)], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "_manylinux.py").write_text(OVERRIDES[kind], encoding="utf-8")
    python = os.fspath(environment / "bin/python")
    target = ask_interpreter(python)
    assert target.override is not None
    (tmp_path / "wheels").mkdir()

    def choose(folder: Path, names: Sequence[str]) -> dict[str, str]:
        if installer is Installer.UV:
            return installers.uv_chooses(folder, names, "--python", python)
        return installers.pip_chooses(folder, names, installers.program("python"), "-m", "pip", "--python", python)

    check_choices(target, installer, tmp_path / "wheels", choose)
