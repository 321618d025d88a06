"""What a weak reference without version is bound to: what the shims leave to the host rests on it.

The loader takes the only definition that is no old one (`@@`), and skips those that are (`@`), unless they are of the
library's first node, which it takes at once (glibc, elf/dl-lookup.c, check_match). Where there is none, the reference
is NULL.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.elf.dynamic_symbols import Binding
from perennial.elf.edit import ElfChanges, VersionChange
from perennial.elf.read import read_elf
from tests.loading.editing import edited
from tests.loading.workshop import root_of
from tests.lowering.test_shims import BY_SYSTEM
from tests.lowering.workshop import build, lower, program, run
from tests.roots.run import place_in

OLD = """\
pthread_cond_clockwait: found, GLIBC_2.30 it is
pthread_cond_signal: found, GLIBC_2.2.5 it is, GLIBC_2.3.2 it is not
getrandom: found, GLIBC_2.25 it is
arc4random: none
"""
# 2.30's and 2.34's pthread_cond_clockwait are one function.
NEW = """\
pthread_cond_clockwait: found, GLIBC_2.30 it is, GLIBC_2.34 it is
pthread_cond_signal: found, GLIBC_2.2.5 it is, GLIBC_2.3.2 it is not
getrandom: found, GLIBC_2.25 it is
arc4random: found, GLIBC_2.36 it is
"""


@pytest.mark.lowering
def test_without_version(tmp_path: Path) -> None:
    new = BY_SYSTEM["x86_64", "trixie"]
    built = build(new, "weak_binding", tmp_path)
    changes = [
        VersionChange(symbol.name, symbol.library, symbol.version, symbol.name, None, None)
        for symbol in read_elf(built.content).imports
        if symbol.binding is Binding.WEAK and symbol.version is not None and symbol.library is not None
    ]
    assert len(changes) == 4
    content = lower(built._replace(content=edited(built.content, ElfChanges(rebind=tuple(changes))))).content
    for suite, expected in (("trixie", NEW), ("bullseye", OLD)):
        system = BY_SYSTEM["x86_64", suite]
        with place_in(root_of(system)) as place:
            content = edited(content, ElfChanges(add_needed=("libpthread.so.0",)))
            outcome = run(place, program(system, place), "weak_binding", {"weak_binding.so": content})
        assert (outcome.exit_code, outcome.output) == (0, expected), outcome
