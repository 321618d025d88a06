"""References of a shared library of the system that one package's files have taken, for all who come after.

No two packages disagree about state here (`split-shared-state` has those): later packages run the first
one's code where they would run the system's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from perennial.coload.conflict import Conflict, describe, holds_state, link, name_of
from perennial.coload.imports import Change, Pair
from perennial.coload.rules import split_allocator, split_shared_state
from perennial.coload.rules.captures import captured_changes
from perennial.elf.dynamic_symbols import Binding
from perennial.elf.linkage import SymbolKind
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "captured-shared-library",
    "A shared library of the system runs one package's code in the name of all others",
    "Whoever comes later runs code of a package that it does not know; that goes well as long as both definitions do "
    "the same.",
)


def find(pair: Pair) -> Iterator[Conflict]:
    groups: dict[tuple[str, str], list[Change]] = defaultdict(list)
    said = {conflict.symbol for rule in (split_shared_state, split_allocator) for conflict in rule.find(pair)}
    for change in captured_changes(pair):
        if change.together.provider is not None and change.together.reference.name not in said:
            groups[name_of(change.together.asker), name_of(change.together.provider)].append(change)
    for (shared, culprit), changes in sorted(groups.items()):
        changes.sort(key=lambda change: (-_weight(change), change.together.reference.name))
        worst = changes[0]
        first, second = pair.first.package.name, pair.second.package.name
        assert worst.together.definition is not None  # noqa: S101 - a captured reference has one
        yield Conflict(
            rule=RULE.id,
            severity=Severity.WARNING if _weight(worst) else Severity.INFO,
            order=(first, second),
            symbol=worst.together.reference.name,
            bindings=tuple(
                link(change, f"{shared} was loaded for {first} first, and looks in that package's files before itself")
                for change in changes[:5]
            ),
            message=(
                f"{shared} is bound to {len(changes)} symbols of {culprit} for as long as the process lives, "
                f"{worst.together.reference.name} among them ({describe(worst.together.definition)}): {second} runs "
                f"the first package's code where alone it runs {_whose(changes)}"
            ),
            remedy=f"{first}: do not export them: a version script, or -Wl,--exclude-libs,ALL for static libraries",
        )


def _whose(changes: list[Change]) -> str:
    """What these are bound to where the second package is alone: it may capture them itself."""
    providers = (change.alone.provider for change in changes)
    own = {provider is not None and provider.library.package is not None for provider in providers}
    return {frozenset({True}): "its own", frozenset({False}): "the system's"}.get(
        frozenset(own), "its own or the system's"
    )


def _weight(change: Change) -> int:
    """2: a variable; 1: a function whose definition is meant to be the only one; 0: code and constants of
    templates, which every file that uses them has, and which are the same in all but different versions.
    """
    definition = change.together.definition
    if holds_state(change.together.reference.name, definition):
        return 2
    strong = definition is not None and definition.binding is Binding.GLOBAL
    return int(strong and definition is not None and definition.kind is SymbolKind.FUNCTION)
