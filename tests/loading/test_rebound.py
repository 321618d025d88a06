"""References bound to the versions of an older glibc: what is linked on Debian 13 (2.41) runs on Debian 11 (2.31)."""

from __future__ import annotations

from typing import Final

import pytest

from perennial.elf.edit import ElfChanges, VersionChange
from perennial.elf.read import read_elf
from tests.loading.editing import edited
from tests.loading.workshop import GLIBC_SYSTEMS, LAYOUTS, Layout, System, Workshop, root_of
from tests.roots.run import place_in

# The first version of each port, which pthread_create had in libpthread before 2.34.
FIRST: Final = {"x86_64": "GLIBC_2.2.5", "i686": "GLIBC_2.1", "aarch64": "GLIBC_2.17", "armv7l": "GLIBC_2.4"}
CASES: Final = [
    (system, layout)
    for system in GLIBC_SYSTEMS
    if str(system.machine) in FIRST and system.suite == "trixie"
    for layout in LAYOUTS
    if "relr" not in layout.name
]


@pytest.mark.loading
@pytest.mark.parametrize(("system", "layout"), CASES, ids=str)
def test_rebound_to_older_versions(system: System, layout: Layout) -> None:
    old = system._replace(suite="bullseye")
    with place_in(root_of(system)) as place, place_in(root_of(old)) as old_place:
        shop, old_shop = Workshop(system, place, layout), Workshop(old, old_place)
        raw = shop.library("rebound.c").read_bytes()
        needs = {symbol.name: symbol for symbol in read_elf(raw).imports}
        assert needs["pthread_create"].version == "GLIBC_2.34"
        first, libc, threads = FIRST[str(system.machine)], "libc.so.6", "libpthread.so.0"
        base = "GLIBC_2.0" if str(system.machine) == "i686" else first
        to = {"pthread_create": (threads, first), "pthread_join": (threads, base), "statx": (None, None)}
        rebind = tuple(
            VersionChange(name, libc, needs[name].version or "", name, *to[name])
            for name in to
            if needs[name].version not in (None, to[name][1])
        )
        path = "rebound.so"
        content = edited(raw, ElfChanges(add_needed=(threads,), rebind=rebind))
        for one, one_place in ((shop, place), (old_shop, old_place)):
            put = one_place.put(path, content)
            assert one.load(put, "rebound_answer") == [f"{put} opened", f"{put} rebound_answer = 42"]
        # The control.
        put = old_place.put("raw.so", raw)
        (line,) = old_shop.load(put)
        assert "version `GLIBC_2.34' not found" in line
