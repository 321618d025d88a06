"""A package's own definition that is passed over, for the interpreter or one of its libraries has the name.

The program and what it needs are searched first (`_dl_lookup_symbol_x`), so that a private copy of zlib
does nothing under an interpreter that links the system's, and does all under one that does not. The C
library's own names (malloc) are searched first in any process, and are no surprise.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from perennial.coload.conflict import BindingLink, Conflict, describe, holds_state, name_of
from perennial.coload.imports import Import
from perennial.coload.loader import BoundReference, LoadedObject, Process, match
from perennial.coload.profile import is_c_library
from perennial.elf.linkage import Definition
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final, NamedTuple

RULE: Final = Rule(
    "interpreter-shadows",
    "A package's own definition is passed over for the interpreter's",
    "The package behaves differently under interpreters that link a library which others do not, and may run with "
    "one half of its own copy and one half of theirs.",
)


class _Shadowed(NamedTuple):
    """A reference, and the package's own file and definition that it does not get."""

    bound: BoundReference
    file: LoadedObject
    definition: Definition


def find_alone(imported: Import) -> Iterator[Conflict]:
    groups: dict[str, list[_Shadowed]] = defaultdict(list)
    for references in imported.own.values():
        for bound in references:
            provider = bound.provider
            if provider is None or provider not in imported.process.at_start or is_c_library(provider.library.name):
                continue
            own = _own(imported.process, bound)
            if own is not None:
                groups[name_of(provider)].append(_Shadowed(bound, *own))
    for winner, shadowed in sorted(groups.items()):
        shadowed.sort(key=lambda each: (each.bound.reference.name, name_of(each.file), name_of(each.bound.asker)))
        yield _conflict(imported, winner, shadowed)


def _own(process: Process, bound: BoundReference) -> tuple[LoadedObject, Definition] | None:
    """What the package itself has for a reference."""
    for candidate in process.search_list(bound.asker.scope):
        if candidate.library.package is None:
            continue
        linkage = candidate.library.linkage
        definitions = linkage.definitions.get(bound.reference.name)
        found = None if definitions is None else match(definitions, bound.reference, is_versioned=linkage.is_versioned)
        if found is not None:
            return candidate, found
    return None


def _conflict(imported: Import, winner: str, shadowed: list[_Shadowed]) -> Conflict:
    names = list(dict.fromkeys(each.bound.reference.name for each in shadowed))
    files = sorted({name_of(each.file) for each in shadowed})
    kept = _kept(imported, winner, shadowed)
    differing = next((each for each in shadowed if _differs(each)), None)
    plain = all(_same_library(winner, file) for file in files) and not kept and differing is None
    message = f"{imported.package.name} takes {len(names)} symbols that {files[0]} defines"
    if len(files) > 1:
        message += f" (and {len(files) - 1} more of its files)"
    message += f" from the interpreter's {winner}, {names[0]} among them"
    if kept:
        message += f", and uses others of its own copy, such as {kept[0]}, which {winner} lacks"
    if differing is not None:
        message += f"; {differing.bound.reference.name} is a {describe(differing.definition)} in its own copy"
    return Conflict(
        rule=RULE.id,
        severity=Severity.INFO if plain else Severity.WARNING,
        order=(imported.package.name,),
        symbol=names[0],
        bindings=tuple(
            BindingLink(
                asks=name_of(each.bound.asker),
                symbol=each.bound.reference.name,
                version=each.bound.reference.version,
                got=winner,
                expected=name_of(each.file),
                why=f"the interpreter needs {winner}, and its libraries are searched before all others",
            )
            for each in shadowed[:5]
        ),
        message=message,
        remedy=(
            f"{imported.package.name}: hide the bundled library's symbols (link it statically with "
            "-Wl,--exclude-libs,ALL or a version script), or link with -Wl,-Bsymbolic"
        ),
    )


def _kept(imported: Import, winner: str, shadowed: list[_Shadowed]) -> list[str]:
    """Symbols of a bundled copy of the same library that are used, for the interpreter's has none of them."""
    copies = {each.file.library.path for each in shadowed if _same_library(winner, name_of(each.file))}
    return sorted(
        bound.reference.name
        for path, references in imported.own.items()
        for bound in references
        if path not in copies and bound.provider is not None and bound.provider.library.path in copies
    )


def _differs(each: _Shadowed) -> bool:
    theirs = each.bound.definition
    return theirs is not None and holds_state(each.bound.reference.name, theirs) and theirs.size != each.definition.size


_STEM: Final = re.compile(r"^(lib[A-Za-z0-9_+]+?)(?:-[0-9a-f]{8,})?\.so")


def _same_library(winner: str, loser: str) -> bool:
    """Whether one is a bundled copy of the other: `libz-4b02b5fd.so.1` of `libz.so.1`."""
    stems = [found[1] for name in (winner, loser) if (found := _STEM.match(name.rpartition("/")[2]))]
    return len(stems) == 2 and stems[0] == stems[1]
