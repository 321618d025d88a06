"""RECORD lines without a member, and lines that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity

RULE = Rule(
    "record-extra-entry",
    "RECORD lists a file that is not there",
    "The wheel has been changed after it was built, or was built wrongly: uninstalling looks for files that never "
    "existed, and indexes refuse it.",
)


def check(content: Content) -> Iterator[Finding]:
    record = content.wheel.record
    if record is None:
        return
    members = {member.path for member in content.wheel.members}
    for path in sorted(record.entries.keys() - members):
        yield Finding(
            RULE.id,
            Severity.ERROR,
            record.path,
            f"RECORD lists {path} in line {record.entries[path].line}, and the archive has no such file",
            requires=path,
            remedy="Build the wheel again, or write RECORD anew (wheel pack).",
        )
    for line, reason in record.malformed:
        yield Finding(
            RULE.id,
            Severity.ERROR,
            record.path,
            f"line {line} of RECORD {reason}",
            remedy="Write RECORD anew (wheel pack).",
        )
