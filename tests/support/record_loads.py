"""Runs in a process of its own: writes down what Python loads, and in which order.

`python record_loads.py OUT CODE`: executes CODE, and writes to OUT, one a line, the process's id, and then
`local PATH` or `global PATH` for each dlopen that worked, whoever asked for it in Python: import statements
(those that were done before this file began, too) and ctypes.
"""

import importlib.machinery
import os
import sys
import traceback
from typing import Any

records: list[str] = []


def record(path: str, flags: int) -> None:
    records.append(("global" if flags & os.RTLD_GLOBAL else "local") + " " + os.path.abspath(path))


for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None) or ""
    if file.endswith(".so"):
        record(file, 0)

loader = importlib.machinery.ExtensionFileLoader
create_module = loader.create_module


def create(self: importlib.machinery.ExtensionFileLoader, spec: Any) -> Any:
    # Modules that a module imports while it is created are loaded after it: it stands first, and is taken
    # back where it could not be opened.
    place = len(records)
    record(self.path, sys.getdlopenflags())
    try:
        return create_module(self, spec)
    except ImportError as error:
        if len(records) == place + 1 and (error.path == self.path and ": " in str(error)):
            del records[place]
        raise


loader.create_module = create  # type: ignore[method-assign]

import ctypes  # noqa: E402 - its own modules are of interest

dlopen = ctypes._dlopen  # type: ignore[attr-defined]


def open_library(name: str | None, mode: int = 0, *rest: Any) -> Any:
    handle = dlopen(name, mode, *rest)
    if name and "/" in name:
        record(name, mode)
    elif name:
        records.append(f"needed {name}")
    return handle


ctypes._dlopen = open_library  # type: ignore[attr-defined]
try:
    exec(sys.argv[2], {"__name__": "__main__"})
except BaseException:  # noqa: BLE001 - whatever happened, what was loaded is written down
    traceback.print_exc()
    status = 1
else:
    status = 0
with open(sys.argv[1], "w", encoding="utf-8") as out:
    out.write("\n".join([str(os.getpid()), *records]))
# Nothing is taken down: modules that were loaded and never initialized do not survive that.
sys.stderr.flush()
os._exit(status)
