"""Which captured reference of a shared library is behind a failure.

A library of the system whose own references have gone to a package is copied, and in the copy some
symbols are made STV_PROTECTED: references to them stay in the library, whoever else defines them (gABI
chapter 4, "Symbol Visibility"). Nothing about the packages changes, so that, other than with hidden
symbols, what their files give to each other stays as it was. LD_LIBRARY_PATH leads to the copy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from perennial.coload.run.ddmin import ddmin
from perennial.coload.run.environment import Installed
from perennial.coload.run.imports import Bench, execute
from perennial.coload.run.model import BindingDifference, End, Held, Outcome
from perennial.elf.edit.skeleton import read_skeleton
from perennial.elf.edit.symbols import hide_symbols
from perennial.errors import PerennialError
from perennial.lean_typing import Final

_STV_PROTECTED: Final = 3

IsSame = Callable[[Bench, Outcome], bool]


def hold(
    bench: Bench,
    order: Sequence[Installed],
    is_same: IsSame,
    differences: Iterable[BindingDifference],
    *,
    advance: Callable[[str], None] = lambda _: None,
) -> Held | None:
    """The smallest set of captured references without which the failure is gone; None where there is no such set."""
    captured = sorted(
        {
            (one.asks, one.symbol)
            for one in differences
            if os.path.isabs(one.asks) and one.got in bench.environment.owners
        }
    )
    if not captured:
        return None
    folder = os.path.join(bench.scratch, "held")
    os.makedirs(folder, exist_ok=True)
    processes = 0
    left: Outcome | None = None

    def is_gone(references: Sequence[tuple[str, str]]) -> bool:
        nonlocal processes, left
        advance(f"holding {len(references)} references")
        try:
            _write_copies(folder, sorted({path for path, _ in captured}), references)
        except (OSError, PerennialError):
            return False
        processes += 1
        outcome = execute(bench, order, extra={"LD_LIBRARY_PATH": folder}).outcome
        gone = outcome.end is End.FINE or not is_same(bench, outcome)
        left = outcome if gone else left
        return gone

    # The copy alone must change nothing, or whatever follows means nothing.
    if is_gone(()) or not is_gone(captured):
        return None
    found = ddmin(captured, is_gone)
    is_gone(found)
    return Held(tuple(found), len(captured), processes, left)


def _write_copies(folder: str, libraries: Iterable[str], references: Iterable[tuple[str, str]]) -> None:
    wanted: dict[str, list[str]] = {path: [] for path in libraries}
    for path, symbol in references:
        wanted[path].append(symbol)
    for path, symbols in wanted.items():
        with open(path, "rb") as file:
            data = bytearray(file.read())
        for patch in hide_symbols(read_skeleton(bytes(data)), tuple(symbols)):
            data[patch.offset] |= _STV_PROTECTED
        target = os.path.join(folder, os.path.basename(path))
        with open(f"{target}.part", "wb") as file:
            file.write(data)
        os.replace(f"{target}.part", target)
