"""Repairs as JSON, by the schema `perennial.repair/1` (schema/repair-1.json, docs/reference/json.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from perennial.elf.edit import ElfChanges
from perennial.lean_typing import Any
from perennial.lower.record import record_as_dict
from perennial.repair.plan import Graft, MemberEdit, RepairPlan
from perennial.repair.repair import RepairOutcome
from perennial.repair.search import Search
from perennial.system import Package

SCHEMA = "perennial.repair/1"


def as_json(outcomes: Iterable[RepairOutcome], errors: Mapping[str, str]) -> str:
    """The document as text; `errors` are the inputs that could not be read, with the reason."""
    document = {
        "schema": SCHEMA,
        "wheels": [_outcome(outcome) for outcome in outcomes],
        "errors": [{"input": source, "message": message} for source, message in errors.items()],
    }
    return json.dumps(document, indent=2) + "\n"


def _outcome(outcome: RepairOutcome) -> dict[str, Any]:
    plan, prepared, repaired = outcome
    packages = {} if prepared is None else {origin.path: origin.package for origin in prepared.origins}
    return {
        "filename": plan.wheel.filename.text,
        "path": plan.wheel.path,
        "size": plan.wheel.size,
        "status": _status(outcome),
        "problems": [{"message": problem.message, "remedy": problem.remedy} for problem in plan.problems],
        "warnings": list(outcome.warnings),
        "output": {
            "filename": plan.filename.text,
            "path": None if repaired is None else repaired.path,
            "size": None if repaired is None else repaired.size,
            "tags": [tag.text for tag in plan.filename.platforms],
            "lowest_tag": None if plan.expected is None else plan.expected.lowest.text,
        },
        "grafts": [_graft(graft, packages.get(graft.path)) for graft in plan.grafts],
        "edits": [_edit(edit, plan) for edit in plan.edits],
        "refused_references": [
            {
                "file": path,
                "library": refusal.reference.library,
                "symbol": refusal.reference.symbol,
                "version": refusal.reference.version,
                "reason": refusal.reason,
            }
            for path, refusal in plan.refused
        ],
        "lowering": None if plan.lowering is None else record_as_dict(plan.lowering),
        "licences": [] if prepared is None else list(prepared.licences),
        "searches": [_search(search) for search in plan.searches],
    }


def _status(outcome: RepairOutcome) -> str:
    if outcome.plan.problems:
        return "failed"
    if outcome.repaired is None:
        return "planned"
    return "copied" if outcome.repaired.was_copied else "repaired"


def _graft(graft: Graft, package: Package | None) -> dict[str, Any]:
    return {
        "path": graft.path,
        "soname": graft.library.name,
        "new_soname": graft.name,
        "source": graft.library.path,
        "source_size": graft.library.size,
        "source_sha256": graft.library.digest,
        "package": None
        if package is None
        else {"name": package.name, "version": package.version, "manager": package.manager.value, "purl": package.purl},
        "needed_by": list(graft.needed_by),
        **_changes(graft.changes),
    }


def _edit(edit: MemberEdit, plan: RepairPlan) -> dict[str, Any]:
    moved = {script.old: script.new for script in plan.scripts}
    return {
        "member": edit.path,
        "moved_to": moved.get(edit.path),
        "old_search_path": edit.old_path,
        **_changes(edit.changes),
    }


def _changes(changes: ElfChanges) -> dict[str, Any]:
    path = changes.search_path
    return {
        "renamed_needed": [{"old": old, "new": new} for old, new in changes.rename_needed],
        "added_needed": list(changes.add_needed),
        "removed_needed": list(changes.remove_needed),
        "search_path": None if path is None else {"kind": "RUNPATH" if path.runpath else "RPATH", "value": path.text},
        "expanded_relr": changes.expand_relr,
        "strip": changes.strip.value,
    }


def _search(search: Search) -> dict[str, Any]:
    return {
        "name": search.name,
        "needed_by": search.needed_by,
        "looks": [
            {"path": look.path, "origin": look.origin, "outcome": look.outcome.name.lower()} for look in search.looks
        ],
    }
