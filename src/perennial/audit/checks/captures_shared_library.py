"""Exports that take the references of a shared library of the system."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.captures import Capture
from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity
from perennial.lean_typing import Final

RULE = Rule(
    "captures-shared-library",
    "Exports symbols that belong to a shared library of the system",
    "If the wheel is imported first, that library uses the wheel's copies for the whole process, and packages that "
    "are imported later use the library's own: what one writes the other does not see.",
)

_MOST_NAMES: Final = 3
_EFFECT: Final = {
    "thread-local variable": "variables of which a process then has two",
    "variable": "variables of which a process then has two",
    "allocator": "operators new and delete, of which one allocates what another frees",
    "exceptions": "functions that everybody's exceptions go through",
}


def check(content: Content) -> Iterator[Finding]:
    for capture in content.captures:
        yield Finding(
            RULE.id,
            Severity.WARNING,
            capture.member,
            f"{capture.member} exports {_named(capture)}, which {capture.library} of the system refers to itself: "
            f"{_EFFECT[capture.kind]}",
            requires=capture.symbols[0],
            remedy=(
                "Do not export them: -Wl,--exclude-libs,ALL for static libraries, or a version script. It does no harm "
                f"where something that is loaded before needs {capture.library}: perennial coload plays that through."
            ),
        )


def _named(capture: Capture) -> str:
    more = len(capture.symbols) - _MOST_NAMES
    return ", ".join(capture.symbols[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
