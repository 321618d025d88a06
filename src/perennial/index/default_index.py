"""The index that pip uses where none is configured.

Which one that is, is pip's to say and not written down here. The public way to ask is its
help: the text of `--index-url` ends in "(default <url>)" in every pip since 1.0. It is run
without PIP_* variables and configuration files, for these change the default that it shows.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache

from perennial.errors import FetchError
from perennial.lean_typing import Final

_DEFAULT: Final = re.compile(r"--index-url\b.*?\(default\s+(\w+://\S+?)\)", re.DOTALL)
_TIMEOUT: Final = 60  # seconds


def default_index_url(environ: Mapping[str, str]) -> str:
    """Asks the pip beside this Python, or else the first on PATH; FetchError where there is none."""
    kept = {key: value for key, value in environ.items() if not key.startswith("PIP_")}
    # No colours, and lines so long that the URL is not wrapped.
    kept |= {"PIP_CONFIG_FILE": os.devnull, "NO_COLOR": "1", "COLUMNS": "1000", "PYTHONWARNINGS": "ignore"}
    # -P: a folder named pip where we happen to stand is not pip.
    commands: list[tuple[str, ...]] = [(sys.executable, "-P", "-m", "pip")] if sys.executable else []
    on_path = shutil.which("pip", path=environ.get("PATH"))
    if on_path is not None:
        commands.append((on_path,))
    for command in commands:
        url = _ask(command, frozenset(kept.items()))
        if url is not None:
            return url
    raise FetchError(
        "no package index is configured, and there is no pip to ask for its default: "
        "name one with --index-url or PIP_INDEX_URL"
    )


@cache
def _ask(command: tuple[str, ...], environ: frozenset[tuple[str, str]]) -> str | None:
    try:
        done = subprocess.run(
            [*command, "download", "--help"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _DEFAULT.search(done.stdout) if done.returncode == 0 else None
    return None if found is None else found[1]
