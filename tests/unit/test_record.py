"""RECORD: a line that is wrong is a finding; nothing about it is an exception."""

from __future__ import annotations

import csv
import io
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.wheel.record import ALGORITHMS, RecordEntry, encode_digest, parse_record
from tests.support.wheel_builder import record_line

RECORD = "demo-1.0.dist-info/RECORD"


def test_the_honest_lines() -> None:
    content = f"{record_line('demo/a.py', b'x')}\n{record_line('demo/b,c.py', b'')}\n{RECORD},,\n".encode()
    record = parse_record(RECORD, content)
    assert record.malformed == ()
    digest = encode_digest(sha256(b"x").digest())
    assert record.entries["demo/a.py"] == RecordEntry("demo/a.py", "sha256", digest, 1, 1)
    assert record.entries["demo/b,c.py"].size == 0
    assert record.entries[RECORD] == RecordEntry(RECORD, None, None, None, 3)


def test_which_members_may_go_without() -> None:
    record = parse_record(RECORD, b"")
    assert all(record.is_exempt(f"{RECORD}{suffix}") for suffix in ("", ".jws", ".p7s"))
    assert not record.is_exempt("demo-1.0.dist-info/WHEEL")


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_usable_hashes(algorithm: str) -> None:
    import hashlib

    assert hashlib.new(algorithm).digest_size >= 32
    assert parse_record(RECORD, f"a,{algorithm}=x,1\n".encode()).algorithm_of("a") == algorithm


@pytest.mark.parametrize("line", ["a,md5=x,1", "a,sha1=x,1", "a,nonsense=x,1", "a,,", "b,sha512=x,1"])
def test_otherwise_members_are_checked_with_sha256(line: str) -> None:
    assert parse_record(RECORD, line.encode()).algorithm_of("a") == "sha256"


@pytest.mark.parametrize(
    ("content", "malformed"),
    [
        (b"a\n", ((1, "has 1 field instead of 3"),)),
        (b"a,,,\n", ((1, "has 4 fields instead of 3"),)),
        (b"ok,,\n\na,sha256,1\n", ((3, "'sha256' is not algorithm=digest"),)),
        (b"a,=x,1\n", ((1, "'=x' is not algorithm=digest"),)),
        (b"a,sha256=,1\n", ((1, "'sha256=' is not algorithm=digest"),)),
        (b"a,sha256=x,-1\n", ((1, "'-1' is not a size in bytes"),)),
        (b"a,sha256=x,\xc2\xb2\n", ((1, "'\u00b2' is not a size in bytes"),)),
        (b",sha256=x,1\n", ((1, "names no file"),)),
        (b"a,,\na,,\n", ((2, "'a' is listed a second time"),)),
        (b"a\x1b[31m\n", ((1, "has 1 field instead of 3"),)),
        (b"a,\x1b[31m,\n", ((1, "'\\x1b[31m' is not algorithm=digest"),)),
        (b'"a\nb",,\nc\n', ((3, "has 1 field instead of 3"),)),  # lines of the file, not of the table
    ],
)
def test_lines_that_cannot_be_read(content: bytes, malformed: tuple[tuple[int, str], ...]) -> None:
    assert parse_record(RECORD, content).malformed == malformed


def test_a_size_of_more_digits_than_python_converts() -> None:
    record = parse_record(RECORD, b"a,," + b"9" * 5000)
    ((line, reason),) = record.malformed
    assert line == 1
    assert reason.endswith("... is not a size in bytes")
    assert len(reason) < 300


def test_a_quote_that_nothing_closes() -> None:
    record = parse_record(RECORD, b'ok,,\n"' + b"x" * 200_000 + b"\n")
    assert list(record.entries) == ["ok"]
    assert record.malformed[0][0] == 2


def test_lines_end_as_in_csv_and_nowhere_else() -> None:
    """str.splitlines would also split at U+2028, form feeds and others, which names may contain."""
    names = ["a\u2028b", "c\x0cd", "e\x85f", "g\x1ch"]
    record = parse_record(RECORD, "".join(f"{name},,\r\n" for name in names).encode())
    assert list(record.entries) == names
    assert record.malformed == ()


@pytest.mark.parametrize("content", [b"\n" * 500_001, b"," * 2_000_001, b"a,,\n" * 500_001])
def test_more_lines_than_an_archive_may_have_members(content: bytes) -> None:
    record = parse_record(RECORD, content)
    assert record.entries == {}
    assert len(record.malformed) == 1


@given(st.binary(max_size=300) | st.text('ab,"=\r\n1\0', max_size=60).map(str.encode))
def test_nothing_fails(content: bytes) -> None:
    record = parse_record(RECORD, content)
    lines = [entry.line for entry in record.entries.values()] + [line for line, _ in record.malformed]
    assert len(lines) == len(set(lines))
    assert all(reason.isprintable() for _, reason in record.malformed)


@given(st.lists(st.text(min_size=1).filter(lambda name: "\0" not in name), unique=True, max_size=8))
def test_what_python_writes_is_read(paths: list[str]) -> None:
    """The specification: "a CSV file that can be parsed by the default reader of Python's csv module"."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([path, "sha256=x", "1"] for path in paths)
    record = parse_record(RECORD, out.getvalue().encode())
    assert list(record.entries) == paths
    assert record.malformed == ()
