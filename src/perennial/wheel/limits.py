"""How much an archive may ask for before it is refused."""

from __future__ import annotations

from perennial.lean_typing import NamedTuple

MIB = 1 << 20


class ArchiveLimits(NamedTuple):
    """Bounds on what a wheel may cost to read; each is an option of the command line.

    The defaults leave room above the largest wheels there are (tensorflow: 1.4 GB inflated
    from 572 MB; torch with CUDA: 3 GB) and stop a bomb within seconds.
    """

    members: int = 200_000
    inflated: int = 16 << 30  # bytes, all members together
    ratio: int = 200  # inflated : compressed, for what inflates to more than `ratio_from`: a member, or all of them
    ratio_from: int = 64 * MIB
    facts: int = 1 << 30  # bytes of memory, roughly, for all that is kept about the members (scipy: 6 MB)
