"""A `_manylinux` module of another Python, read and not run.

Those that exist are short: NixOS's and Gentoo's set attributes or return a constant. What computes
its answer cannot be known from outside, and is said to be there.
"""

from __future__ import annotations

from collections.abc import Iterable

from perennial.lean_typing import TYPE_CHECKING, Final
from perennial.tags.root import Root
from perennial.tags.target import LEGACY_ATTRIBUTES, Override

if TYPE_CHECKING:
    import ast

_LARGEST: Final = 1 << 16
_FUNCTION: Final = "manylinux_compatible"


def find_override(root: Root, folders: Iterable[str]) -> tuple[Override | None, str | None]:
    """The first `_manylinux` module in some folders; where it cannot be read, None and a sentence on it."""
    for folder in folders:
        for name in root.list(folder):
            if name.partition(".")[0] != "_manylinux":
                continue
            path = f"/{folder.lstrip('/')}/{name}"
            data = root.read(path, _LARGEST) if name == "_manylinux.py" else None
            override = None if data is None else read_override(data, path)
            if override is not None:
                return override, None
            return None, f"{path} overrides what is accepted, and only running it tells how; not counted here"
    return None, None


def read_override(source: bytes, path: str) -> Override | None:
    """What a module says that does nothing but state constants; None for any other."""
    import ast  # noqa: PLC0415 - seldom needed

    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    legacy: dict[str, bool] = {}
    constant: tuple[bool | None] | None = None
    for statement in statements:
        match statement:
            case ast.Assign(targets=targets, value=ast.Constant(value=bool(value))):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                legacy.update((name, value) for name in names if name in LEGACY_ATTRIBUTES.values())
            case ast.FunctionDef(name=name, body=body) if name == _FUNCTION:
                constant = _returned(body)
                if constant is None:
                    return None
            case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom():
                continue  # docstrings, imports
            case _:
                return None
    if constant is None:
        return Override(path, None, legacy)
    said = constant[0]
    return Override(path, lambda _major, _minor, _arch: said, legacy)


def _returned(body: list[ast.stmt]) -> tuple[bool | None] | None:
    """The constant that a function returns, in a tuple of one; None where it does anything else."""
    import ast  # noqa: PLC0415

    rest = [each for each in body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    match rest:
        case [] | [ast.Pass()] | [ast.Return(value=None)] | [ast.Return(value=ast.Constant(value=None))]:
            return (None,)
        case [ast.Return(value=ast.Constant(value=bool(value)))]:
            return (value,)
        case _:
            return None
