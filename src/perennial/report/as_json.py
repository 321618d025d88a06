"""Reports as JSON, by the schema `perennial.report/1` (schema/report-1.json, docs/reference/json.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from perennial.audit.report import AuditReport
from perennial.audit.verdict import Need
from perennial.finding import Finding
from perennial.lean_typing import Any
from perennial.lower.reach import Reach
from perennial.policy.lowering import Reference
from perennial.report.coverage_line import coverage_line

SCHEMA = "perennial.report/1"


def as_json(
    reports: Iterable[tuple[AuditReport, Reach | None]],
    errors: Mapping[str, str],
    mainstream: tuple[str, str] | None = None,
) -> str:
    """The document as text: each report with how low the wheel could go.

    `errors` are the inputs that could not be read, with the reason, `mainstream` the name and SHA-256 of the list of
    releases that was judged by, None for the shipped one.
    """
    document = {
        "schema": SCHEMA,
        "mainstream": None if mainstream is None else {"name": mainstream[0], "sha256": mainstream[1]},
        "wheels": [report_as_dict(report, reach) for report, reach in reports],
        "errors": [{"input": source, "message": message} for source, message in errors.items()],
    }
    return json.dumps(document, indent=2) + "\n"


def report_as_dict(report: AuditReport, reach: Reach | None = None) -> dict[str, Any]:
    """One wheel, as plain data; the keys are those of the schema."""
    return {
        "filename": report.wheel.filename.text,
        "path": report.wheel.path,
        "size": report.wheel.size,
        "sha256": report.wheel.sha256,
        "architecture": None if report.architecture is None else report.architecture.value,
        "libc": None if report.libc is None else report.libc.value,
        "claimed_tags": [tag.text for tag in report.wheel.filename.platforms],
        "lowest_tag": report.lowest.text,
        "tags": [tag.text for tag in report.tags],
        "provisional": report.provisional,
        "honest": report.honest,
        "judged_tags": [
            {"tag": claim.tag.text, "honest": claim.honest, "reason": claim.reason or None} for claim in report.claims
        ],
        "elf_files": report.elf_files,
        "interpreters": list(report.interpreters),
        "isa_level": report.isa_level,
        "floor": [_need(need) for step in report.ladder.steps[:1] for need in step.needs],
        "steps": [
            {"tag": step.tag.text, "needs": [_need(need) for need in step.needs]} for step in report.ladder.steps
        ],
        "unmet": [_need(need) for need in report.ladder.unmet],
        "requirements": [
            {
                "member": requirement.member,
                "library": requirement.library,
                "version": requirement.version,
                "symbols": list(requirement.symbols),
                "weak": requirement.weak,
                "provided_by": requirement.provider.value,
                "bundled_as": requirement.bundled_as,
            }
            for requirement in report.requirements
        ],
        "external_libraries": [
            {"soname": library.soname, "needed_by": list(library.needed_by), "provided": library.provided}
            for library in report.external
        ],
        "bundled_libraries": [
            {"path": library.path, "soname": library.soname, "needed_by": list(library.needed_by)}
            for library in report.bundled
        ],
        "findings": [_finding(finding) for finding in report.findings],
        "as_of": report.as_of,
        "runs_on": [release.id for release in report.coverage.runs],
        "fails_on": [lack.release.id for lack in report.coverage.fails],
        "lacking": [
            {
                "release": lack.release.id,
                "library": None if lack.need is None else lack.need.library,
                "version": None if lack.need is None else lack.need.version,
            }
            for lack in (*report.coverage.fails, *report.coverage.nearest_miss)
        ],
        "runs_on_summary": coverage_line(report.coverage) if report.coverage.runs or report.coverage.fails else None,
        "could_be_lowered": None if reach is None else _reach(reach),
    }


def _reach(reach: Reach) -> dict[str, Any]:
    return {
        "tag": None if reach.tag is None else reach.tag.text,
        "references": [
            {**_reference(binding.reference), "treatment": binding.treatment.kind.value} for binding in reach.bindings
        ],
        "limited_by": [_reference(reference) for reference in reach.limits],
        "outside": list(reach.outside),
        "private_tag": None if reach.private_tag is None else reach.private_tag.text,
    }


def _reference(reference: Reference) -> dict[str, Any]:
    return {"library": reference.library, "symbol": reference.symbol, "version": reference.version}


def _need(need: Need) -> dict[str, Any]:
    return {
        "library": need.library,
        "version": need.version,
        "symbol": need.symbol,
        "symbols": list(need.symbols),
        "members": list(need.members),
        "limit": need.provision.limit.value,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "member": finding.member,
        "requires": finding.requires,
        "message": finding.message,
        "remedy": finding.remedy,
        "witnesses": list(finding.witnesses),
        "defeats_tags": finding.defeats_tags,
    }
