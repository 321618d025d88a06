"""Whole processes, measured by what the operating system charged them for."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """One run: CPU seconds (user + system, children included) and peak memory in MiB."""

    cpu: float
    peak: float


def run(command: Sequence[str]) -> Cost:
    """Runs a command to its end, its output thrown away; any exit code will do.

    It runs in an empty folder: here, perennial would read this project's own configuration. And it may keep
    what it compiles, as a Python does unless it is told otherwise: without, every run compiles every module.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as sink, tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, cwd=folder, env=environment)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    # ru_maxrss is in KiB on Linux, in bytes on macOS
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024))


def alternate(commands: Sequence[Sequence[str]], rounds: int) -> list[Cost]:
    """The median cost of each command, run in turn, so that a noisy machine disturbs all alike."""
    for command in commands:
        run(command)  # warms caches, and writes .pyc files
    costs = [[run(command) for command in commands] for _ in range(rounds)]
    return [
        Cost(statistics.median(cost.cpu for cost in column), statistics.median(cost.peak for cost in column))
        for column in zip(*costs, strict=True)
    ]


def machine() -> str:
    """A line about where this was measured."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, Python {platform.python_version()}"
