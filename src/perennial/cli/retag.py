"""perennial retag: other platform tags for a wheel."""

from __future__ import annotations

import argparse
import sys

from perennial.cli.audits import add_limit_arguments, read_limits
from perennial.cli.cores import reading_threads
from perennial.cli.exit_codes import ExitCode
from perennial.cli.facts import add_mainstream_argument, knowledge_of
from perennial.cli.inputs import find_local_inputs
from perennial.cli.writing import add_writing_arguments, read_write_options
from perennial.errors import UnreadableError, printable
from perennial.repair.retagging.apply import Retagger, RetagSettings
from perennial.repair.retagging.plan import AUTO, LegacyAliases, RetagRequest, check_request
from perennial.repair.retagging.report import Retagged, RetagOutcome, as_json, as_rows
from perennial.report.sheet import write_sheet

USAGE = "perennial retag [--tag TAG] [--only] [options] WHEEL [WHEEL ...]"
SUMMARY = "give wheels the platform tags that they can keep: file name, WHEEL and RECORD at once"
DESCRIPTION = """\
Gives each wheel the platform tags that it ought to have, or those of --tag, in its file name, in
WHEEL and in RECORD, after an audit has proven that it keeps them. No other file of it changes.
"""
EPILOG = """\
examples:
  perennial retag dist/demo-1.0-cp312-cp312-linux_x86_64.whl
  perennial retag --tag manylinux_2_28_x86_64 --only -w wheelhouse dist/
  perennial retag --drop-legacy --dry-run wheelhouse/*.whl
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("wheels", nargs="+", metavar="WHEEL", help="a wheel, or a folder of wheels")
    tags = parser.add_argument_group("tags (default: those that the wheel ought to have, and no others)")
    tags.add_argument(
        "--tag", metavar="TAG", action="append", default=[],
        help=f"add this platform tag to those that are claimed; may be repeated; {AUTO} stands for those that it "
        "ought to have",
    )  # fmt: skip
    tags.add_argument("--only", action="store_true", help="keep none of the claimed tags beside those of --tag")
    aliases = tags.add_mutually_exclusive_group()
    aliases.add_argument(
        "--add-legacy", dest="legacy", action="store_const", const=LegacyAliases.ADD, default=LegacyAliases.KEEP,
        help="add manylinux1, manylinux2010 or manylinux2014, for pip before 20.3",
    )  # fmt: skip
    aliases.add_argument(
        "--drop-legacy", dest="legacy", action="store_const", const=LegacyAliases.DROP,
        help="replace manylinux1, manylinux2010 and manylinux2014 by what they mean",
    )  # fmt: skip
    tags.add_argument("--force", action="store_true", help="write it even if the tags are not proven, and say so")
    add_mainstream_argument(tags)
    add_writing_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace other wheels that have the new name")
    parser.add_argument("--remove", action="store_true", help="remove each input when its successor is written")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_limit_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    request = RetagRequest(tuple(arguments.tag), arguments.only, arguments.legacy)
    check_request(request)
    settings = RetagSettings(
        folder=arguments.wheel_dir,
        force=arguments.force,
        overwrite=arguments.overwrite,
        remove=arguments.remove,
        dry_run=arguments.dry_run,
    )
    options = read_write_options(arguments, verified=True)
    retagger = Retagger(request, settings, options, knowledge_of(arguments.mainstream), read_limits(arguments))
    results: list[Retagged] = []
    errors: dict[str, str] = {}
    for source, path, error in find_local_inputs(arguments.wheels):
        try:
            if error is not None:
                raise error
            results.append(done := retagger.retag(path or source, threads=reading_threads()))
        except UnreadableError as unreadable:
            errors[source] = str(unreadable)
            sys.stderr.write(f"perennial: {printable(str(unreadable))}\n")
            continue
        if not arguments.json:
            write_sheet(as_rows(done), sys.stdout)
            sys.stdout.flush()
    if arguments.json:
        sys.stdout.write(as_json(results, errors))
    if errors:
        return ExitCode.UNREADABLE
    return ExitCode.FINDINGS if any(done.outcome is RetagOutcome.REFUSED for done in results) else ExitCode.OK
