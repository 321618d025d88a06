"""Makes root file systems of Debian suites, with mmdebstrap, from the mirror that apt has here.

`python -m tests.roots.make` makes all of them (two at a time) and fails where one cannot be had;
tests make what they miss, and skip with a reason where that is not possible. A root is an archive
and the same unpacked, below the folder that PERENNIAL_TEST_CACHE names, or .cache in the checkout.
It is used on the day on which it was made, and made again on the next.

On this machine's own architecture packages are installed, by their own scripts. Of others, nothing
can be run: the packages are unpacked, and dpkg's records written from what they say themselves.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from perennial.arch import Architecture
from perennial.knowledge.symbol_store import load_symbols

_CHECKOUT: Final = Path(__file__).parents[2]
_TIMEOUT: Final = 900  # seconds for one root
_DEBIAN_NAMES: Final = {Architecture.X86_64: "amd64", Architecture.AARCH64: "arm64"}
# What apt and mmdebstrap say where the network or the rights are missing, and not the packages.
_UNABLE: Final = (
    *("Temporary failure resolving", "Could not resolve", "Could not connect", "Unable to connect", "Cannot initiate"),
    *("Connection refused", "Connection timed out", "Network is unreachable", "unable to pick chroot mode"),
)
# dpkg's own files, as `dpkg --unpack` would have left them. $1 is the root.
_RECORD_PACKAGES: Final = r"""
set -e
for deb in "$1"/var/cache/apt/archives/*.deb; do
  name=$(dpkg-deb --show --showformat='${Package}:${Architecture}' "$deb")
  { echo 'Status: install ok unpacked'; dpkg-deb --field "$deb"; echo; } >> "$1/var/lib/dpkg/status"
  dpkg-deb --fsys-tarfile "$deb" | tar --list | sed 's/^\.//' > "$1/var/lib/dpkg/info/$name.list"
done
"""


class Suite(NamedTuple):
    """A Debian suite on an architecture; `release` as the knowledge calls it.

    `only` are the packages to install, where it is not those that the knowledge was read from.
    """

    name: str
    release: str
    architecture: Architecture
    only: tuple[str, ...] = ()

    def __str__(self) -> str:
        kind = f"{self.only[0]}-" if self.only else ""
        return f"{kind}{self.name}-{_DEBIAN_NAMES[self.architecture]}"


class Root(NamedTuple):
    """A root file system, packed and unpacked (without devices)."""

    archive: Path
    folder: Path


class UnavailableError(Exception):
    """This machine cannot make roots."""


SUITES: Final = tuple(
    Suite(name, release, architecture)
    for name, release in (("bookworm", "debian:12"), ("trixie", "debian:13"))
    for architecture in _DEBIAN_NAMES
)
# Systems with Pythons to run: glibc 2.31, 2.36, 2.41, and what sid has.
PYTHON_SUITES: Final = (
    Suite("bullseye", "debian:11", Architecture.X86_64, ("python3", "python3-dbg", "python3-distutils")),
    Suite("bookworm", "debian:12", Architecture.X86_64, ("python3", "python3-dbg", "pypy3")),
    Suite("trixie", "debian:13", Architecture.X86_64, ("python3", "python3-dbg", "pypy3")),
    Suite("sid", "debian:unstable", Architecture.X86_64, ("python3", "python3-dbg")),
)


def obtain(suite: Suite) -> Root:
    """The root of a suite, made where it is not there.

    UnavailableError where this machine has no means; AssertionError where it has, and they fail.
    """
    place = cache_dir() / f"{suite}-{datetime.now(UTC).date().isoformat()}"
    with alone(cache_dir() / f".{suite}.lock"):
        if not place.is_dir():
            for old in cache_dir().glob(f"{suite}-20*"):
                shutil.rmtree(old)
            partial = cache_dir() / f".partial-{suite}"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            try:
                _make(suite, partial)
                partial.replace(place)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return Root(place / "root.tar", place / "root")


def cache_dir() -> Path:
    """Where the roots lie."""
    chosen = os.environ.get("PERENNIAL_TEST_CACHE")
    return Path(chosen or _CHECKOUT / ".cache") / "roots"


def packages(suite: Suite) -> list[str]:
    """What is installed: the packages that the shipped knowledge was read from, whatever their version."""
    if suite.only:
        return sorted({"base-files", *suite.only})
    store = load_symbols(suite.architecture.value)
    found = [name for info in store.snapshots if info.release == suite.release for name in info.packages]
    return sorted({"base-files", *found})


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


def _make(suite: Suite, place: Path) -> None:
    if _unable:
        raise UnavailableError(_unable[0])
    program = shutil.which("mmdebstrap")
    if program is None:
        raise UnavailableError("mmdebstrap is not installed")
    name = _DEBIAN_NAMES[suite.architecture]
    native = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout
    how = ["--variant=extract", f"--extract-hook={_RECORD_PACKAGES}"]
    if native.strip() == name:
        how = ["--variant=essential"]
    archive = place / "root.tar"
    command = [program, *how, f"--architectures={name}", f"--include={','.join(packages(suite))}"]
    if suite.name == "sid":
        # Its Release file is for a week; a mirror that is not updated daily has an older one. The keys still count.
        command.append('--aptopt=Acquire::Check-Valid-Until "false"')
    command += [suite.name, str(archive), apt_mirror()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired as expired:
        raise UnavailableError(f"no root of {suite} within {_TIMEOUT} s") from expired
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()
        for line in said:
            if any(sign in line for sign in _UNABLE):
                _unable.append(f"mmdebstrap can make no roots here: {line.strip()}")
                raise UnavailableError(_unable[0])
        raise AssertionError(f"mmdebstrap fails for {suite}: {'; '.join(said[-5:])}")
    folder = place / "root"
    folder.mkdir()
    unpack = ["tar", "--extract", "--file", str(archive), "--directory", str(folder)]
    subprocess.run([*unpack, "--no-same-owner", "--exclude=./dev"], check=True)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Only one process at a time; the others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Makes all roots; the exit code is 1 where one could not be made."""

    def attempt(suite: Suite) -> str | None:
        try:
            obtain(suite)
        except (UnavailableError, AssertionError) as error:
            return str(error)
        return None

    with ThreadPoolExecutor(2) as pool:
        suites = (*SUITES, *PYTHON_SUITES)
        troubles = [trouble for trouble in pool.map(attempt, suites) if trouble is not None]
    sys.stdout.write(f"{len(suites) - len(troubles)} of {len(suites)} roots\n")
    for trouble in dict.fromkeys(troubles):
        sys.stderr.write(f"{trouble}\n")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
