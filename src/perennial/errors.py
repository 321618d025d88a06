"""What can go wrong, as types.

Three kinds of trouble are kept apart (docs/development/style.md):

- a bad wheel is not an exception at all: it is a `Finding` in the report;
- input that cannot be read raises an `UnreadableError`, with what, where and why;
- a mistake in how perennial was called raises a `UsageError`.

Anything else that escapes is a bug of ours. Every message is one line: the
command line prints it as it stands, and never a traceback.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` on one line and harmless to a terminal: what is not printable becomes an escape.

    For text from outside (names of files, mostly) that goes into a message without quotes.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


class PerennialError(Exception):
    """Base of all errors that perennial raises on purpose."""


class UsageError(PerennialError):
    """perennial was asked for something that makes no sense (exit code 2)."""


class UnreadableError(PerennialError):
    """The input cannot be read as what it claims to be (exit code 3)."""


class ElfFormatError(UnreadableError):
    """Bytes that say they are ELF and are not.

    `offset` counts bytes from the start of the file, `field` is the name the gABI gives
    to what was being read, `value` what stood there (None where nothing could be read).
    """

    def __init__(self, reason: str, *, field: str, offset: int, value: int | None = None) -> None:
        self.reason = reason
        self.field = field
        self.offset = offset
        self.value = value
        shown = "" if value is None else f" = {value:#x}"
        super().__init__(f"{field}{shown} at offset {offset:#x}: {reason}")


class ElfEditError(PerennialError):
    """An ELF file that cannot be changed as wanted, for a reason that lies in the file: nothing was written."""


class ArchiveError(UnreadableError):
    """A zip archive that is broken, ambiguous or over a limit.

    `archive` is the path as it was given, `member` the name of the member at fault, or None
    where the archive as a whole is.
    """

    def __init__(self, reason: str, *, archive: str, member: str | None = None) -> None:
        self.reason = reason
        self.archive = archive
        self.member = member
        where = printable(archive) if member is None else f"{printable(archive)}: member {member!r}"
        super().__init__(f"{where}: {reason}")


class WheelFilenameError(UnreadableError):
    """A file name that is not a wheel's (PyPA specification 'Binary distribution format')."""


class KnowledgeError(UnreadableError):
    """Facts about distribution releases that cannot be read."""


class FetchError(UnreadableError):
    """A package index could not be reached, or did not have what was asked for."""
