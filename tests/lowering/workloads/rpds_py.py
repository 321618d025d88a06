"""Persistent maps, sets, lists and queues, against what Python's own do; hashing, threads."""

import random
import threading

from rpds import HashTrieMap, HashTrieSet, List

dice = random.Random(13)
persistent, plain, versions = HashTrieMap(), {}, []
for n in range(3000):
    key = dice.randrange(500)
    if key in plain and dice.random() < 0.4:
        del plain[key]
        persistent = persistent.remove(key)
    else:
        plain[key] = n
        persistent = persistent.insert(key, n)
    if n % 500 == 0:
        versions.append((persistent, dict(plain)))
for old, copy in [*versions, (persistent, plain)]:
    assert dict(old.items()) == copy and len(old) == len(copy)
assert hash(HashTrieMap({"a": 1, "b": 2})) == hash(HashTrieMap({"b": 2, "a": 1}))
one, two = HashTrieSet(range(10)), HashTrieSet(range(5, 15))
assert set(one & two) == set(range(5, 10)) and set(one ^ two) == {0, 1, 2, 3, 4, 10, 11, 12, 13, 14}
assert list(List([1, 2, 3]).push_front(0)) == [0, 1, 2, 3]
sizes = []
threads = [threading.Thread(target=lambda: sizes.append(len(HashTrieSet(range(2000))))) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert sizes == [2000] * 6
try:
    persistent["missing"]
except KeyError:
    print("works")
