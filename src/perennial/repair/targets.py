"""What a needed entry means."""

from __future__ import annotations

from collections.abc import Mapping

from perennial.lean_typing import Final, NamedTuple
from perennial.repair.search import Look


class FromPlatform(NamedTuple):
    """The system brings it."""


class InWheel(NamedTuple):
    """A member of the wheel; `reachable` says whether the loader finds it there already."""

    path: str
    reachable: bool


class Grafted(NamedTuple):
    """A library that is copied into the wheel: which copy, or while loads are played through, which loaded file."""

    copy: int


class Elsewhere(NamedTuple):
    """Excluded, or brought by another wheel, and if that is known, in `folder` below site-packages."""

    folder: str | None


class Removed(NamedTuple):
    """Not to be needed at all: libpython."""


class NotFound(NamedTuple):
    """Nowhere to be had, or not to be copied; `looks` are the places, `soname` what was found and may not be copied."""

    looks: tuple[Look, ...]
    soname: str | None = None


Target = FromPlatform | InWheel | Grafted | Elsewhere | Removed | NotFound
Targets = Mapping[str, Target]

FROM_PLATFORM: Final = FromPlatform()
REMOVED: Final = Removed()


def grafted(targets: Targets) -> dict[str, int]:
    """The copies among them, by the names that they are needed by."""
    return {name: target.copy for name, target in targets.items() if isinstance(target, Grafted)}
