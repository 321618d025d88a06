"""An interrupt that comes while a weak reference's callback runs is not lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

# What importlib's locks do when an interrupt hits them, made certain: then a wait that only an interrupt ends.
_DROPS: str = """
import time, weakref
from perennial.cli.interrupts import keep_interrupts

class Lock: pass

def interrupted(_reference):
    raise KeyboardInterrupt

{first}
lock = Lock()
reference = weakref.ref(lock, interrupted)
del lock
try:
    time.sleep({seconds})
except KeyboardInterrupt:
    print("interrupted")
"""


def run(first: str, seconds: float) -> str:
    command = [sys.executable, "-c", _DROPS.format(first=first, seconds=seconds)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no timer that interrupts")
def test_it_comes_again() -> None:
    assert run("keep_interrupts()", 30) == "interrupted\n"


def test_python_drops_it() -> None:
    """The control: where Python no longer does, the hook can go."""
    assert run("", 0.1) == ""
