"""RECORD: what a wheel says it contains (PyPA specification "Recording installed projects").

A CSV file with a line for each member: path, `algorithm=digest` in URL-safe base64 without
padding, size in bytes. RECORD itself and signatures of it carry neither hash nor size.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Mapping

from perennial.lean_typing import Final, NamedTuple

# The specification wants sha256 or better and names md5 and sha1 as forbidden.
ALGORITHMS: Final = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_512", "blake2b", "blake2s"})

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")  # RFC 4648, section 5
_MOST_LINES: Final = 500_000  # an archive has at most 200,000 members by default
_LONGEST_SIZE: Final = 20  # digits of 2**64
_LONGEST_SHOWN: Final = 200


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
    if content.count(b"\n") > _MOST_LINES or content.count(b",") > 4 * _MOST_LINES:
        return Record(path, {}, ((1, f"has more than {_MOST_LINES} lines, or {4 * _MOST_LINES} fields"),))
    entries: dict[str, RecordEntry] = {}
    malformed: list[tuple[int, str]] = []
    for number, fields in _rows(content.decode("utf-8", "backslashreplace")):
        if not any(fields):
            continue
        entry = _entry(fields, number)
        if isinstance(entry, str):
            malformed.append((number, entry))
        elif entry.path in entries:
            malformed.append((number, f"{_shown(entry.path)} is listed a second time"))
        else:
            entries[entry.path] = entry
    return Record(path, entries, tuple(malformed))


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of each line."""
    if '"' not in text:  # every RECORD without commas in names; splitting is all there is to do
        for number, line in enumerate(text.split("\n"), start=1):
            yield number, line.removesuffix("\r").split(",")
        return
    import csv
    from io import StringIO

    reader = csv.reader(StringIO(text, newline=""))
    while True:
        number = reader.line_num + 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error:  # a field of more than 128 KiB, which is a quote that nothing closes
            yield number, ["a field that does not end"]


def _entry(fields: list[str], line: int) -> RecordEntry | str:
    if len(fields) != 3:
        return f"has {len(fields)} field{'s' * (len(fields) != 1)} instead of 3"
    path, hashed, size = fields
    algorithm, equals, digest = hashed.partition("=")
    if not path:
        return "names no file"
    if hashed and not (algorithm and equals and digest):
        return f"{_shown(hashed)} is not algorithm=digest"
    if size and not (size.isascii() and size.isdigit() and len(size) <= _LONGEST_SIZE):
        return f"{_shown(size)} is not a size in bytes"
    return RecordEntry(path, algorithm or None, digest or None, int(size) if size else None, line)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]!r}..."


def encode_digest(digest: bytes) -> str:
    """A digest in RECORD's spelling."""
    return b2a_base64(digest, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


class RecordWriter:
    """RECORD for a wheel of which some members have changed.

    Lines of unchanged members stay as they were, to the byte, right or wrong: to make a wrong hash
    right would hide that a file was damaged. Lines that cannot be read go, and those of members that
    are not there.
    """

    def __init__(self, path: str, content: bytes) -> None:
        self._record: Final = parse_record(path, content)
        text = content.decode("utf-8", "backslashreplace")
        self._lines: Final = text.split("\n")
        self._end: Final = "\r\n" if "\r\n" in text else "\n"

    def lists(self, path: str) -> bool:
        """Whether a readable line stands for the member."""
        return path in self._record.entries

    def write(self, members: Iterable[str], hashed: Mapping[str, tuple[bytes, int]]) -> bytes:
        """RECORD's content. `members` are all paths there will be, without RECORD itself; `hashed` gives the
        sha256 digest and size of those whose lines are made anew, or for the first time.
        """
        own, listed = self._record.path, self._record.entries
        wanted = {*members, own}
        lines = [
            _line(path, hashed[path]) if path in hashed else self._verbatim(entry)
            for path, entry in listed.items()
            if path in wanted
        ]
        if own not in listed:
            lines.append(_csv(own, "", ""))
        # Behind all others, but for RECORD's own line where that is the last.
        at = len(lines) - 1 if own not in listed or [*listed][-1] == own else len(lines)
        lines[at:at] = [_line(path, hashed[path]) for path in sorted(hashed.keys() - listed.keys())]
        return "".join(f"{line}{self._end}" for line in lines).encode("utf-8")

    def _verbatim(self, entry: RecordEntry) -> str:
        line = self._lines[entry.line - 1].removesuffix("\r") if entry.line <= len(self._lines) else ""
        for _, fields in _rows(line):
            if _entry(fields, entry.line) == entry:
                return line
        # Lines that end in a lone CR are counted in another way.
        hashed = f"{entry.algorithm}={entry.digest}" if entry.algorithm else ""
        return _csv(entry.path, hashed, "" if entry.size is None else str(entry.size))


def _line(path: str, hashed: tuple[bytes, int]) -> str:
    digest, size = hashed
    return _csv(path, f"sha256={encode_digest(digest)}", str(size))


def _csv(*fields: str) -> str:
    import csv
    from io import StringIO

    out = StringIO()
    csv.writer(out, lineterminator="").writerow(fields)
    return out.getvalue()
