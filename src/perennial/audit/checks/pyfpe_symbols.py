"""Extension modules built for an interpreter with floating-point exception control."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity
from perennial.lean_typing import Final

RULE = Rule(
    "pyfpe-symbols",
    "Needs an interpreter built with --with-fpectl",
    "Hardly any interpreter has PyFPE_jbuf, and CPython 3.7 removed it: importing the file fails with "
    "'undefined symbol: PyFPE_jbuf'.",
)


# All that Include/pyfpe.h of CPython before 3.7 declared.
_SYMBOLS: Final = frozenset({"PyFPE_jbuf", "PyFPE_counter", "PyFPE_dummy"})


def check(content: Content) -> Iterator[Finding]:
    for path, imports in content.imports.items():
        if _SYMBOLS.isdisjoint(imports.unversioned):
            continue
        name = max(_SYMBOLS.intersection(imports.unversioned))  # PyFPE_jbuf, where it is among them
        yield Finding(
            RULE.id,
            Severity.ERROR,
            path,
            f"{path} needs {name}, which only interpreters built with --with-fpectl have",
            requires=name,
            remedy="Build with an interpreter configured without --with-fpectl (PEP 513, 'fpectl builds').",
            defeats_tags=True,
        )
