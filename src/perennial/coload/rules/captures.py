"""What the rules about shared libraries of the system have in common."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.coload.imports import Change, Pair
from perennial.coload.loader import BoundReference


def captured_changes(pair: Pair) -> Iterator[Change]:
    """References of the system's libraries that the first package's files have taken."""
    for change in pair.changes:
        provider = change.together.provider
        if (
            change.together.asker.library.package is None
            and provider is not None
            and provider.library.package is not None
        ):
            yield change


def references_of_second(pair: Pair, *symbols: str) -> Iterator[BoundReference]:
    """What the second package's own references to some symbols are bound to, in this order of imports."""
    wanted = set(symbols)
    loaded = {one.library.path: one for one in pair.process.objects}
    for path, references in pair.second.own.items():
        asker = loaded.get(path)
        if asker is None:
            continue
        for alone in references:
            if alone.reference.name in wanted:
                yield BoundReference(
                    asker, alone.reference, *(pair.process.look_up(asker, alone.reference) or (None, None))
                )
