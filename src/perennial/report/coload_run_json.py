"""What became of processes that imported packages, as JSON: the key `runs` of `perennial.coload/1`."""

from __future__ import annotations

from perennial.coload.run.model import Diagnosis, Minimised, Outcome, Run, RunReport
from perennial.lean_typing import Any


def runs_json(report: RunReport | None) -> dict[str, Any] | None:
    """The value of `runs`: null where nothing was run."""
    if report is None:
        return None
    return {
        "python": {"path": report.python, "version": report.version},
        "alone": [_run(run) for run in report.alone],
        "orders": [_run(run) for run in report.orders],
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "order": list(run.order),
        "outcome": _outcome(run.outcome),
        "skipped": run.skipped or None,
        "diagnosis": None if run.diagnosis is None else _diagnosis(run.diagnosis),
    }


def _outcome(outcome: Outcome | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    return {
        "end": outcome.end.value,
        "step": outcome.step or None,
        "signal": outcome.signal,
        "status": outcome.code,
        "error": outcome.error,
        "python_stack": list(outcome.python),
    }


def _diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    held = diagnosis.held
    return {
        "again": diagnosis.again,
        "native_stack": [{"function": frame.function, "file": frame.file} for frame in diagnosis.frames],
        "bindings": [difference._asdict() for difference in diagnosis.differences],
        "preloaded": [{"library": one.library, "outcome": _outcome(one.outcome)} for one in diagnosis.preloads],
        "apart": [
            {"library": one.library, "package": one.package, "outcome": _outcome(one.outcome)}
            for one in diagnosis.apart
        ],
        "held": None
        if held is None
        else {
            "references": [{"asks": path, "symbol": symbol} for path, symbol in held.references],
            "of": held.captured,
            "processes": held.processes,
            "outcome": _outcome(held.left),
        },
        "hidden": None if diagnosis.minimised is None else _minimised(diagnosis.minimised),
        "notes": list(diagnosis.notes),
    }


def _minimised(found: Minimised) -> dict[str, Any]:
    return {
        "package": found.package,
        "symbols": [{"symbol": one.symbol, "files": list(one.files)} for one in found.symbols],
        "of": found.candidates,
        "processes": found.processes,
        "outcome": _outcome(found.left),
        "note": found.note or None,
    }
