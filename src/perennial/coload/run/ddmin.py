"""Delta debugging: the smallest part of a whole that still has an effect (Zeller and Hildebrandt, "Simplifying
and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perennial.lean_typing import TypeVar

T = TypeVar("T")


def ddmin(items: Sequence[T], has_effect: Callable[[Sequence[T]], bool]) -> tuple[T, ...]:
    """A part of `items` that has the effect, and of which nothing can be left out without losing it.

    All of `items` together must have it. `has_effect` is asked at most once for each set.
    """
    current = tuple(items)
    asked: dict[frozenset[T], bool] = {frozenset(current): True}

    def effective(part: tuple[T, ...]) -> bool:
        key = frozenset(part)
        if key not in asked:
            asked[key] = has_effect(part)
        return asked[key]

    pieces = 2
    while len(current) > 1:
        bounds = [len(current) * number // pieces for number in range(pieces + 1)]
        parts = [current[bounds[n] : bounds[n + 1]] for n in range(pieces)]
        rests = [current[: bounds[n]] + current[bounds[n + 1] :] for n in range(pieces)]
        smaller = next((part for part in parts if effective(part)), None)
        if smaller is not None:
            current, pieces = smaller, 2
            continue
        smaller = next((rest for rest in rests if effective(rest)), None)
        if smaller is not None:
            current, pieces = smaller, max(pieces - 1, 2)
            continue
        if pieces >= len(current):
            break
        pieces = min(len(current), 2 * pieces)
    return current
