"""An explanation for people: a few lines for one system, a table for several."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.report.explain_words import (
    Advice,
    advice,
    installs,
    project_advice,
    project_installs,
    refusal_word,
    runs,
    system_words,
    taken,
)  # fmt: skip
from perennial.report.sheet import BLANK, Row, Sheet, Span, row
from perennial.report.tags_sheet import headline
from perennial.report.text import plural
from perennial.tags.explain import Explained, Explanation, ProjectExplanation, Subject
from perennial.tags.running import Runs
from perennial.tags.target import Target

_MOST_COLUMNS = 9
_CELL = 8
_SYSTEM = 46


def explain_sheet(found: Explained, *, verbose: bool) -> Sheet:
    rows: list[Row] = []
    for subject in found.subjects:
        if len(found.targets) == 1:
            rows += _one(subject.answers[0], found.targets[0], verbose=verbose)
        else:
            rows += _table(subject, found)
        rows.append(BLANK)
    return tuple(rows)


# ----- one system


def _one(answer: Explanation | ProjectExplanation, target: Target, *, verbose: bool) -> Iterator[Row]:
    if isinstance(answer, ProjectExplanation):
        yield row(answer.requirement, indent=0)
        yield from _target_rows(target, verbose=verbose)
        yield row("installs", _colour(project_installs(answer), fine=answer.answer.takes is not None))
        if answer.wheel is not None and answer.wheel.running is not None:
            yield row("runs", _colour(runs(answer.wheel), fine=answer.wheel.running.verdict is Runs.YES))
        yield from _advice_rows(project_advice(answer))
        return
    yield row(answer.installation.filename.text, indent=0)
    yield from _target_rows(target, verbose=verbose)
    yield row("installs", _colour(installs(answer.installation, target), fine=answer.installation.accepted))
    running = answer.running
    yield row("runs", _colour(runs(answer), fine=running is None or running.verdict is Runs.YES))
    yield from _advice_rows(advice(answer))
    if verbose:
        for index, (tag, refusal) in enumerate(answer.installation.refusals):
            yield row("" if index else "tags", f"{tag}: {refusal}")


def _target_rows(target: Target, *, verbose: bool) -> Iterator[Row]:
    yield row("on", headline(target))
    for detail in target.details:
        if verbose or detail.part == "override":
            yield row(detail.part, detail.text)


def _colour(text: str, *, fine: bool) -> Span:
    return Span(text, "" if fine else "warning")


def _advice_rows(found: tuple[Advice, ...]) -> Iterator[Row]:
    for index, each in enumerate(found):
        yield row("" if index else "what to do", each.text)


# ----- several systems


def _table(subject: Subject, found: Explained) -> Iterator[Row]:
    chosen = [taken(answer) for answer in subject.answers]
    rows = (
        [each for each in subject.matrix if each.filename in chosen]
        if len(subject.matrix) > _MOST_COLUMNS
        else list(subject.matrix)
    )
    rows = rows[:_MOST_COLUMNS]
    yield row(subject.source, indent=0)
    fine = sum(answer.is_fine for answer in subject.answers)
    yield row("in all", f"{fine} of {plural(len(subject.answers), 'system')}")
    for number, each in enumerate(rows, 1):
        yield row(f"[{number}]", each.filename)
    hidden = len(subject.matrix) - len(rows)
    if hidden:
        yield row("", f"and {plural(hidden, 'wheel')} more, which no system here takes")
    yield BLANK
    heads = "".join(f"[{number}]".ljust(_CELL) for number in range(1, len(rows) + 1))
    yield Row("", (Span(f"{'system'.ljust(_SYSTEM)}{heads}answer".rstrip(), "title"),), 0)
    for index, (answer, target) in enumerate(zip(subject.answers, found.targets, strict=True)):
        cells = []
        for each in rows:
            refusal = each.refusals[index]
            is_taken = each.filename == chosen[index]
            word = "takes" if is_taken else "yes" if refusal is None else refusal_word(refusal)
            cells.append(Span(word.ljust(_CELL), "good" if is_taken else "" if refusal is None else "dim"))
        yield Row(
            "",
            (Span(system_words(target).ljust(_SYSTEM)), *cells, _colour(_short(answer, target), fine=answer.is_fine)),
            0,
        )


def _short(answer: Explanation | ProjectExplanation, target: Target) -> str:
    if isinstance(answer, ProjectExplanation):
        wheel = answer.wheel
        if answer.answer.takes is None:
            return project_installs(answer)
        prefix = f"yes, {answer.answer.takes_version}"
        return prefix if wheel is None or wheel.running is None else f"{prefix}; runs: {runs(wheel)}"
    text = installs(answer.installation, target)
    text = "yes" if answer.installation.accepted else text
    return text if answer.running is None else f"{text}; runs: {runs(answer)}"
