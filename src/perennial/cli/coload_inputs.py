"""From the arguments of `perennial coload` to packages and a system."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from perennial.arch import Architecture, architecture_of_tag
from perennial.cli.inputs import find_inputs
from perennial.coload.facts_cache import FactsCache
from perennial.coload.gather import ProfileSource, Source, UnreadableSourceError
from perennial.coload.profile import load_profile
from perennial.coload.sources import ShippedSystem, WheelSource
from perennial.errors import UnreadableError, UsageError, printable
from perennial.lean_typing import TYPE_CHECKING, Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.system import Root
from perennial.wheel.filename import WheelFilename

if TYPE_CHECKING:
    from perennial.coload.environment import InstalledSource


class Interpreter(NamedTuple):
    """A Python with what it has: `path` is what it calls itself, whatever leads there, and `folders` are those from
    which it imports packages, as it calls them.
    """

    path: str
    folders: tuple[str, ...]


class Found(NamedTuple):
    """What is to be imported where, and what could not be read, with the reason. `interpreter` is that of --env."""

    sources: tuple[Source, ...]
    system: ProfileSource
    errors: dict[str, str]
    interpreter: Interpreter | None = None


def find_sources(arguments: argparse.Namespace) -> Found:
    """Raises `UsageError` where the arguments do not fit together."""
    if arguments.standalone and (arguments.interpreter or arguments.env is not None):
        raise UsageError("--standalone stands for an interpreter: give it, or one by name")
    if arguments.env is not None:
        return _installed(arguments)
    errors: dict[str, str] = {}
    sources: list[WheelSource] = []
    architectures: dict[str, str] = {}
    for source, path, error in find_inputs(arguments):
        try:
            if error is not None:
                raise error
            if path is not None:
                wheel = WheelSource(path)
                architectures.setdefault(_architecture(wheel.name) or "", wheel.name)
                sources.append(wheel)
        except UnreadableError as unreadable:
            errors[source] = str(unreadable)
            sys.stderr.write(f"perennial: {printable(str(unreadable))}\n")
    if len(sources) + len(errors) < 2:
        raise UsageError("one package alone conflicts with nobody: name two or more (perennial show looks at one)")
    names = [source.name for source in sources]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is named twice: a process has it once")
    architectures.pop("", None)
    if len(architectures) > 1:
        (one, first), (other, second), *_ = architectures.items()
        raise UsageError(f"{first} is for {one} and {second} for {other}: no process loads both")
    # Wheels that run on any say nothing: then it is that of the wheels that are asked for.
    architecture = architecture_of_tag(next(iter(architectures), arguments.arch)) or Architecture.X86_64
    return Found(tuple(sources), _system(arguments, architecture), errors)


def without(found: Found, error: UnreadableSourceError) -> Found:
    """Less one that turned out to be unreadable, which is said."""
    sys.stderr.write(f"perennial: {printable(str(error))}\n")
    sources = tuple(source for source in found.sources if source is not error.source)
    return found._replace(sources=sources, errors={**found.errors, _as_given(error.source): str(error)})


def _as_given(source: Source) -> str:
    return source.path if isinstance(source, WheelSource) else source.name


def _system(arguments: argparse.Namespace, architecture: Architecture) -> ProfileSource:
    on: str | None = arguments.on
    interpreter: str | None = arguments.interpreter
    if on is None and interpreter is not None:
        on = "/"
    if on is not None and interpreter is not None and os.path.realpath(on) == "/":
        interpreter = os.path.realpath(interpreter)
    if on is not None and "/" in on:
        from perennial.coload.real_system import RealSystem

        if interpreter is None and not arguments.standalone:
            interpreter = _interpreter_of(on)
        return RealSystem(on, architecture, None if arguments.standalone else interpreter)
    if interpreter is not None:
        raise UsageError(f"--interpreter {printable(interpreter)}: {printable(on or '')} is shipped without its files")
    return ShippedSystem(load_profile(on, architecture.value, standalone=arguments.standalone))


def _interpreter_of(root: str) -> str:
    """The python3 of a root file system."""
    found = next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if Root(root).is_file(path)), None)
    if found is None:
        raise UsageError(f"{printable(root)} has no python3: name one with --interpreter, or say --standalone")
    return found


# What a Python says about itself; run with -I, so that nothing of the folder it stands in is imported. The standard
# library's own folders are no packages.
_QUESTION: Final = """\
import json, os, sys, sysconfig
own = {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
own |= {os.path.join(path, "lib-dynload") for path in own}
paths = [path for path in sys.path if os.path.isdir(path) and os.path.realpath(path) not in own]
print(json.dumps([sys.executable, list(dict.fromkeys(paths))]))
"""


def _installed(arguments: argparse.Namespace) -> Found:
    if arguments.on is not None or arguments.interpreter is not None:
        raise UsageError("--env looks at this system and this interpreter: neither --on nor --interpreter goes with it")
    if arguments.set and not arguments.wheels:
        raise UsageError("--set takes the order from the arguments: name what is installed there, in that order")
    python = arguments.env or sys.executable
    interpreter = _ask(python)
    executable = os.path.realpath(interpreter.path)
    from perennial.coload.environment import installed_sources
    from perennial.coload.real_system import RealSystem
    from perennial.elf.read import read_elf

    try:
        with open(executable, "rb") as file:
            architecture = read_elf(file.read()).architecture
    except OSError as error:
        raise UnreadableError(f"{executable}: {error.strerror}") from error
    if architecture is None:
        raise UnreadableError(f"{executable}: no tag names its architecture")
    sources = _chosen(tuple(installed_sources(interpreter.folders)), arguments.wheels, python)
    return Found(sources, RealSystem("/", architecture, executable), {}, interpreter)


def _ask(python: str) -> Interpreter:
    """Runs it. Raises `UnreadableError` where it is no Python."""
    import json
    import subprocess

    try:
        command = [python, "-I", "-c", _QUESTION]
        answer = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)  # noqa: S603
        executable, folders = json.loads(answer.stdout)
        return Interpreter(str(executable), tuple(map(str, folders)))
    except OSError as error:
        raise UnreadableError(f"{python}: cannot be run: {error.strerror}") from error
    except (ValueError, TypeError, subprocess.TimeoutExpired) as error:
        raise UnreadableError(f"{python}: does not answer as a Python would") from error


def _chosen(sources: tuple[InstalledSource, ...], names: Sequence[str], python: str) -> tuple[InstalledSource, ...]:
    """Those that are named, in that order; all where none is."""
    if not names:
        return sources
    from perennial.coload.run.environment import normalized

    known = {normalized(source.project): source for source in reversed(sources)}
    for name in names:
        if name.endswith(".whl") or os.sep in name:
            raise UsageError(f"--env looks at what is installed: it takes no wheels, such as {printable(name)}")
        if normalized(name) not in known:
            raise UsageError(f"{printable(name)} is not installed for {python}, or has nothing compiled")
    wanted = [normalized(name) for name in names]
    twice = next((name for name in wanted if wanted.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{printable(twice)} is named twice: a process has it once")
    if len(wanted) < 2:
        raise UsageError("one package alone conflicts with nobody: name two or more, or none for all")
    return tuple(known[name] for name in wanted)


def _architecture(name: str) -> str | None:
    """The architecture of a wheel, None for one that runs on any; `UsageError` for musl's."""
    platforms = WheelFilename.parse(name).platforms
    if platforms and all(tag.libc is Libc.MUSL for tag in platforms):
        raise UsageError(f"{name} is for musl, whose loader works otherwise: coload plays glibc's through")
    return next((tag.arch for tag in platforms if tag.arch is not None), None)


def cache_of(arguments: argparse.Namespace) -> FactsCache:
    if arguments.no_cache:
        return FactsCache(None)
    from perennial.index.cache import default_cache_dir

    return FactsCache(os.path.join(default_cache_dir(os.environ), "coload"))
