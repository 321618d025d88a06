"""perennial rules: what is checked."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping

from perennial.cli.exit_codes import ExitCode
from perennial.errors import UsageError, printable
from perennial.finding import Rule
from perennial.report.sheet import BLANK, Row, row, write_sheet

USAGE = "perennial rules [--json] [RULE ...]"
SUMMARY = "list the rules, or explain one"
DESCRIPTION = "Lists all rules that `show`, `check` and `coload` know, or explains those that are named."
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
    check_names(arguments.rules)
    rules = all_rules()
    chosen = [rules[name] for name in arguments.rules] or list(rules.values())
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


def all_rules() -> dict[str, Rule]:
    """Those about wheels, then those about several packages in one process."""
    from perennial.audit.checks import RULES
    from perennial.coload.rules import RULES as COLOAD_RULES

    return RULES | COLOAD_RULES


def check_names(names: Iterable[str], rules: Mapping[str, Rule] | None = None, source: str | None = None) -> None:
    """Raises `UsageError` for the first name that is no rule, with the one that was probably meant.

    `rules` are those that the command knows, None for all; `source` is where the names stand, for the message.
    """
    rules = all_rules() if rules is None else rules
    for name in names:
        if name not in rules:
            from difflib import get_close_matches

            close = get_close_matches(name, rules, 1)
            hint = f"did you mean {close[0]}?" if close else "perennial rules lists them"
            where = "" if source is None else f"{source}: "
            raise UsageError(f"{where}there is no rule {printable(name) or repr(name)}: {hint}")
