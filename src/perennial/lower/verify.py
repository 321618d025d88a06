"""The proof of a lowering: every reference of the result, held against the symbols of the oldest glibc.

It knows nothing of treatments: it takes the audit of what was written, and asks glibc's history, or, for other
libraries, the policy.
"""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.report import AuditReport
from perennial.audit.requirements import Provider
from perennial.policy.derive import Version
from perennial.policy.lowering import Lowering, Reference


def unmet(report: AuditReport, lowering: Lowering, version: Version) -> Iterator[tuple[str, Reference]]:
    """(member, reference) of all that the systems of the tag X.Y need not meet."""
    for need in report.requirements:
        if need.provider is not Provider.PLATFORM or need.weak:
            continue
        for symbol in need.symbols or ("",):
            reference = Reference(need.library, symbol, need.version, weak=False)
            if not lowering.is_provided(reference, version):
                yield need.member, reference
