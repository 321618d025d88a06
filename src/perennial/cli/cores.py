"""How many threads may read one wheel."""

from __future__ import annotations

import os

from perennial.lean_typing import Final

# Each thread holds up to 12 MB.
_MOST_THREADS: Final = 4


def reading_threads() -> int:
    """As many as there are cores for this process, up to a few."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST_THREADS)
