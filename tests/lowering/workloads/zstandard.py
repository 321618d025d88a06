"""Frames, streams, dictionaries and threads, by the C extension and by CFFI's module."""

import io
import random

import zstandard

assert zstandard.backend == "cext"
dice = random.Random(4)
samples = [b'{"name": "n%d", "version": "%d.%d"}' % (n, dice.randrange(9), dice.randrange(99)) for n in range(3000)]
data = b"".join(samples)
for level in (1, 3, 19):
    assert zstandard.decompress(zstandard.compress(data, level)) == data
threaded = zstandard.ZstdCompressor(threads=2, write_checksum=True).compress(data * 20)
assert zstandard.decompress(threaded, max_output_size=len(data) * 20) == data * 20
learned = zstandard.train_dictionary(4096, samples)
small = zstandard.ZstdCompressor(dict_data=learned).compress(samples[7])
assert len(small) < len(zstandard.compress(samples[7]))
assert zstandard.ZstdDecompressor(dict_data=learned).decompress(small) == samples[7]
with io.BytesIO() as file:
    with zstandard.ZstdCompressor().stream_writer(file, closefd=False) as writer:
        for sample in samples:
            writer.write(sample)
    file.seek(0)
    assert zstandard.ZstdDecompressor().stream_reader(file).read() == data
try:
    zstandard.decompress(threaded[:-9] + b"?" * 9)
except zstandard.ZstdError:
    print("works")
