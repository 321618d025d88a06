"""Numbers, text, dates and options, against the standard library's json; what is not JSON is refused."""

import dataclasses
import datetime
import json
import random
import uuid

import orjson

dice = random.Random(3)
value = {
    "a": [None, True, 'ä€𝄞\n"', 2**63 - 1, -(2**63)],
    "f": [dice.uniform(-1, 1) * 10 ** dice.randrange(-300, 300) for _ in range(500)],
}
assert orjson.loads(orjson.dumps(value)) == value
assert orjson.loads(json.dumps(value)) == value
assert json.loads(orjson.dumps(value, option=orjson.OPT_INDENT_2)) == value


@dataclasses.dataclass
class Thing:
    id: uuid.UUID
    at: datetime.datetime


thing = Thing(uuid.UUID(int=1), datetime.datetime(2020, 2, 29, 1, 2, 3, 4, tzinfo=datetime.UTC))
assert orjson.dumps(thing) == b'{"id":"00000000-0000-0000-0000-000000000001","at":"2020-02-29T01:02:03.000004+00:00"}'
assert orjson.dumps({"b": 1, "a": 2}, option=orjson.OPT_SORT_KEYS) == b'{"a":2,"b":1}'
for broken in (b"[1", b"\xff", b"nul", b"[" * 5000, b"1e", b'"\\ud800"x'):
    try:
        orjson.loads(broken)
    except orjson.JSONDecodeError:
        continue
    raise AssertionError(broken)
try:
    orjson.dumps({1, 2})
except orjson.JSONEncodeError:
    print("works")
