"""How many dynamic symbols there are, and where the defined ones begin.

No entry of PT_DYNAMIC states the length of the symbol table. A loader never needs it: it
comes to symbols through a hash table or through relocations. So these are asked, in the
order in which glibc prefers them:

- DT_GNU_HASH covers the symbols from `symoffset` on, sorted by bucket; the chain of the
  highest bucket ends with the last symbol (marked by its low bit). The symbols before
  `symoffset` are those that lookups never find: the undefined ones;
- DT_HASH has one chain entry per symbol (gABI figure 5-12);
- relocations refer to symbols by index: what no relocation names is never looked up. They
  decide where both tables are missing, and where the GNU hash table is empty, as linkers
  write it for files that export nothing.
"""

from __future__ import annotations

from array import array
from struct import Struct

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
from perennial.elf.image import Image, check_fits
from perennial.errors import ElfFormatError
from perennial.lean_typing import Final, NamedTuple

_BLOCK: Final = 1 << 18
_LONGEST_CHAIN: Final = 1 << 20  # words; a chain holds the symbols of one bucket, which are a handful


class SymbolCount(NamedTuple):
    """`total` entries, of which those from `first_hashed` on are in the GNU hash table (None: no such table).

    `chains` is the address of that table's words for the hashed ones.
    """

    total: int
    first_hashed: int | None
    chains: int | None = None


def count_symbols(image: Image, dynamic: DynamicTable) -> SymbolCount:
    hashed = _gnu_hash_extent(image, dynamic)
    if hashed is not None:
        return hashed  # glibc does not look at DT_HASH either where there is this one
    nchain = _nchain(image, dynamic)
    if nchain is not None:
        return SymbolCount(nchain, None)
    return SymbolCount(_highest_relocated_symbol(image, dynamic) + 1, None)


def _nchain(image: Image, dynamic: DynamicTable) -> int | None:
    address = dynamic.get(DT_HASH)
    if address is None:
        return None
    word = image.layout.hash_word
    stated_at = dynamic.place_of(DT_HASH)
    nchain: int = word.unpack(image.read_at(address + word.size, word.size, "nchain", stated_at=stated_at))[0]
    return nchain


def _gnu_hash_extent(image: Image, dynamic: DynamicTable) -> SymbolCount | None:
    """None where there is no such table, or one that holds nothing and so does not tell."""
    address = dynamic.get(DT_GNU_HASH)
    if address is None:
        return None
    header = Struct(image.layout.word.format.replace("I", "IIII"))
    stated_at = dynamic.place_of(DT_GNU_HASH)
    nbuckets, symoffset, bloom_size, _shift = header.unpack(
        image.read_at(address, header.size, "DT_GNU_HASH", stated_at=stated_at)
    )
    buckets = address + header.size + bloom_size * (image.layout.bits // 8)
    last = _highest_bucket(image, buckets, nbuckets) if nbuckets else 0
    if last < symoffset or last == 0:
        return None
    chains = buckets + nbuckets * 4
    total = last + _chain_length(image, chains + (last - symoffset) * 4)
    return SymbolCount(total, symoffset, chains)


def _highest_bucket(image: Image, address: int, count: int) -> int:
    """The largest of `count` words, in bounded memory."""
    offset, available = image.span_from(address, "nbuckets")
    check_fits(count * 4, offset, available, "nbuckets", value=count)
    image.source.require(offset, count * 4, "nbuckets")
    return max(
        max(_words(image, offset + position, min(_BLOCK, count * 4 - position), "nbuckets"))
        for position in range(0, count * 4, _BLOCK)
    )


def _words(image: Image, offset: int, size: int, field: str) -> array[int]:
    """A run of 32-bit words."""
    return image.layout.words("I", image.source.read(offset, size, field))


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
        if length > _LONGEST_CHAIN:
            break
        offset += step
        available -= step
        step = _BLOCK
    raise ElfFormatError("nothing ends the chain of the last bucket", field="gnu hash chain", offset=offset)


def _highest_relocated_symbol(image: Image, dynamic: DynamicTable) -> int:
    plt_is_rela = dynamic.get(DT_PLTREL) == DT_RELA
    tables = (
        (DT_RELA, DT_RELASZ, "DT_RELASZ", True),
        (DT_REL, DT_RELSZ, "DT_RELSZ", False),
        (DT_JMPREL, DT_PLTRELSZ, "DT_PLTRELSZ", plt_is_rela),
    )
    highest = 0
    for address_tag, size_tag, field, has_addend in tables:
        span, size = dynamic.span(address_tag, field), dynamic.get(size_tag)
        if span is None or not size:
            continue
        offset, available = span
        check_fits(size, offset, available, field, value=size)
        image.source.require(offset, size, field)
        record = (image.layout.rela if has_addend else image.layout.rel).size
        block = _BLOCK // record * record
        size = size // record * record
        for position in range(0, size, block):
            words = _words(image, offset + position, min(block, size - position), field)
            highest = max(highest, _highest_symbol(image, words, record // 4))
    return highest


def _highest_symbol(image: Image, words: array[int], step: int) -> int:
    """The largest r_sym among relocations of `step` words each (gABI, "Relocation").

    ELF64_R_SYM is the upper half of r_info, the second of 64-bit fields; ELF32_R_SYM is r_info
    without its lowest byte.
    """
    if image.layout.bits == 32:
        return max(words[1::step]) >> 8
    return max(words[3 if image.layout.little_endian else 2 :: step])
