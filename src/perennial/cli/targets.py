"""The system that a command is about: this one, or one that is described or lies somewhere on disk."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from perennial.arch import Architecture, architecture_of_tag
from perennial.errors import UsageError, printable
from perennial.lean_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perennial.knowledge import Knowledge
    from perennial.tags.target import Target


def add_target_arguments(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    group = parser.add_argument_group("the system (default: this one, and the Python that runs perennial)")
    group.add_argument(
        "--on", metavar="TARGET", action="append" if several else "store", default=[] if several else None,
        help="a release (debian:12), a C library (glibc:2.28, musl:1.2) or the folder of a root file system; "
        "then perhaps ,arch=aarch64,python=3.13t,implementation=pp,abi=…,manylinux=no",
    )  # fmt: skip
    group.add_argument("--interpreter", metavar="PATH", help="a Python on disk; its files are read, and it is not run")
    group.add_argument("--run", action="store_true", help="ask the Python of --interpreter by running it")
    if several:
        group.add_argument("--all-releases", action="store_true", help="on every mainstream release in support")
        group.add_argument(
            "--arch", metavar="ARCH", help="architecture of systems that do not say one (default: x86_64)"
        )
        group.add_argument(
            "--python", metavar="VERSION", help="Python of systems that do not say one (default: their own)"
        )


def read_targets(arguments: argparse.Namespace, knowledge: Knowledge, as_of: str) -> tuple[Target, ...]:
    """The targets that `several` arguments mean, in their order; releases by name."""
    if arguments.all_releases:
        if arguments.on or arguments.interpreter is not None:
            raise UsageError("--all-releases is all there is: leave --on and --interpreter out")
        return tuple(_of_releases(arguments, knowledge, as_of))
    texts = arguments.on or [None]
    if arguments.interpreter is not None and len(texts) > 1:
        raise UsageError("--interpreter goes with one --on at most")
    return tuple(_one_of_several(text, arguments, knowledge) for text in texts)


def _of_releases(arguments: argparse.Namespace, knowledge: Knowledge, as_of: str) -> Iterator[Target]:
    from perennial.tags.spec import parse_target

    arch = arguments.arch or Architecture.X86_64.value
    if architecture_of_tag(arch) is None:
        raise UsageError(f"--arch {printable(arch)}: no tag names it; there are {', '.join(Architecture)}")
    for release in sorted(knowledge.releases, key=lambda each: (each.libc, each.libc_version, each.name)):
        if release.counts and release.supported_on(as_of) and architecture_of_tag(arch) in release.architectures:
            yield parse_target(_with_defaults(release.id, arguments), knowledge)


def _one_of_several(text: str | None, arguments: argparse.Namespace, knowledge: Knowledge) -> Target:
    if text is None or _names_a_folder(text) or arguments.interpreter is not None:
        if arguments.arch is not None:
            raise UsageError("--arch is for releases and C libraries; of what is on disk, files say it")
        if text is None and arguments.python is not None and arguments.interpreter is None:
            from perennial.tags.here import this_system
            from perennial.tags.spec import Choices, apply_choices

            return apply_choices(this_system(), Choices(python=arguments.python.lower()))
        if text is not None:
            text = _with_defaults(text, arguments)
        elif arguments.python is not None:
            raise UsageError("--python and --interpreter both say which Python: leave one out")
        return read_target(argparse.Namespace(on=text, interpreter=arguments.interpreter, run=arguments.run))
    if arguments.run:
        raise UsageError("--run is for a Python of this system: name it with --interpreter, and leave --on out")
    from perennial.tags.spec import parse_target

    return parse_target(_with_defaults(text, arguments), knowledge)


def _with_defaults(text: str, arguments: argparse.Namespace) -> str:
    """A target's text with --arch and --python where it says none of its own."""
    for key, value in (("arch", arguments.arch), ("python", arguments.python)):
        if value is not None and f",{key}=" not in text:
            text += f",{key}={value}"
    return text


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
