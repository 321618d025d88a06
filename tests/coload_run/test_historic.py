"""`import pyarrow, tensorflow` of 2019, with the wheels of the time
(docs/explanation/the-pyarrow-tensorflow-crash.md).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from perennial.coload.run.interpreter import find_interpreter
from perennial.errors import UsageError

pytestmark = pytest.mark.wheels

IMPORTED = ("pyarrow==0.13.0", "tensorflow==1.13.1")
BESIDE = (
    "numpy==1.19.5", "six==1.16.0", "protobuf==3.6.1", "absl-py==0.15.0", "astor==0.8.1",
    "keras-applications==1.0.8", "keras-preprocessing==1.1.2",
)  # fmt: skip
SOURCES = ("gast==0.2.2", "termcolor==1.1.0")  # there are no wheels of these


def download(folder: Path, *arguments: str) -> None:
    """pip's cache keeps them between runs."""
    command = [sys.executable, "-m", "pip", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=1200)
    if done.returncode:
        pytest.skip(f"not to be had from the index: {done.stderr.strip().splitlines()[-1]}")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    try:
        return find_interpreter("3.6", os.environ, str(tmp_path_factory.mktemp("python"))).path
    except UsageError as error:
        pytest.skip(str(error))


def test_it_crashes_and_is_explained(python: str, tmp_path: Path) -> None:
    target = ["--python-version", "36", "--implementation", "cp", "--abi", "cp36m", "--only-binary", ":all:"]
    download(
        tmp_path,
        "download",
        "-q",
        "--no-deps",
        "-d",
        "wheels",
        *target,
        "--platform",
        "manylinux1_x86_64",
        *IMPORTED,
        *BESIDE,
    )
    # Pure Python: any interpreter builds them.
    download(tmp_path, "wheel", "-q", "--no-deps", "-w", "wheels", *SOURCES)
    wheels = [str(next((tmp_path / "wheels").glob(f"{name.partition('==')[0]}-*"))) for name in IMPORTED]
    command = [
        sys.executable,
        "-m",
        "perennial",
        "coload",
        "--run",
        "--json",
        "--python",
        python,
        "--with",
        "wheels",
        *wheels,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    errors = {one["symbol"]: one["order"] for one in document["conflicts"] if one["severity"] == "error"}
    assert errors.keys() == {"_ZSt11__once_call", "_ZSt15__once_callable"}
    assert all(order[0].startswith("pyarrow-") for order in errors.values())

    runs = document["runs"]
    assert [run["outcome"]["end"] for run in runs["alone"]] == ["fine", "fine"]
    first, second = runs["orders"]
    assert first["order"][0].startswith("pyarrow-")
    assert (first["outcome"]["signal"], first["outcome"]["step"]) == ("SIGSEGV", "import tensorflow")
    assert second["outcome"]["end"] == "fine"
    found = first["diagnosis"]
    assert [one["outcome"]["end"] for one in found["preloaded"]] == ["fine"]
    assert [one["symbol"] for one in found["held"]["references"]] == ["_ZSt11__once_call"]
    assert len(found["bindings"]) > 80
    # Hidden in each of pyarrow's libraries, it makes them disagree among themselves.
    assert found["hidden"]["symbols"] == []
    assert found["hidden"]["note"] == "hidden in its files, the package fails alone"
    if shutil.which("gdb") is not None:
        names = [frame["function"] or "" for frame in found["native_stack"]]
        assert "pthread_once" in names[1]
        assert names[2].startswith("void std::call_once<")
        assert names[3].startswith("tensorflow::port::TestCPUFeature")
