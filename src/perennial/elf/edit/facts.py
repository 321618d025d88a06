"""What a file says once it is changed: from its facts and the changes alone.

It knows nothing of how the editor gets there, so that the one can be held against the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from perennial.arch import EM_X86_64
from perennial.elf.dynamic_symbols import Binding, DynamicSymbol, SymbolColumns
from perennial.elf.edit.changes import ElfChanges
from perennial.elf.edit.rebound_facts import rebound_facts
from perennial.elf.model import ElfFile, StackPermission, Verdef, Verneed


def facts_after(facts: ElfFile, changes: ElfChanges) -> ElfFile:
    """The facts that the edited file must have."""
    after = facts
    if changes.clear_executable_stack:
        after = after._replace(stack=StackPermission.NOT_EXECUTABLE)
    if not facts.is_dynamic:
        return after
    after = facts = rebound_facts(after, changes.rebind)
    path = changes.search_path
    if path is not None:
        after = after._replace(
            rpath=path.text if path.text and not path.runpath else None,
            runpath=path.text if path.text and path.runpath else None,
        )
    return after._replace(
        soname=facts.soname if changes.soname is None else changes.soname,
        needed=_needed(facts.needed, changes),
        verneeds=tuple(_verneed(need, changes) for need in _needs(facts, changes)),
        has_relr=facts.has_relr and not changes.expand_relr,
        verdefs=tuple(_verdef(definition, changes) for definition in facts.verdefs),
        undefined=SymbolColumns.of(_symbol(symbol, changes) for symbol in facts.imports),
        exports=None if facts.exports is None else tuple(_exports(facts.exports, changes)),
    )


def _needed(needed: tuple[str, ...], changes: ElfChanges) -> tuple[str, ...]:
    renames = dict(changes.rename_needed)
    names: list[str] = []
    for name in needed:
        new = renames.get(name, name)
        if name in changes.remove_needed or (new != name and (new in needed or new in names)):
            continue
        names.append(new)
    names += [name for name in dict.fromkeys(changes.add_needed) if name not in names]
    return tuple(names)


def _markers(facts: ElfFile, changes: ElfChanges) -> frozenset[str]:
    """Versions that say what a loader must know, of what is taken out of the file."""
    relr = {"GLIBC_ABI_DT_RELR"} if changes.expand_relr else set()
    marks = {"GLIBC_ABI_DT_X86_64_PLT"} if changes.clear_plt_marks and facts.abi.machine == EM_X86_64 else set()
    return frozenset(relr | marks)


def _unused(facts: ElfFile, changes: ElfChanges) -> set[tuple[str, str]]:
    """A version that no symbol has: then a linker asks for it because of the marks."""
    old = "libc.so.6", "GLIBC_2.36"
    has_marks = changes.clear_plt_marks and facts.abi.machine == EM_X86_64
    return {old} if has_marks and old not in {(s.library, s.version) for s in facts.imports} else set()


def _needs(facts: ElfFile, changes: ElfChanges) -> Iterator[Verneed]:
    """What is still needed of each library; a need of no version is none."""
    gone, unused = _markers(facts, changes), _unused(facts, changes)
    for need in facts.verneeds:
        if need.file in changes.remove_needed:
            continue
        versions = tuple(v for v in need.versions if v.name not in gone and (need.file, v.name) not in unused)
        if versions:
            yield need._replace(versions=versions)


def _version(name: str, library: str | None, changes: ElfChanges) -> str:
    for rename in changes.rename_versions:
        if (rename.old, rename.library) == (name, library):
            return rename.new
    return name


def _verneed(need: Verneed, changes: ElfChanges) -> Verneed:
    versions = tuple(v._replace(name=_version(v.name, need.file, changes)) for v in need.versions)
    return Verneed(dict(changes.rename_needed).get(need.file, need.file), versions)


def _verdef(definition: Verdef, changes: ElfChanges) -> Verdef:
    if definition.is_base:
        return definition
    parents = tuple(_version(name, None, changes) for name in definition.parents)
    return definition._replace(name=_version(definition.name, None, changes), parents=parents)


def _exports(exports: tuple[DynamicSymbol, ...], changes: ElfChanges) -> Iterator[DynamicSymbol]:
    hidden = {*changes.hide_symbols, *changes.blank_symbols}
    return (_symbol(symbol, changes) for symbol in exports if symbol.name not in hidden)


def _symbol(symbol: DynamicSymbol, changes: ElfChanges) -> DynamicSymbol:
    if changes.unique_to_global and symbol.binding is Binding.UNIQUE:
        symbol = symbol._replace(binding=Binding.GLOBAL)
    if symbol.version is None:
        return symbol
    library = symbol.library
    if library is not None and library in changes.remove_needed:
        return symbol._replace(version=None, library=None)
    version = _version(symbol.version, library, changes)
    if library is not None:
        library = dict(changes.rename_needed).get(library, library)
    return symbol._replace(version=version, library=library)
