"""From what stands on the command line to wheels on disk: paths, folders, requirements."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator

from perennial.arch import Architecture, architecture_of_tag
from perennial.errors import FetchError, PerennialError, UnreadableError, UsageError
from perennial.lean_typing import TYPE_CHECKING, NamedTuple
from perennial.platform_tag import Libc

if TYPE_CHECKING:
    from pathlib import Path


class Input(NamedTuple):
    """One wheel to look at, or why there is none."""

    source: str  # as given
    path: str | None
    error: PerennialError | None


def add_input_arguments(parser: argparse.ArgumentParser, *, nargs: str = "+") -> None:
    """The positional arguments, and how requirements among them are fetched."""
    parser.add_argument(
        "wheels", nargs=nargs, metavar="WHEEL",
        help="a wheel, a folder of wheels, or a requirement such as numpy==2.4.6",
    )  # fmt: skip
    group = parser.add_argument_group("fetching requirements (pip's own settings are honoured)")
    group.add_argument("--index-url", metavar="URL", help="the index to ask instead of the configured one")
    group.add_argument("--extra-index-url", metavar="URL", action="append", default=[], help="one more index to ask")
    group.add_argument(
        "--arch", metavar="ARCH", default=Architecture.X86_64.value,
        help=f"architecture of the wheel: {', '.join(Architecture)} (default: x86_64)",
    )  # fmt: skip
    group.add_argument(
        "--python", metavar="VERSION", help="Python that the wheel is for: 3.12, 3.13t, pp311 (default: newest)"
    )
    group.add_argument(
        "--libc", choices=[libc.value for libc in Libc], help="C library of the wheel (default: glibc first)"
    )
    group.add_argument("--no-cache", action="store_true", help="neither use nor keep downloaded wheels")


def find_inputs(arguments: argparse.Namespace) -> Iterator[Input]:
    """The wheels that the arguments mean, in their order; folders sorted by path."""
    for source in arguments.wheels:
        if not source:
            raise UsageError("an empty argument names no wheel (is a variable of the shell unset?)")
        if os.path.isdir(source):
            yield from _folder(source)
        elif os.path.lexists(source):
            yield Input(source, source, None)
        elif names_a_file(source):
            yield Input(source, None, UnreadableError(f"{source}: no such file"))
        else:
            yield _fetched(source, arguments)


def find_local_inputs(sources: Iterable[str]) -> Iterator[Input]:
    """As `find_inputs`, for commands that write beside what they read: paths and folders only."""
    for source in sources:
        if not source:
            raise UsageError("an empty argument names no wheel (is a variable of the shell unset?)")
        if os.path.isdir(source):
            yield from _folder(source)
        elif os.path.lexists(source):
            yield Input(source, source, None)
        else:
            yield Input(source, None, UnreadableError(f"{source}: no such file"))


def names_a_file(source: str) -> bool:
    """Whether something that is not there was meant as a path, and not as a requirement."""
    if "://" in source:
        raise UsageError(f"{source}: addresses are not fetched; download the wheel, or name the project")
    if source.endswith(".whl"):
        return True
    from perennial.index.requirement import looks_like_requirement

    return not looks_like_requirement(source)


def _folder(source: str) -> Iterator[Input]:
    try:
        for wheel in wheels_in(source):
            yield Input(wheel, wheel, None)
    except UnreadableError as error:
        yield Input(source, None, error)


def wheels_in(source: str) -> list[str]:
    """The wheels below a folder, sorted by path; UnreadableError where there are none."""
    found = sorted(
        os.path.join(folder, name) for folder, _, names in os.walk(source) for name in names if name.endswith(".whl")
    )
    if not found:
        raise UnreadableError(f"{source}: there is no wheel in this folder")
    return found


def _fetched(source: str, arguments: argparse.Namespace) -> Input:
    from perennial.cli.progress import progress_on_stderr
    from perennial.index import WheelChoice, fetch_wheel, settings_from_pip

    if architecture_of_tag(arguments.arch) is None:
        raise UsageError(f"--arch {arguments.arch}: no wheels are tagged for it; known are {', '.join(Architecture)}")
    try:
        settings = settings_from_pip(
            os.environ, index_url=arguments.index_url, extra_index_urls=tuple(arguments.extra_index_url)
        )
        libc = None if arguments.libc is None else Libc(arguments.libc)
        choice = WheelChoice(arguments.arch, arguments.python, libc)
        with progress_on_stderr() as progress:
            path = fetch_wheel(source, choice, settings, progress=progress, cache_dir=cache_folder(arguments))
    except UsageError:
        raise
    except (FetchError, UnreadableError) as error:
        return Input(source, None, error)
    return Input(source, str(path), None)


def cache_folder(arguments: argparse.Namespace) -> Path | None:
    """A folder that goes away with the process, where nothing is to be kept; None for the usual one."""
    if not arguments.no_cache:
        return None
    import atexit
    import tempfile
    from pathlib import Path

    folder = tempfile.TemporaryDirectory(prefix="perennial-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
