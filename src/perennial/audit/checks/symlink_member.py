"""Members that are meant to be symbolic links."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity

RULE = Rule(
    "symlink-member",
    "Contains a symbolic link",
    "Wheels cannot carry links: installers write a small text file with the link's target instead.",
)


def check(content: Content) -> Iterator[Finding]:
    for member in content.wheel.members:
        if member.is_symlink:
            yield Finding(
                RULE.id,
                Severity.WARNING,
                member.path,
                f"{member.path} is marked as a symbolic link, and installers do not make links from wheels",
                remedy="Put the file itself there; for libraries, only under the name that is needed.",
            )
