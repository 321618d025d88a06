"""`python open_each.py PATH...`: opens each library in a process of its own, and says what happened.

One line each: the path, a tab, and `opened`, `refused: WORDS` or how the process ended. Extension modules
are opened as Python opens them, with what the interpreter gives them.
"""

from __future__ import annotations

import ctypes
import os
import sys


def open_each(paths: list[str]) -> None:
    for path in paths:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            try:
                ctypes.CDLL(path, mode=os.RTLD_NOW)
                said = "opened"
            except OSError as error:
                said = f"refused: {error}"
            sys.stdout.write(f"{path}\t{said}\n")
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status != 0:
            sys.stdout.write(f"{path}\tended with {os.waitstatus_to_exitcode(status)}\n")


open_each(sys.argv[1:])
