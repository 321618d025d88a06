"""What lies behind a failure: its native stack, what the loader bound otherwise than alone, whether the shared
library loaded first is a cure, and which symbols are to blame.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from perennial.coload.run.apart import set_apart
from perennial.coload.run.bindings import Bindings, compare_bindings, read_bindings
from perennial.coload.run.debugger import native_frames, top_frame
from perennial.coload.run.environment import Installed
from perennial.coload.run.hold import hold
from perennial.coload.run.imports import Bench, execute
from perennial.coload.run.minimise import minimise
from perennial.coload.run.model import Apart, BindingDifference, Diagnosis, End, Frame, Outcome, Preload
from perennial.lean_typing import Final, NamedTuple

_MOST_PRELOADS: Final = 3
_USUAL: Final = "libstdc++.so.6"


class Tools(NamedTuple):
    """What is at hand. `gdb` is its path, None without."""

    gdb: str | None
    minimise: bool


def diagnose(
    bench: Bench,
    order: Sequence[Installed],
    outcome: Outcome,
    tools: Tools,
    *,
    advance: Callable[[str], None] = lambda _: None,
) -> Diagnosis:
    """Runs the failing order some more; each package of it works alone."""
    notes: list[str] = []
    advance("the same again")
    again = _alike(bench, outcome, bench, execute(bench, order).outcome)
    if not again:
        notes.append("it did not come back just so in a second process")
    frames: tuple[Frame, ...] = ()
    if outcome.signal is not None:
        advance("under the debugger")
        frames = _native(bench, order, outcome.signal, tools, notes)

    def is_same(where: Bench, other: Outcome) -> bool:
        if not _alike(bench, outcome, where, other):
            return False
        if not frames or tools.gdb is None or outcome.signal is None:
            return True
        return top_frame(native_frames(tools.gdb, where, order, outcome.signal)) in (top_frame(frames), None)

    advance("what the loader says")
    differences = _differences(bench, order, notes)
    preloads = []
    for library in _shared_libraries(bench, differences):
        advance(f"{library} first")
        preloads.append(Preload(library, execute(bench, order, preload=library).outcome))
    apart: tuple[Apart, ...] = ()
    held = minimised = None
    if tools.minimise and again:
        apart = set_apart(bench, order, outcome, differences, advance=advance)
        held = hold(bench, order, is_same, differences, advance=advance)
        suspects = {symbol for _, symbol in held.references} if held else set()
        # Where two libraries under two names are the cure, no symbol of the one that all got is to blame.
        if suspects or all(one.outcome.end is not End.FINE for one in apart):
            minimised = minimise(bench, order, is_same, differences, suspects, advance=advance)
    return Diagnosis(again, frames, differences, tuple(preloads), apart, held, minimised, tuple(notes))


def _native(bench: Bench, order: Sequence[Installed], signal: str, tools: Tools, notes: list[str]) -> tuple[Frame, ...]:
    if tools.gdb is None:
        notes.append("gdb is not on PATH: no native stack")
        return ()
    frames = native_frames(tools.gdb, bench, order, signal)
    if not frames:
        notes.append(f"under gdb there was no {signal}: no native stack")
    return frames


def _differences(bench: Bench, order: Sequence[Installed], notes: list[str]) -> tuple[BindingDifference, ...]:
    together = read_bindings(bench, order)
    if not together:
        notes.append("the loader does not tell its bindings (LD_DEBUG)")
        return ()
    controls: list[tuple[str, Bindings]] = [(package.name, read_bindings(bench, (package,))) for package in order]
    return compare_bindings(together, controls, bench.environment)


def _shared_libraries(bench: Bench, differences: Sequence[BindingDifference]) -> tuple[str, ...]:
    """Sonames of the system's libraries that were bound into a package, or the usual one."""
    names = sorted(
        {
            os.path.basename(one.asks)
            for one in differences
            if os.path.isabs(one.asks) and one.got in bench.environment.owners
        }
    )
    return tuple(names[:_MOST_PRELOADS]) or (_USUAL,)


def _alike(bench: Bench, outcome: Outcome, where: Bench, other: Outcome) -> bool:
    """The same end at the same step, wherever the environments lie."""
    return _essence(bench, outcome) == _essence(where, other)


def _essence(bench: Bench, outcome: Outcome) -> tuple[End, str, str | None, int | None, str]:
    error = outcome.error or ""
    for place in (*bench.environment.sites, bench.environment.root):
        error = error.replace(place, "") if place else error
    return outcome.end, outcome.step, outcome.signal, outcome.code, error
