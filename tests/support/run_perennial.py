"""Runs the `perennial` command as a user would: a process of its own, whose environment the test names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

NOTHING_LEARNED = Path(__file__).with_name("nothing-was-learned")  # there is no such folder


class Outcome(NamedTuple):
    """What a run left behind."""

    code: int
    output: str
    errors: str

    @property
    def document(self) -> dict[str, Any]:
        """The output as JSON."""
        parsed = json.loads(self.output)
        assert isinstance(parsed, dict)
        return parsed


def run_perennial(*arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Outcome:
    """`perennial` with these arguments; no configuration of the machine takes part but `env`'s additions."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PERENNIAL_")}
    environment |= {"PYTHONIOENCODING": "utf-8", "PERENNIAL_DATA_DIR": str(NOTHING_LEARNED), **(env or {})}
    done = subprocess.run(
        [sys.executable, "-m", "perennial", *arguments],
        capture_output=True,
        encoding="utf-8",
        cwd=cwd,
        env=environment,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def report_of(wheel: Path, *arguments: str) -> dict[str, Any]:
    """The JSON report of one wheel."""
    outcome = run_perennial("show", "--json", *arguments, wheel.name, cwd=wheel.parent)
    assert outcome.code in (0, 1), outcome.errors
    (report,) = outcome.document["wheels"]
    assert isinstance(report, dict)
    return report
