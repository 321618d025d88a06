"""A package exports parts of the C++ runtime: the unwinder, or what libstdc++ throws and catches with.

A statically linked libgcc_eh or libsupc++ that is exported takes the references of the system's libstdc++
and libgcc_s: exceptions of everybody then go through it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from perennial.coload.conflict import Conflict, link, link_of, name_of
from perennial.coload.imports import Change, Import, Pair
from perennial.coload.loader import BoundReference
from perennial.coload.rules.captures import captured_changes, references_of_second
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "leaked-unwinder",
    "The system's C++ runtime is bound to a package's unwinder or exception functions",
    "Exceptions of all packages go through one package's copy; where its idea of the structures differs from the "
    "system's, throwing ends the process.",
)

# The unwinder's functions, whose contexts are of one build (LSB, "Interfaces for libgcc_s"), and those of the
# C++ runtime that share the list of caught exceptions (Itanium C++ ABI, "Exception Handling", 2.2 to 2.5).
_SYMBOL: Final = re.compile(
    r"^(?:_Unwind_\w+|__(?:de)?register_frame\w*|__gxx_personality\w*"
    r"|__cxa_(?:throw|rethrow|(?:begin|end)_catch|get_globals\w*|(?:allocate|free)_exception|get_exception_ptr))$"
)


def is_unwinding(symbol: str) -> bool:
    """Whether it is a function of the unwinder or one that throws and catches."""
    return _SYMBOL.match(symbol) is not None


def find_alone(imported: Import) -> Iterator[Conflict]:
    groups: dict[tuple[str, str], list[BoundReference]] = defaultdict(list)
    for references in imported.shared.values():
        for bound in references:
            provider = bound.provider
            if provider is not None and provider.library.package is not None and is_unwinding(bound.reference.name):
                groups[name_of(bound.asker), name_of(provider)].append(bound)
    for (shared, culprit), taken in sorted(groups.items()):
        taken.sort(key=lambda bound: bound.reference.name)
        name = imported.package.name
        yield Conflict(
            rule=RULE.id,
            severity=Severity.WARNING,
            order=(name,),
            symbol=taken[0].reference.name,
            bindings=tuple(
                link_of(bound, f"{shared} was loaded for {name}, and looks in its files before itself", shared)
                for bound in taken[:5]
            ),
            message=(
                f"{shared} uses {len(taken)} functions of {culprit} to throw and unwind, "
                f"{taken[0].reference.name} among them, for all packages of the process"
            ),
            remedy=_remedy(name),
        )


def find(pair: Pair) -> Iterator[Conflict]:
    changes: dict[str, list[Change]] = defaultdict(list)
    for change in captured_changes(pair):
        if is_unwinding(change.together.reference.name):
            changes[name_of(change.together.asker)].append(change)
    for shared, captured in sorted(changes.items()):
        captured.sort(key=lambda change: change.together.reference.name)
        providers = {change.together.provider for change in captured}
        names = [change.together.reference.name for change in captured]
        split = [bound for bound in references_of_second(pair, *names) if bound.provider not in providers]
        if not split:
            continue
        first, second = pair.first.package.name, pair.second.package.name
        culprit = name_of(captured[0].together.provider or captured[0].together.asker)
        yield Conflict(
            rule=RULE.id,
            severity=Severity.WARNING,
            order=(first, second),
            symbol=split[0].reference.name,
            bindings=(
                *(link(change, f"{shared} was loaded for {first}, which exports it") for change in captured[:3]),
                *(link_of(bound, f"{second} does not see {first}'s files") for bound in split[:3]),
            ),
            message=(
                f"{shared} throws and unwinds with {culprit}'s {names[0]}, and {second} with another "
                f"{split[0].reference.name}: an exception goes through both"
            ),
            remedy=_remedy(first),
        )


def _remedy(package: str) -> str:
    return (
        f"{package}: link libgcc_eh and libstdc++ statically with -Wl,--exclude-libs,ALL or a version script, or not "
        "statically at all"
    )
