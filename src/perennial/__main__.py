"""The process: `perennial` and `python -m perennial`."""

from __future__ import annotations

import gc
import signal
import sys

# Until main() can turn Ctrl-C into one line, let it end the process quietly: the imports that follow
# take some 30 ms, and an exception among them would be a traceback. Where a parent has it ignored, so be it.
_INTERRUPTS = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _INTERRUPTS:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# Facts and reports are values without cycles, so that the cyclic collector has next to nothing to find. It runs
# every 700 new objects by default, and takes 5 to 10 per cent of an audit; at this threshold it still bounds
# what cycles could keep alive, to some 10 MB.
gc.set_threshold(100_000, 20, 20)

# glibc's malloc maps fresh pages for each chunk of a member and gives them back to the kernel, until it has seen a
# block of this size freed: then blocks up to that size come from a heap that is trimmed only above twice as much
# (mallopt(3), M_MMAP_THRESHOLD; malloc.c, `__libc_free`). The pages of this block itself are never touched. Without
# the page faults an audit takes 2 to 5 per cent less time.
bytes(8 << 20)


def run() -> int:
    """Runs the command line of this process; returns the exit code."""
    from perennial.cli.main import main

    if _INTERRUPTS:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = main()
    # The interpreter ends with a collection that would look at every object there is, to free what goes anyway.
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(run())
