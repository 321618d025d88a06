"""perennial explain: will this wheel install there, will it run there, and if not, what to do."""

from __future__ import annotations

import argparse
import os
import sys

from perennial.cli.config import load_config, settle_index
from perennial.cli.exit_codes import ExitCode
from perennial.cli.facts import add_fact_arguments
from perennial.cli.output import write_output
from perennial.cli.targets import add_target_arguments

USAGE = "perennial explain [options] WHEEL|REQUIREMENT [...] [--on TARGET ... | --all-releases]"
SUMMARY = "why a wheel does or does not install and run on a system, and what to do"
DESCRIPTION = """\
Answers, for a wheel or for a project on the index: will it install there, with which of its tags and
by which installers; will it run there; and if not, what to do. Without --on, on this system. A wheel's
name is enough, where there is no such file; then nothing is said of what is inside.
"""
EPILOG = """\
examples:
  perennial explain dist/demo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl --on rhel:7
  perennial explain demo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl --on ubuntu:18.04,python=3.12
  perennial explain 'numpy>=2' --on alpine:3.19 --no-audit
  perennial explain cryptography --on amazonlinux:2 --on debian:12 --python 3.12
  perennial explain numpy --all-releases --python 3.12 --format html -o numpy.html
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "wheels", nargs="+", metavar="WHEEL",
        help="a wheel, a folder of wheels, the name of a wheel, or a requirement such as numpy==2.4.6",
    )  # fmt: skip
    add_target_arguments(parser, several=True)
    more = parser.add_argument_group("what to ask")
    more.add_argument(
        "--pip", metavar="VERSION", help="the pip that is there, which may be too old to read a tag: 9.0.1"
    )
    more.add_argument(
        "--audit", action=argparse.BooleanOptionalAction, default=None,
        help="look into the wheels, which downloads those that a requirement means (default: for one system)",
    )  # fmt: skip
    add_fact_arguments(parser)
    index = parser.add_argument_group("requirements (pip's own settings are honoured)")
    index.add_argument("--index-url", metavar="URL", help="the index to ask instead of the configured one")
    index.add_argument("--extra-index-url", metavar="URL", action="append", default=[], help="one more index to ask")
    index.add_argument("--no-cache", action="store_true", help="neither use nor keep downloaded wheels")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--format", choices=("text", "json", "html"), default="text", help="how to report (default: text)"
    )
    output.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    output.add_argument("-o", "--output", metavar="FILE", help="write to FILE, whole or not at all")
    output.add_argument("-v", "--verbose", action="store_true", help="also how the system was found out, and each tag")
    parser.add_argument("--config", metavar="FILE", help="a pyproject.toml to read instead of the nearest one")


def run(arguments: argparse.Namespace) -> int:
    from perennial.cli.explanations import explain_all

    config = load_config(arguments.config, os.getcwd())
    settle_index(arguments, config)
    found = explain_all(arguments)
    if arguments.format == "json":
        from perennial.report.explain_json import as_json

        write_output(as_json(found), arguments.output)
    elif arguments.format == "html":
        from perennial.report.explain_html import as_html

        write_output(as_html(found), arguments.output)
    else:
        from perennial.report.explain_sheet import explain_sheet
        from perennial.report.sheet import as_plain, write_sheet

        sheet = explain_sheet(found, verbose=arguments.verbose)
        if arguments.output is None:
            write_sheet(sheet, sys.stdout)
        else:
            write_output(as_plain(sheet), arguments.output)
    if found.errors:
        return ExitCode.UNREADABLE
    return ExitCode.OK if all(subject.is_fine for subject in found.subjects) else ExitCode.FINDINGS
