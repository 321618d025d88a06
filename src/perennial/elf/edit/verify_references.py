"""The part of reading back that looks at references, where some were to be bound otherwise.

Which versions they need is a fact (`facts.py`). Here is what facts leave out: that no other symbol has changed, that
numbers mean one version each, and that hash tables still hold each symbol in its place.
"""

from __future__ import annotations

from collections import Counter

from perennial.elf.constants import DT_HASH, DT_SYMTAB, DT_VERSYM, SHN_UNDEF, VER_NDX_GLOBAL, VERSYM_VERSION
from perennial.elf.edit.changes import ElfChanges
from perennial.elf.edit.records import sysv_hash
from perennial.elf.edit.runs import string_run
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.strings import StringTable
from perennial.elf.edit.version_tables import symbol_total, verdef_rows, verneed_rows
from perennial.errors import ElfEditError


def strings_of(elf: Skeleton) -> StringTable:
    """The string table as PT_DYNAMIC says it."""
    run = string_run(elf)
    return StringTable(b"" if run is None else elf.data[run.offset : run.end])


def names_after(before: Skeleton, after: Skeleton, symbols: bytearray, changes: ElfChanges) -> None:
    """Puts into a copy of the old symbols the new st_name of those that were to be renamed, where it reads so."""
    renamed = {(c.symbol.encode(), c.to_symbol.encode()) for c in changes.rebind if c.symbol != c.to_symbol}
    if not renamed:
        return
    old, new = strings_of(before), strings_of(after)
    fields, word, half = before.records.symbol, before.records.word, before.records.half
    start = _start(after, DT_SYMTAB)
    for place in range(0, len(symbols), fields.size):
        was, now = word.unpack_from(symbols, place)[0], word.unpack_from(after.data, start + place)[0]
        is_undefined = half.unpack_from(symbols, place + fields.shndx)[0] == SHN_UNDEF
        if was != now and is_undefined and (old[was], new[now]) in renamed:
            word.pack_into(symbols, place, now)


def check_references(before: Skeleton, after: Skeleton, changes: ElfChanges) -> None:
    """Raises `ElfEditError` where anything else than the wanted references has changed."""
    old = strings_of(before)
    names = {change.symbol.encode() for change in changes.rebind}
    fields, word, half = before.records.symbol, before.records.word, before.records.half
    total = symbol_total(before)
    if before.dynamic.get(DT_VERSYM) is not None and after.dynamic.get(DT_VERSYM) is not None:
        symbols, versym, other = _start(before, DT_SYMTAB), _start(before, DT_VERSYM), _start(after, DT_VERSYM)
        for number in range(total):
            was, now = versym + 2 * number, other + 2 * number
            if before.data[was : was + 2] == after.data[now : now + 2]:
                continue
            place = symbols + number * fields.size
            is_undefined = half.unpack_from(before.data, place + fields.shndx)[0] == SHN_UNDEF
            name = old[word.unpack_from(before.data, place)[0]]
            unversioned = half.unpack_from(after.data, other + 2 * number)[0] == VER_NDX_GLOBAL
            if not (is_undefined and name in names) and not (changes.remove_needed and unversioned):
                raise _wrong(f"has another version of {name.decode('utf-8', 'backslashreplace')}")
    _check_numbers(after)
    if before.dynamic.get(DT_HASH) is not None:
        _check_hash(before, after)


def _check_numbers(after: Skeleton) -> None:
    strings = strings_of(after)
    rows = list(verneed_rows(after))
    count = Counter(row[4] & VERSYM_VERSION for row in rows)
    count.update(row[3] & VERSYM_VERSION for row in verdef_rows(after))
    if any(times > 1 for times in count.values()) or any(row[4] <= VER_NDX_GLOBAL for row in rows):
        raise _wrong("has a number for two versions")
    if any(sysv_hash(strings[row[1]]) != row[2] for row in rows):
        raise _wrong("has a wrong hash of a version")


def _check_hash(before: Skeleton, after: Skeleton) -> None:
    """DT_HASH has the same symbols, each in the chain of its name."""
    if _hashed(after) != _hashed(before):
        raise _wrong("has another DT_HASH")


def _hashed(elf: Skeleton) -> frozenset[int]:
    """The numbers of the symbols that lookups by their names come to."""
    form, start = elf.image.layout.hash_word, _start(elf, DT_HASH)
    buckets, chains = (form.unpack_from(elf.data, start + n * form.size)[0] for n in range(2))
    words = [form.unpack_from(elf.data, start + n * form.size)[0] for n in range(2 + buckets + chains)]
    strings, word, fields = strings_of(elf), elf.records.word, elf.records.symbol
    symbols, found = _start(elf, DT_SYMTAB), set()
    for bucket in range(buckets):
        number = words[2 + bucket]
        for _ in range(chains):
            if number == 0 or number >= chains:
                break
            name = strings[word.unpack_from(elf.data, symbols + number * fields.size)[0]]
            if sysv_hash(name) % buckets == bucket:
                found.add(number)
            number = words[2 + buckets + number]
    return frozenset(found)


def _start(elf: Skeleton, tag: int) -> int:
    return elf.image.span_from(elf.dynamic.get(tag) or 0, "table")[0]


def _wrong(what: str) -> ElfEditError:
    return ElfEditError(f"the edited file {what}: nothing was written")
