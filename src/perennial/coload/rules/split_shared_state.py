"""A library of the system writes to one package's copy of a variable, and other packages read its own.

This is the crash of `import pyarrow, tensorflow` of 2019: libstdc++ was loaded for pyarrow first, whose
libarrow exported `_ZSt15__once_callable`; libstdc++'s own references to that thread-local variable went
there for good, and those of tensorflow to libstdc++.
"""

from __future__ import annotations

from collections.abc import Iterator

from perennial.coload.conflict import Conflict, describe, holds_state, link, link_of, name_of
from perennial.coload.imports import Change, Pair
from perennial.coload.loader import BoundReference
from perennial.coload.rules.captures import captured_changes, references_of_second
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "split-shared-state",
    "A shared library of the system keeps its state in one package, and another package looks elsewhere",
    "What one of them writes the other does not see: a call through a variable that nobody has set crashes.",
)


def find(pair: Pair) -> Iterator[Conflict]:
    for change in captured_changes(pair):
        if not holds_state(change.together.reference.name, change.together.definition):
            continue
        others = [
            bound
            for bound in references_of_second(pair, change.together.reference.name)
            if bound.provider is not change.together.provider and bound.provider is not None
        ]
        if others:
            yield _conflict(pair, change, others)


def _conflict(pair: Pair, change: Change, others: list[BoundReference]) -> Conflict:
    together = change.together
    assert together.provider is not None  # noqa: S101 - captured_changes gives no others
    assert together.definition is not None  # noqa: S101
    symbol, shared, culprit = together.reference.name, name_of(together.asker), name_of(together.provider)
    first, second = pair.first.package.name, pair.second.package.name
    return Conflict(
        rule=RULE.id,
        severity=Severity.ERROR,
        order=(first, second),
        symbol=symbol,
        bindings=(
            link(change, f"{shared} was loaded for {first} first, and looks in that package's files before itself"),
            *(link_of(bound, f"{second} looks in its own files and then in {shared}") for bound in others[:3]),
        ),
        message=(
            f"{shared} was bound to the copy of {symbol} that {culprit} exports ({describe(together.definition)}), "
            f"and {name_of(others[0].asker)} uses that of {name_of(others[0].provider or others[0].asker)}: "
            "what one writes, the other does not see"
        ),
        remedy=(
            f"{first}: do not export {symbol}: link with a version script or -Wl,--exclude-libs,ALL. "
            f"Until then: import {second} before {first}"
        ),
    )
