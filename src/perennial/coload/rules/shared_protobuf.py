"""Two packages use one copy of protobuf, and with it one registry of message types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from perennial.coload.conflict import Conflict, name_of
from perennial.coload.imports import Pair
from perennial.coload.rules.crossings import crossing_changes, links_of, severity_of
from perennial.finding import Rule

RULE: Final = Rule(
    "shared-protobuf",
    "Two packages use one copy of protobuf",
    "Its registry of message types is one for the process: a type that is registered twice aborts it, and code that "
    "was generated for another version takes the registry's objects for something else.",
)

_SYMBOL: Final = re.compile(r"^_Z\w*6google8protobuf")
# What initializers of generated code call, to register their file: up to protobuf 3.8, and since
_REGISTERS: Final = re.compile(r"24InternalAddGeneratedFile|20AddDescriptorsRunnerC|14AddDescriptorsE")


def find(pair: Pair) -> Iterator[Conflict]:
    # A second copy of the same build registers its own messages (descriptor.proto) once more.
    changes = crossing_changes(pair, lambda symbol: _SYMBOL.match(symbol) is not None, same_build_counts=True)
    if not changes:
        return
    changes.sort(key=lambda change: _REGISTERS.search(change.together.reference.name) is None)
    worst = changes[0].together
    first, second = pair.first.package.name, pair.second.package.name
    provider = name_of(worst.provider or worst.asker)
    yield Conflict(
        rule=RULE.id,
        severity=severity_of(pair, changes),
        order=(first, second),
        symbol=worst.reference.name,
        bindings=tuple(links_of(pair, changes)),
        message=(
            f"{len(changes)} references of {second} to protobuf lead to {provider}, which is another copy than its "
            f"own: {worst.reference.name} among them"
        ),
        remedy=(
            f"{first} and {second}: link protobuf statically and hide it (-Wl,--exclude-libs,ALL); do not load it "
            "with RTLD_GLOBAL or under a soname that others use"
        ),
    )
