"""Makes root file systems of Debian suites, with mmdebstrap, from the mirror that apt has here.

A recipe says what: a suite, an architecture, packages. A root is made where it is missing, below the
folder that PERENNIAL_TEST_CACHE names, or .cache in the checkout; it is used on the day on which it
was made, and made again on the next. Several processes may ask for the same one: the first makes it,
the others wait.

`python -m tests.roots NAME` makes all of tests/roots/NAME.py beforehand. Tests make what they miss, and
skip with a reason where this machine has no means; in CI that is an error.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, NoReturn, assert_never

import pytest

from tests.roots.machines import Machine

_CHECKOUT: Final = Path(__file__).parents[2]
_TIMEOUT: Final = 900  # seconds for one root
# What apt and mmdebstrap say where the network or the rights are missing, and not the packages.
_UNABLE: Final = (
    *("Temporary failure resolving", "Could not resolve", "Could not connect", "Unable to connect", "Cannot initiate"),
    *("Connection refused", "Connection timed out", "Network is unreachable", "unable to pick chroot mode"),
)


class Contents(Enum):
    """How packages get into a root."""

    INSTALLED = "essential packages too, configured by their own scripts; the archive is kept"
    RECORDED = "unpacked, with dpkg's records written from what they say; the archive is kept"
    UNPACKED = "unpacked, nothing else; documentation is left out"


class Recipe(NamedTuple):
    """What a root is made of. `name` is that of its folder, and says everything that tells it from others."""

    name: str
    suite: str
    machine: Machine
    packages: tuple[str, ...]
    contents: Contents
    hooks: tuple[str, ...] = ()  # of the shell, run after unpacking with the root as $1

    def __str__(self) -> str:
        return self.name


class Root(NamedTuple):
    """A root file system, unpacked (without devices), and packed where its recipe keeps that."""

    folder: Path
    archive: Path | None
    machine: Machine


class UnavailableError(Exception):
    """This machine cannot make roots."""


# Run after unpacking: dpkg's own files, as `dpkg --unpack` would have left them. $1 is the root.
_RECORD_PACKAGES: Final = r"""
set -e
for deb in "$1"/var/cache/apt/archives/*.deb; do
  name=$(dpkg-deb --show --showformat='${Package}:${Architecture}' "$deb")
  { echo 'Status: install ok unpacked'; dpkg-deb --field "$deb"; echo; } >> "$1/var/lib/dpkg/status"
  dpkg-deb --fsys-tarfile "$deb" | tar --list | sed 's/^\.//' > "$1/var/lib/dpkg/info/$name.list"
done
"""


def obtain(recipe: Recipe) -> Root:
    """The root of a recipe, made where it is not there.

    UnavailableError where this machine has no means; AssertionError where it has, and they fail.
    """
    made_of = (recipe.suite, recipe.machine.debian, recipe.packages, recipe.contents.name, recipe.hooks)
    digest = hashlib.sha256(repr(made_of).encode()).hexdigest()[:8]  # a changed recipe is another root
    place = cache_dir() / f"{recipe}-{digest}-{datetime.now(UTC).date().isoformat()}"
    with alone(cache_dir() / f".{recipe}.lock"):
        if not place.is_dir():
            for old in cache_dir().glob(f"{recipe}-????????-????-??-??"):
                shutil.rmtree(old)
            partial = cache_dir() / f".partial-{recipe}"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            try:
                _make(recipe, partial)
                partial.replace(place)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    archive = None if recipe.contents is Contents.UNPACKED else place / "root.tar"
    return Root(place / "root", archive, recipe.machine)


def obtain_or_skip(recipe: Recipe) -> Root:
    """For tests: skips where this machine has no means. In CI, which has them, it fails."""
    try:
        return obtain(recipe)
    except UnavailableError as error:
        skip_unless_ci(str(error))


def skip_unless_ci(reason: str) -> NoReturn:
    """What a developer's machine may lack, CI has to have: nothing is proved by a test that is skipped."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def cache_dir() -> Path:
    """Where the roots lie."""
    return testing_cache() / "roots"


def testing_cache() -> Path:
    """Where tests keep what they downloaded and made."""
    return Path(os.environ.get("PERENNIAL_TEST_CACHE") or _CHECKOUT / ".cache")


@cache
def apt_mirror() -> str:
    """The Debian mirror that apt is configured with."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise UnavailableError("there is no apt to ask for a mirror") from error
    for line in output.splitlines():
        origin, _, url = line.partition(" ")
        if origin == "Debian":
            return url
    raise UnavailableError("apt names no Debian mirror here")


_unable: list[str] = []  # why the first root could not be made: the next ones need not wait for it again


def _make(recipe: Recipe, place: Path) -> None:
    if _unable:
        raise UnavailableError(_unable[0])
    program = shutil.which("mmdebstrap")
    if program is None:
        raise UnavailableError("mmdebstrap is not installed")
    folder, archive = place / "root", place / "root.tar"
    folder.mkdir()
    # A mirror may be a snapshot: its date is not checked, its signature is.
    command = [program, "--aptopt=Acquire::Check-Valid-Until false", f"--architectures={recipe.machine.debian}"]
    match recipe.contents:
        case Contents.INSTALLED:
            command += ["--variant=essential"]
        case Contents.RECORDED:
            command += ["--variant=extract", f"--extract-hook={_RECORD_PACKAGES}"]
        case Contents.UNPACKED:
            command += ["--variant=extract"]
        case _:
            assert_never(recipe.contents)
    command += [f"--extract-hook={hook}" for hook in recipe.hooks]
    command += [f"--include={','.join(recipe.packages)}", recipe.suite, str(archive), apt_mirror()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired as expired:
        raise UnavailableError(f"no root of {recipe} within {_TIMEOUT} s") from expired
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()
        for line in said:
            if any(sign in line for sign in _UNABLE):
                _unable.append(f"mmdebstrap can make no roots here: {line.strip()}")
                raise UnavailableError(_unable[0])
        raise AssertionError(f"mmdebstrap fails for {recipe}: {'; '.join(said[-5:])}")
    unpack = ["tar", "--extract", "--file", str(archive), "--directory", str(folder), "--no-same-owner"]
    without = ["./dev"]
    if recipe.contents is Contents.UNPACKED:
        without += ["./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./usr/share/icons"]
    subprocess.run([*unpack, *(f"--exclude={name}" for name in without)], check=True)
    if recipe.contents is Contents.UNPACKED:
        archive.unlink()


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Only one process at a time; the others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
