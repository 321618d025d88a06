"""A finding as one piece of text, for annotations: what `show` puts into a row and the one below it."""

from __future__ import annotations

from perennial.finding import Finding
from perennial.lean_typing import Final
from perennial.report.demangle import demangle_words
from perennial.report.text import listed

_MOST_WITNESSES: Final = 3


def finding_text(finding: Finding) -> str:
    """What is wrong, with names for people, some releases that bear witness, and what to do."""
    text = demangle_words(finding.message) + witnesses_of(finding)
    return text if finding.remedy is None else f"{text}. {finding.remedy}"


def witnesses_of(finding: Finding) -> str:
    """A clause that goes on with the message; empty where there are none."""
    return f"; fails on {listed(finding.witnesses, _MOST_WITNESSES)}" if finding.witnesses else ""
