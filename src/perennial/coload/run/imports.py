"""One process that imports some packages: its plan, its environment, and how it ended."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence

from perennial.coload.run.child import Ended, run_child
from perennial.coload.run.environment import Environment, Installed
from perennial.coload.run.interpreter import Interpreter
from perennial.coload.run.model import End, Outcome
from perennial.coload.run.script import SCRIPT
from perennial.lean_typing import Final, NamedTuple

Step = tuple[str, str, str]  # kind, name, text

# Where Python stood, in faulthandler's words; "most recent call first"
_FRAME: Final = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+) in (?P<function>.+)$', re.MULTILINE)
_THREADS: Final = re.compile(r"^(?:Current thread|Thread) ", re.MULTILINE)
_MOST_FRAMES: Final = 12
_MOST_SAID: Final = 4000  # characters
_BEFORE_THE_END: Final = 0.9  # of the timeout: when Python tells where it hangs


class Bench(NamedTuple):
    """What all runs share. `scratch` is a folder for plans and such; `timeout` is in seconds."""

    interpreter: Interpreter
    environment: Environment
    smoke: Mapping[str, str]  # code by normalized project name
    scratch: str
    timeout: float


class Execution(NamedTuple):
    """A run, with what only a debugger or the loader writes."""

    outcome: Outcome
    text: str


def steps_of(bench: Bench, order: Sequence[Installed], preload: str | None = None) -> tuple[Step, ...]:
    """First all imports, then all snippets, each in the order of the packages."""
    imports = [("import", module, "") for package in order for module in package.modules]
    smoke = [("smoke", package.name, bench.smoke[package.name]) for package in order if package.name in bench.smoke]
    return (*([("load", preload, "")] if preload else ()), *imports, *smoke)


def execute(
    bench: Bench,
    order: Sequence[Installed],
    *,
    preload: str | None = None,
    before: Sequence[str] = (),
    extra: Mapping[str, str] | None = None,
) -> Execution:
    """Imports in a new process. `before` is a debugger's command line, `extra` are variables for the loader."""
    plan, status, script = (os.path.join(bench.scratch, name) for name in ("plan.json", "status", "script.py"))
    document = {
        "sites": bench.environment.sites,
        "own": bench.environment.own,
        "steps": steps_of(bench, order, preload),
        "traceback_after": bench.timeout * _BEFORE_THE_END,
    }
    with open(plan, "w", encoding="utf-8") as file:
        json.dump(document, file)
    with open(script, "w", encoding="utf-8") as file:
        file.write(SCRIPT)
    with open(status, "w", encoding="utf-8"):
        pass
    folder = os.path.join(bench.scratch, "folder")
    os.makedirs(folder, exist_ok=True)
    # With what an interpreter has itself, `site` has to put it there; nothing is written among it.
    flags = ("-I", "-B") if bench.environment.own else ("-I", "-S")
    ended = run_child(
        (*before, bench.interpreter.path, *flags, script, plan, status),
        environ={**environment_variables(folder), **(extra or {})},
        folder=folder,
        timeout=bench.timeout,
    )
    with open(status, encoding="utf-8", errors="replace") as file:
        told = [line.rstrip("\n").partition("\t")[::2] for line in file]
    return Execution(decode(ended, told), ended.said)


def environment_variables(folder: str) -> dict[str, str]:
    """What processes under test find in their environment: nothing of this one's."""
    return {"PATH": "/usr/bin:/bin", "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}


def decode(ended: Ended, told: Sequence[tuple[str, str]]) -> Outcome:
    """From an exit status and what the process told to how it ended."""
    step = next((text for what, text in reversed(told) if what == "step"), "the start of the interpreter").strip()
    said = ended.said[-_MOST_SAID:]
    done = any(what == "done" for what, _ in told)
    error = next((text for what, text in told if what == "error"), None)
    if ended.status is None:
        return Outcome(End.TIMEOUT, step, python=_stacks(ended.said), said=said)
    if ended.status < 0:
        return Outcome(End.SIGNAL, step, signal=signal_name(-ended.status), python=_stacks(ended.said), said=said)
    if error is not None:
        frames = tuple(text for what, text in told if what == "frame")[:_MOST_FRAMES]
        return Outcome(End.EXCEPTION, step, code=ended.status, error=error, python=frames, said=said)
    if ended.status == 0 and done:
        return Outcome(End.FINE, "", code=0)
    return Outcome(End.EXIT, step, code=ended.status, said=said)


def _stacks(said: str) -> tuple[str, ...]:
    """The last stack that faulthandler wrote, innermost first."""
    parts = _THREADS.split(said)
    return tuple(_frames(parts[-1]))[:_MOST_FRAMES] if len(parts) > 1 else ()


def _frames(text: str) -> Iterator[str]:
    for found in _FRAME.finditer(text):
        yield f"{found['file']}:{found['line']} in {found['function']}"


def signal_name(number: int) -> str:
    """SIGSEGV; "signal 35" for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
