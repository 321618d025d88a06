"""What becomes of one file, decided before a byte of it is written."""

from __future__ import annotations

from perennial.elf.constants import (
    DT_STRSZ,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERNEEDNUM,
    DT_VERSYM,
    PF_X,
    PT_GNU_STACK,
)
from perennial.elf.edit.blank import blank_symbols
from perennial.elf.edit.changes import ElfChanges
from perennial.elf.edit.dynamic_entries import Entries, change_entries
from perennial.elf.edit.layout import FileLayout, Wanted, lay_out
from perennial.elf.edit.plt_marks import clear_plt_marks
from perennial.elf.edit.rebind import rebind
from perennial.elf.edit.records import Segment
from perennial.elf.edit.relative import expand_relr
from perennial.elf.edit.runs import NewTable, Run, movable_runs, string_run
from perennial.elf.edit.skeleton import Skeleton
from perennial.elf.edit.strings import StringTable
from perennial.elf.edit.strip import Sections, strip_sections
from perennial.elf.edit.symbols import hide_symbols, unique_to_global
from perennial.elf.edit.tail import can_be_laid_out_anew, check_nothing_appended, check_sections_are_loaded
from perennial.elf.edit.versions import Patch, VersionEdits, change_versions
from perennial.errors import ElfEditError
from perennial.lean_typing import NamedTuple


class Draft(NamedTuple):
    """`patches` are for what stays as long as it is, at its old place; `entries` have old addresses."""

    patches: tuple[Patch, ...]
    added_strings: bytes
    entries: Entries
    versions: VersionEdits
    sections: Sections
    layout: FileLayout
    tables: tuple[NewTable, ...]
    is_stripped: bool
    expands_relr: bool


def make_draft(elf: Skeleton, changes: ElfChanges) -> Draft | None:
    """None where the file is as it is wanted."""
    if (
        not elf.dynamic.exists
        and changes._replace(clear_executable_stack=False, strip=ElfChanges().strip) != ElfChanges()
    ):
        raise ElfEditError("it is statically linked: it has no PT_DYNAMIC")
    strings = StringTable(_strings(elf))
    old = elf.dynamic.entries
    entries = change_entries(old, strings, changes)
    rebound = rebind(elf, strings, changes.rebind)
    versions = change_versions(elf, strings, changes, rebound.needs)
    patches = (*versions.patches, *rebound.patches, *hide_symbols(elf, changes.hide_symbols))
    patches = (*patches, *blank_symbols(elf, changes.blank_symbols))
    patches = (*patches, *unique_to_global(elf, wanted=changes.unique_to_global))
    entries, unmarked = clear_plt_marks(elf, entries, wanted=changes.clear_plt_marks)
    patches = (*patches, *unmarked)
    tables: tuple[NewTable, ...] = ()
    if versions.needs_elsewhere is not None:
        tables = (NewTable(_needs_run(elf), versions.needs_elsewhere),)
    if changes.expand_relr:
        expanded = expand_relr(elf, entries)
        entries, patches, tables = expanded.entries, (*patches, *expanded.patches), (*tables, *expanded.tables)
    segments = _stack(elf, changes)
    sections = strip_sections(elf, changes.strip)
    is_stripped = len(sections.kept) < len(elf.sections) or bool(sections.contents)
    needs_stack = changes.clear_executable_stack and not any(s.type == PT_GNU_STACK for s in elf.segments)
    if not (entries != old or patches or is_stripped or needs_stack or segments != elf.segments):
        return None
    if is_stripped:
        check_nothing_appended(elf)
        check_sections_are_loaded(elf)
    # All strings have their offsets: now it is known how much longer their table gets.
    wanted = Wanted(len(strings.added), len(entries) + 1, needs_stack, tables)
    elf = elf._replace(segments=segments)
    layout = lay_out(elf, wanted, tail_may_move=is_stripped or can_be_laid_out_anew(elf))
    entries = _counts(entries, versions, len(_strings(elf)) + len(strings.added) if strings.added else None)
    return Draft(patches, strings.added, entries, versions, sections, layout, tables, is_stripped, changes.expand_relr)


def _needs_run(elf: Skeleton) -> Run:
    run = next((run for run in movable_runs(elf) if run.tag == DT_VERNEED), None)
    if run is None:
        raise ElfEditError("its version needs have to be longer, and share their place with something else")
    return run


def _strings(elf: Skeleton) -> bytes:
    run = string_run(elf)
    return b"" if run is None else elf.data[run.offset : run.end]


def _stack(elf: Skeleton, changes: ElfChanges) -> tuple[Segment, ...]:
    if not changes.clear_executable_stack:
        return elf.segments
    return tuple(s._replace(flags=s.flags & ~PF_X) if s.type == PT_GNU_STACK else s for s in elf.segments)


def _counts(entries: Entries, versions: VersionEdits, string_size: int | None) -> Entries:
    """The entries that count other tables."""
    if versions.needs_left == 0:
        gone = {DT_VERNEED, DT_VERNEEDNUM}
        if all(tag != DT_VERDEF for tag, _ in entries):
            # glibc's _dl_check_map_versions then makes no table of versions, and _dl_relocate_object looks
            # into it wherever there is a DT_VERSYM.
            gone.add(DT_VERSYM)
        entries = tuple(entry for entry in entries if entry[0] not in gone)
    changed = {}
    if versions.needs_left:
        changed[DT_VERNEEDNUM] = versions.needs_left
    if string_size is not None:
        changed[DT_STRSZ] = string_size
    return tuple((tag, changed.get(tag, value)) for tag, value in entries)
