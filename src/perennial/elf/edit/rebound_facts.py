"""What a file says once references are bound to other versions: from its facts and the changes alone."""

from __future__ import annotations

from perennial.elf.dynamic_symbols import Binding, DynamicSymbol, SymbolColumns
from perennial.elf.edit.changes import VersionChange
from perennial.elf.model import ElfFile, Vernaux, Verneed


def rebound_facts(facts: ElfFile, changes: tuple[VersionChange, ...]) -> ElfFile:
    """The facts that the file must have then; `facts` themselves where no reference is meant."""
    by_origin = {(change.symbol, change.library, change.version): change for change in changes}
    applied = [
        (symbol, by_origin.get((symbol.name, symbol.library or "", symbol.version or ""))) for symbol in facts.imports
    ]
    if not any(change for _, change in applied):
        return facts
    imports = tuple(symbol if change is None else _bound(symbol, change) for symbol, change in applied)
    weak: dict[tuple[str, str], bool] = {}
    for symbol, change in applied:
        if change is not None and change.to_library is not None and change.to_version is not None:
            target = change.to_library, change.to_version
            weak[target] = weak.get(target, True) and symbol.binding is Binding.WEAK
    left = {(change.library, change.version) for _, change in applied if change is not None}
    left -= {(symbol.library or "", symbol.version or "") for symbol in imports}
    needs = [(need.file, list(need.versions)) for need in facts.verneeds]
    numbers = [version.number for need in facts.verneeds for version in need.versions]
    highest = max([1, *numbers, *(definition.number for definition in facts.verdefs)])
    for (library, name), is_weak in weak.items():
        there = [versions for file, versions in needs if file == library]
        known = [(versions, v) for versions in there for v in versions if v.name == name]
        if known:
            versions, version = known[0]
            versions[versions.index(version)] = version._replace(weak=version.weak and is_weak)
            continue
        highest += 1
        if not there:
            needs.append((library, []))
            there = [needs[-1][1]]
        there[0].append(Vernaux(name, is_weak, highest))
    kept = [(file, tuple(v for v in versions if (file, v.name) not in left)) for file, versions in needs]
    return facts._replace(
        undefined=SymbolColumns.of(imports),
        verneeds=tuple(Verneed(file, versions) for file, versions in kept if versions),
    )


def _bound(symbol: DynamicSymbol, change: VersionChange) -> DynamicSymbol:
    return symbol._replace(name=change.to_symbol, library=change.to_library, version=change.to_version)
