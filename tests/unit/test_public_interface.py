"""What `perennial` exports, as a program meets it: in a process of its own, in any order."""

from __future__ import annotations

import subprocess
import sys

import pytest

import perennial
from perennial import api, rewriting


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


@pytest.mark.parametrize("name", ["audit_wheel", "read_elf", "accepted_tags"])
def test_who_reads_does_not_load_what_writes(name: str) -> None:
    code = f"import sys, perennial\nperennial.{name}\nprint(*sys.modules)"
    loaded = said(code).split()
    assert not [
        each for each in loaded if each.startswith(("perennial.rewriting", "perennial.repair", "perennial.elf.edit"))
    ]


def test_each_name_is_where_it_is_looked_for() -> None:
    assert sorted(perennial.__all__) == sorted({"__version__", *api.__all__, *rewriting.__all__})
    for name in perennial.__all__:
        assert getattr(perennial, name) is not None
