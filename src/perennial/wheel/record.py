"""RECORD: what a wheel says it contains (PyPA specification "Recording installed projects").

A CSV file with a line for each member: path, `algorithm=digest` in URL-safe base64 without
padding, size in bytes. RECORD itself and signatures of it carry neither hash nor size.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Final, NamedTuple

# The specification wants sha256 or better and names md5 and sha1 as forbidden.
ALGORITHMS: Final = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_512", "blake2b", "blake2s"})


class RecordEntry(NamedTuple):
    """One line; `algorithm`, `digest` and `size` are None where the line leaves them out."""

    path: str
    algorithm: str | None
    digest: str | None
    size: int | None
    line: int  # counted from 1


class Record(NamedTuple):
    """RECORD, by path. `malformed` holds (line number, what is wrong) of lines that cannot be read."""

    path: str
    entries: Mapping[str, RecordEntry]
    malformed: tuple[tuple[int, str], ...]

    def algorithm_of(self, path: str) -> str:
        """The hash that the member should be checked with; sha256 where RECORD names none that is usable."""
        entry = self.entries.get(path)
        if entry is None or entry.algorithm is None or entry.algorithm not in ALGORITHMS:
            return "sha256"
        return entry.algorithm

    def is_exempt(self, path: str) -> bool:
        """Whether the specification lets this member go without a line or without a hash."""
        return path in (self.path, f"{self.path}.jws", f"{self.path}.p7s")


def parse_record(path: str, content: bytes) -> Record:
    """Reads RECORD's content; never fails, for a wrong line is a finding about the wheel."""
    entries: dict[str, RecordEntry] = {}
    malformed: list[tuple[int, str]] = []
    text = content.decode("utf-8", "backslashreplace")
    for number, fields in enumerate(_rows(text), start=1):
        if not any(fields):
            continue
        entry = _entry(fields, number)
        if isinstance(entry, str):
            malformed.append((number, entry))
        elif entry.path in entries:
            malformed.append((number, f"{entry.path!r} is listed a second time"))
        else:
            entries[entry.path] = entry
    return Record(path, entries, tuple(malformed))


def _rows(text: str) -> list[list[str]]:
    if '"' not in text:  # every RECORD without commas in names; splitting is all there is to do
        return [line.split(",") for line in text.splitlines()]
    import csv

    return list(csv.reader(text.splitlines()))


def _entry(fields: list[str], line: int) -> RecordEntry | str:
    if len(fields) != 3:
        return f"has {len(fields)} fields instead of 3"
    path, hashed, size = fields
    algorithm, equals, digest = hashed.partition("=")
    if hashed and not (equals and digest):
        return f"{hashed!r} is not algorithm=digest"
    if size and not (size.isascii() and size.isdigit()):
        return f"{size!r} is not a size in bytes"
    return RecordEntry(path, algorithm or None, digest or None, int(size) if size else None, line)


def encode_digest(digest: bytes) -> str:
    """A digest in RECORD's spelling."""
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
