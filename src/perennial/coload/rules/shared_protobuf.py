"""Two packages use one copy of protobuf, and with it one registry of message types."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perennial.coload.conflict import Conflict, link_of, name_of
from perennial.coload.imports import Change, Pair
from perennial.coload.loader import BoundReference
from perennial.coload.protobuf import REGISTERING, file_of, tables
from perennial.coload.rules.captures import references_of_second
from perennial.coload.rules.crossings import crossing_changes, links_of, severity_of
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "shared-protobuf",
    "Two packages use one copy of protobuf",
    "Its registry of message types is one for the process: a type that is registered twice aborts it, and code that "
    "was generated for another version takes the registry's objects for something else.",
)

_SYMBOL: Final = re.compile(r"^_Z\w*6google8protobuf")


def find(pair: Pair) -> Iterator[Conflict]:
    # A second copy of the same build registers its own messages (descriptor.proto) once more.
    changes = crossing_changes(pair, lambda symbol: _SYMBOL.match(symbol) is not None, same_build_counts=True)
    if changes:
        yield _crossing(pair, changes)
    else:
        yield from _registered_twice(pair)


def _crossing(pair: Pair, changes: list[Change]) -> Conflict:
    """References that lead to the other package's copy."""
    changes.sort(key=lambda change: change.together.reference.name not in REGISTERING)
    worst = changes[0].together
    first, second = pair.first.package.name, pair.second.package.name
    provider = name_of(worst.provider or worst.asker)
    return Conflict(
        rule=RULE.id,
        severity=severity_of(pair, changes),
        order=(first, second),
        symbol=worst.reference.name,
        bindings=tuple(links_of(pair, changes)),
        message=(
            f"{len(changes)} references of {second} to protobuf lead to {provider}, which is another copy than its "
            f"own: {worst.reference.name} among them"
        ),
        remedy=_remedy(first, second),
    )


def _registered_twice(pair: Pair) -> Iterator[Conflict]:
    """Files of messages that both packages register with one library, be it the same build or the system's."""
    ours = [bound for bound in references_of_second(pair, *REGISTERING) if bound.provider is not None]
    theirs = [
        bound
        for path in pair.first.own.values()
        for bound in path
        if bound.reference.name in REGISTERING and bound.provider is not None
    ]
    for provider in dict.fromkeys(bound.provider for bound in ours):
        ours_there = [bound for bound in ours if bound.provider is provider]
        theirs_there = [bound for bound in theirs if bound.provider is provider]
        twice = sorted(_tables(ours_there) & _tables(theirs_there))
        if provider is None or not twice:
            continue
        first, second = pair.first.package.name, pair.second.package.name
        before = [bound for bound in theirs_there if twice[0] in _tables([bound])]
        again = [bound for bound in ours_there if twice[0] in _tables([bound])]
        yield Conflict(
            rule=RULE.id,
            severity=Severity.ERROR,
            order=(first, second),
            symbol=twice[0],
            bindings=(
                *(link_of(bound, f"{first} registers its messages when it is loaded") for bound in before[:1]),
                *(link_of(bound, f"{second} does so, too, in the same library") for bound in again[:1]),
            ),
            message=(
                f"{first} and {second} both register {file_of(twice[0])}"
                f"{f' and {len(twice) - 1} more' if len(twice) > 1 else ''} with {name_of(provider)}: the second time, "
                "protobuf aborts the process (File already exists in database)"
            ),
            remedy=_remedy(first, second),
        )


def _tables(asking: list[BoundReference]) -> frozenset[str]:
    """The tables in files that register some."""
    return frozenset().union(*(tables(bound.asker.library.linkage.definitions) for bound in asking))


def _remedy(first: str, second: str) -> str:
    return (
        f"{first} and {second}: link protobuf statically and hide it (-Wl,--exclude-libs,ALL); do not load it "
        "with RTLD_GLOBAL or under a soname that others use"
    )
