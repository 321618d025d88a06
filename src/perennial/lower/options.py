"""What a lowering is asked to do."""

from __future__ import annotations

from enum import StrEnum

from perennial.lean_typing import NamedTuple
from perennial.platform_tag import PlatformTag


class CxxRoute(StrEnum):
    """What may be done about a libstdc++ that is newer than the tag's, where no older version will do."""

    SHIM = "shim"  # our own functions over the system's libstdc++
    PRIVATE = "private"  # a copy of libstdc++ under names of its own
    REFUSE = "refuse"


class LowerOptions(NamedTuple):
    """`to` is the tag that the result has to keep; its `arch` may be "" for the wheel's own.

    `copies_libraries` says whether libraries from outside may come into the wheel, as `repair` lets them.
    """

    to: PlatformTag
    cxx: CxxRoute = CxxRoute.SHIM
    traps: bool = False
    copies_libraries: bool = True
