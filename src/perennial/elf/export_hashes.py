"""Whether a library exports a name, without reading its names.

DT_GNU_HASH has a word for each symbol that lookups can find: the hash of its name, but for the
lowest bit, which ends a bucket (glibc, `do_lookup_x`). These words are a tenth of the symbol and
string tables. That a name's word is not among them is proof that the library does not export it;
that it is there leaves a chance of one in 2^31 that it is another name's.
"""

from __future__ import annotations

from array import array
from itertools import repeat
from operator import mul
from sys import byteorder
from typing import Final

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
