"""Extension modules of Python 2 and 3.2 built for narrow Unicode."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity

RULE = Rule(
    "ucs2-symbols",
    "Needs an interpreter with UCS-2 strings",
    "Distributions build Python 2 with UCS-4: importing the file fails with 'undefined symbol: PyUnicodeUCS2_…'.",
)


def check(content: Content) -> Iterator[Finding]:
    for member, elf in content.files:
        for symbol in elf.imports:
            if symbol.name.startswith("PyUnicodeUCS2_"):
                yield Finding(
                    RULE.id,
                    Severity.ERROR,
                    member.path,
                    f"{member.path} needs {symbol.name}, which only interpreters built with UCS-2 strings have",
                    requires=symbol.name,
                    remedy="Build with a UCS-4 interpreter (ABI tag cp27mu; PEP 513, 'UCS-2 vs UCS-4 builds').",
                    defeats_tags=True,
                )
                break
