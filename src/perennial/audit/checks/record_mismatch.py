"""Members whose content is not what RECORD says."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity
from perennial.wheel.member import WheelMember
from perennial.wheel.record import ALGORITHMS, RecordEntry

RULE = Rule(
    "record-mismatch",
    "A file's content is not what RECORD says",
    "The file was changed after the wheel was built; installers that check refuse it, and those that do not install "
    "something that nobody vouched for.",
)


def check(content: Content) -> Iterator[Finding]:
    record = content.wheel.record
    if record is None:
        return
    for member in content.wheel.members:
        entry = record.entries.get(member.path)
        if entry is None or record.is_exempt(member.path):
            continue
        trouble = _trouble(member, entry)
        if trouble is not None:
            yield Finding(
                RULE.id,
                Severity.ERROR,
                member.path,
                f"{member.path} {trouble}",
                remedy="Build the wheel again; what changes a wheel afterwards has to write RECORD too (wheel pack).",
            )


def _trouble(member: WheelMember, entry: RecordEntry) -> str | None:
    if entry.size is not None and entry.size != member.size:
        return f"has {member.size} bytes, and RECORD says {entry.size}"
    if entry.algorithm is None:
        return "has no hash in RECORD"
    if entry.algorithm not in ALGORITHMS:
        return f"has a {entry.algorithm} hash in RECORD; sha256 or better is required"
    if entry.digest is not None and member.digest not in (None, entry.digest.rstrip("=")):
        return f"has the {entry.algorithm} hash {member.digest}, and RECORD says {entry.digest}"
    return None
