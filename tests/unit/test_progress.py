"""The progress bar, on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

PROGRAM = """
from perennial.cli.progress import progress_on_stderr
with progress_on_stderr() as progress:
    progress.start("demo-1.0-cp312-cp312-" + "manylinux_2_17_x86_64." * 5 + "whl", 100_000_000)
    progress.advance(50_000_000)
"""


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_long_name_leaves_room_for_how_far_it_is(columns: int) -> None:
    terminal, end = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", PROGRAM], stderr=end, env=environment, check=True)
    os.close(end)
    drawn = b""
    while piece := _read(terminal):
        drawn += piece
    os.close(terminal)
    assert b"50.0/100.0 MB" in drawn


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # how Linux says that nobody has the other end any more
        return b""
