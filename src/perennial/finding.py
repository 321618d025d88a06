"""Findings: what a rule has to say about a wheel.

A finding is complete in itself: the renderers add nothing but layout. Its message says
what, where and why; its remedy says what to do.
"""

from __future__ import annotations

from enum import StrEnum

from perennial.lean_typing import NamedTuple


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"  # the wheel breaks a promise that it makes, or cannot work
    WARNING = "warning"  # it works, and will hurt somebody
    INFO = "info"  # worth knowing

    @property
    def rank(self) -> int:
        """0 for the worst; for sorting."""
        return ("error", "warning", "info").index(self.value)


class Rule(NamedTuple):
    """What is fixed about a rule; `id` is also the name of its module and of its page."""

    id: str
    title: str  # one line, a statement: "Needs a newer symbol version than the tag allows"
    why: str  # one sentence: what happens to whom

    @property
    def page(self) -> str:
        """The rule's page, relative to the documentation."""
        return f"reference/rules/{self.id}"


class Finding(NamedTuple):
    """One thing that a rule found.

    `member` is the path of the wheel's member, None where the wheel as a whole is meant;
    `requires` is what is needed (a symbol version, a soname, …); `witnesses` are the names
    of releases on which it is missing. `defeats_tags` says that no manylinux or musllinux tag
    can be kept as long as this is so.
    """

    rule: str
    severity: Severity
    member: str | None
    message: str
    requires: str | None = None
    remedy: str | None = None
    witnesses: tuple[str, ...] = ()
    defeats_tags: bool = False
