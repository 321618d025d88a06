"""What the other tests here rest on: programs run in roots, and how they end is told. No editor is involved."""

from __future__ import annotations

import re
import signal

import pytest

from tests.loading.test_wheels import CASES
from tests.loading.workshop import GLIBC_SYSTEMS, MUSL, SYSTEMS, System, Workshop, root_of
from tests.roots.make import skip_unless_ci
from tests.roots.run import Outcome, place_in, run_in_root
from tests.roots.toolchain import Libc
from tests.wheels.download import LockedWheel, UnavailableError, obtain

pytestmark = pytest.mark.loading

# One that this kernel runs, one of 32 bits, two that qemu runs: one of each byte order.
SAMPLE = [
    system
    for system in GLIBC_SYSTEMS
    if system.suite == system.machine.new_suite and str(system.machine) in {"x86_64", "i686", "aarch64", "s390x"}
]


@pytest.mark.parametrize("system", SYSTEMS, ids=str)
def test_a_root_has_the_c_library_that_its_suite_stands_for(system: System) -> None:
    root = root_of(system)
    if system.musl:
        # Without arguments it says what it is.
        said, expected = run_in_root(root, [system.machine.musl_loader]).errors, MUSL[system.suite]
    else:
        code = "import os; print(os.confstr('CS_GNU_LIBC_VERSION').replace('glibc', 'Version'))"
        said, expected = run_in_root(root, ["/usr/bin/python3", "-c", code]).output, system.glibc
    version = re.search(r"^Version ([\d.]+)", said, re.MULTILINE)
    assert version is not None, said
    found = tuple(map(int, version[1].split(".")))
    assert found == expected or (system.suite == "sid" and found > expected)


@pytest.mark.parametrize("system", SAMPLE, ids=str)
def test_how_a_program_ends(system: System) -> None:
    root = root_of(system)

    def python(code: str, timeout: float = 60) -> Outcome:
        return run_in_root(root, ["/usr/bin/python3", "-S", "-c", code], timeout=timeout)

    assert python("print('said')") == (0, None, "said\n", "")
    assert python("import os, sys; sys.stderr.write('why'); sys.stderr.flush(); os._exit(3)") == (3, None, "", "why")
    ending = python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert ending[:2] == (None, signal.SIGSEGV)
    # qemu takes its time to start; what was said until then is there.
    ending = python("import time; print('begun', flush=True); time.sleep(600)", timeout=8)
    assert ending[:3] == (None, None, "begun\n")


@pytest.mark.parametrize("system", SAMPLE, ids=str)
def test_nothing_of_this_machine_gets_in(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/nowhere/of/this/machine.so")
    monkeypatch.setenv("PYTHONPATH", "/nowhere/of/this/machine")
    code = "import os; print(sorted(os.environ), os.path.exists('/proc/self'))"
    outcome = run_in_root(root_of(system), ["/usr/bin/python3", "-S", "-c", code])
    assert outcome.exit_code == 0, outcome
    assert "LD_PRELOAD" not in outcome.output
    assert "PYTHONPATH" not in outcome.output
    assert outcome.output.endswith("False\n")


@pytest.mark.parametrize("system", SAMPLE, ids=str)
def test_the_loading_program_tells_what_happens(system: System) -> None:
    with place_in(root_of(system)) as place:
        shop = Workshop(system, place)
        library = shop.library("bottom.c", "libbottom.so.1")
        path = place.put("here.so", library.read_bytes())
        broken = place.put("broken.so", library.read_bytes()[:200])
        lines = shop.load("-c", path, "bottom_made", "nothing", "--", broken, "--", "/not/there.so", "--", path)
        assert lines[:4] == [f"{path} opened", f"{path} bottom_made = 1000", f"{path} nothing absent", f"{path} closed"]
        assert lines[4].startswith(f"{broken} refused: ")
        assert lines[5].startswith("/not/there.so refused: ")
        assert lines[6:] == [f"{path} opened"]


# For cp313, which is the Python of trixie.
IMPORTED = [case for case in CASES if case[0].project == "markupsafe" and case[1].suite == "trixie"]


@pytest.mark.parametrize(("wheel", "system"), IMPORTED, ids=str)
def test_a_wheel_is_installed_and_imported(wheel: LockedWheel, system: System) -> None:
    """Wheels for cp313, which is the Python of trixie; there is none that musl loads."""
    if system.musl:
        system = system._replace(libc=Libc.GLIBC)
    try:
        path = obtain(wheel)
    except UnavailableError as error:
        skip_unless_ci(str(error))
    with place_in(root_of(system)) as place:
        site = place.install(path, "site")
        code = "import markupsafe, markupsafe._speedups as s; print(markupsafe.escape('<&>'), s.__file__)"
        outcome = place.run(["/usr/bin/python3", "-c", code], environment={"PYTHONPATH": site})
        if "musllinux" in wheel.filename:
            assert outcome.exit_code == 1  # the control: glibc's Python cannot
        else:
            assert outcome.output.startswith(f"&lt;&amp;&gt; {site}/markupsafe/_speedups.cpython-313"), outcome
