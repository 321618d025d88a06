"""libyaml's parser and emitter against those in Python; a document of everything, a broken one."""

import yaml

assert yaml.__with_libyaml__
document = """
a: &x [1, 2.5, 0x1F, 1e3, true, null, 2001-12-14t21:59:43.10-05:00]
b: {c: *x, "q\\u00e4": 'it''s', d: !!binary aGVsbG8=}
e: |
  kept
    as it is
f: >-
  folded
  together
"""
loaded = yaml.load(document, yaml.CSafeLoader)
assert loaded == yaml.load(document, yaml.SafeLoader)
assert loaded["b"]["d"] == b"hello"
text = yaml.dump(loaded, Dumper=yaml.CSafeDumper, allow_unicode=True)
assert yaml.load(text, yaml.SafeLoader) == loaded
many = [{"n": n, "s": "ß" * (n % 80)} for n in range(500)]
assert yaml.load(yaml.dump(many, Dumper=yaml.CDumper), yaml.CLoader) == many
try:
    yaml.load("a: [1, 2", yaml.CSafeLoader)
except yaml.YAMLError as error:
    assert "line 1, column 4" in str(error)
    print("works")
