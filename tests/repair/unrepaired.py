"""Wheels as a build leaves them: from PyPI's sdists, linked with this system's libraries.

`python -m tests.repair.unrepaired` builds all of them, two at a time; whoever misses one builds it. With --packages it
prints the Debian packages that the builds take. The wheels lie below the folder that PERENNIAL_TEST_CACHE names, or
.cache in the checkout, in a folder for each interpreter and state of the system's packages: a system update makes them
again. pip does the building, in isolation.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from tests.roots.make import UnavailableError, alone, testing_cache

_TIMEOUT: Final = 1800  # seconds for one wheel; lxml's C files take a minute or two
_UNREACHABLE: Final = ("ConnectionError", "Could not fetch URL", "Read timed out", "No matching distribution found")


class Sdist(NamedTuple):
    """A source distribution by version, and the Debian packages that it is built with."""

    project: str
    version: str
    packages: tuple[str, ...]

    def __str__(self) -> str:
        return self.project


SDISTS: Final = (
    Sdist("psycopg2", "2.9.13", ("libpq-dev",)),
    Sdist(
        "pillow",
        "13.0.0",
        (
            *("libfreetype-dev", "libjpeg-dev", "liblcms2-dev", "libopenjp2-7-dev"),
            *("libtiff-dev", "libwebp-dev", "libxcb1-dev", "zlib1g-dev"),
        ),
    ),
    Sdist("lxml", "6.1.3", ("libxml2-dev", "libxslt1-dev", "zlib1g-dev")),
    Sdist("shapely", "2.2.0", ("libgeos-dev",)),
)


def obtain(sdist: Sdist) -> Path:
    """The wheel; built where it is not there.

    UnavailableError where this machine lacks what it takes; AssertionError where the build fails.
    """
    folder = testing_cache() / "unrepaired" / f"{sdist}-{sdist.version}-{_state(sdist)}"
    with alone(folder.parent / f".{sdist}.lock"):
        found = sorted(folder.glob("*.whl"))
        if not found:
            partial = folder.with_name(f".partial-{folder.name}")
            shutil.rmtree(partial, ignore_errors=True)
            _build(sdist, partial)
            partial.replace(folder)
            found = sorted(folder.glob("*.whl"))
    return found[0]


def _state(sdist: Sdist) -> str:
    """What the wheel depends on, besides the sdist: the interpreter, and the versions of the system's packages."""
    show = ["dpkg-query", "--show", "--showformat", "${Package} ${Version} ${db:Status-Abbrev}\\n", *sdist.packages]
    try:
        done = subprocess.run(show, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise UnavailableError("its libraries are known by Debian's names, and there is no dpkg") from error
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.split()[2:] == ["ii"]}
    if missing := sorted(set(sdist.packages) - installed):
        raise UnavailableError(f"{sdist} is built with {', '.join(missing)}, which are not installed")
    state = f"{sys.version}{sysconfig.get_platform()}{done.stdout}"
    return hashlib.sha256(state.encode()).hexdigest()[:12]


def _build(sdist: Sdist, folder: Path) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", sdist.project]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1600000000"}
    done = subprocess.run(
        [*command, f"{sdist.project}=={sdist.version}"],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
        env=environment,
    )
    if done.returncode != 0:
        if any(sign in done.stderr for sign in _UNREACHABLE):
            raise UnavailableError(f"nobody answers who has {sdist}: {done.stderr.strip().splitlines()[-1]}")
        raise AssertionError(f"{sdist} {sdist.version} cannot be built:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def main() -> int:
    """Builds all of them; the exit code is 1 where one could not be built."""
    if sys.argv[1:] == ["--packages"]:
        sys.stdout.write(" ".join(sorted({name for sdist in SDISTS for name in sdist.packages})) + "\n")
        return 0

    def attempt(sdist: Sdist) -> str | None:
        try:
            obtain(sdist)
        except (UnavailableError, AssertionError) as error:
            return str(error)
        return None

    with ThreadPoolExecutor(2) as pool:
        troubles = [trouble for trouble in pool.map(attempt, SDISTS) if trouble is not None]
    sys.stdout.write(f"{len(SDISTS) - len(troubles)} of {len(SDISTS)} wheels\n")
    for trouble in troubles:
        sys.stderr.write(f"{trouble}\n")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
