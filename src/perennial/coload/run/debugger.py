"""Native stacks, from gdb where that is installed.

The failure has to happen once more, under the debugger. It is started without anybody's settings
(-nx), without a shell, and without asking servers for symbols.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence

from perennial.coload.run.environment import Environment, Installed
from perennial.coload.run.imports import Bench, execute
from perennial.coload.run.model import Frame
from perennial.lean_typing import Final

_DEPTH: Final = 24  # frames
_COMMANDS: Final = (
    "set pagination off",
    "set width 0",
    "set confirm off",
    "set startup-with-shell off",
    "set print frame-arguments none",
    "set print entry-values no",
    # Signals that runtimes use among themselves do not end anything.
    "handle SIGUSR1 SIGUSR2 SIGPIPE SIGALRM SIGCHLD SIGPROF SIGVTALRM SIGURG SIGIO nostop noprint pass",
    "run",
    f"bt {_DEPTH}",
    "kill",
)
_SIGNAL: Final = re.compile(r"received signal (SIG\w+),")
# "#2  0x... in std::call_once<void (&)()>(std::once_flag&) () from /x/y.so": arguments come without values.
_FRAME: Final = re.compile(
    r"^#\d+ +(?:0x[0-9a-f]+ in )?(?P<function>.+) \([^()]*\)(?: (?P<how>from|at) (?P<file>\S.*))?$", re.MULTILINE
)


def find_gdb(path: str) -> str | None:
    """`path` is a PATH to look on."""
    return shutil.which("gdb", path=path)


def native_frames(gdb: str, bench: Bench, order: Sequence[Installed], expected: str) -> tuple[Frame, ...]:
    """The innermost frames at the signal `expected`, innermost first; () where it did not come under gdb."""
    command = [gdb, "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load off"]
    for line in _COMMANDS:
        command += ["-ex", line]
    execution = execute(bench, order, before=(*command, "--args"))
    return parse_frames(execution.text, expected, bench.environment)


def parse_frames(text: str, expected: str, environment: Environment) -> tuple[Frame, ...]:
    """gdb's words as values; paths below the environment become relative to it."""
    found = _SIGNAL.search(text)
    if found is None or found[1] != expected:
        return ()
    frames = []
    for match in _FRAME.finditer(text, found.end()):
        name, file = match["function"], match["file"]
        if file is not None:
            file = environment.name(file)
            file = re.sub(r":\d+$", "", file) if match["how"] == "at" else file
        frames.append(Frame(None if name == "??" else name, file))
    return tuple(frames)


def top_frame(frames: Sequence[Frame]) -> str | None:
    """The innermost function with a name: below it, a crash that jumped anywhere has addresses that mean nothing."""
    return next((frame.function for frame in frames if frame.function is not None), None)
