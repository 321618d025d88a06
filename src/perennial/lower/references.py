"""What a file needs of the system, reference by reference. This much every audit looks at: it imports no editor."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from perennial.audit.requirements import RELR_VERSION
from perennial.elf.dynamic_symbols import Binding
from perennial.elf.model import ElfFile
from perennial.lean_typing import Final
from perennial.policy.lowering import Reference

# By these a file says that it was linked with -z mark-plt: entries of its PLT may be rewritten by the loader, and its
# relocations say where they are in what older loaders take for an addend. binutils before 2.45 need GLIBC_2.36 for it.
PLT_MARKS: Final = frozenset({"GLIBC_ABI_DT_X86_64_PLT", "GLIBC_2.36"})
MARKS: Final = PLT_MARKS | {RELR_VERSION}


def is_cxx_runtime(soname: str) -> bool:
    return re.fullmatch(r"libstdc\+\+\.so\.[0-9]+", soname) is not None


def references(elf: ElfFile, platform: Collection[str]) -> Iterator[Reference]:
    """What a file needs of libraries of the system. A version that no symbol is bound to has the symbol ""."""
    symbols: dict[tuple[str, str], dict[str, bool]] = {}
    for name, version, library, binding, _defined in elf.imports:
        if library is not None and version is not None:
            known = symbols.setdefault((library, version), {})
            known[name] = known.get(name, True) and binding is Binding.WEAK
    seen: set[tuple[str, str]] = set()  # two needs of one library, or of one version, are no error to the loader
    for need in elf.verneeds:
        if need.file not in platform:
            continue
        for needed in need.versions:
            if needed.weak or (need.file, needed.name) in seen:
                continue  # the loader goes on without a weak one (VER_FLG_WEAK)
            seen.add((need.file, needed.name))
            named = symbols.get((need.file, needed.name), {"": False})
            for symbol, is_weak in sorted(named.items()):
                yield Reference(need.file, symbol, needed.name, is_weak)
