"""Distances, ratios, edit operations and medians with known answers."""

import Levenshtein

assert Levenshtein.distance("kitten", "sitting") == 3
assert Levenshtein.distance("levenshtein" * 50, "lewenstein" * 50) == 100
assert Levenshtein.hamming("1011101", "1001001") == 2
assert abs(Levenshtein.jaro_winkler("MARTHA", "MARHTA") - 0.9611) < 1e-4
assert Levenshtein.editops("spam", "park") == [("delete", 0, 0), ("insert", 3, 2), ("replace", 3, 3)]
assert Levenshtein.apply_edit(Levenshtein.opcodes("spam", "park"), "spam", "park") == "park"
assert Levenshtein.median(["spm", "mpam", "spam", "xspm", "spamm"]) == "spam"
assert Levenshtein.setmedian(["ehee", "cceaes", "chees", "chreesc", "chees"]) == "chees"
assert Levenshtein.distance("ä€𝄞", "ä€𝄢") == 1
print("works")
