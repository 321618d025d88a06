"""Explanations as JSON, by the schema `perennial.explain/1` (schema/explain-1.json, docs/reference/json.md)."""

from __future__ import annotations

import json

from perennial.lean_typing import Any
from perennial.report.explain_words import Advice, advice, project_advice
from perennial.report.tags_json import target_json
from perennial.tags.explain import Explained, Explanation, ProjectExplanation, Subject
from perennial.tags.install import Installation, dotted
from perennial.tags.running import Running
from perennial.tags.target import Target
from perennial.tags.why import Refusal

SCHEMA = "perennial.explain/1"


def as_json(found: Explained) -> str:
    """The document as text."""
    document = {
        "schema": SCHEMA,
        "as_of": found.as_of,
        "targets": [_target(target) for target in found.targets],
        "subjects": [_subject(subject) for subject in found.subjects],
        "errors": [{"input": source, "message": message} for source, message in found.errors.items()],
    }
    return json.dumps(document, indent=2) + "\n"


def _target(target: Target) -> dict[str, Any]:
    return {**target_json(target), "release": target.release}


def _subject(subject: Subject) -> dict[str, Any]:
    return {
        "input": subject.source,
        "fine": subject.is_fine,
        "answers": [
            _of_project(answer) if isinstance(answer, ProjectExplanation) else _of_wheel(answer, advice(answer))
            for answer in subject.answers
        ],
        "matrix": [
            {
                "version": each.version,
                "wheel": each.filename,
                "refusals": [None if refusal is None else _refusal(refusal) for refusal in each.refusals],
            }
            for each in subject.matrix
        ],
    }


def _of_wheel(found: Explanation, advised: tuple[Advice, ...]) -> dict[str, Any]:
    return {
        "fine": found.is_fine,
        "wheel": found.installation.filename.text,
        "install": _installation(found.installation),
        "run": None if found.running is None else _running(found.running),
        "installs_on": None if found.reach is None else [release.id for release in found.reach.runs],
        "runs_on": None if found.runs_on is None else [release.id for release in found.runs_on.runs],
        "project": None,
        "advice": [each._asdict() for each in advised],
    }


def _of_project(found: ProjectExplanation) -> dict[str, Any]:
    answer = found.answer
    empty: dict[str, Any] = {"wheel": None, "install": None, "run": None, "installs_on": None, "runs_on": None}
    return {
        **(empty if found.wheel is None else _of_wheel(found.wheel, ())),
        "fine": found.is_fine,
        "project": {
            "newest": found.newest,
            "takes": None if answer.takes is None else answer.takes.filename.text,
            "takes_version": answer.takes_version,
            "builds": answer.builds,
            "instead": None if found.instead is None else {"version": found.instead[0], "wheel": found.instead[1]},
            "misses": [
                {"version": each.version, "wheel": each.filename, "refusal": _refusal(each.refusal)}
                for each in answer.misses
            ],
        },
        "advice": [each._asdict() for each in project_advice(found)],
    }


def _installation(found: Installation) -> dict[str, Any]:
    return {
        "accepted": found.accepted,
        "tag": found.tag,
        "first_pip": None if found.first_pip is None else dotted(found.first_pip),
        "refusal": None if found.refusal is None else _refusal(found.refusal),
        "further": [_refusal(each) for each in found.further],
        "refusals": [{"tag": tag, "refusal": _refusal(refusal)} for tag, refusal in found.refusals],
        "installers": [
            {"installer": each.installer.value, "accepts": each.accepts, "reason": each.reason or None}
            for each in found.installers
        ],
    }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {"axis": refusal.axis.value, "needs": refusal.needs, "has": refusal.has, "distance": refusal.distance}


def _running(found: Running) -> dict[str, Any]:
    return {
        "verdict": found.verdict.value,
        "judged_by": found.judged_by,
        "compiled_files": found.has_files,
        "lowest_tag": found.lowest.text,
        "highest_glibc": None if found.highest is None else dotted(found.highest),
        "troubles": [
            {
                "member": each.member,
                "library": each.library or None,
                "what": each.what,
                "symbols": list(each.symbols),
                "package": each.package or None,
                "fatal": each.fatal,
            }
            for each in found.troubles
        ],
    }
