"""Writing wheels: one wheel with some of its members changed.

What does not change is copied as the compressed bytes that it is stored in; only what changes is
deflated. RECORD follows, and stands last.

The same source, changes and options give the same bytes, as far as the deflater does: of what is
written, nothing else depends on the machine, the clock or the environment.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping

from perennial.errors import ArchiveError
from perennial.lean_typing import Final, NamedTuple
from perennial.wheel.archive import Archive
from perennial.wheel.deflate import DEFAULT_LEVEL, Deflater, deflate
from perennial.wheel.directory import DEFLATED, STORED, Entry, check_name
from perennial.wheel.inflate import crc32
from perennial.wheel.limits import MIB
from perennial.wheel.record import RecordWriter
from perennial.wheel.wheel import dist_info_folder
from perennial.wheel.whole_file import is_same_file, settle, whole_file
from perennial.wheel.zip_writer import Moment, Sink, ZipWriter, new_entry

_LARGEST_RECORD: Final = 64 * MIB
_SIGNATURES: Final = (".jws", ".p7s")


class NewMember(NamedTuple):
    """What a file of the wheel is to be. `mode` are its permission bits; None keeps those of the member
    that it takes the place of, and gives a new one 0o644.
    """

    content: bytes
    mode: int | None = None


class WriteOptions(NamedTuple):
    """How wheels are written. `level` is 0 (stored) to 9, and is that of the deflater.

    `moment`, if given, is the time of every member. Without it unchanged and changed members keep
    theirs, and new ones get that of the WHEEL file, which the build has written last of all.

    `verified` says that all members have been read through the archive that is to be copied. If
    they have not, each is inflated once, and held against its CRC, before it is copied.
    """

    deflater: Deflater
    level: int = DEFAULT_LEVEL
    moment: Moment | None = None
    verified: bool = False


class Written(NamedTuple):
    """What has come of it: `dropped` are signatures of the old RECORD (RECORD.jws, RECORD.p7s), which do not
    fit a new one. Nobody checks them (wheel and pip never did), and a false one is worse than none.
    """

    size: int  # bytes
    dropped: tuple[str, ...]


Changes = Mapping[str, NewMember | None]


def write_wheel(
    source: Archive,
    destination: str,
    changes: Changes,
    options: WriteOptions,
    *,
    accept: Callable[[str, Written], object] | None = None,
) -> Written:
    """Writes the wheel in `source` to `destination`, each member in `changes` replaced, added, or, where it
    is None, left out.

    The file appears whole or not at all, and may take the place of the source, which is closed then.
    `accept` is given the path of the file before that gets its name, and the result; if it raises, nothing is
    written.

    Raises `ArchiveError` for a member that is damaged, `UnreadableError` where the file cannot be written, and
    `ValueError` for changes that make no sense.
    """
    with whole_file(destination) as (file, path):
        written = write_archive(source, file, changes, options)
        settle(file)
        _read_back(path, destination, written.entries, source)
        result = Written(os.path.getsize(path), written.dropped)
        if accept is not None:
            accept(path, result)
        if is_same_file(destination, source.path):
            source.close()  # some systems replace no file that is open
    return result


class _Archive(NamedTuple):
    entries: tuple[Entry, ...]
    dropped: tuple[str, ...]


class _Piece(NamedTuple):
    """A member of the new wheel. `content` is None for one that is copied, being unchanged."""

    entry: Entry
    content: bytes | None


def write_archive(source: Archive, sink: Sink, changes: Changes, options: WriteOptions) -> _Archive:
    """Writes the new wheel's bytes to `sink`, from the first to the last."""
    dist_info = dist_info_folder(source)
    record_path = f"{dist_info}/RECORD"
    entries = {entry.name: entry for entry in source.entries}
    _check_changes(source.path, entries, changes, record_path)
    pieces = _pieces(entries, changes, dist_info)
    record, dropped = _record(source, pieces, record_path, entries.get(record_path))
    moment = None if options.moment is None else options.moment.dos

    writer = ZipWriter(sink)
    for piece in [*(piece for piece in pieces if piece.entry.name not in dropped), record]:
        entry = piece.entry if moment is None else piece.entry._replace(date_time=moment)
        if piece.content is None:
            _copy(source, entry, writer, verified=options.verified)
        else:
            _add(entry, piece.content, writer, options)
    writer.finish()
    return _Archive(tuple(writer.entries), dropped)


def _check_changes(archive: str, entries: Mapping[str, Entry], changes: Changes, record: str) -> None:
    if record in changes:
        raise ValueError("RECORD is made here")
    for name, change in changes.items():
        check_name(archive, name)
        if change is None and name not in entries:
            raise ValueError(f"{name!r} cannot be removed: there is no such member")
        if name.endswith("/") and change is not None:
            raise ValueError(f"{name!r} names a folder")
        if change is not None and change.mode is not None and stat.S_IMODE(change.mode) != change.mode:
            raise ValueError(f"{name!r}: {change.mode:o} are not permission bits")


def _pieces(entries: Mapping[str, Entry], changes: Changes, dist_info: str) -> list[_Piece]:
    """All members but RECORD: in the order of the source, new ones sorted behind them, and then, so too, those
    of .dist-info, which "archivers are encouraged to place physically at the end" (PyPA specification
    "Binary distribution format").
    """
    wheel_file = entries.get(f"{dist_info}/WHEEL")
    date_time = Moment(1980).dos if wheel_file is None else wheel_file.date_time
    kept = [
        entry
        for entry in sorted(entries.values(), key=lambda entry: entry.header_offset)
        if changes.get(entry.name, entry) is not None
    ]
    added = [new_entry(name, 0, date_time) for name in sorted(changes.keys() - entries.keys())]
    pieces = [_piece(entry, changes.get(entry.name)) for entry in (*kept, *added)]
    pieces = [piece for piece in pieces if piece.entry.name != f"{dist_info}/RECORD"]
    return sorted(pieces, key=lambda piece: piece.entry.name.startswith(f"{dist_info}/"))


def _piece(entry: Entry, change: NewMember | None) -> _Piece:
    if change is None:
        return _Piece(entry, None)
    permissions = change.mode
    if permissions is None:
        # Of a symbolic link, the bits mean nothing.
        permissions = 0o644 if entry.is_symlink or not entry.mode else stat.S_IMODE(entry.mode)
    return _Piece(new_entry(entry.name, stat.S_IFREG | permissions, entry.date_time), change.content)


def _record(source: Archive, pieces: list[_Piece], path: str, old: Entry | None) -> tuple[_Piece, tuple[str, ...]]:
    """RECORD, and the signatures of the old one that do not fit it."""
    content = b"" if old is None else source.read(old, _LARGEST_RECORD)
    record = RecordWriter(path, content)
    files = [piece for piece in pieces if not piece.entry.is_directory]
    names = frozenset(piece.entry.name for piece in files)
    signatures = tuple(path + suffix for suffix in _SIGNATURES if path + suffix in names)
    # Besides RECORD itself, its signatures alone need no line.
    hashed = {
        piece.entry.name: _digest(source, piece)
        for piece in files
        if piece.content is not None or not (record.lists(piece.entry.name) or piece.entry.name in signatures)
    }
    if old is not None and record.write(names, hashed) == content:
        return _Piece(old, None), ()
    made = record.write(names.difference(signatures), hashed)
    entry = old or new_entry(path, 0, max(piece.entry.date_time for piece in pieces))
    return _piece(entry, NewMember(made)), signatures


def _digest(source: Archive, piece: _Piece) -> tuple[bytes, int]:
    digest = hashlib.sha256()
    for chunk in source.chunks(piece.entry) if piece.content is None else (piece.content,):
        digest.update(chunk)
    return digest.digest(), piece.entry.size if piece.content is None else len(piece.content)


def _copy(source: Archive, entry: Entry, writer: ZipWriter, *, verified: bool) -> None:
    if not verified:
        source.check(entry)
    # Some writers call nothing at all a deflate stream.
    as_written = entry if entry.compressed_size else entry._replace(method=STORED)
    writer.add(as_written, source.raw(entry))


def _add(entry: Entry, content: bytes, writer: ZipWriter, options: WriteOptions) -> None:
    deflated = deflate(content, options.level, options.deflater)
    data = content if deflated is None else deflated
    method = STORED if deflated is None else DEFLATED
    checksum = crc32(content, 0)
    entry = entry._replace(method=method, crc=checksum, compressed_size=len(data), size=len(content))
    writer.add(entry, (data,))


def _read_back(path: str, destination: str, entries: Iterable[Entry], source: Archive) -> None:
    """Reads what was written with the reader that finds fault with whatever two readers could take differently."""
    try:
        with Archive(path, source.limits) as archive:
            read = archive.entries
    except ArchiveError as error:
        raise ArchiveError(f"would not be readable: {error.reason}", archive=destination, member=error.member) from None
    if read != tuple(entries):
        raise ArchiveError("what was written is not what is read back", archive=destination)
