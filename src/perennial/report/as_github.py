"""Findings as GitHub Actions annotations ("Workflow commands for GitHub Actions")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perennial.audit.report import AuditReport
from perennial.errors import printable
from perennial.finding import Severity
from perennial.lean_typing import Final
from perennial.report.finding_text import finding_text

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def as_github(reports: Iterable[AuditReport], errors: Mapping[str, str]) -> str:
    lines = [_command("error", source, "unreadable", message) for source, message in errors.items()]
    for report in reports:
        for finding in report.findings:
            command = _COMMANDS[finding.severity]
            lines.append(_command(command, report.wheel.path, finding.rule, finding_text(finding)))
    return "".join(f"{line}\n" for line in lines)


def _command(command: str, path: str, title: str, message: str) -> str:
    return f"::{command} file={_property(path)},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """Escaped as the runner unescapes it, so that nothing from a wheel becomes a command."""
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
