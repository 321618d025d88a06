"""perennial coload --run: the imports for real, in processes of a Python that is given."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from perennial.errors import UnreadableError, UsageError, printable
from perennial.lean_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from perennial.cli.coload_inputs import Found
    from perennial.coload.run.diagnose import Tools
    from perennial.coload.run.model import RunReport

_LARGEST_SNIPPET = 1024 * 1024


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("importing for real")
    group.add_argument("--run", action="store_true", help="import each order in a process of its own as well")
    group.add_argument(
        "--with", metavar="PATH", action="append", default=[], dest="beside",
        help="a wheel, or a folder of wheels, to install beside them: what they depend on",
    )  # fmt: skip
    group.add_argument(
        "--smoke", metavar="NAME=CODE", action="append", default=[],
        help="run this after the imports; NAME=@FILE takes it from a file",
    )  # fmt: skip
    group.add_argument(
        "--import", metavar="NAME=MODULE", action="append", default=[], dest="modules",
        help="what to import of a project (default: the module named like it, or all that it has)",
    )  # fmt: skip
    group.add_argument("--timeout", metavar="SECONDS", type=float, help="for each process (default: 120)")
    group.add_argument("--no-minimise", action="store_true", help="do not search for the symbols behind a failure")


def check_run_arguments(arguments: argparse.Namespace) -> None:
    """Refuses options that would do nothing, before anything is read."""
    given = {
        "--with": arguments.beside,
        "--smoke": arguments.smoke,
        "--import": arguments.modules,
        "--timeout": arguments.timeout is not None,
        "--no-minimise": arguments.no_minimise,
    }
    idle = next((option for option, value in given.items() if value), None)
    if idle is not None and not arguments.run:
        raise UsageError(f"{idle} is for imports that are made for real: it goes with --run")
    if arguments.timeout is not None and not 0 < arguments.timeout <= 86400:
        raise UsageError(f"--timeout {arguments.timeout:g}: more than 0 and at most 86400 seconds")
    if arguments.env is not None and arguments.beside:
        raise UsageError("--env has all that is installed: --with does not go with it")
    if arguments.env is not None and arguments.python is not None:
        raise UsageError("--env names the interpreter: --python does not go with it")


def run_sources(found: Found, arguments: argparse.Namespace) -> RunReport:
    """Imports what is looked at. Raises `UsageError` for options that do not fit it or this machine."""
    from perennial.coload.run.debugger import find_gdb
    from perennial.coload.run.diagnose import Tools
    from perennial.coload.run.pairs import DEFAULT_TIMEOUT, scratch_folder

    if sys.platform != "linux":
        raise UsageError("--run imports Linux wheels, which only Linux can")
    timeout = DEFAULT_TIMEOUT if arguments.timeout is None else arguments.timeout
    modules = {name: tuple(text.split(",")) for name, text in _named(arguments.modules, "--import").items()}
    smoke = {name: _snippet(text) for name, text in _named(arguments.smoke, "--smoke").items()}
    tools = Tools(find_gdb(os.environ.get("PATH", "")), minimise=not arguments.no_minimise)
    run = _run_wheels if found.interpreter is None else _run_installed
    with _terminated_like_interrupted(), scratch_folder() as scratch:
        return run(found, arguments, Options(modules, smoke, timeout, tools, scratch))


class Options(NamedTuple):
    """What both ways to run share."""

    modules: dict[str, tuple[str, ...]]
    smoke: dict[str, str]
    timeout: float
    tools: Tools
    scratch: str


def _run_wheels(found: Found, arguments: argparse.Namespace, options: Options) -> RunReport:
    from perennial.coload.run.environment import wheel_at
    from perennial.coload.run.interpreter import find_interpreter
    from perennial.coload.run.pairs import Request, run_orders
    from perennial.coload.sources import WheelSource

    paths = [source.path for source in found.sources if isinstance(source, WheelSource)]
    request = Request(
        wheels=tuple(map(wheel_at, paths)),
        beside=tuple(wheel_at(path) for given in arguments.beside for path in _wheels_below(given, paths)),
        modules=options.modules,
        smoke=options.smoke,
        in_order=arguments.set,
        timeout=options.timeout,
    )
    interpreter = find_interpreter(arguments.python or sys.executable, os.environ, options.scratch)
    return run_orders(request, interpreter, options.tools, options.scratch, advance=_tell)


def _run_installed(found: Found, arguments: argparse.Namespace, options: Options) -> RunReport:
    """Where it is, with the interpreter that has it."""
    from perennial.coload.environment import InstalledSource
    from perennial.coload.run.imports import Bench
    from perennial.coload.run.installed import installed_environment
    from perennial.coload.run.interpreter import find_interpreter
    from perennial.coload.run.pairs import check_names, run_packages

    assert found.interpreter is not None  # noqa: S101 - the caller has looked
    sources = [source for source in found.sources if isinstance(source, InstalledSource)]
    environment = installed_environment(sources, found.interpreter.folders, options.modules)
    check_names({package.name for package in environment.packages}, options.modules, options.smoke)
    interpreter = find_interpreter(found.interpreter.path, os.environ, options.scratch, option="--env")
    bench = Bench(interpreter, environment, options.smoke, options.scratch, options.timeout)
    return run_packages(bench, environment.packages, options.tools, in_order=arguments.set, advance=_tell)


def _named(given: Sequence[str], option: str) -> dict[str, str]:
    from perennial.coload.run.environment import normalized

    found = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals or not name or not text:
            raise UsageError(f"{option} {printable(each)}: it takes a project's name, '=' and what is meant")
        found[normalized(name)] = text
    return found


def _snippet(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        with open(text[1:], encoding="utf-8") as file:
            return file.read(_LARGEST_SNIPPET)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(f"{printable(text[1:])}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error


def _wheels_below(path: str, imported: Sequence[str]) -> Iterator[str]:
    """A wheel, or those of a folder but for the ones that are imported anyway."""
    if not os.path.isdir(path):
        if not os.path.exists(path):
            raise UsageError(f"--with {printable(path)}: no such file or folder")
        yield path
        return
    names = {os.path.basename(each) for each in imported}
    found = sorted(name for name in os.listdir(path) if name.endswith(".whl"))
    if not found:
        raise UsageError(f"--with {printable(path)}: there is no wheel in this folder")
    yield from (os.path.join(path, name) for name in found if name not in names)


def _tell(text: str) -> None:
    """What is being done, for somebody who waits."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{printable(text)}")
        sys.stderr.flush()


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM ends the processes and removes the scratch folder, as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
