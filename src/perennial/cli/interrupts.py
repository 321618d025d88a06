"""Ctrl-C, also where Python would drop it.

An exception that is raised while the callback of a weak reference runs goes nowhere (`sys.unraisablehook`). Importing a
module runs such callbacks (importlib's locks), so one interrupt in a dozen that come at start-up was lost, and the
command went on to its end.
"""

from __future__ import annotations

import sys

from perennial.lean_typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_SOON: Final = 0.001  # seconds: when the callback has returned


def keep_interrupts() -> None:
    """From here on, an interrupt that nobody could be told of comes once more."""
    previous = sys.unraisablehook

    def hook(unraisable: UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            previous(unraisable)
            return
        import signal

        if sys.platform == "win32":
            signal.raise_signal(signal.SIGINT)
        else:
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            signal.setitimer(signal.ITIMER_REAL, _SOON)

    sys.unraisablehook = hook
