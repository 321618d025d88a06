"""Members that RECORD does not list."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity

RULE = Rule(
    "record-missing-member",
    "Contains a file that RECORD does not list",
    "Installers install it and never remove it again, and nothing vouches for its content.",
)


def check(content: Content) -> Iterator[Finding]:
    record = content.wheel.record
    if record is None:
        yield Finding(
            RULE.id,
            Severity.ERROR,
            None,
            "the wheel has no RECORD, and installers refuse it",
            remedy="Build it again; wheel pack writes RECORD anew.",
        )
        return
    for member in content.wheel.members:
        if member.path not in record.entries and not record.is_exempt(member.path):
            yield Finding(
                RULE.id,
                Severity.ERROR,
                member.path,
                f"{member.path} is in the archive and not in RECORD",
                remedy="Build the wheel again; what changes a wheel afterwards has to write RECORD too (wheel pack).",
            )
