"""The system that a command is about: this one, or one that is described or lies somewhere on disk."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from perennial.errors import UsageError

if TYPE_CHECKING:
    from perennial.tags.target import Target


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the system (default: this one, and the Python that runs perennial)")
    group.add_argument(
        "--on", metavar="TARGET",
        help="a release (debian:12), a C library (glibc:2.28, musl:1.2) or the folder of a root file system; "
        "then perhaps ,arch=aarch64,python=3.13t,implementation=pp,abi=…,manylinux=no",
    )  # fmt: skip
    group.add_argument("--interpreter", metavar="PATH", help="a Python on disk; its files are read, and it is not run")
    group.add_argument("--run", action="store_true", help="ask the Python of --interpreter by running it")


def read_target(arguments: argparse.Namespace) -> Target:
    """The target that the arguments mean. UsageError, and UnreadableError for roots and interpreters."""
    if arguments.run and (arguments.interpreter is None or arguments.on is not None):
        raise UsageError("--run is for a Python of this system: name it with --interpreter, and leave --on out")
    if arguments.interpreter is not None:
        return _interpreter(arguments)
    if arguments.on is None:
        from perennial.tags.here import this_system

        return this_system()
    if _names_a_folder(arguments.on):
        from perennial.tags.inspect import inspect_root
        from perennial.tags.spec import apply_choices, split_spec

        folder, choices = split_spec(arguments.on)
        return apply_choices(inspect_root(folder), choices)
    from perennial.tags.spec import parse_target

    return parse_target(arguments.on)


def _interpreter(arguments: argparse.Namespace) -> Target:
    if arguments.run:
        from perennial.tags.ask import ask_interpreter

        return ask_interpreter(arguments.interpreter)
    from perennial.tags.inspect import inspect_interpreter

    if arguments.on is None:
        return inspect_interpreter(arguments.interpreter)
    from perennial.tags.spec import apply_choices, split_spec

    folder, choices = split_spec(arguments.on)
    if not _names_a_folder(arguments.on):
        raise UsageError("with --interpreter, --on is the folder of the root file system that the path lies in")
    return apply_choices(inspect_interpreter(arguments.interpreter, folder), choices)


def _names_a_folder(text: str) -> bool:
    system = text.partition(",")[0]
    return os.sep in system or os.path.isdir(system)
