"""Two packages bring different libraries under one soname, of which a process loads one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perennial.coload.conflict import BindingLink, Conflict, name_of
from perennial.coload.imports import Pair, Replaced
from perennial.coload.library import Library
from perennial.coload.loader import match
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "library-replaced",
    "Two packages bring different libraries under one soname, and a process loads one of them",
    "The package that is imported second runs with a library that it was never built or tested with.",
)

# The form of the sonames that repairing tools make: the digits are of a hash of what the library is made from.
_HASHED: Final = re.compile(r"-[0-9a-f]{8,}\.so")


def find(pair: Pair) -> Iterator[Conflict]:
    for item in pair.replaced:
        if not _is_one_build(item.alone.library, item.together.library):
            yield _conflict(pair, item, _lacking(pair, item))


def _is_one_build(one: Library, other: Library) -> bool:
    """By the build ID; of those that have none, by a soname that is a hash and all that a loader reads of either."""
    if one.elf.build_id is None and other.elf.build_id is None and _HASHED.search(one.name):
        return one.elf == other.elf and one.linkage == other.linkage
    return one.elf.build_id is not None and one.elf.build_id == other.elf.build_id


def _lacking(pair: Pair, item: Replaced) -> list[str]:
    """Symbols that the second package takes from its own copy and the other copy does not have."""
    users = set(item.users)
    lacking = set()
    for path in users & pair.second.own.keys():
        for bound in pair.second.own[path]:
            if bound.provider is not None and bound.provider.library.path == item.alone.library.path:
                linkage = item.together.library.linkage
                found = linkage.definitions.get(bound.reference.name)
                if found is None or match(found, bound.reference, is_versioned=linkage.is_versioned) is None:
                    lacking.add(bound.reference.name)
    return sorted(lacking)


def _conflict(pair: Pair, item: Replaced, lacking: list[str]) -> Conflict:
    first, second = pair.first.package.name, pair.second.package.name
    user = item.users[0].partition("/site-packages/")[2] or item.users[0]
    missing = f"; it lacks {', '.join(lacking[:3])}{' and others' if len(lacking) > 3 else ''}" if lacking else ""
    return Conflict(
        rule=RULE.id,
        severity=Severity.ERROR if lacking else Severity.WARNING,
        order=(first, second),
        symbol=lacking[0] if lacking else None,
        bindings=(
            BindingLink(
                asks=user,
                symbol=item.soname,
                version=None,
                got=name_of(item.together),
                expected=name_of(item.alone),
                why="a process loads one object for each soname, and this one was there already",
            ),
        ),
        message=(
            f"{user} needs {item.soname} and gets {name_of(item.together)}, not its own {name_of(item.alone)}, "
            f"which is another build{missing}"
        ),
        remedy=f"{second} or {first}: give the bundled library a unique soname, as perennial repair does",
    )
