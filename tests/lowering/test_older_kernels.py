"""What the C shim does where the kernel lacks a system call: what glibc's own functions do, or a little more.

A filter (seccomp) makes calls fail with ENOSYS. Here the loaders of the roots run outside of them, on this machine's
own file system: what stands in for some calls are files of /proc and /dev, which roots do not have.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.loading.workshop import root_of
from tests.lowering.test_shims import BY_SYSTEM, assert_same
from tests.lowering.workshop import SOURCES, build, lower
from tests.roots.make import skip_unless_ci
from tests.roots.run import Outcome
from tests.roots.toolchain import Libc, compile_object, find_library, link_program

# The numbers of asm/unistd.h.
NUMBERS: Final = {
    "close_range": {"x86_64": 436, "aarch64": 436},
    "getrandom": {"x86_64": 318, "aarch64": 278},
    "mlock2": {"x86_64": 325, "aarch64": 284},
    "preadv2": {"x86_64": 327, "aarch64": 286},
    "pwritev2": {"x86_64": 328, "aarch64": 287},
    "renameat2": {"x86_64": 316, "aarch64": 276},
    "statx": {"x86_64": 332, "aarch64": 291},
}
ARCH: Final = platform.machine()


class Files(NamedTuple):
    """A library as main.c loads it, with what it needs beside it."""

    name: str
    contents: dict[str, bytes]


def run_here(suite: str, files: Files, missing: tuple[str, ...], folder: Path) -> Outcome:
    """As workshop.run, but on this machine's file system. `folder` is not there yet."""
    system = BY_SYSTEM[ARCH, suite]
    root = root_of(system)
    (folder / "work").mkdir(parents=True)
    for name, content in files.contents.items():
        (folder / name).write_bytes(content)
    main = link_program(root, [compile_object(SOURCES / "main.c", system.machine, Libc.GLIBC)], folder / "main")
    loader = find_library(root, Path(system.machine.loader).name)
    libraries = ":".join(str(root.folder / above / system.machine.triplet) for above in ("lib", "usr/lib"))
    command = [str(loader), "--library-path", libraries, str(main), str(folder / files.name), str(folder / "work")]
    command += [str(NUMBERS[name][ARCH]) for name in missing]
    environment = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    if done.returncode == 77:
        skip_unless_ci("the kernel filters no system calls here (seccomp)")
    ended_by = signal.Signals(-done.returncode) if done.returncode < 0 else None
    return Outcome(None if ended_by else done.returncode, ended_by, done.stdout, done.stderr)


def raw_and_lowered(stem: str, folder: Path) -> tuple[Files, Files]:
    """A library that was built on trixie; and lowered, without what the host has."""
    if ARCH not in NUMBERS["statx"]:
        pytest.skip(f"the numbers of system calls on {ARCH} are not written down here")
    built = build(BY_SYSTEM[ARCH, "trixie"], stem, folder)
    lowered = lower(built, without_host=True)
    name = f"{stem}.so"
    return Files(name, {name: built.content}), Files(name, {name: lowered.content, **lowered.shims})


@pytest.mark.lowering
@pytest.mark.parametrize("suite", ["bullseye", "trixie"])
@pytest.mark.parametrize(
    ("stem", "missing"),
    [("files", ("statx", "renameat2", "preadv2", "pwritev2")), ("processes", ("mlock2",)), ("descriptors", ())],
)
def test_the_same_as_glibc(stem: str, missing: tuple[str, ...], suite: str, tmp_path: Path) -> None:
    raw, lowered = raw_and_lowered(stem, tmp_path)
    expected = run_here("trixie", raw, missing, tmp_path / "raw")
    assert expected.exit_code == 0, expected
    assert_same(run_here(suite, lowered, missing, tmp_path / "lowered"), expected, suite)
    if missing:
        everything = run_here("trixie", raw, (), tmp_path / "all")
        assert everything.output != expected.output, "glibc did not miss the calls"


@pytest.mark.lowering
def test_closefrom_reads_proc(tmp_path: Path) -> None:
    """close_range itself says ENOSYS, as glibc's does; closefrom closes the same descriptors."""
    raw, lowered = raw_and_lowered("descriptors", tmp_path)
    expected = run_here("trixie", raw, ("close_range",), tmp_path / "raw")
    assert expected.exit_code == 0 and "Function not implemented" in expected.output, expected
    assert "111111111111: ends with 0" not in expected.output
    for suite in ("bullseye", "trixie"):
        assert_same(run_here(suite, lowered, ("close_range",), tmp_path / suite), expected, suite)


@pytest.mark.lowering
def test_random_bytes_are_read_from_a_device(tmp_path: Path) -> None:
    """Where glibc's getrandom and getentropy say ENOSYS, the shim's do what they were asked for, without flags."""
    raw, lowered = raw_and_lowered("random", tmp_path)
    everything = run_here("trixie", raw, (), tmp_path / "all").output.splitlines()
    for suite in ("bullseye", "trixie"):
        outcome = run_here(suite, lowered, ("getrandom",), tmp_path / suite)
        assert outcome.exit_code == 0, outcome
        found = outcome.output.splitlines()
        different = {line.partition(":")[0] for line, other in zip(found, everything, strict=True) if line != other}
        # With a flag there is no device that does the same, and what is random was not written.
        assert different == {"again", "random", "getrandom, no such flag"}, outcome
        assert "again: -1 Function not implemented" in found
