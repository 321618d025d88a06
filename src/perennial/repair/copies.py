"""How many copies of a library a wheel gets.

A graft's needed entries are rewritten, and so one copy serves two loads only if every entry means the same file in
both. It need not: a library without a search path of its own finds what it needs by the DT_RPATH of whoever loads it,
or because it is loaded already. So the loads are played through one by one, and then those of their files become one
that have the same content and whose needs, by name, have become one. Files may need each other in circles: all of one
content are taken for one until their needs tell them apart (partition refinement, as for the smallest automaton).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from perennial.lean_typing import NamedTuple
from perennial.repair.library import Library
from perennial.repair.targets import Grafted, NotFound, Target, Targets, grafted


class Loaded(NamedTuple):
    """A file in one load: a member of the wheel by its path, or a library by its digest; and what its needs mean.

    `load` is the file that was loaded by itself, and this one with it.
    """

    load: str
    subject: str
    library: Library | None
    targets: dict[str, Target]


def completed(files: Sequence[Loaded]) -> list[Loaded]:
    """Needs that are met in one load and not in another get what they have in the first one that meets them.

    The other load would fail on the system where the wheel was built, unless the first came before it.
    """
    met: dict[tuple[str, str], Target] = {}
    for file in files:
        for name, target in file.targets.items():
            if not isinstance(target, NotFound):
                met.setdefault((file.subject, name), target)
    return [
        file._replace(
            targets={
                name: met.get((file.subject, name), target) if isinstance(target, NotFound) else target
                for name, target in file.targets.items()
            }
        )
        for file in files
    ]


def merged(files: Sequence[Loaded]) -> list[int]:
    """For each file the first one that it is one copy with, both by their places in the sequence."""
    copies = _numbered([(file.subject, _apart_from_grafts(file.targets)) for file in files])
    edges = [[copy for _, copy in sorted(grafted(file.targets).items())] for file in files]
    while True:
        finer = _numbered([(copies[place], *(copies[other] for other in edges[place])) for place in range(len(files))])
        if finer == copies:
            return copies
        copies = finer


def _apart_from_grafts(targets: Targets) -> Hashable:
    kinds: list[tuple[str, Target | None]] = []
    for name, target in sorted(targets.items()):
        match target:
            case Grafted():
                kinds.append((name, None))
            case NotFound():
                kinds.append((name, NotFound(())))  # where it was looked for differs between loads
            case _:
                kinds.append((name, target))
    return tuple((name, type(kind).__name__, kind) for name, kind in kinds)


def _numbered(keys: Sequence[Hashable]) -> list[int]:
    """For each key the place of the first one that equals it."""
    first: dict[Hashable, int] = {}
    return [first.setdefault(key, place) for place, key in enumerate(keys)]
