"""Runs programs in a root: under chroot, by this kernel or by qemu-user.

The static qemu program is put into the root and named in the command, so nothing has to be registered
with the kernel (binfmt_misc), which containers may not do. What a run says is a value: how it ended,
and both its outputs.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests.roots.machines import Machine
from tests.roots.make import Root, UnavailableError

# Nothing of this machine's environment reaches a root, whose libraries are under test.
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}  # noqa: S108

# $0 is chroot, $1 the root, and the rest what to run there.
_MOUNT: Final = 'for name in dev proc; do mount --rbind "/$name" "$1/$name" || exit; done; exec "$0" "$@"'


class Outcome(NamedTuple):
    """What a run said, and how it ended: with an exit code, by a signal, or (both None) by running out of time."""

    exit_code: int | None
    signal: signal.Signals | None
    output: str
    errors: str

    def __str__(self) -> str:
        if self.exit_code is not None:
            ending = f"exit code {self.exit_code}"
        else:
            ending = "out of time" if self.signal is None else self.signal.name
        return f"{ending}\n{self.output}{self.errors}"


class Place(NamedTuple):
    """A folder in a root: as this machine sees it, and as programs in the root do."""

    root: Root
    outside: Path
    inside: str

    def put(self, name: str, content: bytes) -> str:
        """Writes a file below this folder; returns its path for programs in the root."""
        path = self.outside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755)
        return f"{self.inside}/{name}"

    def install(self, wheel: Path, folder: str) -> str:
        """Unpacks a wheel into one folder, as installers do for `--target`; returns what PYTHONPATH has to say.

        Scripts and headers (`.data`) are left out: nothing runs them here.
        """
        with zipfile.ZipFile(wheel) as archive:
            for info in archive.infolist():
                top, _, rest = info.filename.partition("/")
                name = info.filename
                if top.endswith(".data"):
                    scheme, _, name = rest.partition("/")
                    if scheme not in {"purelib", "platlib"}:
                        continue
                if not info.is_dir():
                    self.put(f"{folder}/{name}", archive.read(info))
        return f"{self.inside}/{folder}"

    def run(
        self,
        command: Sequence[str],
        *,
        timeout: float = 120,
        environment: Mapping[str, str] | None = None,
        with_devices: bool = False,
    ) -> Outcome:
        """Runs a program of the root, whose path is absolute; the working directory is the root's own."""
        return run_in_root(self.root, command, timeout=timeout, environment=environment, with_devices=with_devices)


@contextmanager
def place_in(root: Root) -> Iterator[Place]:
    """A folder in the root, of this test alone, removed afterwards."""
    above = root.folder / "tests"
    above.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=above))
    folder.chmod(0o755)
    try:
        yield Place(root, folder, f"/tests/{folder.name}")
    finally:
        shutil.rmtree(folder)


def run_in_root(
    root: Root,
    command: Sequence[str],
    *,
    timeout: float = 120,
    environment: Mapping[str, str] | None = None,
    with_devices: bool = False,
) -> Outcome:
    """Runs a program in a root. `command` begins with its absolute path there; `timeout` is in seconds.

    With devices, it sees this machine's /dev and /proc, as compilers and shell scripts want to.
    """
    words = [*_change_root(root, with_devices=with_devices), str(root.folder), *_emulator(root), *command]
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**_ENVIRONMENT, **_emulation(root), **(environment or {})},
        start_new_session=True,
        preexec_fn=_without_core_files,
    )
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        # Its children, too: they hold the pipes open.
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        return Outcome(None, None, _text(output), _text(errors))
    code = process.returncode
    if code < 0:
        return Outcome(None, signal.Signals(-code), _text(output), _text(errors))
    return Outcome(code, None, _text(output), _text(errors))


def _without_core_files() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _change_root(root: Root, *, with_devices: bool) -> tuple[str, ...]:
    chroot, as_root = _program("chroot"), os.geteuid() == 0
    mapped = () if as_root else ("--map-root-user",)
    if not with_devices:
        return (chroot,) if as_root else (_program("unshare"), *mapped, chroot)
    for name in ("dev", "proc"):
        (root.folder / name).mkdir(exist_ok=True)
    # Mounted in a namespace of its own: gone with the last process in it, however that ends.
    return (_program("unshare"), "--mount", *mapped, _program("sh"), "-c", _MOUNT, chroot)


def _program(name: str) -> str:
    """Absolute, as a root's environment is no place to search: Popen would."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise UnavailableError(f"{name} is not installed")
    return found


def _emulator(root: Root) -> tuple[str, ...]:
    """The program that runs the root's programs, put into the root; none where the kernel does."""
    if root.machine.runs_natively:
        return ()
    name = f".{root.machine.qemu}"
    inside = root.folder / name
    if not inside.exists():
        with tempfile.NamedTemporaryFile(dir=root.folder, delete=False) as file:
            file.write(emulator_of(root.machine).read_bytes())
        os.chmod(file.name, 0o755)  # noqa: S103
        os.replace(file.name, inside)
    return (f"/{name}",)


def _emulation(root: Root) -> dict[str, str]:
    """What qemu takes from its environment, and its programs inherit."""
    machine = root.machine
    return {} if machine.processor is None or machine.runs_natively else {"QEMU_CPU": machine.processor}


@cache
def emulator_of(machine: Machine) -> Path:
    """The static qemu-user program on this machine."""
    # Debian 13 renamed them: there the ordinary ones are static.
    for name in (f"{machine.qemu}-static", machine.qemu):
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    raise UnavailableError(f"{machine.qemu} is not installed (Debian's qemu-user-static)")
