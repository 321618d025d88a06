"""What became of processes, and what was found out about those that failed."""

from __future__ import annotations

from enum import StrEnum

from perennial.lean_typing import NamedTuple


class End(StrEnum):
    """How a process ended."""

    FINE = "fine"  # everything that it was to do was done
    EXCEPTION = "exception"  # Python said what was wrong
    EXIT = "exit"  # it ended by itself before it was done
    SIGNAL = "signal"
    TIMEOUT = "timeout"


class Outcome(NamedTuple):
    """One process. `step` is what it was doing at the end: "import tensorflow".

    `signal` is a name (SIGSEGV), `code` the exit status of one that ended by itself, `error` the
    exception in one line. `python` is where Python code stood, innermost first, where faulthandler
    or the exception tell. `said` is the end of what it wrote, for people.
    """

    end: End
    step: str
    signal: str | None = None
    code: int | None = None
    error: str | None = None
    python: tuple[str, ...] = ()
    said: str = ""


class Frame(NamedTuple):
    """A native frame: `function` is None where the debugger knows none, `file` is the object's or source's path."""

    function: str | None
    file: str | None


class BindingDifference(NamedTuple):
    """A reference that the loader bound to something else than in the control.

    Paths are relative to where packages are installed; those of the system are absolute. `control` is
    the package that is imported alone in the process that `expected` is from.
    """

    asks: str
    symbol: str
    version: str | None
    got: str
    expected: str
    control: str


class Hidden(NamedTuple):
    """A symbol that hides in a scratch copy of these files."""

    symbol: str
    files: tuple[str, ...]


class Minimised(NamedTuple):
    """The smallest set of symbols that, hidden in one package, makes the failure go away.

    `symbols` is empty where no set did. `candidates` were tried in `processes` runs. `left` is how the
    imports end with these hidden.
    """

    package: str
    symbols: tuple[Hidden, ...]
    candidates: int
    processes: int
    left: Outcome | None
    note: str = ""


class Held(NamedTuple):
    """The smallest set of captured references that, bound to the shared library itself, make the failure go away.

    `references` are paths of libraries and symbols; `captured` of them were tried in `processes` runs.
    """

    references: tuple[tuple[str, str], ...]
    captured: int
    processes: int
    left: Outcome | None


class Preload(NamedTuple):
    """The same imports with a shared library of the system loaded before them."""

    library: str
    outcome: Outcome


class Apart(NamedTuple):
    """The same imports with a package's library that had given way to another of its soname under a name of its own."""

    library: str
    package: str
    outcome: Outcome


class Diagnosis(NamedTuple):
    """What was found out about a failure. `again` is whether it came back just so; notes say what could not be done."""

    again: bool
    frames: tuple[Frame, ...]
    differences: tuple[BindingDifference, ...]
    preloads: tuple[Preload, ...]
    apart: tuple[Apart, ...]
    held: Held | None
    minimised: Minimised | None
    notes: tuple[str, ...]


class Run(NamedTuple):
    """Imports in one order. `outcome` is None where there was no point in it, and `skipped` says why."""

    order: tuple[str, ...]
    outcome: Outcome | None
    diagnosis: Diagnosis | None = None
    skipped: str = ""


class RunReport(NamedTuple):
    """All runs: `alone` are the controls, `orders` what was asked for."""

    python: str  # the interpreter's path
    version: str
    alone: tuple[Run, ...]
    orders: tuple[Run, ...]

    @property
    def has_failure(self) -> bool:
        """Whether anything went wrong, alone or together."""
        return any(run.outcome is not None and run.outcome.end is not End.FINE for run in (*self.alone, *self.orders))


def in_words(outcome: Outcome) -> str:
    """One line for how it ended: "SIGSEGV in import tensorflow"."""
    where = f" in {outcome.step}" if outcome.step else ""
    match outcome.end:
        case End.FINE:
            return "fine"
        case End.SIGNAL:
            return f"{outcome.signal}{where}"
        case End.TIMEOUT:
            return f"no end within the timeout{where}"
        case End.EXCEPTION:
            return f"{outcome.error}{where}"
        case End.EXIT:
            return f"exit status {outcome.code}{where}"
