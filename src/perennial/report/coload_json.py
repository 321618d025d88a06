"""Conflicts as JSON, by the schema `perennial.coload/1` (schema/coload-1.json, docs/reference/json.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from perennial.coload.analysis import Analysis
from perennial.coload.conflict import BindingLink, Conflict
from perennial.coload.run.model import RunReport
from perennial.lean_typing import Any
from perennial.report.coload_run_json import runs_json

SCHEMA = "perennial.coload/1"


def coload_json(
    analysis: Analysis, conflicts: Iterable[Conflict], errors: Mapping[str, str], runs: RunReport | None = None
) -> str:
    """The document as text; `errors` are the inputs that could not be read, with the reason."""
    profile = analysis.profile
    document = {
        "schema": SCHEMA,
        "system": {
            "name": profile.name,
            "architecture": profile.architecture,
            "glibc": "{}.{}".format(*profile.glibc),
            "interpreter": profile.program.path,
        },
        "packages": [package.name for package in analysis.packages],
        "pairs": analysis.pairs,
        "conflicts": [_conflict(conflict) for conflict in conflicts],
        "runs": runs_json(runs),
        "errors": [{"input": source, "message": message} for source, message in errors.items()],
    }
    return json.dumps(document, indent=2) + "\n"


def _conflict(conflict: Conflict) -> dict[str, Any]:
    return {
        "rule": conflict.rule,
        "severity": conflict.severity.value,
        "order": list(conflict.order),
        "symbol": conflict.symbol,
        "bindings": [_link(link) for link in conflict.bindings],
        "message": conflict.message,
        "remedy": conflict.remedy,
    }


def _link(link: BindingLink) -> dict[str, Any]:
    return link._asdict()
