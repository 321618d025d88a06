"""How processes end, in each of the ways in which they can: the running interpreter, packages of a line or two."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perennial.coload.run.child import run_child
from perennial.coload.run.diagnose import Tools
from perennial.coload.run.environment import wheel_at
from perennial.coload.run.interpreter import Interpreter, find_interpreter
from perennial.coload.run.model import End, RunReport
from perennial.coload.run.pairs import Request, run_orders, scratch_folder
from perennial.errors import UsageError
from tests.support.wheel_builder import wheel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes of Linux")

NO_TOOLS = Tools(None, minimise=False)


@pytest.fixture
def scratch() -> Iterator[str]:
    with scratch_folder() as folder:
        yield folder


@pytest.fixture
def interpreter(scratch: str) -> Interpreter:
    return find_interpreter(sys.executable, os.environ, scratch)


def pure(folder: Path, name: str, code: str) -> str:
    return str(wheel(folder, name=name, tags="py3-none-any", members={f"{name}/__init__.py": code.encode()}))


def run(
    paths: list[str],
    interpreter: Interpreter,
    scratch: str,
    *,
    smoke: dict[str, str] | None = None,
    timeout: float = 60,
    in_order: bool = False,
) -> RunReport:
    wheels = tuple(wheel_at(path) for path in paths)
    request = Request(wheels, (), {}, smoke or {}, in_order, timeout)
    return run_orders(request, interpreter, NO_TOOLS, scratch)


ENDINGS = [
    pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", End.SIGNAL, "SIGSEGV", id="signal"),
    pytest.param("import os; os.abort()", End.SIGNAL, "SIGABRT", id="abort"),
    pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", End.SIGNAL, "SIGKILL", id="killed"),
    pytest.param("1 // 0", End.EXCEPTION, "ZeroDivisionError: ", id="exception"),
    pytest.param("import nothing_of_that_name", End.EXCEPTION, "ModuleNotFoundError: ", id="missing"),
    pytest.param("import os; os._exit(3)", End.EXIT, "3", id="exit"),
    pytest.param("import os; os._exit(0)", End.EXIT, "0", id="exit before it is done"),
    pytest.param("raise SystemExit(0)", End.EXCEPTION, "SystemExit: 0", id="SystemExit"),
    pytest.param("import atexit, os; atexit.register(os.abort)", End.SIGNAL, "SIGABRT", id="at the end"),
    pytest.param("x = 1", End.FINE, "", id="fine"),
]


@pytest.mark.parametrize(("code", "end", "words"), ENDINGS)
def test_endings(
    code: str,
    end: End,
    words: str,
    tmp_path: Path,
    interpreter: Interpreter,
    scratch: str,
    request: pytest.FixtureRequest,
) -> None:
    report = run([pure(tmp_path, "demo", code)], interpreter, scratch)
    (alone,) = report.alone
    assert alone.outcome is not None
    assert alone.outcome.end is end
    assert words in f"{alone.outcome.signal} {alone.outcome.error} {alone.outcome.code}"
    assert report.has_failure is (end is not End.FINE)
    step = {"fine": "", "at the end": "end of the process"}.get(request.node.callspec.id, "import demo")
    assert alone.outcome.step == step


def test_python_tells_where_it_crashed_and_where_it_hangs(
    tmp_path: Path, interpreter: Interpreter, scratch: str
) -> None:
    crash = pure(tmp_path, "crash", "import os\ndef fall():\n    os.abort()\nfall()\n")
    hang = pure(tmp_path, "hang", "import time\ndef wait():\n    time.sleep(600)\nwait()\n")
    before = time.monotonic()
    crashed, hung = run([crash, hang], interpreter, scratch, timeout=3).alone
    assert time.monotonic() - before < 60
    assert crashed.outcome is not None
    assert crashed.outcome.python[0].endswith("crash/__init__.py:3 in fall")
    assert hung.outcome is not None
    assert hung.outcome.end is End.TIMEOUT
    assert hung.outcome.python[0].endswith("hang/__init__.py:3 in wait")


def test_what_fails_alone_is_not_blamed_on_others(tmp_path: Path, interpreter: Interpreter, scratch: str) -> None:
    report = run(
        [pure(tmp_path, "broken", "1 // 0"), pure(tmp_path, "good", ""), pure(tmp_path, "fine", "")],
        interpreter,
        scratch,
    )
    assert [run.outcome is not None and run.outcome.end for run in report.alone] == [End.EXCEPTION, End.FINE, End.FINE]
    skipped = {run.order for run in report.orders if run.skipped}
    assert len(report.orders) == 6
    assert len(skipped) == 4
    assert all(any(name.startswith("broken-") for name in order) for order in skipped)


def test_orders_are_told_apart(tmp_path: Path, interpreter: Interpreter, scratch: str) -> None:
    """The second spoils nothing, the first spoils what comes after it."""
    first = pure(tmp_path, "first", "import builtins; builtins.spoilt = True")
    second = pure(tmp_path, "second", "import builtins, os\nif hasattr(builtins, 'spoilt'): os.abort()")
    report = run([first, second], interpreter, scratch)
    ends = {run.order[0].split("-")[0]: run.outcome and run.outcome.end for run in report.orders}
    assert ends == {"first": End.SIGNAL, "second": End.FINE}
    os.mkdir(f"{scratch}/set")
    (only,) = run([second, first], interpreter, f"{scratch}/set", in_order=True).orders
    assert only.outcome is not None
    assert only.outcome.end is End.FINE


def test_snippets_run_after_all_imports(tmp_path: Path, interpreter: Interpreter, scratch: str) -> None:
    one, two = (
        pure(tmp_path, "one", "state = []"),
        pure(tmp_path, "two", "import sys\nif 'one' in sys.modules: sys.modules['one'].state.append(2)"),
    )
    smoke = {"one": "import one\nassert one.state != [2], 'two has been here'"}
    report = run([one, two], interpreter, scratch, smoke=smoke)
    assert all(run.outcome is not None and run.outcome.end is End.FINE for run in report.alone)
    together = {run.order[0].split("-")[0]: run.outcome for run in report.orders}
    assert together["one"] is not None
    assert (together["one"].end, together["one"].step, together["one"].error) == (
        End.EXCEPTION,
        "smoke one",
        "AssertionError: two has been here",
    )
    assert together["two"] is not None
    assert together["two"].end is End.FINE


def test_nothing_of_this_environment_is_seen(
    tmp_path: Path, interpreter: Interpreter, scratch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SECRET", "1")
    code = (
        "import os, sys\n"
        "assert sorted(os.environ) == ['HOME', 'LANG', 'PATH', 'PYTHONHASHSEED', 'TMPDIR'] , sorted(os.environ)\n"
        "assert not [path for path in sys.path if path.endswith('dist-packages')]\n"
        "try: import pytest\n"
        "except ImportError: pass\n"
        "else: raise AssertionError('site-packages')\n"
    )
    (alone,) = run([pure(tmp_path, "demo", code)], interpreter, scratch).alone
    assert alone.outcome is not None
    assert alone.outcome.end is End.FINE, alone.outcome


def test_grandchildren_go_with_their_process(tmp_path: Path) -> None:
    """One that holds the pipe open and outlives its parent; both with and without a timeout."""
    pid = tmp_path / "pid"
    code = (
        f"import subprocess, time\np = subprocess.Popen(['sleep', '300'])\nopen({str(pid)!r}, 'w').write(str(p.pid))\n"
    )
    environ = {"PATH": os.environ["PATH"]}
    for more, status in (("", 0), ("time.sleep(300)\n", None)):
        before = time.monotonic()
        ended = run_child([sys.executable, "-c", code + more], environ=environ, folder=str(tmp_path), timeout=5)
        assert ended.status == status
        assert time.monotonic() - before < 60
        deadline = time.monotonic() + 10
        while _is_running(int(pid.read_text())) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _is_running(int(pid.read_text()))


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_endless_output_is_no_endless_memory(tmp_path: Path) -> None:
    code = "import os\nfor n in range(2000): os.write(1, b'x' * 65536)\nos.write(1, b'the end')"
    ended = run_child([sys.executable, "-c", code], environ={}, folder=str(tmp_path), timeout=120)
    assert ended.status == 0
    assert ended.said.endswith("the end")
    assert len(ended.said) <= 256 * 1024


# ----- which Python


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("3.99", "there is no python3.99 on PATH"),
        ("/no/such/python", "no such program"),
        ("/bin/true", "it does not run, or is not CPython"),
    ],
)
def test_a_python_that_is_not_there(wanted: str, words: str, scratch: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        find_interpreter(wanted, os.environ, scratch)
    assert "\n" not in str(caught.value)


def test_a_version_is_found_on_path(tmp_path: Path, scratch: str) -> None:
    """A shim that leads nowhere is passed over."""
    major, minor = sys.version_info[:2]
    name = f"python{major}.{minor}"
    (tmp_path / "shim").mkdir()
    shim = tmp_path / "shim" / name
    shim.write_text("#!/bin/sh\nexit 127\n", encoding="ascii")
    shim.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / name).symlink_to(sys.executable)
    path = f"{tmp_path}/shim:{tmp_path}/bin"
    found = find_interpreter(f"{major}.{minor}", {"PATH": path}, scratch)
    assert found.path == str(tmp_path / "bin" / name)
    assert found.version == sys.version_info[:3]


def test_wheels_of_another_python(tmp_path: Path, interpreter: Interpreter, scratch: str) -> None:
    path = wheel(tmp_path, name="old", tags="cp36-cp36m-manylinux1_x86_64", members={"old.py": b""})
    with pytest.raises(UsageError, match=r"old-1\.0-cp36-cp36m-manylinux1_x86_64\.whl is not for CPython"):
        run([str(path)], interpreter, scratch)


# ----- the command


def test_the_command_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither when it is done nor when it is interrupted or terminated in the midst of it."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    good, hang = pure(tmp_path, "good", ""), pure(tmp_path, "hang", "open('started', 'w').close()\nwhile True: pass")
    environ = {**os.environ, "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "perennial", "coload", "--run", "--no-cache"]
    done = subprocess.run(
        [*command, good, pure(tmp_path, "other", "")], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(temporary.iterdir()) == []
    for number in (2, 15):
        with subprocess.Popen([*command, hang, good], env=environ, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 60
            while not list(temporary.glob("*/folder/started")) and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert said == "perennial: interrupted\n"
        assert list(temporary.iterdir()) == []


@pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not installed")
def test_gdb_is_left_alone_where_nothing_crashes(tmp_path: Path, interpreter: Interpreter, scratch: str) -> None:
    """An exception needs no native stack."""
    first = pure(tmp_path, "first", "import builtins; builtins.spoilt = True")
    second = pure(tmp_path, "second", "import builtins\nif hasattr(builtins, 'spoilt'): raise OSError('spoilt')")
    request = Request((wheel_at(first), wheel_at(second)), (), {}, {}, in_order=True)
    report = run_orders(request, interpreter, Tools(shutil.which("gdb"), minimise=True), scratch)
    (order,) = report.orders
    assert order.diagnosis is not None
    assert order.diagnosis.again
    assert order.diagnosis.frames == ()
    assert order.diagnosis.minimised is None
