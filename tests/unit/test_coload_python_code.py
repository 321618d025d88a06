"""What is read out of Python code about loading, and what is not believed."""

from __future__ import annotations

import pytest

from perennial.coload.python_code import LibraryCall, read_code


@pytest.mark.parametrize(
    ("code", "line", "certain"),
    [
        ("import sys, os\nsys.setdlopenflags(sys.getdlopenflags() | os.RTLD_GLOBAL)\n", 2, True),
        ("import sys\nif hasattr(sys, 'setdlopenflags'):\n    sys.setdlopenflags(0x102)\n", 3, True),
        ("import sys, ctypes\ndef load():\n    sys.setdlopenflags(ctypes.RTLD_GLOBAL)\n", 3, False),
        # what torch does: only where somebody asks for it
        ("import os, sys\nif os.getenv('GLOBAL') or False:\n    sys.setdlopenflags(os.RTLD_GLOBAL)\n", None, True),
        ("import os, sys\nif 'G' in os.environ:\n    pass\nelse:\n    sys.setdlopenflags(os.RTLD_GLOBAL)\n", 5, True),
        ("import sys\nsys.setdlopenflags(2)\n", None, True),  # RTLD_NOW alone
    ],
)
def test_global_flags(code: str, line: int | None, certain: bool) -> None:
    found = read_code("pkg/__init__.py", code.encode())
    assert (None if found is None else found.sets_global_flags) == line
    if found is not None:
        assert found.flags_certain is certain


def test_one_certain_statement_is_enough() -> None:
    code = b"import sys, os\ndef f():\n    sys.setdlopenflags(os.RTLD_GLOBAL)\nsys.setdlopenflags(os.RTLD_GLOBAL)\n"
    found = read_code("pkg/__init__.py", code)
    assert found is not None
    assert (found.sets_global_flags, found.flags_certain) == (4, True)


def test_libraries_loaded_by_name() -> None:
    code = b"""\
import ctypes, os
from ctypes import CDLL, cdll
a = CDLL(os.path.join(os.path.dirname(__file__), "lib", "libone.so"), mode=ctypes.RTLD_GLOBAL)
b = cdll.LoadLibrary("libtwo.so.2")
c = ctypes.CDLL(name="libthree.so.1.2")
def later(path):
    return CDLL(path)
"""
    found = read_code("pkg/load.py", code)
    assert found is not None
    assert found.calls == (
        LibraryCall("libone.so", visible_to_all=True, line=3, certain=True),
        LibraryCall("libtwo.so.2", visible_to_all=False, line=4, certain=True),
        LibraryCall("libthree.so.1.2", visible_to_all=False, line=5, certain=True),
        LibraryCall(None, visible_to_all=False, line=7, certain=False),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"print 'CDLL'\n",  # Python 2
        b"CDLL(\n",
        b"\0CDLL",
        b"\xff\xfeCDLL",
        b"x = '''" + b"CDLL" * 10,
        b"CDLL" + b"(" * 10_000,
        b"nothing to see\n",
    ],
)
def test_what_is_no_python_says_nothing(content: bytes) -> None:
    assert read_code("pkg/x.py", content) is None
