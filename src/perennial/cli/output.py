"""Writing what was rendered: to standard output, or to a file that appears whole or not at all."""

from __future__ import annotations

import os
import sys

from perennial.errors import UnreadableError, UsageError
from perennial.wheel.whole_file import whole_file


def write_output(text: str, target: str | None) -> None:
    """`target` is a file's path, or None, "-" or /dev/stdout for standard output.

    The file appears where a link leads. What is open elsewhere (/dev/null, /dev/fd/3, bash's >(...)) is written
    to: a file in its place would take it away from everybody, and root could do that.

    Raises `UsageError` and `UnreadableError`.
    """
    if target in (None, "-", "/dev/stdout"):
        sys.stdout.write(text)
        return
    if not target:
        raise UsageError("--output names no file (is a variable of the shell unset?)")
    data = text.encode("utf-8", "backslashreplace")
    if not _is_open_elsewhere(target):
        path = os.path.realpath(target) if os.path.islink(target) else target
        with whole_file(path) as (file, _):
            file.write(data)
        return
    try:
        with open(os.open(target, os.O_WRONLY | os.O_APPEND), "wb") as stream:
            stream.write(data)
    except OSError as error:
        raise UnreadableError(f"{target}: cannot be written: {error.strerror}") from error


def _is_open_elsewhere(target: str) -> bool:
    """Whether others read or write there: a device, a pipe, or, as /dev/stderr or /dev/fd/3, a file that is open."""
    if not os.path.exists(target) or os.path.isdir(target):
        return False
    folder = os.path.realpath(os.path.dirname(target))
    return not os.path.isfile(target) or folder == "/dev" or folder.startswith("/proc/")
