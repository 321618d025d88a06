"""The wheel as it will be, as a value; and any wheel as the audit is to see it.

With this a repair is judged before a byte of it is written: facts about files are changed as the files would be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import product

from perennial.elf.dynamic_symbols import SymbolColumns
from perennial.elf.edit.facts import facts_after
from perennial.elf.model import ElfFile
from perennial.platform_tag import PlatformTag
from perennial.repair.changes import PlannedChanges
from perennial.wheel.filename import WheelFilename
from perennial.wheel.member import SITE_PACKAGES, WheelMember
from perennial.wheel.record import Record, RecordEntry
from perennial.wheel.wheel import Wheel

# Stands for hashes of what is not written yet, in members and RECORD alike.
_UNKNOWN = "unknown"


def predict(wheel: Wheel, changes: PlannedChanges, platforms: tuple[PlatformTag, ...]) -> Wheel:
    """The wheel with the changes made, under a name with these platform tags."""
    edits = {edit.path: edit.changes for edit in changes.edits}
    moved = {script.old: script for script in changes.scripts}
    members: list[WheelMember] = []
    for old in wheel.members:
        member, elf, script = old, old.elf, moved.get(old.path)
        if isinstance(elf, ElfFile) and old.path in edits:
            member = member._replace(elf=facts_after(elf, edits[old.path]), digest=_UNKNOWN)
        if script is not None:
            members.append(_new(script.old, member.location, len(script.shim)))
            member = member._replace(path=script.new, location=f"{SITE_PACKAGES}/{script.new}")
        members.append(member)
    grafts = {graft.path: graft for graft in changes.grafts}  # two of one path are a problem already
    members = [member for member in members if member.path not in grafts]
    for graft in grafts.values():
        member = _new(graft.path, f"{SITE_PACKAGES}/{graft.path}", graft.library.size)
        elf = facts_after(graft.library.elf, graft.changes)
        members.append(member._replace(elf=elf, library_strings=graft.library.library_strings))
    members.sort(key=lambda member: member.path)
    renamed = with_platforms(wheel.filename, platforms)
    metadata = wheel.metadata
    if metadata is not None:
        purelib = False if wheel.elf_members and metadata.root_is_purelib else metadata.root_is_purelib
        metadata = metadata._replace(tags=tag_lines(renamed), root_is_purelib=purelib)
    return wheel._replace(
        filename=renamed, members=tuple(members), metadata=metadata, record=_record(wheel.record, members)
    )


def _new(path: str, location: str, size: int) -> WheelMember:
    return WheelMember(
        path, location, size, is_symlink=False, algorithm="sha256", digest=_UNKNOWN, elf=None, library_strings=()
    )


def _record(record: Record | None, members: list[WheelMember]) -> Record | None:
    """RECORD as the writer will make it: lines of unchanged members stay, right or wrong."""
    if record is None:
        return None
    entries: dict[str, RecordEntry] = {}
    for member in members:
        known = record.entries.get(member.path)
        if member.digest == _UNKNOWN or known is None:
            known = RecordEntry(member.path, member.algorithm, member.digest, member.size, 0)
        entries[member.path] = known
    return record._replace(entries=entries)


def with_platforms(filename: WheelFilename, platforms: tuple[PlatformTag, ...]) -> WheelFilename:
    """The file name with other platform tags; all other parts as they were written."""
    stem = filename.text.removesuffix(".whl").rpartition("-")[0]
    return WheelFilename.parse(f"{stem}-{'.'.join(tag.text for tag in platforms)}.whl")


def tag_lines(filename: WheelFilename) -> tuple[str, ...]:
    """The Tag lines that WHEEL has under a file name."""
    return tuple(
        f"{python}-{abi}-{platform}"
        for python in filename.pythons
        for abi in filename.abis
        for platform in filename.platforms
    )


def expanded_tags(lines: Iterable[str]) -> frozenset[str]:
    """The tags of Tag lines, each of which may be a compressed set (PEP 425)."""
    found = set()
    for line in lines:
        parts = [part.split(".") for part in line.split("-")]
        found |= {"-".join(tag) for tag in product(*parts)}
    return frozenset(found)


def as_judged(wheel: Wheel, left_out: Mapping[str, frozenset[str]], *, ignores_isa: bool) -> Wheel:
    """The wheel without the needs that others meet, and, if asked for, without what it says of processors."""
    if not left_out and not ignores_isa:
        return wheel

    def judged(member: WheelMember) -> WheelMember:
        if not isinstance(member.elf, ElfFile):
            return member
        elf = _without(member.elf, left_out.get(member.path, frozenset()))
        return member._replace(elf=elf._replace(x86_isa_needed=0, x86_isa_used=0) if ignores_isa else elf)

    return wheel._replace(members=tuple(map(judged, wheel.members)))


def _without(elf: ElfFile, names: Collection[str]) -> ElfFile:
    """The facts without the needs of some libraries."""
    if not names:
        return elf
    return elf._replace(
        needed=tuple(name for name in elf.needed if name not in names),
        verneeds=tuple(need for need in elf.verneeds if need.file not in names),
        undefined=SymbolColumns.of(
            symbol if symbol.library not in names else symbol._replace(library=None, version=None)
            for symbol in elf.imports
        ),
    )
