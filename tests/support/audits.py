"""One wheel in, its report out, in this process: for tests of verdicts."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from perennial.audit.audit import audit
from perennial.audit.report import AuditReport
from perennial.finding import Severity
from perennial.knowledge import load_knowledge
from perennial.wheel.wheel import read_wheel
from tests.support.wheel_builder import wheel

LIBC: Final = "libc.so.6"
MODULE: Final = "demo/_core.cpython-312-x86_64-linux-gnu.so"


def audit_of(path: Path) -> AuditReport:
    """The audit of a wheel on disk."""
    return audit(read_wheel(path), load_knowledge())


def audit_members(
    members: Mapping[str, bytes], tags: str = "cp312-cp312-manylinux_2_28_x86_64", **options: Any
) -> AuditReport:
    """The audit of `demo-1.0` with these members; `options` are those of the wheel builder."""
    with tempfile.TemporaryDirectory() as folder:
        return audit_of(wheel(Path(folder), tags=tags, members=members, **options))


def rules(report: AuditReport, severity: Severity | None = None) -> set[str]:
    """The rules that found something, of one severity or of all."""
    return {finding.rule for finding in report.findings if severity in (None, finding.severity)}
