"""Compresses and decompresses at each quality, whole and in a stream, and refuses what is broken."""

import random

import brotli

dice = random.Random(5)
text = " ".join(dice.choice(["perennial", "wheel", "glibc", "2.17"]) for _ in range(20000)).encode()
noise = dice.randbytes(50000)
for quality in (0, 5, 9, 11):
    for data in (b"", text, noise):
        assert brotli.decompress(brotli.compress(data, quality=quality)) == data
assert len(brotli.compress(text)) < len(text) // 6
stream = brotli.Compressor(mode=brotli.MODE_TEXT)
packed = stream.process(text) + stream.flush() + stream.process(noise) + stream.finish()
unpack = brotli.Decompressor()
assert b"".join(unpack.process(packed[at : at + 777]) for at in range(0, len(packed), 777)) == text + noise
assert unpack.is_finished()
try:
    brotli.decompress(packed[:-5])
except brotli.error:
    print("works")
