"""What the sample rests on: the interpreter, wheels of Debian's packages, workloads, a root of one's own."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from tests.lowering.__main__ import main
from tests.lowering.as_built import wheel_as_built
from tests.lowering.sample import sample
from tests.lowering.test_sample import available
from tests.lowering.wheels import System, run_workload, system, works, workshop
from tests.roots.cpython import PYTHON
from tests.roots.lowering import NEWEST, OLDEST
from tests.roots.run import run_in_root
from tests.support.run_perennial import run_perennial

pytestmark = pytest.mark.lowering

SYSTEMS = {"bullseye": "2.31", "trixie": "2.41"}


@pytest.fixture(autouse=True)
def there_are_roots() -> None:
    available(sample("brotli", "trixie"))


@pytest.mark.parametrize("suite", [OLDEST, NEWEST])
def test_the_interpreter_brings_nothing_into_a_process(suite: str) -> None:
    """It is the same everywhere, on the glibc of each; what its modules are linked with can be seen by nobody else."""
    code = "print(os.confstr('CS_GNU_LIBC_VERSION'), open('/proc/self/maps').read())"
    command = [PYTHON, "-c", f"import ctypes, lzma, os, sqlite3, ssl; {code}"]
    outcome = run_in_root(system(suite).root, command, with_devices=True)
    assert outcome.exit_code == 0, outcome
    assert outcome.output.startswith(f"glibc {SYSTEMS[suite]} ")
    mapped = {path.rpartition("/")[2] for path in re.findall(r"/\S*\.so\S*", outcome.output)}
    glibc = r"(ld|libc|libm|libdl|libpthread|libutil|librt|ld-linux-x86-64)[-.].*"
    assert all(re.fullmatch(glibc, name) for name in mapped), mapped
    look = "import ctypes; own = ctypes.CDLL(None); print([hasattr(own, n) for n in ('Py_IsInitialized', *NAMES)])"
    names = ("SSL_new", "EVP_md5", "sqlite3_open", "ffi_call", "inflate", "BZ2_bzCompress", "lzma_code")
    outcome = run_in_root(system(suite).root, [PYTHON, "-c", f"NAMES = {names}; {look}"])
    assert outcome.output.strip() == str([True, *[False] * len(names)]), outcome


def test_a_wheel_as_debian_built_it(tmp_path: Path) -> None:
    """An honest wheel of the package's files, whose modules are the package's, byte for byte."""
    root = workshop("trixie").root
    wheel = wheel_as_built(root, ("python3-brotli",), tmp_path)
    assert re.fullmatch(r"brotli-[\d.]+-cp313-cp313-linux_x86_64\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        (module,) = (name for name in archive.namelist() if name.endswith(".so"))
        assert archive.read(module) == (root.folder / "usr/lib/python3/dist-packages" / module).read_bytes()
        assert "brotli.py" in archive.namelist()
    checked = run_perennial("show", "--json", str(wheel))
    assert checked.code == 0, checked.output + checked.errors


def test_how_a_workload_ends(tmp_path: Path) -> None:
    """It works where it comes to its end and says so, and nowhere else."""
    for code, expected in (
        ("print('works')", True),
        ("print('works'); raise SystemExit(1)", False),
        ("pass", False),
        ("import os; print('works', flush=True); os.abort()", False),
    ):
        workload = tmp_path / "some.py"
        workload.write_text(code)
        assert works(run_workload(workload, (), system(OLDEST))) == expected, code


def test_in_a_root_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a package; what is lowered to a newer glibc than the root has, and a Python that is none, are said."""
    where: System = system(OLDEST)
    folder = str(where.root.folder)
    assert main(["--root", folder, "--python", PYTHON, "brotli-trixie", "bcrypt-trixie"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "glibc 2.31"
    assert lines[0].startswith(
        "bcrypt-trixie: as built: ImportError: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.3"
    )
    assert lines[0].endswith("; lowered: works")
    assert lines[1:] == ["brotli-trixie: as built: works; lowered: works"]
    assert main(["--root", folder, "--python", "/nowhere/python", "brotli-trixie"]) == 2
    assert "/nowhere/python does not run in" in capsys.readouterr().err
