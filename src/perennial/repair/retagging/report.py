"""What has become of a wheel that was to be retagged, for people and as plain data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from perennial.lean_typing import Any, Final, NamedTuple
from perennial.platform_tag import PlatformTag
from perennial.repair.retagging.plan import RetagPlan
from perennial.report.sheet import BLANK, Row, Span, row

SCHEMA: Final = "perennial.retag/1"


class RetagOutcome(StrEnum):
    """What was done."""

    RETAGGED = "retagged"
    UNCHANGED = "unchanged"  # it has the tags that it was to have
    COPIED = "copied"  # likewise, and it was copied to the folder that was asked for
    REFUSED = "refused"


class Retagged(NamedTuple):
    """What has become of one wheel; with `dry_run`, what would have. `output` is None where nothing is written."""

    path: str
    plan: RetagPlan
    outcome: RetagOutcome
    output: str | None
    dropped: tuple[str, ...] = ()
    removed: bool = False
    dry_run: bool = False


def as_rows(done: Retagged) -> Iterator[Row]:
    plan, outcome = done.plan, done.outcome
    why = f"no manylinux or musllinux tag is honest: {plan.shortfall}" if plan.shortfall else ""
    yield row(plan.source.text, indent=0)
    yield row("claims", _tags(plan.source.platforms))
    if outcome in (RetagOutcome.RETAGGED, RetagOutcome.REFUSED):
        yield row("new tags", Span(_tags(plan.target.platforms), "name"), Span(why and f"  {why}", "dim"))
    label, style = ("refused", "bad") if outcome is RetagOutcome.REFUSED else ("overridden", "warning")
    for objection in plan.objections:
        yield row(label, Span(f"{objection.tag or objection.rule}: {objection.message}", style))
    match outcome:
        case RetagOutcome.RETAGGED:
            yield row("would write" if done.dry_run else "written", Span(done.output or "", "good"))
        case RetagOutcome.COPIED:
            yield row("would copy to" if done.dry_run else "copied to", done.output or "")
        case RetagOutcome.UNCHANGED:
            yield row("unchanged", "it has these tags already" + (why and f"; {why}"))
        case RetagOutcome.REFUSED:
            yield row("", "nothing is written; --force writes it nevertheless")
    for name in done.dropped:
        yield row("left out", f"{name}, the signature of a RECORD that has changed")
    if done.removed:
        yield row("would remove" if done.dry_run else "removed", done.path)
    if plan.remaining:
        yield row("other errors", f"{', '.join(plan.remaining)}: tags have no part in them; see perennial check")
    yield BLANK


def _tags(tags: tuple[PlatformTag, ...]) -> str:
    return ", ".join(tag.text for tag in tags)


def as_json(results: Iterable[Retagged], errors: Mapping[str, str]) -> str:
    """The document as text; `errors` are the inputs that could not be read or written, with the reason."""
    document = {
        "schema": SCHEMA,
        "wheels": [_as_dict(done) for done in results],
        "errors": [{"input": source, "message": message} for source, message in errors.items()],
    }
    return json.dumps(document, indent=2) + "\n"


def _as_dict(done: Retagged) -> dict[str, Any]:
    plan = done.plan
    return {
        "path": done.path,
        "filename": plan.source.text,
        "claimed_tags": [tag.text for tag in plan.source.platforms],
        "tags": [tag.text for tag in plan.target.platforms],
        "outcome": done.outcome.value,
        "new_filename": plan.target.text,
        "output": done.output,
        "removed": done.removed,
        "dry_run": done.dry_run,
        "objections": [objection._asdict() for objection in plan.objections],
        "shortfall": plan.shortfall,
        "other_errors": list(plan.remaining),
        "dropped": list(done.dropped),
    }
