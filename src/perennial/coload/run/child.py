"""Runs a command in a process group of its own, and leaves nothing of it behind.

The group is killed while its leader is still a zombie: as long as that has not been waited for, no
other group can have its number. A package may start processes of its own, which would otherwise live
on, or hold the pipe open for ever.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from perennial.lean_typing import Final, NamedTuple

_KEPT: Final = 256 * 1024  # bytes of what it writes, from the end
_TICK: Final = 0.05  # seconds between looks at whether it has ended while something holds its pipe
_CHUNK: Final = 65536


class Ended(NamedTuple):
    """`status` is the exit status, or minus the signal's number; None where the time was over."""

    status: int | None
    said: str


def run_child(command: Sequence[str], *, environ: Mapping[str, str], folder: str, timeout: float) -> Ended:
    """Runs it in `folder` without standard input, no longer than `timeout` seconds. Raises OSError where it
    cannot be started.
    """
    with subprocess.Popen(  # noqa: S603 - an interpreter and a debugger that the caller has found; no shell
        command,
        env=dict(environ),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None  # noqa: S101 - asked for above
        kept = bytearray()
        try:
            ended = _follow(child.pid, child.stdout.fileno(), kept, time.monotonic() + timeout)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        _drain(child.stdout.fileno(), kept)
        status = child.wait()
    said = bytes(kept[-_KEPT:]).decode("utf-8", "replace")
    return Ended(status if ended else None, said)


def _follow(pid: int, pipe: int, kept: bytearray, deadline: float) -> bool:
    """Reads until the process has ended (True) or its time is over (False)."""
    os.set_blocking(pipe, False)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        is_open = True
        while not _has_ended(pid):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if is_open and selector.select(min(_TICK, left)):
                is_open = _read(pipe, kept)
            elif not is_open:
                time.sleep(min(_TICK, left))
    return True


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _read(pipe: int, kept: bytearray) -> bool:
    """Takes what is there; False at the end of it."""
    try:
        chunk = os.read(pipe, _CHUNK)
    except BlockingIOError:
        return True
    kept += chunk
    if len(kept) > 2 * _KEPT:
        del kept[:-_KEPT]
    return bool(chunk)


def _drain(pipe: int, kept: bytearray) -> None:
    """What it wrote last. The pipe may stay open in a process that has left the group: no waiting for that."""
    while True:
        before = len(kept)
        if not _read(pipe, kept) or len(kept) == before:
            return
