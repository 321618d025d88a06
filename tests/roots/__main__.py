"""`python -m tests.roots NAME...` makes all RECIPES of tests/roots/NAME.py, two at a time.

The exit code is 1 where one could not be made.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.roots.make import Recipe, UnavailableError, obtain


def main(names: Sequence[str]) -> int:
    """Makes the roots and says how many there are."""
    recipes: list[Recipe] = []
    for name in names:
        recipes += importlib.import_module(f"tests.roots.{name}").RECIPES

    def attempt(recipe: Recipe) -> str | None:
        try:
            obtain(recipe)
        except (UnavailableError, AssertionError) as error:
            return str(error)
        return None

    with ThreadPoolExecutor(2) as pool:
        troubles = [trouble for trouble in pool.map(attempt, recipes) if trouble is not None]
    sys.stdout.write(f"{len(recipes) - len(troubles)} of {len(recipes)} roots\n")
    for trouble in dict.fromkeys(troubles):
        sys.stderr.write(f"{trouble}\n")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
