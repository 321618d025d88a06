"""What perennial's exit codes mean, for every command."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The first four are the contract; the others are what shells expect of any program."""

    OK = 0  # nothing of error severity was found
    FINDINGS = 1  # something was
    USAGE = 2  # the command line or the configuration makes no sense
    UNREADABLE = 3  # an input could not be read, fetched or written
    INTERNAL = 70  # a bug of perennial (EX_SOFTWARE of sysexits.h)
    INTERRUPTED = 130  # Ctrl-C (128 + SIGINT)
    BROKEN_PIPE = 141  # the reader of our output went away (128 + SIGPIPE)
