"""perennial tags: which wheels a system accepts."""

from __future__ import annotations

import argparse
import sys

from perennial.cli.exit_codes import ExitCode
from perennial.cli.targets import add_target_arguments, read_target

USAGE = "perennial tags [--on TARGET | --interpreter PATH] [--as INSTALLER] [--list | --platforms | --json]"
SUMMARY = "which wheels a system accepts, as tags in order of preference"
DESCRIPTION = """\
Lists the tags that a system accepts, the best first (PEP 600, 656, 425), and says how each part of
the answer was found out. Without --on or --interpreter, this system.
"""
EPILOG = """\
examples:
  perennial tags
  perennial tags --on debian:12
  perennial tags --on glibc:2.28,arch=aarch64,python=3.12 --platforms
  perennial tags --on alpine:3.19 --as uv --list
  perennial tags --on /srv/root --json
  perennial tags --interpreter .venv/bin/python
"""
INSTALLERS = ("packaging", "pip", "uv", "poetry", "pdm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    parser.add_argument(
        "--as", dest="installer", choices=INSTALLERS,
        help="the list as this installer computes it, where it differs (default: as the PEPs say)",
    )  # fmt: skip
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--list", action="store_true", help="every tag, one a line, and nothing else")
    form.add_argument("--platforms", action="store_true", help="every platform tag, one a line, and nothing else")
    parser.add_argument("--json", action="store_true", help="as JSON; with --platforms, its platform tags only")


def run(arguments: argparse.Namespace) -> int:
    from perennial.tags.compute import tag_list
    from perennial.tags.installers import Installer

    target = read_target(arguments)
    installer = None if arguments.installer is None else Installer(arguments.installer)
    found = tag_list(target, installer)
    if arguments.json:
        import json

        from perennial.report.tags_json import tags_json

        document = tags_json(target, installer, found, platforms_only=arguments.platforms)
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif arguments.platforms or arguments.list:
        sys.stdout.writelines(f"{tag}\n" for tag in (found.platforms if arguments.platforms else found.tags()))
    else:
        from perennial.report.sheet import write_sheet
        from perennial.report.tags_sheet import tags_sheet

        write_sheet(tags_sheet(target, installer, found), sys.stdout)
    return ExitCode.OK
