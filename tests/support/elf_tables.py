"""ELF's records and the tables that need no address: strings, hashes, versions, notes.

Sources: gABI chapters 4 (header, sections, symbols) and 5 (program headers, dynamic section,
hash table, notes), LSB Core chapter 10 ("Symbol Versioning"), and for DT_GNU_HASH and
the GNU property note what GNU ld writes and glibc's `elf/dl-lookup.c` reads.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final, NamedTuple

from tests.support.elf_spec import ElfSpec, Export, Need, Verdef

_WIDTHS: Final = {"B": 1, "H": 2, "I": 4, "Q": 8, "q": 8, "i": 4}


class Record:
    """A C struct without padding: packs its fields, and knows where each of them lies."""

    __slots__ = ("fields", "pack", "size")

    def __init__(self, order: str, fields: str) -> None:
        layout = [(name, code) for name, _, code in (field.partition(":") for field in fields.split())]
        packer = struct.Struct(order + "".join(code for _, code in layout))
        self.pack = packer.pack
        self.size = packer.size
        self.fields: dict[str, tuple[int, int]] = {}  # name: (offset, width)
        offset = 0
        for name, code in layout:
            self.fields[name] = (offset, _WIDTHS[code])
            offset += _WIDTHS[code]


class Format:
    """The records of one class and byte order."""

    def __init__(self, bits: int, *, little_endian: bool) -> None:
        wide = bits == 64
        self.order = "<" if little_endian else ">"
        self.word_size = bits // 8
        self.word_code = "Q" if wide else "I"

        def record(fields: str) -> Record:
            return Record(self.order, fields.replace(":P", f":{self.word_code}").replace(":S", ":q" if wide else ":i"))

        self.ehdr = record(
            "e_type:H e_machine:H e_version:I e_entry:P e_phoff:P e_shoff:P e_flags:I e_ehsize:H "
            "e_phentsize:H e_phnum:H e_shentsize:H e_shnum:H e_shstrndx:H"
        )
        self.phdr = record(
            "p_type:I p_flags:I p_offset:P p_vaddr:P p_paddr:P p_filesz:P p_memsz:P p_align:P"
            if wide
            else "p_type:I p_offset:P p_vaddr:P p_paddr:P p_filesz:P p_memsz:P p_flags:I p_align:P"
        )
        self.shdr = record(
            "sh_name:I sh_type:I sh_flags:P sh_addr:P sh_offset:P sh_size:P sh_link:I sh_info:I "
            "sh_addralign:P sh_entsize:P"
        )
        self.sym = record(
            "st_name:I st_info:B st_other:B st_shndx:H st_value:P st_size:P"
            if wide
            else "st_name:I st_value:P st_size:P st_info:B st_other:B st_shndx:H"
        )
        self.rel = record("r_offset:P r_info:P")
        self.rela = record("r_offset:P r_info:P r_addend:S")
        self.dyn = record("d_tag:P d_val:P")
        self.verneed = record("vn_version:H vn_cnt:H vn_file:I vn_aux:I vn_next:I")
        self.vernaux = record("vna_hash:I vna_flags:H vna_other:H vna_name:I vna_next:I")
        self.verdef = record("vd_version:H vd_flags:H vd_ndx:H vd_cnt:H vd_hash:I vd_aux:I vd_next:I")
        self.verdaux = record("vda_name:I vda_next:I")
        self.note = record("n_namesz:I n_descsz:I n_type:I")

    def array(self, code: str, values: list[int]) -> bytes:
        """A plain array of integers."""
        return struct.pack(f"{self.order}{len(values)}{code}", *values)


@lru_cache(maxsize=4)
def format_of(bits: int, *, little_endian: bool) -> Format:
    """The records of one class and byte order."""
    return Format(bits, little_endian=little_endian)


class StringTable:
    """Strings, each once. Names that are no UTF-8 come in and go out surrogate-escaped."""

    __slots__ = ("_chunks", "_offsets", "size")

    def __init__(self) -> None:
        self._offsets = {"": 0}
        self._chunks = [b""]
        self.size = 1

    def add(self, text: str) -> int:
        """The offset of `text`, which is appended where it is new."""
        offset = self._offsets.get(text)
        if offset is None:
            offset = self._offsets[text] = self.size
            encoded = text.encode("utf-8", "surrogateescape")
            self._chunks.append(encoded)
            self.size += len(encoded) + 1
        return offset

    def build(self) -> bytes:
        """The table's bytes."""
        return b"\0".join(self._chunks) + b"\0"


@lru_cache(maxsize=4096)
def sysv_hash(name: str) -> int:
    """gABI chapter 5, figure 5-13."""
    value = 0
    for byte in name.encode("utf-8", "surrogateescape"):
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value


@lru_cache(maxsize=4096)
def gnu_hash(name: str) -> int:
    """Bernstein's hash modulo 2**32 (glibc, `_dl_new_hash`)."""
    value = 5381
    for byte in name.encode("utf-8", "surrogateescape"):
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def _bucket_count(symbols: int) -> int:
    """Prime-like, as linkers choose it, so that buckets share symbols and stay short."""
    for count in (1031, 521, 263, 131, 67, 37, 17, 3):
        if symbols >= count:
            return count
    return 1


class SysvHash(NamedTuple):
    """DT_HASH: nbucket, nchain, bucket[nbucket], chain[nchain]."""

    data: bytes
    entry_size: int
    buckets: int
    chains: int


def sysv_hash_table(form: Format, spec: ElfSpec, names: list[str]) -> SysvHash:
    """The table for dynsym's `names`, the null symbol's first.

    Words are four bytes, but eight on 64-bit s390 (its ABI supplement, and binutils' `elf64_s390`).
    """
    count = _bucket_count(len(names))
    buckets, chains = [0] * count, [0] * len(names)
    for index in range(len(names) - 1, 0, -1):
        slot = sysv_hash(names[index]) % count
        chains[index], buckets[slot] = buckets[slot], index
    entry_size = 8 if (spec.machine, spec.bits) == (22, 64) else 4
    data = form.array("Q" if entry_size == 8 else "I", [count, len(names), *buckets, *chains])
    return SysvHash(data, entry_size, count, len(names))


class GnuHash(NamedTuple):
    """DT_GNU_HASH: nbuckets, symoffset, bloom_size, bloom_shift, then bloom, buckets, chains."""

    data: bytes
    blooms: int
    buckets: int
    chains: int


def exports_in_order(spec: ElfSpec) -> tuple[Export, ...]:
    """As they stand in the symbol table: DT_GNU_HASH wants those of one bucket side by side."""
    if spec.hash_style not in ("gnu", "both"):
        return spec.exports
    count = _bucket_count(len(spec.exports))
    return tuple(sorted(spec.exports, key=lambda export: gnu_hash(export.name) % count))


def gnu_hash_table(form: Format, exports: tuple[Export, ...], first: int) -> GnuHash:
    """The table for `exports`, in hash order, the first of which is symbol `first`.

    Without exports GNU ld writes one empty bucket, an empty bloom word, shift 0, no chain, and
    1 for symoffset, however many undefined symbols there are (`bfd_elf_size_dynsym_hash_dynstr`).
    """
    if not exports:
        return GnuHash(form.array("I", [1, 1, 1, 0]) + bytes(form.word_size + 4), 1, 1, 0)
    count = _bucket_count(len(exports))
    bits = form.word_size * 8
    words = 1 << max(0, (len(exports) * 8 // bits).bit_length())  # a power of two, 8 to 16 bits a symbol
    shift = 6 if bits == 64 else 5
    blooms, buckets, chains = [0] * words, [0] * count, []
    hashes = [gnu_hash(export.name) for export in exports]
    for index, value in enumerate(hashes):
        slot = value % count
        blooms[value // bits % words] |= 1 << value % bits | 1 << (value >> shift) % bits
        buckets[slot] = buckets[slot] or first + index
        last = index + 1 == len(hashes) or hashes[index + 1] % count != slot
        chains.append(value | 1 if last else value & ~1)
    head = form.array("I", [count, first, words, shift]) + form.array(form.word_code, blooms)
    return GnuHash(head + form.array("I", buckets + chains), words, count, len(chains))


VER_FLG_BASE: Final = 1
VER_FLG_WEAK: Final = 2


def version_indexes(
    verdefs: tuple[Verdef, ...], needs: tuple[Need, ...]
) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """The versym index of each defined version, and of each (library, version) needed.

    0 is "local" and 1 "global", the base verdef's; definitions come first, as in ld.
    """
    defined = {verdef.name: index for index, verdef in enumerate(verdefs, 2)}
    pairs = [(need.library, version.name) for need in needs for version in need.versions]
    return defined, {pair: index for index, pair in enumerate(pairs, 2 + len(verdefs))}


def verneed_table(form: Format, strings: StringTable, needs: tuple[Need, ...], first: int) -> bytes:
    """LSB 10.7.3: each verneed is followed by its vernauxes; `first` is the first vna_other."""
    out = []
    head, aux = form.verneed.size, form.vernaux.size
    for number, need in enumerate(needs, 1):
        count = len(need.versions)
        to_next = head + aux * count if number < len(needs) else 0
        out.append(form.verneed.pack(1, count, strings.add(need.library), head if count else 0, to_next))
        for position, version in enumerate(need.versions, 1):
            step = aux if position < count else 0
            flags, name = VER_FLG_WEAK * version.weak, version.name
            out.append(form.vernaux.pack(sysv_hash(name), flags, first, strings.add(name), step))
            first += 1
    return b"".join(out)


def verdef_table(form: Format, strings: StringTable, verdefs: tuple[Verdef, ...], base: str) -> bytes:
    """LSB 10.7.2: the base verdef, then each with its verdauxes, its own name before its parents'."""
    out = []
    head, aux = form.verdef.size, form.verdaux.size
    entries = [(base, VER_FLG_BASE, ()), *((v.name, VER_FLG_WEAK * v.weak, v.parents) for v in verdefs)]
    for index, (name, flags, parents) in enumerate(entries, 1):
        names = (name, *parents)
        to_next = head + aux * len(names) if index < len(entries) else 0
        out.append(form.verdef.pack(1, flags, index, len(names), sysv_hash(name), head, to_next))
        for position, auxiliary in enumerate(names, 1):
            out.append(form.verdaux.pack(strings.add(auxiliary), aux if position < len(names) else 0))
    return b"".join(out)


def build_id_note(form: Format, build_id: bytes) -> bytes:
    """NT_GNU_BUILD_ID, whose description is padded to four bytes."""
    return form.note.pack(4, len(build_id), 3) + b"GNU\0" + build_id + bytes(-len(build_id) % 4)


def property_note(form: Format, needed: int | None, used: int | None) -> bytes:
    """NT_GNU_PROPERTY_TYPE_0 of the Linux gABI extension: sorted by type, padded to a word."""
    description = b""
    for kind, value in ((0xC0008002, needed), (0xC0010002, used)):
        if value is not None:
            description += form.array("I", [kind, 4, value]) + bytes(form.word_size - 4)
    return form.note.pack(4, len(description), 5) + b"GNU\0" + description
