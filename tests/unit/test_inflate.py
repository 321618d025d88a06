"""Inflaters: whichever is installed, the same bytes, and the same streams refused."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from struct import pack

import pytest

from perennial.wheel.inflate import (
    Inflater,
    ZlibInflater,
    inflate_error,
    inflate_in_one_step,
    inflate_whole,
    new_inflater,
)

NOISE = random.Random(3).randbytes(50_000)
CONTENTS = {
    "nothing": b"",
    "one byte": b"x",
    "text": b"the quick brown fox jumps over the lazy dog\n" * 40,
    "noise": NOISE,
    "zeros": bytes(300_000),
    "both": (NOISE + bytes(20_000)) * 4,
}
# A fixed block that copies three bytes from one before the first (RFC 1951, 3.2.6), then ends.
TOO_FAR_BACK = b"\x03\x02\x00"

streams = pytest.mark.parametrize("make", [ZlibInflater, new_inflater], ids=["zlib", "installed"])
wholes = pytest.mark.parametrize("inflate", [inflate_in_one_step, inflate_whole], ids=["one step", "installed"])
contents = pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
levels = pytest.mark.parametrize("level", [0, 1, 6, 9])
Whole = Callable[[bytes, int, int], bytes | bytearray | None]


def deflated(content: bytes, level: int = 6) -> bytes:
    stream = zlib.compressobj(level, zlib.DEFLATED, -15)
    return stream.compress(content) + stream.flush()


@streams
@contents
@levels
@pytest.mark.parametrize(("read", "most"), [(1, 7), (1000, 100), (4096, 1 << 18), (1 << 20, 4096)])
def test_a_stream_in_pieces(make: Callable[[], Inflater], content: bytes, level: int, read: int, most: int) -> None:
    if len(content) > 2000 and read == 1:
        read, most = 50, 700  # the same, in a bearable number of steps
    data = deflated(content, level) + b"surplus"
    inflater = make()
    made = []
    position = 0
    while not inflater.eof:
        piece = b""
        hungry = inflater.needs_input
        if hungry:
            piece = data[position : position + read]
            position += read
        made.append(inflater.decompress(piece, most))
        assert len(made[-1]) <= most
        assert made[-1] or piece or inflater.needs_input is not hungry, "no progress"
    assert b"".join(made) == content
    assert inflater.unused_data + data[position:] == b"surplus"


@streams
def test_a_stream_that_breaks_off_does_not_end(make: Callable[[], Inflater]) -> None:
    inflater = make()
    assert inflater.decompress(deflated(b"some text")[:-1], 1000) in (b"some text", b"some tex")
    assert inflater.decompress(b"", 1000) in (b"", b"t")
    assert not inflater.eof


@wholes
@contents
@levels
def test_a_whole_member(inflate: Whole, content: bytes, level: int) -> None:
    data = deflated(content, level)
    made = inflate(data, len(content), zlib.crc32(content))
    assert made is not None
    assert bytes(made) == content


@wholes
@contents
@levels
@pytest.mark.parametrize(
    "spoil",
    [
        lambda data, content: (data + b"\0", len(content), zlib.crc32(content)),
        lambda data, content: (data[:-1], len(content), zlib.crc32(content)),
        lambda _, content: (b"", len(content), zlib.crc32(content)),
        lambda data, content: (data, len(content) + 1, zlib.crc32(content)),
        lambda data, content: (data, max(len(content) - 1, 0), zlib.crc32(content[:-1]) ^ (not content)),
        lambda data, content: (data, len(content), zlib.crc32(content) ^ 1),
        # What a gzip trailer would be, once, twice, and so that it overlaps with the right one.
        lambda data, content: (data + trailer(content), len(content), zlib.crc32(content)),
        lambda data, content: (data + 2 * trailer(content), len(content), zlib.crc32(content)),
        lambda data, content: (data + trailer(content)[:4], len(content), zlib.crc32(content)),
    ],
    ids=["surplus", "cut off", "empty", "longer", "shorter", "crc", "trailer", "two trailers", "half a trailer"],
)
def test_anything_wrong_with_a_whole_member(
    inflate: Whole, content: bytes, level: int, spoil: Callable[[bytes, bytes], tuple[bytes, int, int]]
) -> None:
    assert inflate(*spoil(deflated(content, level), content)) is None


def trailer(content: bytes) -> bytes:
    return pack("<2L", zlib.crc32(content), len(content))


@wholes
def test_surplus_where_size_and_crc_are_one(inflate: Whole) -> None:
    """A trailer of which each half is the other: half of it behind the stream fits as well as all of it."""
    assert inflate(deflated(b"") + bytes(4), 0, 0) is None
    assert inflate(deflated(b"") + bytes(8), 0, 0) is None


@wholes
def test_a_reference_before_the_start(inflate: Whole) -> None:
    with pytest.raises(zlib.error, match="too far back"):
        zlib.decompress(TOO_FAR_BACK, -15)
    for byte in range(256):
        assert inflate(TOO_FAR_BACK, 3, zlib.crc32(bytes([byte]) * 3)) is None


@streams
def test_a_reference_before_the_start_of_a_stream(make: Callable[[], Inflater]) -> None:
    with pytest.raises((inflate_error, zlib.error)):
        make().decompress(TOO_FAR_BACK, 1000)


@wholes
def test_a_trailer_within_the_stream(inflate: Whole) -> None:
    """It is no sign of anything: a stored block may hold any bytes, those of its own CRC and size among them."""
    inner = b"some text"
    for crc in (zlib.crc32(inner), 0):
        content = pack("<2L", crc, len(inner)) + inner
        data = deflated(content, 0)
        assert bytes(inflate(data, len(content), zlib.crc32(content)) or b"") == content
