"""Blocks and streams; what is broken is refused."""

import random

import snappy

dice = random.Random(2)
text = b"perennial " * 5000 + dice.randbytes(70000)
assert snappy.uncompress(snappy.compress(text)) == text
assert len(snappy.compress(b"perennial " * 5000)) < 5000
assert snappy.isValidCompressed(snappy.compress(b"")) and not snappy.isValidCompressed(b"\xff" * 9)
stream, back = snappy.StreamCompressor(), snappy.StreamDecompressor()
packed = stream.add_chunk(text[:50]) + stream.add_chunk(text[50:])
assert b"".join(back.decompress(packed[at : at + 999]) for at in range(0, len(packed), 999)) == text
try:
    snappy.uncompress(b"\xff" * 9)
except snappy.UncompressError:
    print("works")
