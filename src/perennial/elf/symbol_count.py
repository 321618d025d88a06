"""How many dynamic symbols there are, and where the defined ones begin.

No entry of PT_DYNAMIC states the length of the symbol table. A loader never needs it: it
comes to symbols through a hash table or through relocations. So these are asked, in the
order of what they cost:

- DT_HASH has one chain entry per symbol (gABI figure 5-12);
- DT_GNU_HASH covers the symbols from `symoffset` on, sorted by bucket; the chain of the
  highest bucket ends with the last symbol (marked by its low bit). The symbols before
  `symoffset` are those that lookups never find: the undefined ones;
- relocations refer to symbols by index: what no relocation names is never looked up. They
  decide where both tables are missing, and where the GNU hash table is empty, as linkers
  write it for files that export nothing.
"""

from __future__ import annotations

from array import array
from struct import Struct
from sys import byteorder
from typing import Final, NamedTuple

from perennial.elf.constants import (
    DT_GNU_HASH,
    DT_HASH,
    DT_JMPREL,
    DT_PLTREL,
    DT_PLTRELSZ,
    DT_REL,
    DT_RELA,
    DT_RELASZ,
    DT_RELSZ,
)
from perennial.elf.dynamic import DynamicTable
from perennial.elf.image import Image

_BLOCK: Final = 1 << 18


class SymbolCount(NamedTuple):
    """`total` entries, of which those from `first_hashed` on are in the GNU hash table (None: no such table)."""

    total: int
    first_hashed: int | None


def count_symbols(image: Image, dynamic: DynamicTable) -> SymbolCount:
    hashed = _gnu_hash_extent(image, dynamic)
    address = dynamic.get(DT_HASH)
    if address is not None:
        word = image.layout.hash_word
        (total,) = word.unpack(image.read_at(address + word.size, word.size, "nchain"))
        first = None if hashed is None else min(hashed.first, total)
        return SymbolCount(total, first)
    if hashed is not None and hashed.end is not None:
        return SymbolCount(hashed.end, hashed.first)
    return SymbolCount(_highest_relocated_symbol(image, dynamic) + 1, None)


class _HashExtent(NamedTuple):
    first: int
    end: int | None  # None: the table holds nothing, so it does not tell


def _gnu_hash_extent(image: Image, dynamic: DynamicTable) -> _HashExtent | None:
    address = dynamic.get(DT_GNU_HASH)
    if address is None:
        return None
    header = Struct(image.layout.word.format.replace("I", "IIII"))
    nbuckets, symoffset, bloom_size, _shift = header.unpack(image.read_at(address, header.size, "DT_GNU_HASH"))
    buckets = address + header.size + bloom_size * (image.layout.bits // 8)
    last = _highest_bucket(image, buckets, nbuckets)
    if last < symoffset or last == 0:
        return _HashExtent(symoffset, None)
    chains = buckets + nbuckets * 4
    return _HashExtent(symoffset, last + _chain_length(image, chains + (last - symoffset) * 4))


def _highest_bucket(image: Image, address: int, count: int) -> int:
    """The largest of `count` words, in bounded memory."""
    offset, available = image.span_from(address, "nbuckets")
    size = count * 4
    if size > available:
        image.source.read(offset, size, "nbuckets")  # names the field if the file is too short …
        size = available  # … else the segment is, and there is nothing more to see
    swap = image.layout.little_endian != (byteorder == "little")
    highest = 0
    for position in range(0, size, _BLOCK):
        words = array("I", image.source.read(offset + position, min(_BLOCK, size - position) & ~3, "nbuckets"))
        if swap:
            words.byteswap()
        highest = max(highest, max(words, default=0))
    return highest


# bytes.translate to 1 where the low bit, which ends a chain, is set
_LOW_BIT: Final = bytes(value & 1 for value in range(256))


def _chain_length(image: Image, address: int) -> int:
    """How many chain words there are up to and with the one that ends the chain."""
    offset, available = image.span_from(address, "gnu hash chain")
    low_byte = 0 if image.layout.little_endian else 3
    length, step = 0, 256
    while available >= 4:
        step = min(step, available & ~3)
        block = image.source.read(offset, step, "gnu hash chain")
        end = block[low_byte::4].translate(_LOW_BIT).find(1)
        if end >= 0:
            return length + end + 1
        length += step // 4
        offset += step
        available -= step
        step = _BLOCK
    return length


def _highest_relocated_symbol(image: Image, dynamic: DynamicTable) -> int:
    plt_is_rela = dynamic.get(DT_PLTREL) == DT_RELA
    tables = (
        (DT_RELA, DT_RELASZ, True),
        (DT_REL, DT_RELSZ, False),
        (DT_JMPREL, DT_PLTRELSZ, plt_is_rela),
    )
    # ELF64_R_SYM is info >> 32, ELF32_R_SYM is info >> 8 (gABI, "Relocation")
    shift = 32 if image.layout.bits == 64 else 8
    highest = 0
    for address_tag, size_tag, has_addend in tables:
        address, size = dynamic.get(address_tag), dynamic.get(size_tag)
        if address is None or not size:
            continue
        record = image.layout.rela if has_addend else image.layout.rel
        offset, available = image.span_from(address, "relocations")
        block = _BLOCK // record.size * record.size
        size = min(size, available) // record.size * record.size
        for position in range(0, size, block):
            data = image.source.read(offset + position, min(block, size - position), "relocations")
            highest = max(highest, *(entry[1] >> shift for entry in record.iter_unpack(data)))
    return highest
