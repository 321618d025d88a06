"""perennial completion: scripts for shells."""

from __future__ import annotations

import argparse
import sys

from perennial.cli.exit_codes import ExitCode

USAGE = "perennial completion {bash,zsh,tcsh}"
SUMMARY = "print a script that completes perennial's arguments in a shell"
DESCRIPTION = "Prints a completion script, to be sourced by the shell or put where it looks for such scripts."
EPILOG = """\
examples:
  perennial completion bash > ~/.local/share/bash-completion/completions/perennial
  perennial completion zsh > ~/.zfunc/_perennial
"""

SHELLS = ("bash", "zsh", "tcsh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell to complete for")


def run(arguments: argparse.Namespace) -> int:
    import shtab

    from perennial.cli.main import full_parser

    sys.stdout.write(shtab.complete(full_parser(), arguments.shell).rstrip() + "\n")
    return ExitCode.OK
