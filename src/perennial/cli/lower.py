"""perennial lower: wheels that were built on a new system, running on old ones."""

from __future__ import annotations

import argparse
import os

from perennial.cli.audits import add_limit_arguments, read_limits
from perennial.cli.facts import add_mainstream_argument
from perennial.cli.lower_options import add_lower_arguments, read_lower_options
from perennial.cli.repair_options import add_place_arguments, add_run_arguments, read_places
from perennial.cli.writing import add_writing_arguments, read_write_options
from perennial.errors import UsageError
from perennial.lean_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perennial.cli.repair_jobs import Settings

USAGE = "perennial lower --to TAG [options] WHEEL [WHEEL ...]"
SUMMARY = "make a wheel that was built on a new system run on older ones"
DESCRIPTION = """\
Binds what a wheel needs of a newer glibc or libstdc++ to what the systems of an older tag have: to the
same code under its older name, to another function, or to a small library of substitutes that comes into
the wheel. Where there is no substitute that means the same, nothing is written, and every symbol that
stands in the way is named. What is written into --wheel-dir (default: wheelhouse) has passed the audit.
"""
EPILOG = """\
examples:
  perennial lower --to manylinux_2_17 dist/*.whl
  perennial lower --to manylinux_2_28 --dry-run -v dist/demo-1.0-cp312-cp312-linux_x86_64.whl
  perennial lower --to manylinux_2_17 --cxx private dist/demo-1.0-cp312-cp312-linux_x86_64.whl
  perennial repair --lower-to manylinux_2_17 dist/*.whl      with libraries from outside the wheel
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("wheels", nargs="*", metavar="WHEEL", help="a wheel, or a folder of wheels")
    add_lower_arguments(parser, "--to", "TAG")
    add_place_arguments(parser, "where libstdc++ is taken from (--cxx private)")
    add_mainstream_argument(parser)
    add_writing_arguments(parser)
    parser.set_defaults(wheel_dir="wheelhouse")
    add_run_arguments(parser, "lower", verbose="every reference, and what becomes of it")
    add_limit_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.wheels:
        raise UsageError("which wheel? see perennial lower --help")
    if arguments.lower_to is None:
        raise UsageError("lower to which tag? say --to manylinux_2_17, for example")
    import gc

    from perennial.cli.repair_jobs import repair_all

    gc.set_threshold(100_000)  # as for repair: values in tuples make no circles
    return repair_all(arguments.wheels, _settings(arguments), arguments)


def _settings(arguments: argparse.Namespace) -> Settings:
    from perennial.cli.repair_jobs import Settings
    from perennial.repair.options import RepairOptions

    return Settings(
        options=RepairOptions(
            places=read_places(arguments, os.environ), lower=read_lower_options(arguments, copies_libraries=False)
        ),
        mainstream=arguments.mainstream,
        limits=read_limits(arguments),
        write=read_write_options(arguments, verified=True),
        folder=None if arguments.dry_run else arguments.wheel_dir,
        verb="lowered",
    )
