"""Code for a process: imports what it can of installed packages, and opens every other extension module by itself.

A package whose needs are not installed cannot be imported; its modules can be loaded all the same, which is
what the loader is asked to do. LOAD_EVERYTHING is the folder and what to import, with colons between.
"""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys

ROOT, *TOPS = os.environ["LOAD_EVERYTHING"].split(":")

sys.path.insert(0, ROOT)
sys.dont_write_bytecode = True
SUFFIXES = tuple(importlib.machinery.EXTENSION_SUFFIXES)


def load(path: str) -> None:
    """One module: mapped and bound, whatever becomes of its initialization."""
    name = os.path.relpath(path, ROOT).partition(".")[0].replace("/", ".")
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is not None:
        importlib.util.module_from_spec(spec)


def modules(top: str) -> list[str]:
    found = [os.path.join(folder, file) for folder, _, files in os.walk(os.path.join(ROOT, top)) for file in files]
    return sorted(path for path in found if path.endswith(SUFFIXES) and not os.path.basename(path).startswith("lib"))


with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    for top in TOPS:
        with contextlib.suppress(BaseException):
            importlib.import_module(top)
        for path in modules(top):
            with contextlib.suppress(BaseException):
                load(path)
