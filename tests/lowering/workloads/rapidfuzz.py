"""Scores and searches by the C++ modules, against the same in Python."""

import itertools
import os
import random

os.environ["RAPIDFUZZ_IMPLEMENTATION"] = "cpp"
from rapidfuzz import fuzz, fuzz_py, process, utils
from rapidfuzz.distance import OSA, JaroWinkler, Levenshtein

dice = random.Random(11)
words = ["".join(dice.choice("aäb€c𝄞d ") for _ in range(dice.randrange(1, 90))) for _ in range(60)]
for a, b in itertools.pairwise(words):
    for name in ("ratio", "partial_ratio", "token_sort_ratio", "token_set_ratio", "WRatio"):
        assert abs(getattr(fuzz, name)(a, b) - getattr(fuzz_py, name)(a, b)) < 1e-6, (name, a, b)
assert Levenshtein.distance("kitten", "sitting", weights=(1, 1, 2)) == 5
assert OSA.distance("CA", "AC") == 1
assert abs(JaroWinkler.similarity("MARTHA", "MARHTA") - 0.9611) < 1e-4
found = process.extract(
    "new york jets", ["Atlanta Falcons", "New York Jets", "New York Giants"], processor=utils.default_process, limit=2
)
assert [name for name, _, _ in found] == ["New York Jets", "New York Giants"]
assert found[0][1] == 100
assert fuzz.ratio.__module__ != fuzz_py.ratio.__module__
print("works")
