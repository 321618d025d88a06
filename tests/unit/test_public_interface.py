"""What `perennial` exports, as a program meets it: in a process of its own, in any order."""

from __future__ import annotations

import subprocess
import sys

import pytest

import perennial


def said(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("first", sorted(set(perennial.__all__) - {"__version__"}))
def test_no_package_stands_in_for_a_function(first: str) -> None:
    """`perennial.audit` is a package as well, and is loaded by most of what is exported."""
    code = f"from perennial import {first}, audit\nprint(type(audit).__name__, audit.__module__)"
    assert said(code) == "function perennial.audit.audit"


def test_importing_it_loads_nothing_of_it() -> None:
    code = "import sys, perennial\nprint(*sorted(name for name in sys.modules if name.startswith('perennial')))"
    assert said(code) == "perennial"
