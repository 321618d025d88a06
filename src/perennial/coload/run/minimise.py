"""Which exported symbols are behind a failure: they are hidden in a copy of the environment until it goes away.

A symbol whose entry in `.dynsym` is STV_HIDDEN is skipped by every lookup from outside and taken without
a lookup by the file's own relocations (glibc, `dl_symbol_visibility_binds_local_p`): just as if the
package had been linked with a version script. Nothing else about the file changes.

A failure has gone away when the imports end well, or end otherwise than before while the package whose
symbols are hidden still works alone: hiding what the package itself needs from one file to another breaks
it, and that is no cure. Neither is it where they end because another package finds a hidden symbol nowhere
else: it has no definition of its own, or its library has given way to this one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from perennial.coload.run.candidates import candidate_symbols
from perennial.coload.run.ddmin import ddmin
from perennial.coload.run.environment import Environment, Installed, clone, remove_copy, replace_file
from perennial.coload.run.imports import Bench, execute
from perennial.coload.run.model import BindingDifference, End, Hidden, Minimised, Outcome
from perennial.elf.edit import ElfChanges, edit_elf
from perennial.errors import PerennialError
from perennial.lean_typing import Final

MOST_PROCESSES: Final = 400

IsSame = Callable[[Bench, Outcome], bool]  # whether an outcome is the failure that is looked into


# ld.so's words, in an exception or, for a function that is bound when it is called, on standard error
_NOT_FOUND: Final = re.compile(r"undefined symbol: ([^\s,]+)")


def symbols_not_found(outcome: Outcome) -> set[str]:
    """What the loader has said to be defined nowhere."""
    return set(_NOT_FOUND.findall(f"{outcome.error or ''}\n{outcome.said}"))


class OutOfProcessesError(Exception):
    """The search would take more runs than it may."""


def minimise(
    bench: Bench,
    order: Sequence[Installed],
    is_same: IsSame,
    differences: Sequence[BindingDifference],
    suspects: Collection[str],
    *,
    advance: Callable[[str], None] = lambda _: None,
) -> Minimised | None:
    """Looks in the packages that are imported before the last, then in the last; None where nothing can be hidden.

    Where there are `suspects`, only they are tried; otherwise what the loader was seen to bind across packages,
    and then everything that it may be.
    """
    system = sorted({one.asks for one in differences if os.path.isabs(one.asks)})
    result: Minimised | None = None
    for culprits in (order[:-1], order[-1:]):
        names = [package.name for package in culprits]
        where = candidate_symbols(bench.environment, names, system)
        everything = frozenset().union(*where.values())
        suspected = everything & set(suspects)
        if not everything or (suspects and not suspected):
            continue
        observed = {one.symbol for one in differences if bench.environment.owners.get(one.got) in names} & everything
        copy = clone(bench.environment, os.path.join(bench.scratch, "hidden"))
        search = Search(
            bench._replace(environment=copy),
            bench.environment,
            order,
            culprits=culprits,
            where=where,
            is_same=is_same,
            advance=advance,
        )
        found = search.run(suspected, observed, everything)
        remove_copy(copy)
        if result is None or found.symbols:
            result = found
        if found.symbols:
            break
    return result


class Search:
    """One package's symbols, hidden and shown in a copy of the environment."""

    def __init__(
        self,
        bench: Bench,
        original: Environment,
        order: Sequence[Installed],
        *,
        culprits: Sequence[Installed],
        where: Mapping[str, frozenset[str]],
        is_same: IsSame,
        advance: Callable[[str], None],
    ) -> None:
        self._bench: Final = bench
        self._original: Final = original
        self._order: Final = order
        self._culprits: Final = culprits
        self._where: Final = where
        self._is_same: Final = is_same
        self._advance: Final = advance
        self._hidden: dict[str, frozenset[str]] = {}
        self._processes = 0
        self._left: Outcome | None = None
        self._refused: set[str] = set()
        self._why_not = "nothing changes"

    def run(self, suspects: Collection[str], observed: Collection[str], everything: Collection[str]) -> Minimised:
        """`suspects` and `observed` are parts of `everything`."""
        wanted = sorted(suspects or everything)
        try:
            if self._cures(()):
                return self._result((), len(wanted), "in a copy of the environment it does not come back")
            for symbols in (wanted,) if suspects else (sorted(observed), wanted):
                if symbols and self._cures(symbols):
                    found = ddmin(symbols, self._cures)
                    self._cures(found)  # the files and the outcome of what was found
                    return self._result(found, len(wanted))
            note = f"hidden in its files, {self._why_not}"
        except OutOfProcessesError:
            note = f"given up after {MOST_PROCESSES} processes"
        return self._result((), len(wanted), note)

    def _result(self, symbols: Sequence[str], candidates: int, note: str = "") -> Minimised:
        hidden = tuple(
            Hidden(symbol, tuple(path for path in sorted(self._where) if symbol in self._where[path]))
            for symbol in symbols
        )
        notes = [note] if note else []
        if self._refused:
            notes.append(f"files that could not be edited: {', '.join(sorted(self._refused))}")
        names = " and ".join(package.name for package in self._culprits)
        return Minimised(names, hidden, candidates, self._processes, self._left if symbols else None, "; ".join(notes))

    def _cures(self, symbols: Sequence[str]) -> bool:
        """Whether the failure goes away with these hidden."""
        self._advance(f"hiding {len(symbols)} symbols")
        self._hide(frozenset(symbols))
        outcome = self._run(self._order)
        if outcome.end is End.FINE:
            self._left = outcome
            return True
        if self._is_same(self._bench, outcome):
            return False
        if self._run(self._culprits).end is not End.FINE:
            self._why_not = "the package fails alone"
            return False
        if symbols_not_found(outcome) & set(symbols):
            self._why_not = "others find no such symbol"
            return False
        self._left = outcome
        return True

    def _run(self, order: Sequence[Installed]) -> Outcome:
        self._processes += 1
        if self._processes > MOST_PROCESSES:
            raise OutOfProcessesError
        return execute(self._bench, order).outcome

    def _hide(self, symbols: frozenset[str]) -> None:
        """Makes the copy's files such that exactly these symbols are hidden."""
        for path, defined in self._where.items():
            wanted = defined & symbols
            if self._hidden.get(path, frozenset()) != wanted and path not in self._refused:
                with open(self._original.path(path), "rb") as file:
                    data = file.read()
                try:
                    edited = edit_elf(data, ElfChanges(hide_symbols=tuple(sorted(wanted)))) if wanted else data
                except PerennialError:
                    self._refused.add(path)
                    continue
                replace_file(self._bench.environment.path(path), edited)
                self._hidden[path] = wanted
