"""DT_VERNEED, DT_VERDEF and DT_VERSYM as they are to be.

Names of libraries and versions change in place: they are offsets into the string table, with the
hash of a version's name beside it. Where a library is no longer needed, the versions needed from
it go as well, or glibc's `_dl_check_map_versions` ends the process with an assertion (`needed !=
NULL`); the table then is written anew in its place, shorter. Symbols that had such a version become
unversioned: ld.so takes a version index for an index into an array that ends with the last version.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from sys import byteorder

from perennial.arch import EM_X86_64
from perennial.elf.constants import (
    DT_VERSYM,
    VER_FLG_BASE,
    VER_NDX_GLOBAL,
    VERSYM_HIDDEN,
    VERSYM_VERSION,
)
from perennial.elf.edit.changes import ElfChanges
from perennial.elf.edit.records import sysv_hash
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.strings import StringTable
from perennial.elf.edit.version_tables import Need, needs_extent, read_needs, symbol_total, verdef_names
from perennial.errors import ElfEditError
from perennial.lean_typing import Final, NamedTuple

# of libc.so.6, and of no symbol: that its loader knows DT_RELR (glibc 2.36), and the marks of `plt_marks.py` (2.42)
_RELR_VERSION: Final = b"GLIBC_ABI_DT_RELR"
_PLT_VERSION: Final = b"GLIBC_ABI_DT_X86_64_PLT"
_PLT_VERSION_BEFORE: Final = (b"libc.so.6", b"GLIBC_2.36")  # what binutils 2.41 to 2.45 have for it, and symbols, too


class Patch(NamedTuple):
    """Bytes that replace as many others, at an offset of the file."""

    offset: int
    content: bytes


_Marker = tuple[bytes | None, bytes]  # library, version


class VersionEdits(NamedTuple):
    """`needs_left` and `needs_size` are the new DT_VERNEEDNUM and size in bytes; None where the
    table keeps its form. `needs_elsewhere` is the new one where it is longer than the old.
    """

    patches: tuple[Patch, ...] = ()
    needs_left: int | None = None
    needs_size: int = 0
    needs_elsewhere: bytes | None = None


def change_versions(
    elf: Skeleton, strings: StringTable, changes: ElfChanges, rebound: tuple[Need, ...]
) -> VersionEdits:
    """`rebound` are the needs as `rebind` leaves them."""
    if not (
        changes.rename_needed
        or changes.remove_needed
        or changes.rename_versions
        or changes.expand_relr
        or changes.clear_plt_marks
        or changes.rebind
    ):
        return VersionEdits()
    needs = tuple(read_needs(elf))
    markers = _markers(elf, changes)
    _check_no_symbol_has(elf, strings, needs, markers)
    kept = tuple(_kept(rebound, strings, changes, markers | _marker_of_old(elf, strings, rebound, changes)))
    patches = [*_defined(elf, strings, changes)]
    renamed = tuple(_renamed(need, strings, changes) for need in kept)
    if kept == needs:
        patches += _in_place(elf, kept, renamed)
        return VersionEdits(tuple(patches))
    table = _packed(elf, renamed)
    start, end = needs_extent(elf, needs)
    fits = len(table) <= end - start
    patches.append(Patch(start, (table if fits else b"").ljust(end - start, b"\0")))
    gone = _indexes(rebound) - _indexes(kept)
    patches += _unversioned(elf, gone)
    return VersionEdits(tuple(patches), len(kept), len(table), None if fits else table)


def may_have_plt_marks(elf: Skeleton) -> bool:
    """Whether it is a file for the machine that has them."""
    return elf.header.machine == EM_X86_64


def _markers(elf: Skeleton, changes: ElfChanges) -> frozenset[_Marker]:
    """Versions that a file needs for what is taken out of it, of whichever library."""
    markers = {(None, _RELR_VERSION)} if changes.expand_relr else set()
    if changes.clear_plt_marks and may_have_plt_marks(elf):
        markers.add((None, _PLT_VERSION))
    return frozenset(markers)


def _marker_of_old(
    elf: Skeleton, strings: StringTable, needs: tuple[Need, ...], changes: ElfChanges
) -> frozenset[_Marker]:
    """The version of the C library that needs what symbols do not need, where it is for marks of the PLT."""
    if not (changes.clear_plt_marks and may_have_plt_marks(elf)):
        return frozenset()
    library, name = _PLT_VERSION_BEFORE
    if any((each.to_library, each.to_version) == (library.decode(), name.decode()) for each in changes.rebind):
        return frozenset()
    found = (aux for need in needs if strings[need.file] == library for aux in need.versions)
    numbers = {aux.row[2] & VERSYM_VERSION for aux in found if strings[aux.row[3]] == name}
    return frozenset() if any(_unversioned(elf, numbers)) else frozenset({_PLT_VERSION_BEFORE})


def _check_no_symbol_has(
    elf: Skeleton, strings: StringTable, needs: tuple[Need, ...], markers: frozenset[_Marker]
) -> None:
    for aux in (aux for need in needs for aux in need.versions if (None, strings[aux.row[3]]) in markers):
        if any(_unversioned(elf, {aux.row[2] & VERSYM_VERSION})):
            name = strings[aux.row[3]].decode()
            raise ElfEditError(f"a symbol of it has the version {name}, which is no symbol's")


def _kept(
    needs: tuple[Need, ...], strings: StringTable, changes: ElfChanges, markers: frozenset[_Marker]
) -> Iterator[Need]:
    """Without the libraries that are removed, and without `markers`."""
    removed = {name.encode() for name in changes.remove_needed}
    for need in needs:
        if strings[need.file] in removed:
            continue
        names = [strings[aux.row[3]] for aux in need.versions]
        gone = [(None, name) in markers or (strings[need.file], name) in markers for name in names]
        versions = tuple(aux for aux, is_gone in zip(need.versions, gone, strict=True) if not is_gone)
        if versions:
            yield need._replace(versions=versions)


def _indexes(needs: tuple[Need, ...]) -> set[int]:
    return {aux.row[2] & VERSYM_VERSION for need in needs for aux in need.versions}


def _renamed(need: Need, strings: StringTable, changes: ElfChanges) -> Need:
    file = strings[need.file]
    for old, new in changes.rename_needed:
        if old != new and old.encode() == file:
            need = need._replace(file=strings.place(new.encode()))
    wanted = {
        rename.old.encode(): rename.new.encode()
        for rename in changes.rename_versions
        if rename.library is not None and rename.library.encode() == file
    }
    if not wanted:
        return need
    versions = []
    for aux in need.versions:
        name = wanted.get(strings[aux.row[3]])
        if name is None:
            versions.append(aux)
        else:
            versions.append(aux._replace(row=(sysv_hash(name), *aux.row[1:3], strings.place(name), aux.row[4])))
    return need._replace(versions=tuple(versions))


def _in_place(elf: Skeleton, old: tuple[Need, ...], new: tuple[Need, ...]) -> Iterator[Patch]:
    pack, pack_aux = elf.records.word.pack, elf.records.vernaux.pack
    for before, after in zip(old, new, strict=True):
        if after.file != before.file:
            yield Patch(before.place + 4, pack(after.file))
        for was, now in zip(before.versions, after.versions, strict=True):
            if was != now:
                yield Patch(was.place, pack_aux(*now.row))


def _packed(elf: Skeleton, needs: tuple[Need, ...]) -> bytes:
    """Each verneed followed by its vernauxes."""
    head, aux = elf.records.verneed, elf.records.vernaux
    out = []
    for number, need in enumerate(needs, 1):
        count = len(need.versions)
        step = head.size + count * aux.size if number < len(needs) else 0
        out.append(head.pack(need.version, count, need.file, head.size, step))
        for index, version in enumerate(need.versions, 1):
            out.append(aux.pack(*version.row[:4], aux.size if index < count else 0))
    return b"".join(out)


def _unversioned(elf: Skeleton, numbers: set[int]) -> Iterator[Patch]:
    """VER_NDX_GLOBAL for the symbols whose version is one of these."""
    span = elf.dynamic.table.span(DT_VERSYM, "DT_VERSYM")
    if span is None:
        return
    size = min(2 * symbol_total(elf), span[1] & ~1)
    versym = array("H", elf.data[span[0] : span[0] + size])
    if elf.records.little_endian != (byteorder == "little"):
        versym.byteswap()
    content = elf.records.half.pack(VER_NDX_GLOBAL)
    for number in sorted(numbers):
        for index in (*_all_of(versym, number), *_all_of(versym, number | VERSYM_HIDDEN)):
            yield Patch(span[0] + 2 * index, content)


def _all_of(values: array[int], wanted: int) -> Iterator[int]:
    """Where `wanted` stands, at the speed of array.index."""
    place = -1
    while True:
        try:
            place = values.index(wanted, place + 1)
        except ValueError:
            return
        yield place


def _defined(elf: Skeleton, strings: StringTable, changes: ElfChanges) -> Iterator[Patch]:
    """New names for versions that the file defines, also where they are parents of others."""
    wanted = {r.old.encode(): r.new.encode() for r in changes.rename_versions if r.library is None and r.old != r.new}
    if not wanted:
        return
    word = elf.records.word
    for place, flags, hash_place, is_first in verdef_names(elf):
        if flags & VER_FLG_BASE:
            continue  # the name of the file, and of no version
        name = wanted.get(strings[word.unpack_from(elf.data, place)[0]])
        if name is not None:
            yield Patch(place, word.pack(strings.place(name)))
            if is_first:
                yield Patch(hash_place, word.pack(sysv_hash(name)))
