"""Memory that a shared library of the system allocates with one package's operator new, and another package frees."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.coload.conflict import Conflict, is_allocator, link, link_of, name_of
from perennial.coload.imports import Pair
from perennial.coload.rules.captures import captured_changes, references_of_second
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "split-allocator",
    "A shared library of the system uses one package's operator new, and another package a different one",
    "Memory that one allocator has given and another takes back corrupts the heap.",
)


def find(pair: Pair) -> Iterator[Conflict]:
    captured = sorted(
        (change for change in captured_changes(pair) if is_allocator(change.together.reference.name)),
        key=lambda change: (change.together.asker.library.name, change.together.reference.name),
    )
    if not captured:
        return
    providers = {change.together.provider for change in captured}
    names = sorted(
        {
            bound.reference.name
            for path in pair.second.own.values()
            for bound in path
            if is_allocator(bound.reference.name)
        }
    )
    others = [bound for bound in references_of_second(pair, *names) if bound.provider not in providers]
    if not others:
        return
    change = captured[0]
    first, second = pair.first.package.name, pair.second.package.name
    shared, culprit = name_of(change.together.asker), name_of(change.together.provider or change.together.asker)
    yield Conflict(
        rule=RULE.id,
        severity=Severity.ERROR,
        order=(first, second),
        symbol=change.together.reference.name,
        bindings=(
            *(link(one, f"{shared} was loaded for {first} first, which exports this operator") for one in captured[:4]),
            *(link_of(bound, f"{second} does not see {first}'s files") for bound in others[:2]),
        ),
        message=(
            f"{shared} allocates or frees with {culprit}'s {change.together.reference.name}, and {second} with "
            f"{name_of(others[0].provider) if others[0].provider else 'nothing'}'s {others[0].reference.name}: "
            "memory that one allocates and the other frees corrupts the heap where the two differ"
        ),
        remedy=(
            f"{first}: do not export operator new and delete: a version script, or -fvisibility=hidden with "
            f"-Wl,--exclude-libs,ALL. Until then: import {second} before {first}"
        ),
    )
