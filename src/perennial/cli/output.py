"""Writing what was rendered: to standard output, or to a file that appears whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from perennial.errors import UnreadableError


def write_output(text: str, target: str | None) -> None:
    """`target` is a file's path, or None for standard output."""
    if target is None:
        sys.stdout.write(text)
        return
    path = Path(target)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        raise UnreadableError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
