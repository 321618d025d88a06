"""What became of processes that imported packages, for people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from perennial.coload.run.model import (
    BindingDifference,
    Diagnosis,
    End,
    Held,
    Minimised,
    Outcome,
    Run,
    RunReport,
    in_words,
)
from perennial.report.coload_text import project
from perennial.report.demangle import demangle
from perennial.report.sheet import BLANK, Row, Sheet, Span, row
from perennial.report.text import plural

_MOST_FRAMES = 6
_MOST_DIFFERENCES = 4


def run_rows(report: RunReport, *, verbose: bool) -> Sheet:
    """Every run; of those that failed, what was found out. `verbose` shows whole stacks and all bindings."""
    return tuple(_rows(report, verbose=verbose))


def run_summary(report: RunReport) -> Sheet:
    """One line, for -q."""
    runs = [run for run in (*report.alone, *report.orders) if run.outcome is not None]
    failed = sum(run.outcome is not None and run.outcome.end is not End.FINE for run in runs)
    return (
        row(f"run with CPython {report.version}: {plural(len(runs), 'order')}, {plural(failed, 'failure')}", indent=0),
    )


def _rows(report: RunReport, *, verbose: bool) -> Iterator[Row]:
    yield BLANK
    yield row(f"run with CPython {report.version}, {report.python}", indent=0)
    for run in (*report.alone, *report.orders):
        label = ", then ".join(project(name) for name in run.order)
        yield row("alone" if len(run.order) == 1 else "import", Span(label, "name"), ": ", _verdict(run))
    for run in (*report.alone, *report.orders):
        if run.outcome is not None and run.outcome.end is not End.FINE:
            yield BLANK
            yield from _failure(run, run.outcome, verbose=verbose)


def _verdict(run: Run) -> Span:
    if run.outcome is None:
        return Span(f"not run, {run.skipped}", "dim")
    return Span(in_words(run.outcome), "good" if run.outcome.end is End.FINE else "bad")


def _failure(run: Run, outcome: Outcome, *, verbose: bool) -> Iterator[Row]:
    yield row("failure", Span(", then ".join(project(name) for name in run.order), "name"))
    yield row("ends", Span(in_words(outcome), "bad"))
    if len(run.order) == 1 and outcome.end is End.EXCEPTION and (outcome.error or "").startswith("ModuleNotFoundError"):
        is_wheel = run.order[0].endswith(".whl")
        yield row("remedy", "give the wheels that it depends on: --with FOLDER" if is_wheel else "install it there")
    # importlib's own frames stand between any two others
    python = outcome.python if verbose else tuple(line for line in outcome.python if not line.startswith("<frozen "))
    yield from _listed("python", python, _MOST_FRAMES, verbose=verbose)
    if run.diagnosis is not None:
        yield from _diagnosis(run.diagnosis, verbose=verbose)


def _diagnosis(diagnosis: Diagnosis, *, verbose: bool) -> Iterator[Row]:
    frames = [
        f"{_name(frame.function or '??', verbose=verbose)}{f'  {frame.file}' if frame.file else ''}"
        for frame in diagnosis.frames
    ]
    yield from _listed("native", frames, _MOST_FRAMES, verbose=verbose)
    guilty = {symbol for _, symbol in diagnosis.held.references} if diagnosis.held else set()
    guilty |= {one.symbol for one in diagnosis.minimised.symbols} if diagnosis.minimised else set()
    yield from _differences(diagnosis.differences, guilty, verbose=verbose)
    for preload in diagnosis.preloads:
        yield _control(f"with {preload.library} loaded before the imports: ", preload.outcome)
    for one in diagnosis.apart:
        yield _control(f"with {one.package}'s own {one.library} under a name of its own: ", one.outcome)
    if diagnosis.held is not None:
        yield from _held(diagnosis.held, verbose=verbose)
    if diagnosis.minimised is not None:
        yield from _minimised(diagnosis.minimised, verbose=verbose)
    for note in diagnosis.notes:
        yield row("note", note)


def _differences(differences: Sequence[BindingDifference], guilty: set[str], *, verbose: bool) -> Iterator[Row]:
    """Those that matter first."""
    ordered = sorted(differences, key=lambda one: one.symbol not in guilty)
    shown = ordered if verbose else ordered[:_MOST_DIFFERENCES]
    label = "bindings"
    for one in shown:
        version = f" ({one.version})" if one.version else ""
        yield row(label, Span(one.asks, "name"), f" asks for {_name(one.symbol, verbose=verbose)}{version}")
        yield row("", "  and gets that of ", Span(one.got, "bad"), f"; {one.control} alone: {one.expected}")
        label = ""
    if len(ordered) > len(shown):
        yield row(
            "", Span(f"and {len(ordered) - len(shown)} more that differ from the controls (-v shows them)", "dim")
        )


def _control(what: str, outcome: Outcome) -> Row:
    cured = outcome.end is End.FINE
    return row("control", what, Span("works" if cured else in_words(outcome), "good" if cured else "bad"))


def _held(held: Held, *, verbose: bool) -> Iterator[Row]:
    for path, symbol in held.references:
        yield row(
            "minimised",
            "gone when ",
            Span(os.path.basename(path), "name"),
            "'s own references to ",
            Span(_name(symbol, verbose=verbose), "bad"),
            " stay in it",
        )
    count = plural(held.captured, "captured reference")
    yield row(
        "", Span(f"  the smallest set of {count}, found in {plural(held.processes, 'process', 'processes')}", "dim")
    )


def _minimised(found: Minimised, *, verbose: bool) -> Iterator[Row]:
    if not found.symbols:
        yield row("hidden", Span(f"{plural(found.candidates, 'candidate')} of {found.package}: {found.note}", "dim"))
        return
    for one in found.symbols:
        yield row(
            "hidden",
            "gone when ",
            Span(found.package, "name"),
            " does not export ",
            Span(_name(one.symbol, verbose=verbose), "bad"),
        )
        yield row("", Span(f"  in {', '.join(one.files)}", "dim"))
    count = plural(found.candidates, "candidate")
    yield row(
        "", Span(f"  the smallest set of {count}, found in {plural(found.processes, 'process', 'processes')}", "dim")
    )
    if found.left is not None and found.left.end is not End.FINE:
        yield row("", f"  the imports then end otherwise: {in_words(found.left)}")


def _listed(label: str, lines: Sequence[str], most: int, *, verbose: bool) -> Iterator[Row]:
    shown = lines if verbose else lines[:most]
    for line in shown:
        yield row(label, line)
        label = ""


def _name(symbol: str, *, verbose: bool) -> str:
    return symbol if verbose else demangle(symbol)
