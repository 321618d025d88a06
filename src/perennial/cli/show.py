"""perennial show: what a wheel honestly is."""

from __future__ import annotations

import argparse
import os

from perennial.cli.audits import add_audit_arguments, read_options, run_audits
from perennial.cli.config import load_config, settle_index

USAGE = "perennial show [options] WHEEL [WHEEL ...]"
SUMMARY = "what a wheel honestly is, why, and where it runs"
DESCRIPTION = """\
Shows, for each wheel: the lowest honest platform tag, whether its claimed tags keep their
promise, what sets the floor and what would bring it down, where it runs, and findings.
"""
EPILOG = """\
examples:
  perennial show dist/demo-1.0-cp312-cp312-linux_x86_64.whl
  perennial show numpy                          the newest wheel on the index
  perennial show 'numpy==2.4.6' --arch aarch64 --python 3.12 --libc musl
  perennial show wheelhouse/ --json > report.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_audit_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config, os.getcwd())
    settle_index(arguments, config)
    return run_audits(arguments, read_options(arguments, config, None))
