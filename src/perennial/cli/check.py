"""perennial check: the same audit as a gate."""

from __future__ import annotations

import argparse
import os

from perennial.cli.audits import add_audit_arguments, judged_tag, read_options, run_audits
from perennial.cli.config import load_config, settle_index

USAGE = "perennial check [options] WHEEL [WHEEL ...]"
SUMMARY = "pass or fail wheels by the tags that they claim, or by one that you name"
DESCRIPTION = """\
Audits wheels as `show` does and fails (exit code 1) where one of them has a finding of
error severity: by default judged by the tags in its file name, with --tag by that one.
"""
EPILOG = """\
examples:
  perennial check dist/*.whl
  perennial check --tag manylinux_2_28_x86_64 dist/
  perennial check --ignore rpath-outside-wheel --format github dist/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tag", metavar="TAG", help="judge by this platform tag instead of the claimed ones")
    add_audit_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config, os.getcwd())
    settle_index(arguments, config)
    return run_audits(arguments, read_options(arguments, config, judged_tag(arguments.tag, config)))
