"""From a plan's changes to the record of a lowering."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.elf.edit import ElfChanges
from perennial.lower.lower_file import FileLowering
from perennial.lower.record import BundledShim, LoweredFile, LoweringRecord
from perennial.platform_tag import PlatformTag
from perennial.repair.changes import PlannedChanges
from perennial.repair.lowering.lowered import Lowered
from perennial.wheel.wheel import Wheel


def lowering_record(wheel: Wheel, changes: PlannedChanges, lowered: Lowered, to: PlatformTag) -> LoweringRecord | None:
    """What was done to references, by the paths of the result; None where nothing was."""
    moved = {script.old: script.new for script in changes.scripts}
    paths: dict[str | int, str] = {graft.copy: graft.path for graft in changes.grafts}
    paths |= {path: moved.get(path, path) for path in lowered.members}
    private = {key for key, edit in _edits(lowered) if edit.rename_versions}
    touched = [key for key in paths if key in lowered.files or key in private]
    files = tuple(
        LoweredFile(paths[key], lowered.files.get(key, FileLowering()), key in private)
        for key in sorted(touched, key=paths.__getitem__)
    )
    if not files:
        return None
    shims = (
        BundledShim(paths[copy], shim.kind, tuple(sorted(shim.exports - {*lowered.copies[copy].blank_symbols})))
        for copy, shim in lowered.ours.items()
    )
    copies = (paths[copy] for copy in lowered.private if copy in paths)
    return LoweringRecord(wheel.filename.text, to, files, tuple(sorted(shims)), tuple(sorted(copies)))


def _edits(lowered: Lowered) -> Iterator[tuple[str | int, ElfChanges]]:
    yield from lowered.members.items()
    yield from lowered.copies.items()
