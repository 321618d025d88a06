"""Two packages define the same unique symbol (STB_GNU_UNIQUE), and their definitions are not of one size.

Of such a symbol a process keeps one definition, whichever is found first, also across packages that are
loaded with RTLD_LOCAL (glibc, `do_lookup_unique`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from perennial.coload.conflict import Conflict, link, name_of
from perennial.coload.imports import Change, Pair
from perennial.elf.dynamic_symbols import Binding
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "unique-symbol-differs",
    "Two packages bring definitions of different size of a symbol of which a process keeps one",
    "Code that was compiled for the larger one reads and writes past the end of the smaller.",
)


def find(pair: Pair) -> Iterator[Conflict]:
    groups: dict[str, list[Change]] = defaultdict(list)
    for change in pair.changes:
        ours, theirs = change.alone.definition, change.together.definition
        if ours is None or theirs is None or theirs.binding is not Binding.UNIQUE:
            continue
        if ours.size != theirs.size:
            groups[change.together.reference.name].append(change)
    first, second = pair.first.package.name, pair.second.package.name
    for symbol, changes in sorted(groups.items()):
        together, compiled_for = changes[0].together, changes[0].alone.definition
        if compiled_for is None or together.definition is None or together.provider is None:
            continue
        yield Conflict(
            rule=RULE.id,
            severity=Severity.ERROR,
            order=(first, second),
            symbol=symbol,
            bindings=tuple(
                link(change, f"the symbol is unique in a process, and {first} was imported first")
                for change in changes[:5]
            ),
            message=(
                f"{name_of(together.asker)} gets {symbol} from {name_of(together.provider)}, where it has "
                f"{together.definition.size} bytes, and was compiled for {compiled_for.size}: "
                "the one writes past what the other has"
            ),
            remedy=(
                f"{first} and {second}: compile with -fno-gnu-unique, or do not export it (-fvisibility=hidden, "
                "a version script); or build both against the same version of the library that has it"
            ),
        )
