"""What a lowering is asked to do."""

from __future__ import annotations

from enum import StrEnum

from perennial.arch import architecture_of_tag
from perennial.errors import UsageError, printable
from perennial.lean_typing import NamedTuple
from perennial.platform_tag import Libc, PlatformTag


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


def lowering_target(text: str) -> PlatformTag:
    """`manylinux_2_17_x86_64`, or `manylinux_2_17`, then with `arch` "", for whatever the wheel is for.

    Raises `UsageError` for what nothing is lowered to.
    """
    tag = PlatformTag.parse(text.lower())
    if tag.libc is None:
        bare = PlatformTag.parse(f"{text.lower()}_x86_64")
        if bare.arch == "x86_64":
            tag = PlatformTag(f"{text.lower()}_", "", bare.libc, bare.version)
    if tag.libc is Libc.MUSL:
        raise UsageError(f"{printable(text)}: musl has no symbol versions, and nothing is lowered to its tags")
    if tag.libc is None or (tag.arch and architecture_of_tag(tag.arch) is None):
        raise UsageError(f"{printable(text)}: not a manylinux tag such as manylinux_2_17 or manylinux_2_28_x86_64")
    return tag
