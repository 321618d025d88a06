"""Files that begin like ELF and are not."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.errors import ElfFormatError
from perennial.finding import Finding, Rule, Severity

RULE = Rule(
    "malformed-elf",
    "Has an ELF file that no loader would accept",
    "What cannot be read cannot be judged, and importing it fails.",
)


def check(content: Content) -> Iterator[Finding]:
    for member in content.wheel.members:
        if isinstance(member.elf, ElfFormatError):
            yield Finding(
                RULE.id,
                Severity.ERROR,
                member.path,
                f"{member.path} is not a valid ELF file: {member.elf}",
                remedy="Build it again, or leave it out; if it is test data, ignore this rule.",
            )
