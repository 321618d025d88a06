"""Packs and unpacks values of every kind, whole and in a stream."""

import datetime
import random

import msgpack
from msgpack import _cmsgpack

assert msgpack.Packer is _cmsgpack.Packer
value = {
    "n": None,
    "t": True,
    "i": [0, -1, 127, -129, 2**32, 2**64 - 1, -(2**63)],
    "f": [0.5, -1e300],
    "b": b"\0" * 70000,
}
assert msgpack.unpackb(msgpack.packb(value)) == value
assert msgpack.packb([1, -1, "a", 1.5]) == b"\x94\x01\xff\xa1a\xcb?\xf8\0\0\0\0\0\0"
moment = datetime.datetime(2001, 2, 3, 4, 5, 6, 7000, tzinfo=datetime.UTC)
assert msgpack.unpackb(msgpack.packb(moment, datetime=True), timestamp=3) == moment
dice = random.Random(7)
stream = [dice.choice([dice.random(), dice.randrange(1 << 60), "x" * dice.randrange(300)]) for _ in range(2000)]
unpacker = msgpack.Unpacker()
data = b"".join(map(msgpack.packb, stream))
found = []
for start in range(0, len(data), 97):
    unpacker.feed(data[start : start + 97])
    found += unpacker
assert found == stream
try:
    msgpack.unpackb(b"\xc1")
except msgpack.FormatError:
    print("works")
