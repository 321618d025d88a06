"""The process: `perennial` and `python -m perennial`."""

from __future__ import annotations

import signal
import sys

# Until main() can turn Ctrl-C into one line, let it end the process quietly: the imports that follow
# take some 30 ms, and an exception among them would be a traceback. Where a parent has it ignored, so be it.
_INTERRUPTS = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _INTERRUPTS:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run() -> int:
    """Runs the command line of this process; returns the exit code."""
    from perennial.cli.main import main

    if _INTERRUPTS:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return main()


if __name__ == "__main__":
    sys.exit(run())
