"""What archives and folders have in common: members, one after the other.

Names are relative, with `/` between their parts, and without `.` and empty parts. Nothing is
ever written under these names, yet one with `..` means that somebody hopes that it is.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from perennial.errors import ArchiveError
from perennial.lean_typing import NamedTuple


class Kind(Enum):
    """What a member is; devices, sockets and pipes are of no interest."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARD_LINK = "hard link"
    OTHER = "other"


class Member(NamedTuple):
    """One member. `read` gives a file's content, and only before the next member is asked for."""

    name: str
    kind: Kind
    size: int
    target: str  # of a link; a hard link's is a member's name
    read: Callable[[], bytes]


def clean_name(name: str, archive: str) -> str:
    """A member's name in its one form; "" for the root."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name:
        raise ArchiveError("a name that leads out of the archive", archive=archive, member=name)
    return "/".join(parts)


def decode_name(raw: bytes) -> str:
    """Names are bytes; what is not UTF-8 stays distinguishable."""
    return raw.decode("utf-8", "backslashreplace")
