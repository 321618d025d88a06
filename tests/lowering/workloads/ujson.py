"""Numbers of every size, text of every width, options and errors, against the standard library's json."""

import json
import math
import random

import ujson

dice = random.Random(3)
numbers = [0, -1, 2**53, 2**63 - 1, -(2**63), 0.1, 1e-7, 1.7976931348623157e308, 5e-324, 123456.789]
numbers += [dice.uniform(-1, 1) * 10 ** dice.randrange(-300, 300) for _ in range(500)]
assert ujson.loads(ujson.dumps(numbers)) == numbers
value = {"a": [None, True, False, 'ä€𝄞\n"\\/'], "b": {"c": numbers}}
assert json.loads(ujson.dumps(value)) == value
assert ujson.loads(json.dumps(value)) == value
assert ujson.dumps({"b": 1, "a": "<€>"}, sort_keys=True, ensure_ascii=False, indent=1) == '{\n "a": "<€>",\n "b": 1\n}'
assert math.isinf(ujson.loads("1e999"))
for broken in ("[1", "{'a'}", "nul", '"\\ud8"', "[" * 5000):
    try:
        ujson.loads(broken)
    except ValueError:
        continue
    raise AssertionError(broken)
print("works")
