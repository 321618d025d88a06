"""perennial repair: wheels that keep their promise."""

from __future__ import annotations

import argparse
import os

from perennial.cli.audits import add_limit_arguments, read_limits
from perennial.cli.facts import add_mainstream_argument
from perennial.cli.lower_options import add_lower_arguments, read_lower_options
from perennial.cli.repair_options import add_repair_arguments, add_run_arguments, misplaced_wheel, read_repair_options
from perennial.cli.writing import add_writing_arguments, read_write_options
from perennial.errors import UsageError
from perennial.lean_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perennial.cli.repair_jobs import Settings

USAGE = "perennial repair [options] WHEEL [WHEEL ...]"
SUMMARY = "copy the libraries that a wheel needs into it, and give it the tags that it keeps"
DESCRIPTION = """\
Copies the libraries that no system need have into each wheel, under names of their own, makes every
reference follow, and gives the wheel its lowest honest platform tags. What is written into
--wheel-dir (default: wheelhouse) has passed the audit; where that cannot be, nothing is written.
"""
EPILOG = """\
examples:
  perennial repair dist/*.whl
  perennial repair --plat manylinux_2_28_x86_64 -w wheelhouse dist/
  perennial repair --dry-run -v dist/demo-1.0-cp312-cp312-linux_x86_64.whl
  perennial repair --lower-to manylinux_2_17 dist/*.whl
  perennial repair --sysroot /opt/aarch64 demo-1.0-cp312-cp312-linux_aarch64.whl
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("wheels", nargs="*", metavar="WHEEL", help="a wheel, or a folder of wheels")
    add_repair_arguments(parser)
    add_lower_arguments(parser, "--lower-to", "TAG")
    add_mainstream_argument(parser)
    add_writing_arguments(parser)
    parser.set_defaults(wheel_dir="wheelhouse")
    add_run_arguments(parser, "repair", verbose="every change, and every place where a library was looked for")
    add_limit_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    misplaced = misplaced_wheel(arguments)
    sources = [*arguments.wheels, *([] if misplaced is None else [misplaced])]
    if not sources:
        raise UsageError("which wheel? see perennial repair --help")
    import gc

    from perennial.cli.repair_jobs import repair_all

    # Values in tuples make no circles; looking for them takes a twentieth of a small repair.
    gc.set_threshold(100_000)
    return repair_all(sources, _settings(arguments), arguments)


def _settings(arguments: argparse.Namespace) -> Settings:
    from perennial.cli.repair_jobs import Settings

    options = read_repair_options(arguments, os.environ)
    lower = read_lower_options(arguments, copies_libraries=True)
    if lower is not None:
        if arguments.plat is not None:
            raise UsageError("--lower-to names the tag already: leave --plat out")
        options = options._replace(lower=lower, plat=None)  # AUDITWHEEL_PLAT is that of the image it was built in
    return Settings(
        options=options,
        mainstream=arguments.mainstream,
        limits=read_limits(arguments),
        write=read_write_options(arguments, verified=True),
        folder=None if arguments.dry_run else arguments.wheel_dir,
    )
