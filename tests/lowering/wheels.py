"""Makes the wheels of the sample, lowers them, and puts them to work.

    raw      = as a suite built it, by pip from an sdist or in Debian's packages; or as it was published
    lowered  = what `perennial repair --lower-to` makes of it, with the libraries of the suite
    exercise = either, unpacked in a root beside what it is used with, and its workload run there

All of it is kept in the test cache, and made again where what it is made from has changed: root, table, perennial.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests.lowering.as_built import wheel_as_built
from tests.lowering.from_sdists import build_wheel
from tests.lowering.sample import PYPI, Sample, locked
from tests.lowering.sdists import Sdist, obtain_sdist
from tests.roots import lowering
from tests.roots.cpython import PYTHON, obtain_python, put_python, source_in
from tests.roots.make import Root, alone, obtain, testing_cache
from tests.roots.run import Outcome, Place, place_in
from tests.support.run_perennial import Outcome as Ran
from tests.support.run_perennial import run_perennial
from tests.wheels.download import LockedWheel
from tests.wheels.download import obtain as obtain_locked

_PERENNIAL: Final = Path(__file__).parents[2] / "src" / "perennial"
_MAKERS: Final = tuple(Path(__file__).with_name(f"{name}.py").read_bytes() for name in ("as_built", "from_sdists"))
_TIMEOUT: Final = 300  # seconds for one workload
_WITH_PYTEST: Final = "trixie"
_PYTEST_NEEDS: Final = (
    *("python3-iniconfig", "python3-packaging", "python3-pluggy"),
    *("python3-attr", "python3-hypothesis", "python3-sortedcontainers"),
)


class System(NamedTuple):
    """Where wheels run: a root, and the Python in it."""

    root: Root
    python: str = PYTHON


@cache
def workshop(suite: str) -> System:
    """Where the suite's wheels are built. It has the Python that all systems here have."""
    return _with_python(obtain(lowering.WORKSHOPS[suite]))


def home_of(wanted: Sample) -> System:
    """Where the wheel was built; PyPI's have libstdc++ of trixie."""
    return workshop("trixie" if wanted.suite == PYPI else wanted.suite)


@cache
def system(suite: str) -> System:
    """A system of the suite with hardly anything installed."""
    return _with_python(obtain(lowering.runs(suite)))


@cache
def python_archive() -> Path:
    """The Python of all systems here, packed."""
    source = source_in(obtain(lowering.WORKSHOPS["trixie"]))
    return obtain_python(obtain(lowering.PYTHONS_WORKSHOP), source)


def _with_python(root: Root) -> System:
    put_python(python_archive(), root)
    return System(root)


def raw_wheel(wanted: Sample) -> Path:
    """The wheel as it was built.

    UnavailableError where this machine has no means to get it; AssertionError where building fails.
    """
    origin = wanted.origin
    if isinstance(origin, LockedWheel):
        return obtain_locked(origin)
    root = workshop(wanted.suite).root

    def make(folder: Path) -> Path:
        if isinstance(origin, Sdist):
            return build_wheel(origin, root, folder)
        return wheel_as_built(root, origin.packages, folder)

    return _kept(f"raw-{wanted}", (str(root.folder), origin, _MAKERS), make)


def lowered_wheel(wanted: Sample) -> Path:
    """The wheel after lowering; AssertionError where that is refused."""
    raw = raw_wheel(wanted)

    def make(folder: Path) -> Path:
        ran = lower(wanted, raw, folder)
        assert ran.code == 0, f"{wanted}: {ran.output}{ran.errors}"
        (made,) = folder.glob("*.whl")
        return made

    return _kept(f"lowered-{wanted}", (_perennial(), raw.read_bytes(), wanted.to, wanted.options), make)


def lower(wanted: Sample, raw: Path, folder: Path, *options: str) -> Ran:
    """What the command makes of a wheel, in a folder.

    `perennial lower` of what a project published; `perennial repair --lower-to` of what was just built, with the
    libraries of the suite.
    """
    verb = ["lower", "--to", wanted.to] if wanted.suite == PYPI else ["repair", "--lower-to", wanted.to]
    sysroot = home_of(wanted).root.folder
    command = [*verb, *wanted.options, "--sysroot", str(sysroot), *options]
    return run_perennial(*command, "-j", "1", "-w", str(folder), str(raw))


def exercise(wanted: Sample, wheel: Path, where: System) -> Outcome:
    """Unpacks the wheel in the root, with what it is used with, and runs its workload."""
    return run_workload(wanted.workload, (wheel, *_others(wanted)), where)


def run_own_tests(wanted: Sample, wheel: Path, where: System) -> Outcome:
    """Unpacks the wheel likewise, and runs the project's own tests."""
    tools = [_pure_wheel(package, _WITH_PYTEST) for package in ("python3-pytest", *_PYTEST_NEEDS)]
    with place_in(where.root) as place:
        for each in (wheel, *_others(wanted), *tools):
            place.install(each, "site")
        paths = [f"{place.inside}/site/{path}" for path in wanted.own_tests]
        if isinstance(wanted.origin, Sdist) and wanted.sdist_tests:
            paths = [_unpack_tests(obtain_sdist(wanted.origin), wanted.sdist_tests, place)]
        command = [where.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", place.inside, *paths]
        environment = {"PYTHONPATH": f"{place.inside}/site"}
        return place.run(command, timeout=_TIMEOUT, environment=environment, with_devices=True)


def run_workload(workload: Path, wheels: tuple[Path, ...], where: System, *arguments: str) -> Outcome:
    """Runs a file of tests/lowering/workloads with wheels that are unpacked into one folder."""
    with place_in(where.root) as place:
        for wheel in wheels:
            place.install(wheel, "site")
        script = place.put("workload.py", workload.read_bytes())  # no module has that name
        command = [where.python, "-X", "faulthandler", script, *arguments]
        environment = {"PYTHONPATH": f"{place.inside}/site"}
        return place.run(command, timeout=_TIMEOUT, environment=environment, with_devices=True)


def _others(wanted: Sample) -> list[Path]:
    lowered = [lowered_wheel(each) for each in wanted.companions]
    if wanted.suite == PYPI:
        return lowered + [obtain_locked(locked(project)) for project in wanted.pure]
    return lowered + [_pure_wheel(package, wanted.suite) for package in wanted.pure]


def _unpack_tests(sdist: Path, folder: str, place: Place) -> str:
    """Puts the tests of an sdist into the place; returns their folder as programs in the root see it."""
    with tarfile.open(sdist) as archive:
        for member in archive:
            _, _, name = member.name.partition("/")
            file = archive.extractfile(member) if member.isfile() and name.startswith(f"{folder}/") else None
            if file is not None:
                place.put(f"own/{name}", file.read())
    return f"{place.inside}/own/{folder}"


def works(outcome: Outcome) -> bool:
    """Did the workload come to its end?"""
    return outcome.exit_code == 0 and outcome.output.splitlines()[-1:] == ["works"]


def _pure_wheel(package: str, suite: str) -> Path:
    root = workshop(suite).root
    key = (str(root.folder), package)
    return _kept(f"pure-{package}-{suite}", key, lambda folder: wheel_as_built(root, (package,), folder))


def _kept(name: str, key: tuple[object, ...], make: Callable[[Path], Path]) -> Path:
    """The only file of a folder that is made once for a key; others of the same name are dropped."""
    above = testing_cache() / "lowering" / "wheels"
    digest = hashlib.sha256(repr(key).encode()).hexdigest()[:12]
    folder = above / f"{name}-{digest}"
    with alone(above / f".{name}.lock"):
        if not folder.is_dir():
            for old in above.glob(f"{name}-????????????"):
                shutil.rmtree(old)
            partial = above / f".partial-{name}"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            make(partial)
            partial.replace(folder)
    (found,) = folder.iterdir()
    return found


@cache
def _perennial() -> str:
    """A digest of the program, whose every change may change what it writes."""
    digest = hashlib.sha256()
    for path in sorted(_PERENNIAL.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(_PERENNIAL)} {path.stat().st_size}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
