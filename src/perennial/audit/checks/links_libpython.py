"""Extension modules that link the interpreter's library."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.audit.resolve import Missing
from perennial.finding import Finding, Rule, Severity
from perennial.lean_typing import Final

RULE = Rule(
    "links-libpython",
    "Links libpython",
    "Most interpreters have libpython built in and no such library beside them (PEP 513, "
    "'The manylinux1 policy'); where there is one, a second copy of the interpreter is loaded.",
)

_LIBPYTHON: Final = r"^libpython\d.*\.so(\.|$)|^libpypy\d.*\.so(\.|$)"


def is_libpython(soname: str) -> bool:
    return soname.startswith("libpy") and re.match(_LIBPYTHON, soname) is not None


def check(content: Content) -> Iterator[Finding]:
    for member, resolution in content.resolutions:
        if isinstance(resolution, Missing) and is_libpython(resolution.soname):
            yield Finding(
                RULE.id,
                Severity.ERROR,
                member,
                f"{member} needs {resolution.soname}: the interpreter itself provides these symbols, and on most "
                "systems no such library exists",
                requires=resolution.soname,
                remedy="Do not link libpython (on Unix, python-config --ldflags without --embed leaves it out).",
                defeats_tags=True,
            )
