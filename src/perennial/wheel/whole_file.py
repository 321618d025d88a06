"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

from perennial.errors import UnreadableError
from perennial.lean_typing import BinaryIO, NoReturn

_BUFFER = 1 << 20


@contextmanager
def whole_file(target: str) -> Iterator[tuple[BinaryIO, str]]:
    """A new file to be written, and its path; when the block is left, it is given the name `target`.

    Until then it lies in the same folder, hidden and without extension, so that nobody takes it for a
    wheel; when the block is left by an exception, of whatever kind, it is removed, and what was at
    `target` stays. The block may close it. Of a process that is killed, the hidden file remains.

    Raises `UnreadableError` where that file system cannot be written to.
    """
    if "\0" in target:
        raise UnreadableError(f"{target}: cannot be written: a path has no NUL")
    try:
        path = _create(os.path.dirname(target))
    except OSError as error:
        _refuse(target, error)
    try:
        try:
            with open(path, "r+b", buffering=_BUFFER) as file:
                yield file, path
                if not file.closed:
                    settle(file)
            os.replace(path, target)
        except OSError as error:
            _refuse(target, error)
    except BaseException:
        with suppress(FileNotFoundError):  # interrupted when it had its name already
            os.unlink(path)
        raise


def make_folder(folder: str) -> None:
    """Makes a folder and those above it, where they are not there; "" is the current one. Raises `UnreadableError`."""
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else "a path has no NUL"
        raise UnreadableError(f"{folder}: the folder cannot be made: {reason}") from error


def is_same_file(path: str, other: str) -> bool:
    """Whether both are there, and are one and the same."""
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def settle(file: BinaryIO) -> None:
    """Closes a file when all of it is on disk: after a power failure a name must not stand for half a file."""
    file.flush()
    os.fsync(file.fileno())
    file.close()


def _create(folder: str) -> str:
    """A new and empty file, with the permissions that the process gives to any file that it makes."""
    for number in count():
        path = os.path.join(folder, f".perennial-{os.getpid()}-{number}.part")
        try:
            open(path, "xb").close()
        except FileExistsError:  # of another thread, or left behind by a process that was killed
            continue
        return path
    raise AssertionError


def _refuse(target: str, error: OSError) -> NoReturn:
    raise UnreadableError(f"{target}: cannot be written: {error.strerror or error}") from error
