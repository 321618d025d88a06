"""Writing what was rendered: to standard output, or to a file that appears whole or not at all."""

from __future__ import annotations

import os
import sys

from perennial.errors import UnreadableError


def write_output(text: str, target: str | None) -> None:
    """`target` is a file's path, or None for standard output."""
    if target is None:
        sys.stdout.write(text)
        return
    folder, name = os.path.split(target)
    partial = os.path.join(folder, f".{name}.{os.getpid()}.part")
    try:
        with open(partial, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(partial, target)
    except OSError as error:
        raise UnreadableError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        if os.path.exists(partial):
            os.unlink(partial)
