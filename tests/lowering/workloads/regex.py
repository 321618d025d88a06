"""What re cannot: fuzzy matches, recursion, sets, scripts, named lists; and what re can, as re does it."""

import re

import regex

assert regex.search(r"(?b)(?:perennial){e<=2}", "a perenial wheel")[0] == "perenial"
assert regex.fullmatch(r"(\((?:[^()]|(?1))*\))", "(a(b)(c(d)))")
assert regex.findall(r"\p{Script=Greek}+", "abc αβγ где δ") == ["αβγ", "δ"]
assert regex.findall(r"(?V1)[[a-z]--[aeiou]]+", "perennial") == ["p", "r", "nn", "l"]
assert regex.search(r"\L<words>", "the old cat", words=["cat", "dog"])[0] == "cat"
assert regex.split(r"(?V1)(?=b)", "abab") == ["a", "ba", "b"]
assert regex.findall(r"\X", "e\u0301a🇩🇪") == ["e\u0301", "a", "🇩🇪"]
text = "The 1st of 22 wheels; <tag a='b'>x</tag> ÄÖÜ ßss\n" * 200
for pattern in (r"\w+", r"(?i)the|ÄÖÜ", r"<(\w+)[^>]*>(.*?)</\1>", r"(?m)^.*$", r"\b\d{2,}\b", r"(?<=of )\d+"):
    assert regex.findall(pattern, text) == re.findall(pattern, text), pattern
print("works")
