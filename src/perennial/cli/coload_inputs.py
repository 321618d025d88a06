"""From the arguments of `perennial coload` to packages and a system."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NamedTuple

from perennial.arch import Architecture
from perennial.cli.inputs import find_inputs
from perennial.coload.facts_cache import FactsCache
from perennial.coload.gather import ProfileSource, Source
from perennial.coload.profile import load_profile
from perennial.coload.sources import ShippedSystem, WheelSource
from perennial.errors import UnreadableError, UsageError, printable
from perennial.platform_tag import Libc
from perennial.wheel.filename import WheelFilename


class Found(NamedTuple):
    """What is to be imported where, and what could not be read, with the reason."""

    sources: tuple[Source, ...]
    system: ProfileSource
    errors: dict[str, str]


def find_sources(arguments: argparse.Namespace) -> Found:
    """Raises `UsageError` where the arguments do not fit together."""
    if arguments.env is not None and arguments.wheels:
        raise UsageError("--env looks at what is installed: it takes no wheels")
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
    architectures.pop("", None)
    if len(architectures) > 1:
        (one, first), (other, second), *_ = architectures.items()
        raise UsageError(f"{first} is for {one} and {second} for {other}: no process loads both")
    architecture = next(iter(architectures), Architecture.X86_64.value)
    profile = load_profile(arguments.on, architecture, standalone=arguments.standalone)
    return Found(tuple(sources), ShippedSystem(profile), errors)


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
