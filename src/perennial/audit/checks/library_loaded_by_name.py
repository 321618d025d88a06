"""Libraries that a file may load by name at run time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity
from perennial.lean_typing import Final

RULE = Rule(
    "library-loaded-by-name",
    "Names a library that it may load at run time",
    "No table of the file says so, so no tool can graft or judge it: where the library is missing, something may "
    "fail long after the import.",
)


def check(content: Content) -> Iterator[Finding]:
    naming = [(member, elf) for member, elf in content.files if member.library_strings]
    present = {_stem(path) for path in content.wheel_paths} if naming else set()
    for member, elf in naming:
        # String tables keep the names that a tool has replaced, and those of the file itself.
        own = {*elf.needed, elf.soname, *(need.file for need in elf.verneeds), *(d.name for d in elf.verdefs)}
        for name in member.library_strings:
            base = name.rpartition("/")[2]
            if base in own or base in content.platform or _stem(name) in present:
                continue
            yield Finding(
                RULE.id,
                Severity.INFO,
                member.path,
                f"{member.path} contains the name {name} and calls dlopen; the wheel has no such library",
                requires=name,
                remedy=f"If it is needed, graft {base}; if it is optional, make sure that its absence is handled.",
            )


_HASH: Final = re.compile(r"[-.][0-9a-f]{8}$")


def _stem(path: str) -> str:
    """`x.libs/libgomp-e985bcbb.so.1.0.0` and `libgomp.so.1` are both libgomp."""
    return _HASH.sub("", path.rpartition("/")[2].partition(".so")[0])
