"""Reports as SARIF 2.1.0, for code scanning (OASIS, "Static Analysis Results Interchange Format")."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from perennial import __version__
from perennial.audit.checks import RULES
from perennial.audit.report import AuditReport
from perennial.finding import Finding, Severity
from perennial.lean_typing import Any, Final
from perennial.report.finding_text import finding_text

_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def as_sarif(reports: Iterable[AuditReport], errors: Mapping[str, str]) -> str:
    """One run over all wheels; inputs that could not be read are notifications of it."""
    results = [_result(report, finding) for report in reports for finding in report.findings]
    run = {
        "tool": {"driver": {"name": "perennial", "version": __version__, "rules": [_rule(rule) for rule in RULES]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not errors,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": message}} for message in errors.values()
                ],
            }
        ],
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(identity: str) -> dict[str, Any]:
    rule = RULES[identity]
    return {"id": rule.id, "shortDescription": {"text": rule.title}, "fullDescription": {"text": rule.why}}


def _uri(path: str) -> str:
    """A path as SARIF wants it: relative ones are relative to the checkout (3.4.3)."""
    uri = quote(path.replace("\\", "/"))
    return f"file://{uri}" if uri.startswith("/") else uri


def _result(report: AuditReport, finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {
        # Code scanning wants a line; a wheel has none, and 1 is what viewers take for the whole file.
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(report.wheel.path)},
            "region": {"startLine": 1},
        }
    }
    if finding.member is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.member, "kind": "resource"}]
    identity = "\0".join(
        (finding.rule, report.wheel.filename.distribution, finding.member or "", finding.requires or "")
    )
    return {
        "ruleId": finding.rule,
        "ruleIndex": list(RULES).index(finding.rule),
        "level": _LEVELS[finding.severity],
        "message": {"text": finding_text(finding)},
        "locations": [location],
        "partialFingerprints": {"perennial/v1": hashlib.sha256(identity.encode()).hexdigest()},
    }
