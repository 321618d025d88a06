"""perennial coload: several packages in one process."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from perennial.cli.coload_run import add_run_arguments, check_run_arguments, run_sources
from perennial.cli.exit_codes import ExitCode
from perennial.cli.inputs import add_input_arguments
from perennial.cli.output import write_output
from perennial.finding import Severity
from perennial.lean_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perennial.cli.coload_inputs import Found
    from perennial.coload.analysis import Analysis
    from perennial.coload.conflict import Conflict
    from perennial.coload.gather import Gathered
    from perennial.coload.run.model import RunReport

USAGE = "perennial coload [options] WHEEL WHEEL [...] | --env [PYTHON] [NAME NAME ...]"
SUMMARY = "what happens when packages are imported into one process"
DESCRIPTION = """\
Plays through what the dynamic loader does when Python imports one package and then another,
for every ordered pair, and reports which references are bound to something else than alone.
"""
EPILOG = """\
examples:
  perennial coload pyarrow tensorflow             the newest wheels on the index, both orders
  perennial coload dist/demo-1.0-*.whl numpy scipy
  perennial coload --set torch faiss-cpu lightgbm just this order of imports
  perennial coload --env .venv/bin/python         all that is installed there
  perennial coload --env=python3 --run numpy torch
                                                  two of that, imported where they are
  perennial coload --on debian:12 --json a.whl b.whl
  perennial coload --run --python 3.12 --with deps/ a.whl b.whl
                                                  import them for real as well
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_input_arguments(parser, nargs="*")
    group = parser.add_argument_group("what is imported where")
    group.add_argument(
        "--env",
        metavar="PYTHON",
        nargs="?",
        const="",
        help="what is installed for this Python (default: one's own), all or what is named",
    )
    group.add_argument("--set", action="store_true", help="import all in the order given, and no other")
    group.add_argument(
        "--on",
        metavar="SYSTEM",
        help="whose libraries: debian:12 (default: the newest stable one), or a root such as /",
    )
    group.add_argument("--interpreter", metavar="PATH", help="the Python whose libraries a process has (in a root)")
    group.add_argument(
        "--standalone", action="store_true", help="an interpreter that has nothing but the C library in the process"
    )
    add_run_arguments(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="as JSON")
    output.add_argument("-o", "--output", metavar="FILE", help="write to FILE instead of standard output")
    amount = output.add_mutually_exclusive_group()
    amount.add_argument("-v", "--verbose", action="store_true", help="every finding, whole chains, symbols as they are")
    amount.add_argument("-q", "--quiet", action="store_true", help="one line")
    output.add_argument("--select", metavar="RULE", action="append", help="report these rules only; may be repeated")
    output.add_argument("--ignore", metavar="RULE", action="append", help="leave out these rules; may be repeated")


def run(arguments: argparse.Namespace) -> int:
    from perennial.cli.coload_inputs import find_sources
    from perennial.cli.rules import check_names
    from perennial.coload.rules import RULES

    check_run_arguments(arguments)
    check_names([*(arguments.select or ()), *(arguments.ignore or ())], RULES)
    found = find_sources(arguments)
    analysis, found = _analyse(arguments, found)
    conflicts = _filtered(analysis.conflicts, arguments)
    runs = run_sources(found, arguments) if arguments.run and not found.errors else None
    _write(analysis, conflicts, runs, found.errors, arguments)
    if found.errors:
        return ExitCode.UNREADABLE
    failed = any(conflict.severity is Severity.ERROR for conflict in conflicts)
    failed |= runs is not None and runs.has_failure
    return ExitCode.FINDINGS if failed else ExitCode.OK


def _analyse(arguments: argparse.Namespace, found: Found) -> tuple[Analysis, Found]:
    """The analysis of what can be read, which is what is found then."""
    from perennial.coload.analysis import analyse_order, analyse_pairs

    gathered, found = _gather(arguments, found)
    sources = found.sources
    analyse = analyse_order if arguments.set else analyse_pairs
    with _progress("importing", len(sources) if arguments.set else len(sources) ** 2) as advance:
        return analyse(gathered.packages, gathered.profile, advance=advance), found


def _gather(arguments: argparse.Namespace, found: Found) -> tuple[Gathered, Found]:
    from perennial.cli.coload_inputs import cache_of, without
    from perennial.coload.gather import UnreadableSourceError, gather

    while True:
        try:
            with _progress("reading", len(found.sources)) as advance:
                return gather(found.sources, found.system, cache_of(arguments), advance=advance), found
        except UnreadableSourceError as error:
            found = without(found, error)


def _filtered(conflicts: Sequence[Conflict], arguments: argparse.Namespace) -> tuple[Conflict, ...]:
    select, ignore = arguments.select or (), arguments.ignore or ()
    return tuple(
        conflict for conflict in conflicts if conflict.rule not in ignore and (not select or conflict.rule in select)
    )


def _write(
    analysis: Analysis,
    conflicts: tuple[Conflict, ...],
    runs: RunReport | None,
    errors: dict[str, str],
    arguments: argparse.Namespace,
) -> None:
    if arguments.json:
        from perennial.report.coload_json import coload_json

        write_output(coload_json(analysis, conflicts, errors, runs), arguments.output)
        return
    from perennial.report.coload_text import coload_report, coload_summary
    from perennial.report.sheet import as_plain, write_sheet

    if arguments.quiet:
        sheet = coload_summary(analysis, conflicts, len(errors))
    else:
        sheet = coload_report(analysis, conflicts, len(errors), verbose=arguments.verbose)
    if runs is not None:
        from perennial.report.coload_run_text import run_rows, run_summary

        sheet += run_summary(runs) if arguments.quiet else run_rows(runs, verbose=arguments.verbose)
    if arguments.output is None:
        write_sheet(sheet, sys.stdout)
    else:
        write_output(as_plain(sheet), arguments.output)


@contextmanager
def _progress(name: str, total: int) -> Iterator[Callable[[], None]]:
    """Something to look at on a terminal."""
    from perennial.cli.progress import progress_on_stderr

    with progress_on_stderr(bytes_=False) as progress:
        if progress is None:
            yield lambda: None
            return
        progress.start(name, total)
        yield lambda: progress.advance(1)
