"""`[tool.perennial]` of a pyproject.toml.

    [tool.perennial]
    tag = "manylinux_2_28_x86_64"          # what `check` judges by
    ignore = ["rpath-outside-wheel"]
    select = []
    index-url = "https://index.example/simple"

The nearest pyproject.toml counts, from the current folder upward; the command line wins over it.
"""

from __future__ import annotations

import argparse
import os

from perennial.errors import UnreadableError, UsageError
from perennial.lean_typing import Any, Final, NamedTuple


class Config(NamedTuple):
    """The table, or its defaults where there is none; `path` is the file that was read, for messages."""

    tag: str | None = None
    ignore: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    index_url: str | None = None
    path: str | None = None


_KEYS: Final[dict[str, type]] = {"tag": str, "ignore": list, "select": list, "index-url": str}


def load_config(explicit: str | None, start: str | os.PathLike[str]) -> Config:
    """The configuration of the file that was named, or of the nearest one above `start`.

    Raises `UnreadableError` and `UsageError`.
    """
    path = explicit if explicit is not None else _nearest(os.path.abspath(start))
    if path is None:
        return Config()
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{path}: not UTF-8 ({error.reason})") from error
    # Most files have no such table, and parsing TOML costs more than a small audit.
    return _parse(path, text) if "perennial" in text else Config()


def _nearest(folder: str) -> str | None:
    while True:
        candidate = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(candidate):
            return candidate
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _parse(path: str, text: str) -> Config:
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableError(f"{path}: not valid TOML: {error}") from error
    table: Any = document.get("tool", {})
    table = table.get("perennial", {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: tool.perennial is not a table")
    for key, value in table.items():
        expected = _KEYS.get(key)
        if expected is None:
            raise UsageError(f"{path}: tool.perennial has no key {key!r}; it knows {', '.join(_KEYS)}")
        items = value if isinstance(value, list) else []
        if not isinstance(value, expected) or not all(isinstance(item, str) for item in items):
            raise UsageError(
                f"{path}: tool.perennial.{key} should be a {'list of strings' if expected is list else 'string'}"
            )
    return Config(
        table.get("tag"), tuple(table.get("ignore", ())), tuple(table.get("select", ())), table.get("index-url"), path
    )


def settle_index(arguments: argparse.Namespace, config: Config) -> None:
    """Gives the arguments the index of the configuration where they name none."""
    if arguments.index_url is None:
        arguments.index_url = config.index_url
