"""References to another version, another library or another name.

A reference is an undefined symbol; the entry of DT_VERSYM beside it says which vernaux it needs, by a number
(vna_other) that versions needed and versions defined share. A new number is one above the highest there is. A vernaux
goes with the last symbol that had it, and a verneed with its last vernaux; versions that nothing refers to by symbol,
and did not before, stay.

Symbols that are undefined are found by nobody, so no hash table has to find them under a new name. DT_HASH has a chain
entry for each symbol nevertheless, and is kept right; where DT_GNU_HASH covers an undefined symbol, or the symbol has a
value, a program is meant (an address that it takes of a function), and the change is refused.
"""

from __future__ import annotations

from array import array
from sys import byteorder

from perennial.elf.constants import (
    DT_HASH,
    DT_SYMTAB,
    DT_VERSYM,
    SHN_UNDEF,
    STB_WEAK,
    VER_FLG_WEAK,
    VER_NDX_GLOBAL,
    VERSYM_VERSION,
)
from perennial.elf.edit.changes import VersionChange
from perennial.elf.edit.records import sysv_hash
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.strings import StringTable
from perennial.elf.edit.version_tables import Aux, Need, read_needs, verdef_rows
from perennial.elf.edit.versions import Patch
from perennial.elf.symbol_count import count_symbols
from perennial.errors import ElfEditError
from perennial.lean_typing import Final, NamedTuple

_NOWHERE: Final = -1


class Rebound(NamedTuple):
    """The version needs as they are to be, and what changes in the tables of symbols."""

    needs: tuple[Need, ...]
    patches: tuple[Patch, ...]


class _Reference(NamedTuple):
    """A symbol that changes: its number in the table."""

    number: int
    change: VersionChange
    weak: bool


def rebind(elf: Skeleton, strings: StringTable, changes: tuple[VersionChange, ...]) -> Rebound:
    """What no symbol has is no change."""
    needs = tuple(read_needs(elf))
    if not changes or not needs:
        return Rebound(needs, ())
    symbols = elf.dynamic.table.span(DT_SYMTAB, "DT_SYMTAB")
    versym = elf.dynamic.table.span(DT_VERSYM, "DT_VERSYM")
    if symbols is None or versym is None:
        return Rebound(needs, ())
    count = count_symbols(elf.image, elf.dynamic.table)
    numbers = array("H", elf.data[versym[0] : versym[0] + min(2 * count.total, versym[1] & ~1)])
    if elf.records.little_endian != (byteorder == "little"):
        numbers.byteswap()
    found = _references(elf, needs, numbers, strings, changes)
    if not found:
        return Rebound(needs, ())
    defined = frozenset(row[3] & VERSYM_VERSION for row in verdef_rows(elf))
    new, given = _new_needs(needs, found, defined, strings)
    patches = []
    for reference in found:
        to = given[reference.change.to_library, reference.change.to_version]
        numbers[reference.number] = to
        patches.append(Patch(versym[0] + 2 * reference.number, elf.records.half.pack(to)))
    used = {number & VERSYM_VERSION for number in numbers}
    origins = {(change.library.encode(), change.version.encode()) for _, change, _ in found}
    kept = []
    for need in new:
        file = strings[need.file]
        versions = tuple(
            aux for aux in need.versions
            if aux.row[2] & VERSYM_VERSION in used or (file, strings[aux.row[3]]) not in origins
        )  # fmt: skip
        if versions:
            kept.append(need._replace(versions=versions))
    patches += _renamed(elf, symbols[0], count.first_hashed, found, strings)
    return Rebound(tuple(kept), tuple(patches))


def _references(
    elf: Skeleton,
    needs: tuple[Need, ...],
    numbers: array[int],
    strings: StringTable,
    changes: tuple[VersionChange, ...],
) -> list[_Reference]:
    of = {aux.row[2] & VERSYM_VERSION: (strings[n.file], strings[aux.row[3]]) for n in needs for aux in n.versions}
    wanted = {(c.symbol.encode(), c.library.encode(), c.version.encode()): c for c in changes}
    versions = {key[1:] for key in wanted}
    symbols = elf.dynamic.table.span(DT_SYMTAB, "DT_SYMTAB")
    start, fields = symbols[0] if symbols else 0, elf.records.symbol
    found = []
    for index, number in enumerate(numbers):
        origin = of.get(number & VERSYM_VERSION)
        if origin not in versions or origin is None:
            continue
        place = start + index * fields.size
        (name,) = elf.records.word.unpack_from(elf.data, place)
        change = wanted.get((strings[name], *origin))
        if change is not None and elf.records.half.unpack_from(elf.data, place + fields.shndx)[0] == SHN_UNDEF:
            found.append(_Reference(index, change, elf.data[place + fields.info] >> 4 == STB_WEAK))
    return found


def _new_needs(
    needs: tuple[Need, ...], found: list[_Reference], defined: frozenset[int], strings: StringTable
) -> tuple[list[Need], dict[tuple[str | None, str | None], int]]:
    """The needs with what is new, and the number of each version that something is bound to."""
    new = list(needs)
    given: dict[tuple[str | None, str | None], int] = {(None, None): VER_NDX_GLOBAL}
    highest = max({VER_NDX_GLOBAL} | defined | {a.row[2] & VERSYM_VERSION for n in needs for a in n.versions})
    for target in dict.fromkeys((each.change.to_library, each.change.to_version) for each in found):
        library, version = target
        if library is None or version is None:
            continue
        bound = [each for each in found if (each.change.to_library, each.change.to_version) == target]
        is_weak = all(each.weak for each in bound)
        number = _existing(new, library, version, strings, is_weak=is_weak)
        if number is None:
            highest += 1
            if highest > VERSYM_VERSION:
                raise ElfEditError(f"it has {highest} versions, and no number is left for {version} of {library}")
            number = highest
            name = version.encode()
            row = (sysv_hash(name), VER_FLG_WEAK if is_weak else 0, number, strings.place(name), 0)
            _append(new, library.encode(), Aux(_NOWHERE, row), strings)
        given[target] = number
    return new, given


def _existing(needs: list[Need], library: str, version: str, strings: StringTable, *, is_weak: bool) -> int | None:
    """The number of a version that is needed already: strongly from now on, where a reference to it is not weak."""
    for place, need in enumerate(needs):
        if strings[need.file] != library.encode():
            continue
        for index, aux in enumerate(need.versions):
            if strings[aux.row[3]] == version.encode():
                if not is_weak and aux.row[1] & VER_FLG_WEAK:
                    strong = aux._replace(row=(aux.row[0], aux.row[1] & ~VER_FLG_WEAK, *aux.row[2:]))
                    needs[place] = need._replace(versions=(*need.versions[:index], strong, *need.versions[index + 1 :]))
                return aux.row[2] & VERSYM_VERSION
    return None


def _append(needs: list[Need], library: bytes, aux: Aux, strings: StringTable) -> None:
    for place, need in enumerate(needs):
        if strings[need.file] == library:
            needs[place] = need._replace(versions=(*need.versions, aux))
            return
    needs.append(Need(_NOWHERE, 1, strings.place(library), (aux,)))


def _renamed(
    elf: Skeleton, start: int, first_hashed: int | None, found: list[_Reference], strings: StringTable
) -> list[Patch]:
    """New names. With DT_HASH, a symbol goes from one chain to the front of another."""
    fields, word = elf.records.symbol, elf.records.word
    patches, moves = [], []
    for number, change, _ in found:
        if change.to_symbol == change.symbol:
            continue
        place = start + number * fields.size
        if first_hashed is not None and number >= first_hashed:
            raise ElfEditError(f"its hash table covers {change.symbol}, which it does not define")
        if elf.records.pointer.unpack_from(elf.data, place + fields.value)[0]:
            raise ElfEditError(f"it takes the address of {change.symbol} for its own")
        patches.append(Patch(place, word.pack(strings.place(change.to_symbol.encode()))))
        moves.append((number, change.symbol.encode(), change.to_symbol.encode()))
    if moves and elf.dynamic.get(DT_HASH) is not None:
        patches += _rehashed(elf, moves)
    return patches


def _rehashed(elf: Skeleton, moves: list[tuple[int, bytes, bytes]]) -> list[Patch]:
    """gABI figure 5-12: nbucket, nchain, the first symbol of each bucket, the next symbol after each."""
    form = elf.image.layout.hash_word
    span = elf.dynamic.table.span(DT_HASH, "DT_HASH")
    offset, available = span or (0, 0)
    if available < 2 * form.size:
        raise ElfEditError("its DT_HASH ends before it begins")
    (buckets,), (chains,) = form.iter_unpack(elf.data[offset : offset + 2 * form.size])
    size = (2 + buckets + chains) * form.size
    if size > available or not buckets:
        raise ElfEditError("its DT_HASH is longer than its segment, or empty")
    words = [row[0] for row in form.iter_unpack(elf.data[offset : offset + size])]
    for number, old, new in moves:
        if number >= chains:
            raise ElfEditError("its DT_HASH has fewer entries than there are symbols")
        before = 2 + sysv_hash(old) % buckets
        for _ in range(chains):
            if words[before] in (0, number) or words[before] >= chains:
                break
            before = 2 + buckets + words[before]
        if words[before] != number:
            continue  # linkers need not put symbols there that nobody looks up
        words[before] = words[2 + buckets + number]
        first = 2 + sysv_hash(new) % buckets
        words[2 + buckets + number], words[first] = words[first], number
    return [Patch(offset, b"".join(form.pack(value) for value in words))]
