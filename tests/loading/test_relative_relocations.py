"""DT_RELR written out as DT_RELA or DT_REL, for loaders that do not know it: glibc before 2.36, musl before 1.2.4."""

from __future__ import annotations

from typing import Final

import pytest

from perennial.elf.edit import ElfChanges, StripLevel
from perennial.elf.read import read_elf
from tests.loading.editing import edited, stripped, without_section_headers
from tests.loading.workshop import SYSTEMS, Layout, System, Workshop, root_of
from tests.roots.run import place_in
from tests.roots.toolchain import Linker

PACKED: Final = ("-z", "pack-relative-relocs")
LAYOUTS: Final = (
    Layout("lld", Linker.LLD, PACKED),
    Layout("lld-few-segments", Linker.LLD, (*PACKED, "--no-rosegment", "-z", "noseparate-code", "--hash-style=both")),
    Layout("gnu", Linker.GNU, PACKED),
    Layout("gnu-lazy-sysv-hash", Linker.GNU, (*PACKED, "-z", "lazy", "--hash-style=sysv", "-z", "norelro")),
)
# GNU ld 2.38's NEWS: x86 only; 2.40 has powerpc64le too.
GNU_PACKS: Final = {"x86_64", "i686", "ppc64le"}
SAYS: Final = "pointers_sum = 8473"  # 1 + 20 + 300 + 4000, 150 times 1, 4000 again, and two that are true

pytestmark = [
    pytest.mark.loading,
    pytest.mark.parametrize(
        ("system", "layout"),
        [(s, o) for s in SYSTEMS for o in LAYOUTS if o.linker is Linker.LLD or str(s.machine) in GNU_PACKS],
        ids=str,
    ),
]


def test_relative_relocations_written_out(system: System, layout: Layout) -> None:
    with place_in(root_of(system)) as place:
        shop = Workshop(system, place, layout)
        library = shop.library("pointers.c", "libpointers.so.1")
        raw = library.read_bytes()
        assert read_elf(raw).has_relr
        expanded = edited(raw, ElfChanges(expand_relr=True))
        assert not read_elf(expanded).has_relr
        assert b"GLIBC_ABI_DT_RELR" not in str(read_elf(expanded).verneeds).encode()
        library.write_bytes(expanded)
        for name, content in (
            ("expanded.so", expanded),
            ("expanded-then-stripped.so", stripped(library, system.machine)),
            ("both.so", edited(raw, ElfChanges(expand_relr=True, strip=StripLevel.ALL, soname="libother-0123.so.1"))),
            ("sectionless.so", edited(without_section_headers(raw), ElfChanges(expand_relr=True))),
        ):
            path = place.put(name, content)
            assert shop.load(path, "pointers_sum") == [f"{path} opened", f"{path} {SAYS}"]
        # The control: what it is for.
        path = place.put("raw.so", raw)
        works = shop.load(path, "pointers_sum") == [f"{path} opened", f"{path} {SAYS}"]
        assert works is system.knows_relr
