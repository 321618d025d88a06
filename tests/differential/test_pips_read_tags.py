"""Which pip reads which tag: what `first_pip` says, against the pips themselves.

Each is taken from the index as a wheel and asked from inside of it, by a Python that is old enough for the oldest.
"""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from perennial.tags.install import first_pip, parse_version
from tests.roots.make import alone
from tests.support import installers
from tests.wheels.download import cache_dir

pytestmark = pytest.mark.wheels

PYTHON: Final = Path(os.path.expanduser("~/.pyenv/versions/3.8.18/bin/python"))
# Each first one, and the last before it.
PIPS: Final = ("8.0.3", "8.1.0", "18.1", "19.0", "19.2.3", "19.3", "20.2.4", "20.3", "21.1.3", "21.2", "24.0", "24.1")

ASK: Final = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
for name in ("pip._internal.utils.compatibility_tags", "pip._internal.pep425tags", "pip.pep425tags"):
    try:
        tags = importlib.import_module(name).get_supported()
        break
    except ImportError:
        continue
print(json.dumps(sorted({("-".join(tag) if isinstance(tag, tuple) else str(tag)) for tag in tags})))
"""


@cache
def wheels() -> dict[str, Path]:
    place = cache_dir().parent / "pips"
    with alone(place.parent / ".pips.lock"):
        place.mkdir(parents=True, exist_ok=True)
        for version in PIPS:
            if not list(place.glob(f"pip-{version}-*.whl")):
                command = [installers.program("python"), "-m", "pip", "download", "--quiet", "--no-deps", "-d"]
                done = subprocess.run(
                    [*command, os.fspath(place), f"pip=={version}"], capture_output=True, text=True, check=False
                )
                if done.returncode:
                    pytest.skip(f"pip {version} cannot be had: {done.stderr.strip().rpartition(chr(10))[2]}")
    return {version: next(place.glob(f"pip-{version}-*.whl")) for version in PIPS}


@cache
def tags_of(version: str) -> frozenset[str]:
    """The tags that a pip has on this system."""
    if not PYTHON.exists():
        pytest.skip("pyenv has no Python 3.8 here, and pip 8 runs in no younger one")
    command = [os.fspath(PYTHON), "-W", "ignore", "-c", ASK, os.fspath(wheels()[version])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout))


@pytest.mark.parametrize(
    "alias", ["manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64"]
)
@pytest.mark.parametrize("version", PIPS)
def test_a_pip_has_a_tag_from_its_first_version_on(version: str, alias: str) -> None:
    has_it = any(tag.endswith(f"-{alias}") for tag in tags_of(version))
    assert has_it is (parse_version(version) >= first_pip(f"cp38-cp38-{alias}"))


@pytest.mark.parametrize("version", PIPS)
def test_what_this_system_cannot_show(version: str) -> None:
    """musllinux, the younger architectures, and the free-threaded ABI: in what pip brings of packaging."""
    with zipfile.ZipFile(wheels()[version]) as archive:
        inside = set(archive.namelist())
        read = {name: archive.read(f"pip/_vendor/packaging/{name}.py").decode() for name in ("_manylinux", "tags")
                if f"pip/_vendor/packaging/{name}.py" in inside}  # fmt: skip
    here = parse_version(version)
    has_musl = "pip/_vendor/packaging/_musllinux.py" in inside
    assert has_musl is (here >= first_pip("cp38-cp38-musllinux_1_1_x86_64"))
    for arch in ("riscv64", "loongarch64"):
        assert (f'"{arch}"' in read.get("_manylinux", "")) is (here >= first_pip(f"cp38-cp38-manylinux_2_39_{arch}"))
    assert ("Py_GIL_DISABLED" in read.get("tags", "")) is (here >= first_pip("cp313-cp313t-linux_x86_64"))
