"""`perennial coload --run --env`: real virtual environments, imported from where they are."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

import perennial as perennial_package
from tests.coload.cases import FOLDER, build, include_folder, read_case
from tests.support.wheel_builder import wheel

INCLUDE = include_folder(sys.executable)

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64" or shutil.which("g++") is None or INCLUDE is None,
    reason="the reproducers are for a C++ compiler of x86_64 Linux, and need Python.h",
)
SCHEMA = json.loads((Path(perennial_package.__file__).parent / "schema" / "coload-1.json").read_text(encoding="utf-8"))
SMOKE = ("--smoke", "victim=import victim; assert victim.check() == 42")


class Venv(NamedTuple):
    """A virtual environment without pip."""

    root: Path

    @property
    def python(self) -> str:
        return str(self.root / "bin" / "python")

    @property
    def site(self) -> Path:
        return self.root / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages"

    def install(self, *wheels: Path) -> None:
        command = [sys.executable, "-m", "pip", "--python", self.python, "install", "-q", "--no-index", "--no-deps"]
        subprocess.run([*command, *map(str, wheels)], check=True, capture_output=True)

    def state(self) -> dict[str, tuple[int, int]]:
        """What would show that something was written."""
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in self.root.rglob("*")}


@pytest.fixture
def venv(tmp_path: Path) -> Venv:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    return Venv(tmp_path / "venv")


def compiled(name: str, folder: Path) -> list[Path]:
    """The wheels of a reproducer: the culprit's, and the victim's."""
    assert INCLUDE is not None
    folder.mkdir(exist_ok=True)
    return list(build(read_case(FOLDER / name), folder, INCLUDE).wheels.values())


def perennial(*arguments: str, temporary: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "perennial", "coload", "--no-cache", *arguments]
    environ = os.environ if temporary is None else {**os.environ, "TMPDIR": str(temporary)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=600)


def run_json(*arguments: str, code: int, temporary: Path | None = None) -> dict[str, Any]:
    done = perennial("--run", "--json", *arguments, temporary=temporary)
    assert done.returncode == code, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert isinstance(document, dict)
    return document


def ends(document: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str | None]]:
    for run in (*document["runs"]["alone"], *document["runs"]["orders"]):
        yield tuple(run["order"]), run["outcome"] and run["outcome"]["end"]


def test_it_is_run_where_it_is(venv: Venv, tmp_path: Path) -> None:
    """The crash is found, explained, and minimised in a copy; the environment is as it was, and the copy gone."""
    venv.install(*compiled("once_call.cpp", tmp_path / "build"))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    before = venv.state()
    document = run_json("--env", venv.python, *SMOKE, code=1, temporary=temporary)
    assert venv.state() == before
    assert list(temporary.iterdir()) == []

    assert document["packages"] == ["culprit 1.0", "victim 1.0"]
    assert document["runs"]["python"]["path"] == venv.python
    assert dict(ends(document)) == {
        ("culprit 1.0",): "fine",
        ("victim 1.0",): "fine",
        ("culprit 1.0", "victim 1.0"): "signal",
        ("victim 1.0", "culprit 1.0"): "fine",
    }
    found = document["runs"]["orders"][0]["diagnosis"]
    assert found["again"]
    assert [one["outcome"]["end"] for one in found["preloaded"]] == ["fine"]
    assert [one["symbol"] for one in found["held"]["references"]] == ["_ZSt11__once_call"]
    assert found["hidden"]["symbols"] == [{"symbol": "_ZSt11__once_call", "files": ["culprit/_core.so"]}]
    errors = {one["symbol"] for one in document["conflicts"] if one["severity"] == "error"}
    assert errors == {"_ZSt11__once_call", "_ZSt15__once_callable"}


def test_a_library_that_stands_in_for_another(venv: Venv, tmp_path: Path) -> None:
    venv.install(*compiled("soname_lacks_symbol.c", tmp_path / "build"))
    document = run_json("--env", venv.python, code=1)
    (bad,) = (run for run in document["runs"]["orders"] if run["outcome"]["end"] != "fine")
    assert bad["order"] == ["culprit 1.0", "victim 1.0"]
    assert [(one["library"], one["outcome"]["end"]) for one in bad["diagnosis"]["apart"]] == [("libcodec.so.1", "fine")]


def test_a_scratch_folder_elsewhere(venv: Venv, tmp_path: Path) -> None:
    """Nothing is copied to another file system, where it might fill the memory; folders may be read-only, and have
    links and worse in them.
    """
    other = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system for temporary files")
    venv.install(*compiled("once_call.cpp", tmp_path / "build"))
    (venv.site / "culprit/again").symlink_to(".")
    (venv.site / "victim/nowhere.so").symlink_to("/no/such/file")
    os.mkfifo(venv.site / "victim/pipe.py")
    (venv.site / "culprit").chmod(0o555)
    with tempfile.TemporaryDirectory(dir=other) as temporary:
        document = run_json("--env", venv.python, *SMOKE, code=1, temporary=Path(temporary))
        assert os.listdir(temporary) == []
    (venv.site / "culprit").chmod(0o755)
    hidden = document["runs"]["orders"][0]["diagnosis"]["hidden"]
    assert hidden["symbols"] == [{"symbol": "_ZSt11__once_call", "files": ["culprit/_core.so"]}]


def test_what_leads_to_the_interpreter(venv: Venv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shim that needs variables, as those of version managers do: processes under test have none of these."""
    venv.install(*compiled("local_isolation.c", tmp_path / "build"))
    shim = tmp_path / "python3"
    shim.write_text('#!/bin/sh\nexec "${CHOSEN:?no version}" "$@"\n', encoding="ascii")
    shim.chmod(0o755)
    monkeypatch.setenv("CHOSEN", venv.python)
    document = run_json("--env", str(shim), code=0)
    assert document["runs"]["python"]["path"] == venv.python
    assert [end for _, end in ends(document)] == ["fine"] * 4


def test_some_of_it_in_an_order(venv: Venv, tmp_path: Path) -> None:
    """Names choose, whatever their spelling, and --set has their order."""
    venv.install(*compiled("once_call.cpp", tmp_path / "build"))
    calm = wheel(tmp_path, name="Calm_Down", tags="py3-none-any", members={
        "calm_down/__init__.py": b"", "calm_down/_core.abi3.so": (venv.site / "victim/_core.so").read_bytes(),
    })  # fmt: skip
    venv.install(calm)
    document = run_json("--env", venv.python, "victim", "calm.down", code=0)
    assert document["packages"] == ["victim 1.0", "Calm_Down 1.0"]
    assert len(document["runs"]["orders"]) == 2
    document = run_json("--env", venv.python, "--set", "victim", "Calm-Down", "culprit", *SMOKE, code=0)
    assert [run["order"] for run in document["runs"]["orders"]] == [["victim 1.0", "Calm_Down 1.0", "culprit 1.0"]]
    document = run_json("--env", venv.python, "--set", "culprit", "victim", "--no-minimise", *SMOKE, code=1)
    assert [end for order, end in ends(document) if len(order) > 1] == ["signal"]


def test_what_was_compiled_there(venv: Venv, tmp_path: Path) -> None:
    """A module that was copied into the environment, and a project that is edited in place, with what compiling it
    has left behind.
    """
    compiled("once_call.cpp", tmp_path / "build")
    shutil.copytree(tmp_path / "build/site/culprit", venv.site / "culprit")
    project = tmp_path / "project"
    shutil.copytree(tmp_path / "build/site/victim", project / "src/victim")
    shutil.copytree(tmp_path / "build/site/victim", project / "build/lib.linux-x86_64-cpython-311/victim")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(project / ".venv")], check=True)
    shutil.copytree(project / "src/victim", Venv(project / ".venv").site / "other")
    info = venv.site / "victim-2.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("__editable__.victim-2.0.pth,,\n", encoding="utf-8")
    origin = {"url": project.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(origin), encoding="utf-8")
    (venv.site / "__editable__.victim-2.0.pth").write_text(f"{project}/src\n", encoding="utf-8")
    document = run_json("--env", venv.python, "--no-minimise", *SMOKE, code=1)
    assert document["packages"] == ["victim 2.0", "culprit"]
    assert dict(ends(document))["culprit", "victim 2.0"] == "signal"
    assert dict(ends(document))["victim 2.0", "culprit"] == "fine"


def test_a_folder_that_a_pth_file_adds(venv: Venv, tmp_path: Path) -> None:
    """As a development install of old had it: no metadata at all, and a project's folder with more in it."""
    compiled("once_call.cpp", tmp_path / "build")
    shutil.copytree(tmp_path / "build/site", tmp_path / "project")
    shutil.copytree(tmp_path / "build/site", tmp_path / "project/build/lib")
    (venv.site / "easy-install.pth").write_text(f"{tmp_path}/project\n", encoding="utf-8")
    document = run_json("--env", venv.python, *SMOKE, code=1)
    assert document["packages"] == ["culprit", "victim"]
    hidden = document["runs"]["orders"][0]["diagnosis"]["hidden"]
    assert hidden["symbols"] == [{"symbol": "_ZSt11__once_call", "files": ["culprit/_core.so"]}]


def test_what_cannot_be_imported_is_left_out(venv: Venv, tmp_path: Path) -> None:
    """A distribution that only brings libraries to others, and one that fails alone."""
    culprit, victim = compiled("local_isolation.c", tmp_path / "build")
    venv.install(culprit, victim)
    library = (venv.site / "victim/_core.so").read_bytes()
    venv.install(
        wheel(tmp_path, name="runtime", tags="py3-none-any", members={"runtime.libs/libruntime.so.1": library}),
        wheel(tmp_path, name="broken", tags="py3-none-any", members={
            "broken/__init__.py": b"import nothing_of_that_name", "broken/_x.so": library,
        }),
    )  # fmt: skip
    document = run_json("--env", venv.python, code=1)
    alone = {run["order"][0]: run for run in document["runs"]["alone"]}
    assert alone["runtime 1.0"]["outcome"] is None
    assert alone["runtime 1.0"]["skipped"] == "nothing in it looks like a module"
    assert alone["broken 1.0"]["outcome"]["end"] == "exception"
    together = dict(order for order in ends(document) if len(order[0]) > 1)
    assert len(together) == 6
    assert {order for order, end in together.items() if end == "fine"} == {
        ("culprit 1.0", "victim 1.0"),
        ("victim 1.0", "culprit 1.0"),
    }
    text = perennial("--run", "--env", venv.python, "culprit", "broken")
    assert text.returncode == 1
    assert "ModuleNotFoundError: No module named 'nothing_of_that_name' in import broken" in text.stdout
    assert "remedy        install it there" in text.stdout
    text = perennial("--run", "--env", venv.python, "culprit", "runtime")
    assert text.returncode == 0
    assert "runtime 1.0: not run, nothing in it looks like a module" in text.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set"], "--set takes the order from the arguments"),
        (["culprit"], "one package alone conflicts with nobody"),
        (["culprit", "CULPRIT"], "culprit is named twice"),
        (["culprit", "pip"], "pip is not installed for "),
        (["culprit", "dist/victim.whl"], "it takes no wheels, such as dist/victim.whl"),
        (["--python", "3.11"], "--env names the interpreter"),
        (["--with", "."], "--with does not go with it"),
        (["--smoke", "nobody=1"], "--smoke nobody: nothing of that project is imported"),
    ],
)
def test_options(options: list[str], words: str, venv: Venv, tmp_path: Path) -> None:
    venv.install(*compiled("local_isolation.c", tmp_path / "build"))
    done = perennial("--run", "--env", venv.python, *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_python_that_is_none(tmp_path: Path) -> None:
    for python, words in (
        ("/bin/true", "does not answer as a Python would"),
        ("/no/such/python", "cannot be run: No such file or directory"),
        (str(tmp_path), "cannot be run: Permission denied"),
    ):
        done = perennial("--run", "--env", python)
        assert done.returncode == 3
        assert f"{python}: {words}" in done.stderr
        assert done.stderr.count("\n") == 1
