"""Opens extension modules in one process, as Python does, and says which C++ library each works with.

Lines of JSON: what `private.cpp` says of each, twice, and what happens where one catches what another threw. With
"reopen", all are closed then, and it is told which of their libraries are left.
"""

from __future__ import annotations

import _ctypes
import ctypes
import json
import os
import sys


def mapped_at(address: int) -> str | None:
    """The file that an address is in."""
    found = (ctypes.c_void_p * 4)()  # Dl_info, which begins with the file's name
    if not ctypes.CDLL(None).dladdr(ctypes.c_void_p(address), found):
        return None
    return os.path.basename(ctypes.string_at(found[0] or 0).decode())


def say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def crossing(catcher: ctypes.CDLL, thrower: ctypes.CDLL) -> tuple[int, int, int]:
    """What the catcher says it caught, and by how much the count of exceptions in flight is off in both."""
    before = catcher.uncaught(), thrower.uncaught()
    caught = catcher.catch_from(thrower.throw_out)
    return caught, catcher.uncaught() - before[0], thrower.uncaught() - before[1]


def opened(paths: list[str], flags: int) -> list[ctypes.CDLL]:
    modules = [ctypes.CDLL(path, mode=flags) for path in paths]
    for module in modules:
        module.stream_at.restype = module.unique_at.restype = ctypes.c_void_p
    for module in modules + modules[::-1]:
        work, stream, unique = module.work(), mapped_at(module.stream_at()), mapped_at(module.unique_at())
        say({"work": work, "stream": stream, "unique": unique})
    return modules


def is_loaded(path: str) -> bool:
    try:
        _ctypes.dlclose(_ctypes.dlopen(path, os.RTLD_NOW | os.RTLD_NOLOAD))
    except OSError:
        return False
    return True


mode, paths = sys.argv[1], sys.argv[2:]
modules = opened(paths, os.RTLD_NOW | (os.RTLD_GLOBAL if mode == "global" else os.RTLD_LOCAL))
if mode == "reopen":
    libraries = [mapped_at(module.stream_at()) for module in modules]
    while modules:
        _ctypes.dlclose(modules.pop()._handle)
    here = os.path.dirname(paths[0])
    say([name for name in libraries if name is not None and is_loaded(os.path.join(here, name))])
    opened(paths, os.RTLD_NOW | os.RTLD_LOCAL)
else:
    say([[crossing(catcher, thrower) for thrower in modules] for catcher in modules])
