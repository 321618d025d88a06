"""Encodes and decodes typed values as JSON and MessagePack, and says what does not fit."""

import datetime
import decimal
import uuid

import msgspec


class Point(msgspec.Struct, tag=True, frozen=True):
    x: float
    y: int = 0
    name: str | None = None


class Line(msgspec.Struct, tag=True):
    points: list[Point]
    at: datetime.datetime
    id: uuid.UUID
    price: decimal.Decimal


line = Line(
    [Point(1.5), Point(-2e300, 2**63 - 1, "ä€𝄞")],
    datetime.datetime(2020, 1, 2, 3, tzinfo=datetime.UTC),
    uuid.UUID(int=5),
    decimal.Decimal("0.10"),
)
for codec in (msgspec.json, msgspec.msgpack):
    assert codec.decode(codec.encode(line), type=Line | Point) == line
assert msgspec.json.encode([0.1, 1e21, float("inf"), "\n\u2028"]) == '[0.1,1e21,null,"\\n\u2028"]'.encode()
assert msgspec.convert({"type": "Point", "x": 1}, Point) == Point(1.0)
for broken in (b'{"type":"Point","x":"1"}', b'{"type":"Point"}', b"[1", b'"\xff"'):
    try:
        msgspec.json.decode(broken, type=Point)
    except msgspec.DecodeError:
        continue
    raise AssertionError(broken)
print("works")
