"""The entries of PT_DYNAMIC as they are to be: soname, needed libraries, search path."""

from __future__ import annotations

from perennial.elf.constants import DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME
from perennial.elf.edit.changes import ElfChanges, SearchPath
from perennial.elf.edit.strings import StringTable

Entries = tuple[tuple[int, int], ...]


def change_entries(entries: Entries, strings: StringTable, changes: ElfChanges) -> Entries:
    """What is new stands behind the last DT_NEEDED: the order of libraries is the order of lookup."""
    entries = _needed(entries, strings, changes)
    if changes.soname is not None:
        entries = _one_string(entries, strings, (DT_SONAME,), DT_SONAME, changes.soname)
    if changes.search_path is not None:
        entries = _search_path(entries, strings, changes.search_path)
    return entries


def _needed(entries: Entries, strings: StringTable, changes: ElfChanges) -> Entries:
    renames = {old.encode(): new.encode() for old, new in changes.rename_needed if old != new}
    removed = {name.encode() for name in changes.remove_needed}
    if not (renames or removed or changes.add_needed):
        return entries
    kept: list[tuple[int, int]] = []
    renamed: set[bytes] = set()
    there = {strings[value] for tag, value in entries if tag == DT_NEEDED}
    for tag, value in entries:
        if tag == DT_NEEDED:
            name = strings[value]
            if name in removed:
                continue
            if name in renames:
                name = renames[name]
                if name in there or name in renamed:
                    continue  # needed already
                renamed.add(name)
                kept.append((tag, strings.place(name)))
                continue
        kept.append((tag, value))
    there |= renamed
    new = [name for name in dict.fromkeys(text.encode() for text in changes.add_needed) if name not in there]
    return _inserted(tuple(kept), tuple((DT_NEEDED, strings.place(name)) for name in new))


def _search_path(entries: Entries, strings: StringTable, path: SearchPath) -> Entries:
    if not path.text:
        return tuple(entry for entry in entries if entry[0] not in (DT_RPATH, DT_RUNPATH))
    return _one_string(entries, strings, (DT_RPATH, DT_RUNPATH), DT_RUNPATH if path.runpath else DT_RPATH, path.text)


def _one_string(entries: Entries, strings: StringTable, tags: tuple[int, ...], tag: int, text: str) -> Entries:
    """With exactly one entry of these tags, in the place of the first that there was."""
    name = text.encode()
    there = [index for index, entry in enumerate(entries) if entry[0] in tags]
    if len(there) == 1 and entries[there[0]][0] == tag and strings[entries[there[0]][1]] == name:
        return entries
    new = (tag, strings.place(name))
    if not there:
        return _inserted(entries, (new,))
    return tuple(new if index == there[0] else entry for index, entry in enumerate(entries) if index not in there[1:])


def _inserted(entries: Entries, new: Entries) -> Entries:
    at = max((index for index, entry in enumerate(entries) if entry[0] == DT_NEEDED), default=-1) + 1
    return entries[:at] + new + entries[at:]
