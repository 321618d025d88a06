"""What a package's Python code says about loading: RTLD_GLOBAL, and libraries loaded through ctypes.

Only what stands there literally is understood: `sys.setdlopenflags(...)` with RTLD_GLOBAL in its
argument, and `CDLL`, `PyDLL` or `LoadLibrary` with a mode, or with a file name in a string or in
`os.path.join`. Code is read (`ast`), never run. That it is reached is assumed, and certain only where it
stands at the top of its module: a function may never be called. Code that a variable of the environment
has to ask for does not count at all.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from perennial.lean_typing import Final, NamedTuple

# A cheap look before anything is parsed: few files load libraries.
_WORTH_PARSING: Final = re.compile(rb"setdlopenflags|RTLD_GLOBAL|CDLL|PyDLL|LoadLibrary|load_library")
LARGEST_CODE: Final = 8 << 20
_LOADERS: Final = frozenset({"CDLL", "PyDLL", "LoadLibrary", "load_library"})
_LIBRARY: Final = re.compile(r"^[^\s*?%{}]*\.so(?:\.[0-9.]+)?$")


class LibraryCall(NamedTuple):
    """A call that loads something: `file` is the last part of the name, None where code makes it up.

    `certain` is whether importing the module runs it.
    """

    file: str | None
    visible_to_all: bool
    line: int
    certain: bool = True


class LoadingCode(NamedTuple):
    """What one Python file says.

    `sets_global_flags` is the line on which it makes imports RTLD_GLOBAL, `flags_certain` whether importing
    the module does so.
    """

    path: str
    sets_global_flags: int | None
    calls: tuple[LibraryCall, ...]
    flags_certain: bool = True


def is_worth_reading(content: bytes) -> bool:
    """Whether a Python file may say anything of interest."""
    return len(content) <= LARGEST_CODE and _WORTH_PARSING.search(content) is not None


def read_code(path: str, content: bytes) -> LoadingCode | None:
    """What a Python file says about loading; None where that is nothing, or where it is not Python."""
    if not is_worth_reading(content):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in strings: other people's code
            tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # Python 2, templates, and what nests deeper than the parser goes
    calls: list[LibraryCall] = []
    flags: list[tuple[bool, int]] = []
    for node, certain in _calls(tree):
        name = _name(node.func)
        if name == "setdlopenflags" and any(_mentions_global(argument) for argument in node.args):
            flags.append((not certain, node.lineno))
        elif name in _LOADERS:
            arguments = [*node.args[:1], *(word.value for word in node.keywords if word.arg in ("name", "libname"))]
            modes = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "mode")]
            file = next((found for argument in arguments for found in _file_names(argument)), None)
            calls.append(LibraryCall(file, any(_mentions_global(mode) for mode in modes), node.lineno, certain))
    if not flags and not calls:
        return None
    uncertain, line = min(flags, default=(False, None))
    return LoadingCode(path, line, tuple(sorted(calls, key=lambda call: call.line)), not uncertain)


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, bool]]:
    """All calls, each with whether it stands outside of functions; without those that a variable of the
    environment turns on.
    """
    todo: list[tuple[ast.AST, bool]] = [(tree, True)]
    while todo:
        node, certain = todo.pop()
        if isinstance(node, ast.Call):
            yield node, certain
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            certain = False
        below: list[ast.AST] = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.If) and _asks_environment(node.test):
            below = list(node.orelse)
        todo += ((child, certain) for child in below)


def _asks_environment(test: ast.expr) -> bool:
    return any(_name(node) in ("getenv", "environ") for node in ast.walk(test) if isinstance(node, ast.expr))


def _name(function: ast.AST) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _mentions_global(expression: ast.expr) -> bool:
    """Whether RTLD_GLOBAL, or its number on Linux, is part of the expression."""
    for node in ast.walk(expression):
        if isinstance(node, (ast.Name, ast.Attribute)) and _name(node) == "RTLD_GLOBAL":
            return True
        if isinstance(node, ast.Constant) and node.value in (0x100, 0x101, 0x102):
            return True
    return False


def _file_names(expression: ast.expr) -> Iterator[str]:
    """Names of shared objects among the strings of an expression, without folders."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _LIBRARY.match(node.value):
            yield node.value.rpartition("/")[2]
