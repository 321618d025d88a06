"""Whether a library exports a name, without reading its names.

DT_GNU_HASH has a word for each symbol that lookups can find: the hash of its name, but for the
lowest bit, which ends a bucket (glibc, `do_lookup_x`). These words are a tenth of the symbol and
string tables. That a name's word is not among them is proof that the library does not export it;
that it is there leaves a chance of one in 2^31 that it is another name's.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import repeat
from operator import mul
from sys import byteorder

from perennial.lean_typing import Final

_MASK: Final = 0xFFFFFFFF
_LONGEST: Final = 512  # of a name whose hash is taken in one sweep
_POWERS: Final = [1]
for _ in repeat(None, _LONGEST - 1):
    _POWERS.append(_POWERS[-1] * 33 & _MASK)
_POWERS.reverse()
_END_BIT: Final = bytes(value | 1 for value in range(256))


def hash_word(name: str) -> int:
    """The word that stands for a name, its lowest bit set.

    Bernstein's hash modulo 2^32 (glibc, `_dl_new_hash`): h = 33 h + byte, from 5381 on. Written out, that is a sum of
    the bytes by the powers of 33, which Python adds up several times as fast as it goes through the bytes.
    """
    data = name.encode("utf-8", "surrogateescape")
    size = len(data)
    value: int
    if size < _LONGEST:
        value = 5381 * _POWERS[-size - 1] + sum(map(mul, data, _POWERS[_LONGEST - size :]))
    else:
        value = 5381
        for byte in data:
            value = (value * 33 + byte) & _MASK
    return value & _MASK | 1


def hash_many(names: Iterable[str]) -> list[tuple[int, str]]:
    """`hash_word` of each name, in any order, for a third of what one after the other costs.

    Names of about one length stand side by side in one large integer, whose lanes, each a byte to begin with, are
    joined by twos: the left one, which comes first, times 33 to the size of the right one, as many bytes. From four
    bytes on a lane has room for what comes of it modulo 2^32, and only these bits go on.
    """
    groups: dict[int, list[tuple[str, bytes]]] = {}
    for name in names:
        data = name.encode("utf-8", "surrogateescape")
        groups.setdefault(1 << max(2, (len(data) - 1).bit_length()), []).append((name, data))
    found: list[tuple[int, str]] = []
    for width, group in groups.items():
        size = width * len(group)
        # Zeros in front of a name do not count in its sum.
        lanes = int.from_bytes(b"".join([data.rjust(width, b"\0") for _, data in group]), "big")
        half, power = 1, 33
        while half < width:
            kept = min(half, 4)
            mask = int.from_bytes((bytes(2 * half - kept) + b"\xff" * kept) * (size // (2 * half)), "big")
            lanes = (lanes & mask) + (lanes >> 8 * half & mask) * power
            half, power = 2 * half, power * power & _MASK
        sums = array("I", lanes.to_bytes(size, "big"))
        if byteorder == "little":
            sums.byteswap()
        last = width // 4
        for (name, data), total in zip(group, sums[last - 1 :: last], strict=True):
            found.append((5381 * pow(33, len(data), 1 << 32) + total & _MASK | 1, name))
    return found


def pack_chains(chains: bytes, *, little_endian: bool) -> bytes:
    """The words of a table's chains, of any byte order, as `hash_words` takes them."""
    words = array("I", chains)
    if little_endian != (byteorder == "little"):
        words.byteswap()
    packed = bytearray(words.tobytes())
    low = 0 if byteorder == "little" else 3
    packed[low::4] = packed[low::4].translate(_END_BIT)
    return bytes(packed)


def hash_words(packed: bytes) -> array[int]:
    """The words for all exported names, in the table's order."""
    return array("I", packed)


def has_word(packed: bytes, word: int) -> bool:
    """Whether a name's word is in a table."""
    wanted = word.to_bytes(4, byteorder)
    at = packed.find(wanted)
    while at % 4 and at >= 0:
        at = packed.find(wanted, at + 1)
    return at >= 0


def not_among(names: Iterable[str], tables: Iterable[bytes]) -> frozenset[str]:
    """The names that are in no table, by their words."""
    by_word: dict[int, list[str]] = {}
    for word, name in hash_many(names):
        by_word.setdefault(word, []).append(name)
    words = set(by_word)
    for packed in tables:
        # The other way round, the table's words would become a set first, which is most of the time.
        words.difference_update(hash_words(packed))
        if not words:
            break
    return frozenset(name for word in words for name in by_word[word])
