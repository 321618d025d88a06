"""Undefined symbols that neither the wheel, nor the platform, nor the interpreter exports."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.audit.unresolved import Unresolved
from perennial.finding import Finding, Rule, Severity
from perennial.knowledge.python_names import load_python_names
from perennial.lean_typing import Final

RULE = Rule(
    "unresolved-symbol",
    "Needs a symbol that nothing in the process provides",
    "CPython has every symbol looked up when it loads a module: the import fails with 'undefined symbol', unless "
    "something else has loaded a library that exports it for all to see.",
)

_MOST_NAMES: Final = 3


def check(content: Content) -> Iterator[Finding]:
    for unresolved in content.unresolved:
        names = _named(unresolved.names)
        yield Finding(
            RULE.id,
            Severity.WARNING,
            unresolved.member,
            f"{unresolved.member} needs {names}, {_why(unresolved)}",
            requires=unresolved.names[0],
            remedy=_remedy(unresolved),
        )


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _why(unresolved: Unresolved) -> str:
    if unresolved.python is None:
        return "which neither a file of the wheel exports, nor a library that is loaded with it, nor the interpreter"
    having = load_python_names().by_name[unresolved.names[0]]
    return f"which CPython {_minor(unresolved.python)} does not export ({_minor(having[0])} to {_minor(having[-1])} do)"


def _remedy(unresolved: Unresolved) -> str:
    if unresolved.python is None:
        return "Link the library that exports it, and graft that; -Wl,-z,defs finds such names early."
    return (
        f"Build it with the headers of CPython {_minor(unresolved.python)}; generated C code, with a newer generator."
    )


def _minor(version: tuple[int, int]) -> str:
    return "{}.{}".format(*version)
