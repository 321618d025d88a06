"""More than one libstdc++ in a process: the system's and a package's, or those of two packages.

One that has the system's soname is not found here but by `library-replaced`: of these a process has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perennial.coload.conflict import BindingLink, Conflict, name_of
from perennial.coload.imports import Pair
from perennial.coload.loader import LoadedObject, Process
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "several-libstdcxx",
    "Two packages run with different copies of libstdc++",
    "Each copy has its own locales, streams and exception state; objects and exceptions that go from one to the "
    "other are taken for what they are not.",
)

_NAME: Final = re.compile(r"^libstdc\+\+[^/]*\.so")


def find(pair: Pair) -> Iterator[Conflict]:
    together = {loaded.library.path: loaded for loaded in _copies(pair.process)}
    theirs = {loaded.library.path for loaded in _copies(pair.first.process)}
    ours = [loaded for path, loaded in together.items() if path not in theirs]
    others = [loaded for path, loaded in together.items() if path in theirs]
    if not ours or not others or all(loaded.library.package is None for loaded in together.values()):
        return
    ours, others = sorted(ours, key=name_of), sorted(others, key=name_of)
    first, second = pair.first.package.name, pair.second.package.name
    yield Conflict(
        rule=RULE.id,
        severity=Severity.INFO,
        order=(first, second),
        symbol=None,
        bindings=(
            BindingLink(
                asks=second,
                symbol="libstdc++",
                version=None,
                got=name_of(ours[0]),
                expected=name_of(others[0]),
                why="its soname is another, so that the loader takes it for another library",
            ),
        ),
        message=(
            f"{first} runs with {name_of(others[0])} and {second} with {name_of(ours[0])}: two C++ libraries in one "
            "process, which must not meet in exceptions, streams or containers"
        ),
        remedy="do not bundle libstdc++: every tag allows the system's, as long as no newer version of it is needed",
    )


def _copies(process: Process) -> list[LoadedObject]:
    return [loaded for loaded in process.objects if _NAME.match(loaded.library.path.rpartition("/")[2])]
