"""What the commands that write wheels have in common: how, and where."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping

from perennial.errors import UsageError, printable
from perennial.lean_typing import Final
from perennial.wheel.deflate import DEFAULT_LEVEL, LEVELS, Deflater, installed_deflater
from perennial.wheel.write import WriteOptions
from perennial.wheel.zip_writer import Moment

_LEVEL: Final = "AUDITWHEEL_ZIP_COMPRESSION_LEVEL"
_EPOCH: Final = "SOURCE_DATE_EPOCH"


def add_writing_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-w", "--wheel-dir", metavar="DIR", help="write to this folder, which is made if need be")
    group = parser.add_argument_group("compression of files that change (others are copied as they are)")
    group.add_argument(
        "-z", "--zip-compression-level", metavar="N", dest="level", type=_level,
        help=f"{LEVELS[0]} (stored) to {LEVELS[-1]} (smallest); default: {DEFAULT_LEVEL}",
    )  # fmt: skip
    group.add_argument(
        "--deflate", choices=[deflater.value for deflater in Deflater],
        help="what compresses (default: libdeflate where it is installed); it decides on the bytes",
    )  # fmt: skip


def _level(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) == 1):
        raise argparse.ArgumentTypeError(f"{printable(text)!r} is not a level from {LEVELS[0]} to {LEVELS[-1]}")
    return int(text)


def read_write_options(arguments: argparse.Namespace, *, verified: bool) -> WriteOptions:
    """The command line and the environment, brought together; `verified` as in `WriteOptions`."""
    deflater = installed_deflater() if arguments.deflate is None else Deflater(arguments.deflate)
    if not deflater.is_installed:
        raise UsageError(f"--deflate {deflater}: it is not installed here; pip install deflate, or use zlib")
    level = arguments.level
    if level is None:
        level = _level_of(os.environ)
    return WriteOptions(deflater, level, source_date(os.environ), verified)


def _level_of(environment: Mapping[str, str]) -> int:
    text = environment.get(_LEVEL)
    try:
        return DEFAULT_LEVEL if text is None else _level(text)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{_LEVEL}: {error}") from None


def source_date(environment: Mapping[str, str]) -> Moment | None:
    """SOURCE_DATE_EPOCH, which https://reproducible-builds.org/specs/source-date-epoch defines; None where it is
    not set. It "MUST be an ASCII representation of an integer with no fractional component", seconds in UTC.
    """
    text = environment.get(_EPOCH)
    if not text:
        return None  # set to nothing, as templates of CI leave it, is not set
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{_EPOCH}={printable(text)}: not a number of seconds")
    from datetime import UTC, datetime, timedelta

    try:
        time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(text))
    except (OverflowError, ValueError):  # later than the year 9999, or than anything
        return Moment(9999)
    return Moment(time.year, time.month, time.day, time.hour, time.minute, time.second)
