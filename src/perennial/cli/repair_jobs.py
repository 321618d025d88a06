"""Many wheels at once: a process for each, as far as there are processors, and reports in the order of the input."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterable, Iterator

from perennial.audit.report import AuditReport
from perennial.cli.cores import reading_threads
from perennial.cli.exit_codes import ExitCode
from perennial.cli.facts import knowledge_of
from perennial.cli.inputs import Input, find_local_inputs
from perennial.elf.dynamic_symbols import NO_SYMBOLS
from perennial.errors import UnreadableError, UsageError, printable
from perennial.lean_typing import Final, NamedTuple
from perennial.repair.options import RepairOptions
from perennial.repair.plan import Problem
from perennial.repair.repair import Job, RepairOutcome, new_job, repair_wheel
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.wheel import Wheel
from perennial.wheel.write import WriteOptions

# Starting processes costs as much as repairing some small wheels.
_WORTH_PROCESSES: Final = 4_000_000


class Settings(NamedTuple):
    """What a process has to be told. Everything here is a plain value."""

    options: RepairOptions
    mainstream: str | None
    limits: ArchiveLimits
    write: WriteOptions
    folder: str | None
    verb: str = "repaired"


class Done(NamedTuple):
    """A wheel that was dealt with; one of the two is None."""

    source: str
    outcome: RepairOutcome | None
    error: str | None


def repair_all(sources: Iterable[str], settings: Settings, arguments: argparse.Namespace) -> int:
    """Repairs all wheels, reports on each, and returns the exit code."""
    inputs = list(find_local_inputs(sources))
    if settings.folder is not None:
        _make_folder(settings.folder)
    jobs = min(arguments.jobs or os.cpu_count() or 1, len(inputs))
    if arguments.jobs is None and sum(_size(each) for each in inputs) < _WORTH_PROCESSES:
        jobs = 1
    done: list[Done] = []
    written: dict[str, str] = {}
    for each in _progressing(_run(inputs, settings, jobs), len(inputs)):
        each = _unless_written_before(each, written)  # noqa: PLW2901 - the same wheel, judged
        if each.error is not None:
            sys.stderr.write(f"perennial: {printable(each.error)}\n")
        if each.outcome is not None and not arguments.json:
            _write_text(each.outcome, arguments, settings.verb)
        done.append(each)
    if arguments.json:
        from perennial.repair.as_json import as_json

        outcomes = [each.outcome for each in done if each.outcome is not None]
        sys.stdout.write(as_json(outcomes, {each.source: each.error for each in done if each.error is not None}))
    if any(each.error is not None for each in done):
        return ExitCode.UNREADABLE
    failed = any(each.outcome is not None and each.outcome.plan.problems for each in done)
    return ExitCode.FINDINGS if failed else ExitCode.OK


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--wheel-dir {printable(folder)}: cannot be made: {error.strerror}") from error


def _size(each: Input) -> int:
    try:
        return 0 if each.path is None else os.path.getsize(each.path)
    except OSError:
        return 0


def _run(inputs: list[Input], settings: Settings, jobs: int) -> Iterator[Done]:
    job = _job(settings)  # whatever is wrong with the settings is said once, here
    if jobs == 1:
        for each in inputs:
            yield _repair(each, job, reading_threads())
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(jobs, initializer=_start, initargs=(settings,)) as pool:
        try:
            yield from pool.map(_in_process, inputs)
        finally:
            pool.shutdown(cancel_futures=True)


_jobs: Final[list[Job]] = []


def _start(settings: Settings) -> None:
    """Gets a process ready. Ctrl-C reaches it too, and it ends without a word: its parent has one."""
    signal.signal(signal.SIGINT, lambda _number, _frame: sys.exit(1))
    _jobs.append(_job(settings))


def _in_process(each: Input) -> Done:
    return _repair(each, _jobs[0], threads=1)


def _job(settings: Settings) -> Job:
    return new_job(
        settings.options,
        settings.folder,
        knowledge=knowledge_of(settings.mainstream),
        limits=settings.limits,
        write=settings.write,
    )


def _repair(each: Input, job: Job, threads: int) -> Done:
    try:
        if each.error is not None:
            raise each.error
        return Done(each.source, _slim(repair_wheel(each.path or each.source, job, threads=threads)), None)
    except UnreadableError as error:
        return Done(each.source, None, str(error))


def _slim(outcome: RepairOutcome) -> RepairOutcome:
    """Without facts that no report shows: they may be many, and go from process to process."""
    plan = outcome.plan
    wheel = plan.wheel._replace(record=None, members=())
    grafts = tuple(
        graft._replace(
            library=graft.library._replace(
                elf=graft.library.elf._replace(undefined=NO_SYMBOLS), library_strings=(), content=None
            )
        )
        for graft in plan.grafts
    )
    searches = tuple(search._replace(library=None) for search in plan.searches)
    expected = None if plan.expected is None else _slim_report(plan.expected, wheel)
    slim = plan._replace(wheel=wheel, grafts=grafts, searches=searches, expected=expected)
    repaired = outcome.repaired
    if repaired is not None and repaired.report is not None:
        repaired = repaired._replace(report=_slim_report(repaired.report, wheel))
    prepared = None if outcome.prepared is None else outcome.prepared._replace(members={})
    return RepairOutcome(slim, prepared, repaired)


def _slim_report(report: AuditReport, wheel: Wheel) -> AuditReport:
    return report._replace(wheel=wheel._replace(filename=report.wheel.filename), requirements=())


def _unless_written_before(done: Done, written: dict[str, str]) -> Done:
    """Two inputs that become the same file: the second has replaced the first, which is said."""
    outcome = done.outcome
    if outcome is None or outcome.repaired is None:
        return done
    before = written.setdefault(os.path.normcase(outcome.repaired.path), done.source)
    if before == done.source:
        return done
    problem = Problem(f"{before} was written to {outcome.repaired.path} too, and is no more", "Give only one of them.")
    plan = outcome.plan._replace(problems=(*outcome.plan.problems, problem))
    return done._replace(outcome=outcome._replace(plan=plan))


def _progressing(done: Iterator[Done], total: int) -> Iterator[Done]:
    """The same, with a line on standard error that counts, where that is a terminal and standard output is not."""
    shown = total > 1 and sys.stderr.isatty()
    for number, each in enumerate(done, 1):
        if shown:
            sys.stderr.write(f"\r\x1b[K{number} of {total}: {printable(each.source)}"[:200])
            sys.stderr.write("\r\x1b[K" if number == total or sys.stdout.isatty() else "")
            sys.stderr.flush()
        yield each


def _write_text(outcome: RepairOutcome, arguments: argparse.Namespace, verb: str) -> None:
    from perennial.repair.as_text import repair_sheet, summary_line
    from perennial.report.sheet import write_sheet

    sheet = summary_line(outcome, verb) if arguments.quiet else repair_sheet(outcome, verb, verbose=arguments.verbose)
    write_sheet(sheet, sys.stdout)
    sys.stdout.flush()
