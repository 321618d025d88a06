"""What the loader itself says it has bound: LD_DEBUG=bindings, of a failing process and of its controls.

Only bindings are asked for: with symbols and scopes, an import of tensorflow writes hundreds of
megabytes.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence

from perennial.coload.run.environment import Environment, Installed
from perennial.coload.run.imports import Bench, execute
from perennial.coload.run.model import BindingDifference
from perennial.lean_typing import Final

_BINDING: Final = re.compile(
    rb"binding file (\S.*?) \[\d+\] to (\S.*?) \[\d+\]: \w+ symbol `([^']+)'(?: \[([^\]]+)\])?"
)

Key = tuple[str, str, str | None]  # asker, symbol, version
Bindings = Mapping[Key, str]


def read_bindings(bench: Bench, order: Sequence[Installed]) -> Bindings:
    """Who got what, of one run; empty where the loader does not tell (musl, a static interpreter).

    Paths are relative to the environment; those outside stay absolute. A process that forks or starts
    others writes one file for each; they are taken together.
    """
    folder = os.path.join(bench.scratch, "bindings")
    os.makedirs(folder, exist_ok=True)
    try:
        extra = {"LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": os.path.join(folder, "ld")}
        execute(bench, order, extra=extra)
        found: dict[Key, str] = {}
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as file:
                found |= parse_bindings(file, bench.environment)
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def parse_bindings(lines: Iterable[bytes], environment: Environment) -> dict[Key, str]:
    """ld.so's lines as values: the last binding of a reference counts."""
    found: dict[Key, str] = {}
    shown: dict[bytes, str] = {}

    def path(raw: bytes) -> str:
        if raw not in shown:
            shown[raw] = environment.name(os.path.normpath(raw.decode("utf-8", "replace")))
        return shown[raw]

    for line in lines:
        match = _BINDING.search(line)
        if match is not None:
            asker, provider, symbol, version = match.group(1), match.group(2), match.group(3), match.group(4)
            text = version.decode("utf-8", "replace") if version else None
            found[path(asker), symbol.decode("utf-8", "replace"), text] = path(provider)
    return found


def compare_bindings(
    together: Bindings, controls: Sequence[tuple[str, Bindings]], environment: Environment
) -> tuple[BindingDifference, ...]:
    """References of the failing process that a control bound to something else, those to packages first.

    `controls` are the packages' names and the bindings of each alone.
    """
    found = {}
    for name, alone in controls:
        for key in together.keys() & alone.keys():
            if together[key] != alone[key]:
                asks, symbol, version = key
                found[key] = BindingDifference(asks, symbol, version, together[key], alone[key], name)
    return tuple(
        sorted(
            found.values(),
            key=lambda one: (one.got not in environment.owners, one.symbol, one.asks, one.version or ""),
        )
    )
