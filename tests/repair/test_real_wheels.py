"""Wheels of four projects: built here, repaired, and put to work where the libraries they were built with are not."""

from __future__ import annotations

import posixpath
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repair.unrepaired import SDISTS, Sdist, obtain
from tests.roots import bare
from tests.roots.make import UnavailableError, obtain_or_skip, skip_unless_ci
from tests.roots.run import Outcome, Place, place_in
from tests.support.run_perennial import run_perennial

pytestmark = pytest.mark.repair

SOURCES = Path(__file__).with_name("sources")
NEEDED_BESIDE = {"shapely": ("numpy",)}
# What each links to directly, and no system need have.
MISSING = {
    "psycopg2": "libpq.so.5",
    "pillow": r"lib(jpeg|tiff|openjp2|xcb)\.so\.[0-9]+",
    "lxml": r"lib(e?xslt|xml2)\.so\.[0-9]+",
    "shapely": r"libgeos(_c)?\.so\.[0-9.]+",
}


@pytest.fixture(params=SDISTS, ids=str)
def sdist(request: pytest.FixtureRequest) -> Sdist:
    found = request.param
    assert isinstance(found, Sdist)
    return found


@pytest.fixture
def unrepaired(sdist: Sdist) -> Path:
    try:
        return obtain(sdist)
    except UnavailableError as error:
        skip_unless_ci(str(error))


@pytest.fixture
def repaired(unrepaired: Path, tmp_path: Path) -> Path:
    return repair(unrepaired, tmp_path / "repaired")


@pytest.fixture
def place() -> Iterator[Place]:
    """A folder in a root that has Python, and none of the libraries in question."""
    if not bare.RECIPES:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        pytest.skip(f"no Debian suite has Python {version} and is known here: {bare.SUITES}")
    (recipe,) = bare.RECIPES
    with place_in(obtain_or_skip(recipe)) as found:
        yield found


def install(wheel: Path, sdist: Sdist, place: Place) -> str:
    """Installs a wheel, with what it needs beside it; returns the folder as programs in the root see it."""
    target = place.outside / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command = [*pip, "--only-binary=:all:", "--target", str(target), str(wheel), *NEEDED_BESIDE.get(str(sdist), ())]
    subprocess.run(command, check=True, capture_output=True)
    return f"{place.inside}/site"


def work(wheel: Path, sdist: Sdist, place: Place) -> Outcome:
    """Runs the project's script in the root; the loader says which files it starts."""
    site = install(wheel, sdist, place)
    script = place.put("works.py", (SOURCES / f"{sdist}_works.py").read_bytes())
    python = f"/usr/bin/python3.{sys.version_info[1]}"
    return place.run([python, script], environment={"PYTHONPATH": site, "LD_DEBUG": "files"})


def started(outcome: Outcome) -> set[str]:
    """The paths of all objects whose initialisers ran."""
    return set(map(posixpath.normpath, re.findall(r"calling init: (/\S+)", outcome.errors)))


def test_without_repair_the_loader_misses_a_library(sdist: Sdist, unrepaired: Path, place: Place) -> None:
    """Otherwise the test below would prove nothing."""
    outcome = work(unrepaired, sdist, place)
    assert outcome.exit_code == 1
    assert re.search(rf"ImportError: {MISSING[str(sdist)]}: cannot open shared object file", outcome.errors)


def test_repaired_it_works(sdist: Sdist, repaired: Path, place: Place) -> None:
    """All grafts are loaded, and from the system only what tags allow and Python's own modules."""
    outcome = work(repaired, sdist, place)
    without = "\n".join(line for line in outcome.errors.splitlines() if not re.match(r" +\d+:", line))
    assert (outcome.exit_code, outcome.output.strip()) == (0, "works"), without
    site = f"{place.inside}/site/"
    paths = started(outcome)
    with zipfile.ZipFile(repaired) as archive:
        grafts = {site + name for name in archive.namelist() if ".libs/" in name}
    assert grafts
    assert grafts - paths == set()
    allowed = re.compile(rf"/(usr/)?lib(64)?/([a-z0-9_]+-linux-gnu[a-z]*/)?({'|'.join(map(re.escape, bare.STAYS))})")
    parts = re.compile(r"/gconv/|/lib-dynload/")  # of glibc, of Python
    others = {path for path in paths if not path.startswith(site) and not allowed.match(path)}
    assert {path for path in others if not parts.search(path)} == set()


def test_it_says_what_was_grafted(repaired: Path) -> None:
    """The tags, the audit, and the package of every graft as dpkg knows it."""
    assert "linux_" not in repaired.name.replace("manylinux_", "")
    checked = run_perennial("check", "-q", str(repaired))
    assert checked.code == 0, checked.output
    with zipfile.ZipFile(repaired) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        (document,) = (archive.read(name).decode() for name in names if name.endswith("/sboms/perennial.cdx.json"))
        grafts = [name for name in names if ".libs/" in name]
    assert all(f'"{name}"' in document for name in grafts)
    assert document.count('"purl": "pkg:deb/') == len(grafts)


def test_again_it_is_the_same(unrepaired: Path, repaired: Path, tmp_path: Path) -> None:
    """Repairing gives the same bytes each time, and repairing what is repaired changes nothing."""
    for source in (unrepaired, repaired):
        again = repair(source, tmp_path / source.parent.name)
        assert again.name == repaired.name
        assert again.read_bytes() == repaired.read_bytes()


def repair(wheel: Path, folder: Path) -> Path:
    outcome = run_perennial("repair", "-q", "-w", str(folder), str(wheel))
    assert outcome.code == 0, outcome.output + outcome.errors
    (found,) = folder.glob("*.whl")
    return found
