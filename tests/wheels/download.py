"""Fetches the real wheels of `wheels.lock` and `coload.lock`, once, and verifies them on each use.

`python -m tests.wheels.download` fills the cache (two downloads at a time) and fails where a
wheel cannot be had; tests fetch what they miss, and skip with a reason where nobody answers.
pip does the downloading, because it is not what is tested here, and knows where to look. The
cache is the folder that PERENNIAL_TEST_CACHE names, or .cache/wheels in the checkout.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

LOCK: Final = Path(__file__).with_name("wheels.lock")
COLOAD_LOCK: Final = Path(__file__).with_name("coload.lock")
_CHECKOUT: Final = Path(__file__).parents[2]
_TIMEOUT: Final = 600  # seconds for one wheel
# What pip and urllib3 say where the network, and not the wheel, is missing.
_UNREACHABLE: Final = ("connection broken", "ConnectionError", "Could not fetch URL", "ProxyError", "Read timed out")


class LockedWheel(NamedTuple):
    """A wheel by name and hash; `why` says what it is an example of."""

    project: str
    version: str
    filename: str
    sha256: str
    why: str

    @property
    def tag(self) -> tuple[str, str, str]:
        """Python, ABI and platform tag: the first of each, which is enough to ask pip for it."""
        python, abi, platform = self.filename.removesuffix(".whl").split("-")[-3:]
        return python.partition(".")[0], abi.partition(".")[0], platform.partition(".")[0]


class UnavailableError(Exception):
    """Nobody that could have the wheel can be reached."""


@cache
def locked_wheels() -> tuple[LockedWheel, ...]:
    """All wheels of wheels.lock, in its order."""
    return _read(LOCK)


@cache
def coload_wheels() -> tuple[LockedWheel, ...]:
    """All wheels of coload.lock, in its order: large ones, which few tests want."""
    return _read(COLOAD_LOCK)


def _read(lock: Path) -> tuple[LockedWheel, ...]:
    tables = tomllib.loads(lock.read_text(encoding="utf-8"))["wheel"]
    return tuple(LockedWheel(**table) for table in tables)


def locked_wheel(filename: str) -> LockedWheel:
    """One of either."""
    return next(wheel for wheel in (*locked_wheels(), *coload_wheels()) if wheel.filename == filename)


def cache_dir() -> Path:
    """Where the wheels lie."""
    chosen = os.environ.get("PERENNIAL_TEST_CACHE")
    return Path(chosen) if chosen else _CHECKOUT / ".cache" / "wheels"


def obtain(wheel: LockedWheel) -> Path:
    """The wheel's path, after its hash was checked; downloaded where it is not there.

    UnavailableError where no index answers; AssertionError where one does and the wheel is not
    what the lock says.
    """
    path = cache_dir() / wheel.filename
    if path.is_file() and _sha256(path) == wheel.sha256:
        return path
    cache_dir().mkdir(parents=True, exist_ok=True)
    # Beside the cache, so that moving it there is one step, whoever else does the same.
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix=".partial-") as folder:
        _download(wheel, Path(folder))
        found = Path(folder) / wheel.filename
        assert _sha256(found) == wheel.sha256, f"{wheel.filename} is not the one that is locked"
        found.replace(path)
    return path


_unreachable: list[str] = []  # why the first download failed: the next ones need not wait for it again


def _download(wheel: LockedWheel, folder: Path) -> None:
    if _unreachable:
        raise UnavailableError(_unreachable[0])
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    python, abi, platform = wheel.tag
    command = [*_pip(), "download", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command += ["--implementation", python[:2], "--abi", abi, "--platform", platform]
    command += ["--python-version", _python_version(python)]
    command += ["--dest", str(folder), "--requirement", str(requirements), "--no-input", "--progress-bar", "off"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT, check=False, env=_unconstrained()
        )
    except subprocess.TimeoutExpired as expired:
        raise UnavailableError(f"no {wheel.filename} within {_TIMEOUT} s") from expired
    if done.returncode == 0:
        return
    said = done.stdout + done.stderr
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "pip said nothing")
    if any(sign in said for sign in _UNREACHABLE):
        _unreachable.append(f"no index can be reached for {wheel.filename}: {last}")
        raise UnavailableError(_unreachable[0])
    raise AssertionError(f"pip does not find {wheel.filename}: {last}")


def _unconstrained() -> dict[str, str]:
    """What the lock says is meant, whatever a machine's constraints for pip say of other installations."""
    return {**os.environ, "PIP_CONSTRAINT": os.devnull}


def _python_version(tag: str) -> str:
    """`cp39` as 3.9.99: some projects refuse a release's first patches in Requires-Python."""
    major, minor = tag[2], tag[3:]
    return f"{major}.{minor}.99" if minor else "3.12.99"


def _pip() -> list[str]:
    """pip of this Python, or the one on PATH: an environment that uv made has none."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip")
    if found is None:
        raise UnavailableError("there is no pip to download wheels with")
    return [found]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> int:
    """Fills the cache; the exit code is 1 where a wheel could not be had."""
    wheels = (*locked_wheels(), *coload_wheels())

    def attempt(wheel: LockedWheel) -> str | None:
        try:
            obtain(wheel)
        except (UnavailableError, AssertionError) as error:
            return str(error)
        return None

    with ThreadPoolExecutor(2) as pool:
        troubles = [trouble for trouble in pool.map(attempt, wheels) if trouble is not None]
    size = sum(path.stat().st_size for wheel in wheels if (path := cache_dir() / wheel.filename).is_file())
    sys.stdout.write(f"{len(wheels) - len(troubles)} of {len(wheels)} wheels, {size / 1e6:.0f} MB in all\n")
    for trouble in dict.fromkeys(troubles):
        sys.stderr.write(f"{trouble}\n")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
