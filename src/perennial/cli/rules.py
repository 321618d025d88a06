"""perennial rules: what is checked."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from perennial.cli.exit_codes import ExitCode
from perennial.errors import UsageError
from perennial.report.sheet import BLANK, Row, row, write_sheet

USAGE = "perennial rules [--json] [RULE ...]"
SUMMARY = "list the rules, or explain one"
DESCRIPTION = "Lists all rules that `show` and `check` know, or explains those that are named."
EPILOG = """\
examples:
  perennial rules
  perennial rules executable-stack
  perennial rules --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rules", nargs="*", metavar="RULE", help="explain these rules (default: list all)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    from perennial.audit.checks import RULES

    check_names(arguments.rules)
    chosen = [RULES[name] for name in arguments.rules] or list(RULES.values())
    if arguments.json:
        import json

        document = {"schema": "perennial.rules/1", "rules": [rule._asdict() for rule in chosen]}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return ExitCode.OK
    rows: list[Row] = []
    for rule in chosen:
        rows += [row(rule.id, indent=0), row("", rule.title)]
        if arguments.rules:
            rows += [row("", rule.why), BLANK]
    write_sheet(rows, sys.stdout)
    return ExitCode.OK


def check_names(names: Iterable[str]) -> None:
    """Raises `UsageError` for the first name that is no rule, with the one that was probably meant."""
    from perennial.audit.checks import RULES

    for name in names:
        if name not in RULES:
            from difflib import get_close_matches

            close = get_close_matches(name, RULES, 1)
            hint = f"did you mean {close[0]}?" if close else "perennial rules lists them"
            raise UsageError(f"there is no rule {name}: {hint}")
