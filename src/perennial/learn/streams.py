"""Bytes that come once, from front to back: files, and what is compressed in them.

Package formats and image layers compress with gzip, xz, zstd, bzip2 or not at all, and which
it was is best known from the first bytes: file names and media types are not always true.
All decoders are asked for a bounded piece at a time, so that a small file that unpacks to a
large one costs time and no memory.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from importlib import import_module

from perennial.errors import ArchiveError, UnreadableError
from perennial.lean_typing import BinaryIO, Final, Protocol, cast
from perennial.learn.limits import Budget

CHUNK: Final = 1 << 18
_LZMA_MEMORY: Final = 512 << 20  # xz -9e wants 65 MiB to decompress
_LONGEST_MAGIC: Final = 6


class Decoder(Protocol):
    """What lzma, bz2 and zstd have in common; one serves for one compressed stream."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's decoder with the interface of the others (RFC 1952 streams)."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        made = self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)
        self.needs_input = not self._decoder.unconsumed_tail and len(made) < max_length
        return made


def _xz() -> Decoder:
    return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)


def _zstd() -> Decoder:
    """RFC 8878. The standard library reads it from Python 3.14 on, its backport before."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return cast("Decoder", import_module(name).ZstdDecompressor())
        except ImportError:
            continue
    raise UnreadableError(
        "it is compressed with zstd, which this Python cannot read: use Python 3.14, or install backports.zstd"
    )


_DECODERS: Final[tuple[tuple[bytes, str, Callable[[], Decoder]], ...]] = (
    (b"\x1f\x8b", "gzip", _Gzip),
    (b"\xfd7zXZ\0", "xz", _xz),
    (b"\x28\xb5\x2f\xfd", "zstd", _zstd),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\x5d\x00\x00", "lzma", _xz),
)


def file_chunks(file: BinaryIO, size: int | None = None) -> Iterator[bytes]:
    """The next `size` bytes of a file (None: all), piece by piece; fewer where it ends before."""
    left = size
    while left is None or left > 0:
        data = file.read(CHUNK if left is None else min(CHUNK, left))
        if not data:
            return
        if left is not None:
            left -= len(data)
        yield data


def decompressed(chunks: Iterable[bytes], budget: Budget) -> Iterator[bytes]:
    """What is in a compressed stream, or the stream itself where it is not compressed."""
    source = iter(chunks)
    pending = _at_least(source, b"", _LONGEST_MAGIC)
    found = _decoder_for(pending)
    if found is None:
        yield from _counted(pending, source, budget)
        return
    name, make = found
    problem = None
    try:
        while pending:
            pending = yield from _one_stream(make(), pending, source, budget)
            # streams may follow one another (RFC 1952, 2.2), zeros may pad the last
            pending = _after_padding(source, pending)
            if pending and _decoder_for(pending) != found:
                problem = f"there is something else after the end of its {name} data"
                break
    except ArchiveError:
        raise
    except UnreadableError as error:
        raise ArchiveError(str(error), archive=budget.archive) from None
    except Exception as error:
        if not _is_decoder_error(error):
            raise
        raise ArchiveError(f"broken {name} data: {error}", archive=budget.archive) from error
    if problem is not None:
        raise ArchiveError(problem, archive=budget.archive)


def _one_stream(
    decoder: Decoder, data: bytes, source: Iterator[bytes], budget: Budget
) -> Generator[bytes, None, bytes]:
    """Yields what one stream holds and returns what follows it."""
    while True:
        made = decoder.decompress(data, CHUNK)
        if made:
            budget.spend_bytes(len(made))
            yield made
        if decoder.eof:
            return decoder.unused_data
        data = b""
        if decoder.needs_input:
            data = next(source, b"")
            if not data:
                raise ArchiveError("ends in the middle of its compressed data", archive=budget.archive)


def _counted(first: bytes, rest: Iterator[bytes], budget: Budget) -> Iterator[bytes]:
    if first:
        budget.spend_bytes(len(first))
        yield first
    for data in rest:
        budget.spend_bytes(len(data))
        yield data


def _at_least(source: Iterator[bytes], data: bytes, size: int) -> bytes:
    """`data` with more from the source, until there are `size` bytes or no more."""
    while len(data) < size and (more := next(source, b"")):
        data += more
    return data


def _after_padding(source: Iterator[bytes], data: bytes) -> bytes:
    """The beginning of what follows, without zeros before it."""
    data = data.lstrip(b"\0")
    while len(data) < _LONGEST_MAGIC and (more := next(source, b"")):
        data = (data + more).lstrip(b"\0")
    return data


def _decoder_for(data: bytes) -> tuple[str, Callable[[], Decoder]] | None:
    return next(((name, make) for magic, name, make in _DECODERS if data.startswith(magic)), None)


def _is_decoder_error(error: Exception) -> bool:
    return isinstance(error, zlib.error | lzma.LZMAError | OSError | EOFError | ValueError) or (
        type(error).__name__ == "ZstdError"
    )


class ByteReader:
    """Reads exact amounts from chunks."""

    def __init__(self, chunks: Iterable[bytes], archive: str) -> None:
        self._chunks = iter(chunks)
        self._data = b""
        self._at = 0
        self.archive = archive
        self.position = 0

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end."""
        parts: list[bytes] = []
        wanted = size
        while wanted:
            if self._at == len(self._data):
                self._data, self._at = next(self._chunks, b""), 0
                if not self._data:
                    break
            part = self._data[self._at : self._at + wanted]
            self._at += len(part)
            wanted -= len(part)
            parts.append(part)
        self.position += size - wanted
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def exactly(self, size: int, what: str) -> bytes:
        """The next `size` bytes; ArchiveError, naming what they are, where the source ends before."""
        data = self.read(size)
        if len(data) < size:
            raise ArchiveError(f"ends in the middle of {what} at byte {self.position}", archive=self.archive)
        return data

    def drain(self) -> None:
        """Passes over all that is left."""
        while self.read(CHUNK):
            pass

    def skip(self, size: int, what: str) -> None:
        """Passes over `size` bytes."""
        while size:
            size -= len(self.exactly(min(size, CHUNK), what))
