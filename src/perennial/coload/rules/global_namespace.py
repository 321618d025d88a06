"""One package loads its files with RTLD_GLOBAL, and they answer for another package's own symbols."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from perennial.coload.conflict import Conflict, describe, holds_state, is_allocator, link, name_of
from perennial.coload.imports import Change, Pair
from perennial.coload.rules.crossings import severity_of
from perennial.elf.dynamic_symbols import Binding
from perennial.elf.linkage import SymbolKind
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "global-namespace",
    "A package that is loaded with RTLD_GLOBAL answers for another package's symbols",
    "Two builds of one library are mixed function by function, and each takes the other's objects for its own.",
)


def find(pair: Pair) -> Iterator[Conflict]:
    visible = {loaded.library.path for loaded in pair.process.global_scope if loaded.library.package is not None}
    groups: dict[str, list[Change]] = defaultdict(list)
    for change in pair.changes:
        provider, asker = change.together.provider, change.together.asker
        if provider is None or provider.library.path not in visible or asker.library.package is None:
            continue
        if change.together.definition is not None and change.together.definition.binding is not Binding.UNIQUE:
            groups[name_of(provider)].append(change)
    first, second = pair.first.package.name, pair.second.package.name
    asked = next((root.asked_by for root in pair.first.package.roots if root.visible_to_all), "")
    for culprit, changes in sorted(groups.items()):
        changes.sort(key=lambda change: (-_weight(change), change.together.reference.name))
        worst = changes[0].together
        if worst.definition is None:
            continue
        yield Conflict(
            rule=RULE.id,
            severity=(Severity.INFO, Severity.WARNING, severity_of(pair, changes))[_weight(changes[0])],
            order=(first, second),
            symbol=worst.reference.name,
            bindings=tuple(link(change, f"{asked} loads {culprit} with RTLD_GLOBAL") for change in changes[:5]),
            message=(
                f"{len(changes)} references of {second} go to {culprit}, which {asked} loads with RTLD_GLOBAL: "
                f"{worst.reference.name} ({describe(worst.definition)}) among them"
            ),
            remedy=f"{first}: load without RTLD_GLOBAL; {second}: link with -Wl,-Bsymbolic or hide its symbols",
        )


def _weight(change: Change) -> int:
    """2: state or an allocator crosses; 1: a function that is meant to be the only one; 0: templates."""
    definition = change.together.definition
    if definition is None:
        return 0
    own = change.alone.provider is not None and change.alone.provider.library.package is not None
    if own and (
        holds_state(change.together.reference.name, definition) or is_allocator(change.together.reference.name)
    ):
        return 2
    return int(definition.binding is Binding.GLOBAL and definition.kind is SymbolKind.FUNCTION)
