"""The system's real protobuf and protoc's real code: what the reproducers model, and what the rule goes by."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from perennial.coload.analysis import analyse_pairs
from perennial.coload.conflict import Conflict
from perennial.coload.package import read_package
from perennial.elf.read import read_elf
from tests.coload.cases import FOLDER, include_folder
from tests.roots.make import skip_unless_ci
from tests.support.this_machine import profile
from tests.support.wheel_builder import wheel

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64" or shutil.which("g++") is None,
    reason="compiled for x86_64 Linux",
)

MODULE = """\
#include "module.h"
#include "{name}.pb.h"
static long there_and_back()
{{
    demo::{name}::Point point, other;
    point.set_x(42);
    other.ParseFromString(point.SerializeAsString());
    return other.x();
}}
MODULE(there_and_back)
"""


@pytest.fixture
def library() -> Path:
    """libprotobuf, as the compiler finds it."""
    found = subprocess.run(["g++", "-print-file-name=libprotobuf.so"], capture_output=True, text=True, check=True)
    path = Path(found.stdout.strip())
    if shutil.which("protoc") is None or not path.is_absolute():
        skip_unless_ci("protobuf-compiler or libprotobuf-dev is not installed")
    return path.resolve()


def package(name: str, messages: str, library: Path, folder: Path) -> Path:
    """A wheel with a module that has messages/point.proto, and a libprotobuf under its own soname."""
    include = include_folder(sys.executable)
    if include is None:
        pytest.skip(f"Python.h of {sys.executable} is not installed")
    soname = read_elf(library.read_bytes()).soname
    assert soname is not None
    for place in (folder / name, folder / f"{name}.libs"):
        place.mkdir(parents=True)
    shutil.copy(library, folder / f"{name}.libs" / soname)
    (folder / f"{messages}.proto").write_text(
        f'syntax = "proto3"; package demo.{messages}; message Point {{ int32 x = 1; }}', encoding="utf-8"
    )
    subprocess.run(["protoc", f"--cpp_out={folder}", f"--proto_path={folder}", f"{messages}.proto"], check=True)
    (folder / f"{name}.cpp").write_text(MODULE.format(name=messages), encoding="utf-8")
    command = ["g++", "-std=c++17", "-shared", "-fPIC", "-O1", "-w", f"-I{include}", f"-I{FOLDER}", f"-I{folder}"]
    command += [f"{name}.cpp", f"{messages}.pb.cc", f"{name}.libs/{soname}", f"-Wl,-rpath,$ORIGIN/../{name}.libs"]
    subprocess.run([*command, "-o", f"{name}/_core.so"], cwd=folder, check=True)
    (folder / name / "__init__.py").write_text("from ._core import check\n", encoding="utf-8")
    files = [path for top in (name, f"{name}.libs") for path in (folder / top).iterdir()]
    members = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    return wheel(folder, name=name, tags="cp312-cp312-linux_x86_64", members=members)


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    text = f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"
    return subprocess.run([sys.executable, "-I", "-S", "-c", text], capture_output=True, text=True, check=False)


def conflicts(*wheels: Path) -> list[Conflict]:
    packages = [read_package(str(path)) for path in wheels]
    return [one for one in analyse_pairs(packages, profile(sys.executable)).conflicts if one.severity != "info"]


def test_the_same_messages(library: Path, tmp_path: Path) -> None:
    """Two packages, one build of the library, one .proto file: each order aborts, and is an error."""
    wheels = [package(name, "common", library, tmp_path) for name in ("one", "two")]
    assert run(tmp_path, "import one; assert one.check() == 42").returncode == 0
    assert run(tmp_path, "import two; assert two.check() == 42").returncode == 0
    together = run(tmp_path, "import one, two")
    assert together.returncode == -6
    assert "File already exists in database: common.proto" in together.stderr
    found = conflicts(*wheels)
    assert [(one.rule, one.severity, one.symbol) for one in found] == [
        ("shared-protobuf", "error", "descriptor_table_common_2eproto")
    ] * 2
    assert {one.order for one in found} == {(wheels[0].name, wheels[1].name), (wheels[1].name, wheels[0].name)}
    assert all("both register common.proto with " in one.message for one in found)
    assert {link.asks for link in found[0].bindings} == {"one/_core.so", "two/_core.so"}


def test_other_messages(library: Path, tmp_path: Path) -> None:
    """The registry is large enough for both: nothing is wrong, and nothing is said."""
    wheels = [package(name, f"{name}_point", library, tmp_path) for name in ("one", "two")]
    together = run(tmp_path, "import one, two; assert one.check() == two.check() == 42")
    assert together.returncode == 0, together.stderr
    assert conflicts(*wheels) == []
