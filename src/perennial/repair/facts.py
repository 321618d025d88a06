"""What an ELF file's facts are after some changes, and what of them the audit is to look at.

With this a repair is judged before a byte of it is written: a wheel's facts are changed as its files
would be, and audited like any other's.
"""

from __future__ import annotations

from collections.abc import Collection

from perennial.elf.edit import ElfChanges
from perennial.elf.model import ElfFile, StackPermission


def changed_facts(elf: ElfFile, changes: ElfChanges) -> ElfFile:
    """The facts of a file that had `changes` made to it; those that a repair makes, and no others."""
    renamed = dict(changes.rename_needed)
    elf = without_libraries(elf, changes.remove_needed)
    imports = elf.imports
    if any(symbol.library in renamed for symbol in imports):
        imports = tuple(
            symbol if symbol.library not in renamed else symbol._replace(library=renamed[symbol.library])
            for symbol in imports
        )
    rpath, runpath = elf.rpath, elf.runpath
    if changes.search_path is not None:
        text = changes.search_path.text or None
        rpath, runpath = (None, text) if changes.search_path.runpath else (text, None)
    return elf._replace(
        soname=changes.soname or elf.soname,
        needed=tuple(renamed.get(name, name) for name in elf.needed),
        verneeds=tuple(need._replace(file=renamed.get(need.file, need.file)) for need in elf.verneeds),
        imports=imports,
        rpath=rpath,
        runpath=runpath,
        stack=StackPermission.NOT_EXECUTABLE if changes.clear_executable_stack else elf.stack,
    )


def without_libraries(elf: ElfFile, names: Collection[str]) -> ElfFile:
    """The facts without the needs of some libraries: they are somebody else's business."""
    if not names:
        return elf
    return elf._replace(
        needed=tuple(name for name in elf.needed if name not in names),
        verneeds=tuple(need for need in elf.verneeds if need.file not in names),
        imports=tuple(
            symbol if symbol.library not in names else symbol._replace(library=None, version=None)
            for symbol in elf.imports
        ),
    )
