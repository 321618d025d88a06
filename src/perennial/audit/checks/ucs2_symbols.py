"""Extension modules of Python 2 and 3.2 built for narrow Unicode."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity
from perennial.lean_typing import Final

RULE = Rule(
    "ucs2-symbols",
    "Needs an interpreter with UCS-2 strings",
    "Distributions build Python 2 with UCS-4: importing the file fails with 'undefined symbol: PyUnicodeUCS2_…'.",
)


# The ABI tag keeps such wheels from other interpreters: cp27m means UCS-2, cp27mu UCS-4 (PEP 513, "UCS-2 vs
# UCS-4 builds": "we now allow the manylinux1 platform tags to be used in combination with any ABI tag").
_SAYS_UCS2: Final = r"cp(2\d|3[0-2])d?m?"


_PREFIX: Final = "PyUnicodeUCS2_"


def check(content: Content) -> Iterator[Finding]:
    for path, imports in content.imports.items():
        if _PREFIX not in "\0".join(imports.unversioned):  # at the speed of memory, for every file there is
            continue
        name = next((name for name in imports.unversioned if name.startswith(_PREFIX)), None)
        if name is None:
            continue
        is_said = all(re.fullmatch(_SAYS_UCS2, abi) for abi in content.wheel.filename.abis)
        yield Finding(
            RULE.id,
            Severity.INFO if is_said else Severity.ERROR,
            path,
            f"{path} needs {name}, which only interpreters built with UCS-2 strings have"
            + ("; the ABI tag says so" if is_said else ""),
            requires=name,
            remedy="Build with a UCS-4 interpreter (ABI tag cp27mu; PEP 513, 'UCS-2 vs UCS-4 builds').",
            defeats_tags=not is_said,
        )
