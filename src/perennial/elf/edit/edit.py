"""Bytes and changes in, bytes out."""

from __future__ import annotations

from perennial.elf.edit.changes import ElfChanges, check_changes
from perennial.elf.edit.draft import make_draft
from perennial.elf.edit.emit import emit
from perennial.elf.edit.facts import facts_after
from perennial.elf.edit.skeleton import read_skeleton
from perennial.elf.edit.verify import verify
from perennial.elf.read import read_elf


def edit_elf(data: bytes, changes: ElfChanges) -> bytes:
    """The file with these changes; `data` itself where there is nothing to change.

    Raises `UsageError` where the changes make no sense together, `ElfFormatError` where `data` is not what a
    loader would accept, and `ElfEditError` where the file cannot be changed so.
    """
    check_changes(changes)
    facts = read_elf(data)
    elf = read_skeleton(data)
    draft = make_draft(elf, changes)
    if draft is None:
        return data
    edited = emit(elf, draft)
    verify(elf, edited, facts_after(facts, changes), changes, draft.sections)
    return edited
