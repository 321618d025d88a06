"""Known digests of each algorithm, at once and in pieces."""

import xxhash

assert xxhash.xxh32(b"").hexdigest() == "02cc5d05"
assert xxhash.xxh64(b"").hexdigest() == "ef46db3751d8e999"
assert xxhash.xxh3_64(b"").hexdigest() == "2d06800538d394c2"
assert xxhash.xxh3_128(b"").hexdigest() == "99aa06d3014798d86001c324468d497f"
data = bytes(range(256)) * 4096
for make in (xxhash.xxh32, xxhash.xxh64, xxhash.xxh3_64, xxhash.xxh3_128):
    piecewise = make(seed=42)
    for start in range(0, len(data), 1013):
        piecewise.update(data[start : start + 1013])
    assert piecewise.digest() == make(data, seed=42).digest()
    assert make(data, seed=42).digest() != make(data, seed=43).digest()
print("works")
