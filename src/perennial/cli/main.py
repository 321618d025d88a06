"""The entry point: finds the command, runs it, and turns whatever happens into an exit code.

Only the module of the command that is asked for is imported: start-up is a third of the
time of auditing a small wheel.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from perennial import __version__
from perennial.cli.exit_codes import ExitCode
from perennial.cli.interrupts import keep_interrupts
from perennial.errors import PerennialError, UsageError, printable
from perennial.lean_typing import Any, Final, NoReturn, Protocol, cast

# argparse would look for translations of its own words: that takes 1 ms, and lets the locale into the output.
argparse._ = lambda text: text  # type: ignore[attr-defined]  # gettext's, by argparse's name; of None, it is None


class Command(Protocol):
    """What a command's module offers."""

    SUMMARY: str
    USAGE: str
    DESCRIPTION: str
    EPILOG: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, arguments: argparse.Namespace) -> int: ...


# In the order of the help text.
COMMANDS: Final = (
    *("show", "check", "repair", "lower", "retag", "tags", "explain", "coload"),
    *("policy", "distro", "rules", "completion"),
)

_DESCRIPTION: Final = "What a Linux wheel honestly is, why, and where it runs (PEP 600, PEP 656)."
_EPILOG: Final = """\
exit codes:
  0  fine            1  findings of error severity
  2  wrong usage     3  an input could not be read

examples:
  perennial show numpy                    audit the newest wheel on the index
  perennial show dist/ -v                 every wheel in a folder, with every requirement
  perennial check dist/*.whl              fail where a wheel does not keep its promise
  perennial check --tag manylinux_2_28_x86_64 dist/*.whl
  perennial lower --to manylinux_2_17 dist/*.whl     make it run on older systems
  perennial tags --on debian:12           which wheels a system accepts
  perennial explain numpy --on rhel:8     why a wheel installs and runs there, or does not
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs perennial as the command line would; returns the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if argv is None:
        keep_interrupts()
    _settle_streams()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except UsageError as error:
        return _fail(str(error), ExitCode.USAGE)
    except PerennialError as error:
        return _fail(str(error), ExitCode.UNREADABLE)
    except KeyboardInterrupt:
        return _fail("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        _discard_stdout()
        return ExitCode.BROKEN_PIPE
    except OSError as error:
        _discard_stdout()
        return _fail(f"{error.filename or 'output'}: {error.strerror or error}", ExitCode.UNREADABLE)
    except Exception as error:  # the last resort: a bug of ours is one line, too
        if os.environ.get("PERENNIAL_DEBUG"):
            raise
        return _fail(
            f"internal error, {type(error).__name__}: {error}; this is a bug in perennial {__version__}: "
            "please report it with the output of the same command under PERENNIAL_DEBUG=1",
            ExitCode.INTERNAL,
        )
    return code


def _run(arguments: list[str]) -> int:
    if arguments and arguments[0] in COMMANDS:
        command = load(arguments[0])
        parser = make_parser(command, f"perennial {arguments[0]}")
        return command.run(parse(command, parser, arguments[1:]))
    parser = full_parser()
    parser.parse_args(arguments)
    parser.print_help()
    return ExitCode.USAGE


def load(name: str) -> Command:
    """The module of a command."""
    return cast("Command", import_module(f"perennial.cli.{name}"))


def parse(command: Command, parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Options may stand before or after what they belong to; argparse can do that only without subcommands."""
    if getattr(command, "SUBCOMMANDS", False):
        return parser.parse_args(arguments)
    return parser.parse_intermixed_args(arguments)


def make_parser(command: Command, program: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=program,
        usage=command.USAGE,  # given, because working it out takes as long as auditing a small wheel
        description=command.DESCRIPTION,
        epilog=command.EPILOG,
        formatter_class=_HelpFormatter,
    )
    command.add_arguments(parser)
    return parser


def full_parser() -> argparse.ArgumentParser:
    """The parser with all commands: for help, for errors and for shell completion."""
    parser = _Parser(
        prog="perennial",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=_HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"perennial {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name in COMMANDS:
        command = load(name)
        parser_of_command = commands.add_parser(
            name,
            usage=command.USAGE,
            help=command.SUMMARY,
            description=command.DESCRIPTION,
            epilog=command.EPILOG,
            formatter_class=_HelpFormatter,
        )
        command.add_arguments(parser_of_command)
    return parser


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """argparse makes one for each argument that is added; this one knows its width without importing shutil, and
    asks for colours, which Python 3.14 has and imports dataclasses for (7 ms), when there is help to write.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_WIDTH)

    def _set_color(self, *wanted: Any) -> None:
        self._wanted = wanted

    def __getattr__(self, name: str) -> Any:
        if name not in ("_theme", "_decolor"):  # what 3.14's `_set_color` sets
            raise AttributeError(name)
        super()._set_color(*self._wanted)  # type: ignore[misc]  # the oldest Python's has none
        return self.__dict__[name]


def _terminal_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns) - 2
    try:
        return os.get_terminal_size().columns - 2
    except OSError:
        return 98


_WIDTH: Final = _terminal_width()


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.USAGE, f"{self.prog}: {printable(message)}; see {self.prog} --help\n")


def _fail(message: str, code: ExitCode) -> int:
    """One line on standard error; nothing if that is gone too."""
    try:
        sys.stderr.write(f"perennial: {printable(message)}\n")
        sys.stderr.flush()
    except OSError:
        return code
    return code


def _discard_stdout() -> None:
    """Keeps the interpreter from failing once more when it flushes standard output at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        return  # standard output is no file: a caller of main() has replaced it


def _settle_streams() -> None:
    """Makes output independent of the locale, and no character of a wheel's names an error.

    What goes to a file or a pipe is UTF-8; a terminal gets its own encoding.
    """
    # A parent may have closed them, and whoever runs a gate still wants its exit code.
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # for the rest of the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
