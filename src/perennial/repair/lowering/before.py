"""Wheels that are not lowered: what is signed, and what was lowered before to something else."""

from __future__ import annotations

from perennial.lean_typing import Final
from perennial.lower.record import NAME, UnknownRecordError, recorded_target
from perennial.platform_tag import PlatformTag
from perennial.repair.plan import Problem
from perennial.wheel.archive import Archive
from perennial.wheel.limits import MIB
from perennial.wheel.wheel import dist_info_folder

_LARGEST: Final = 64 * MIB
_SIGNATURES: Final = ("RECORD.jws", "RECORD.p7s")


def why_not_again(archive: Archive, to: PlatformTag, *, changes_references: bool) -> Problem | None:
    """What speaks against lowering the wheel in an archive to a tag.

    A wheel that was lowered as far already is no problem: nothing is left to do, unless it was changed since
    (`changes_references`). Then a new record would forget what the old one says.
    """
    folder = dist_info_folder(archive)
    entries = {entry.name: entry for entry in archive.entries}
    for name in _SIGNATURES:
        if f"{folder}/{name}" in entries:
            return Problem(
                f"{folder}/{name} signs the wheel as it is, and lowering changes its files",
                "Lower the wheel first, and sign what comes out.",
            )
    entry = entries.get(f"{folder}/{NAME}")
    if entry is None:
        return None
    try:
        before = recorded_target(archive.read(entry, _LARGEST))
    except UnknownRecordError as error:
        return Problem(
            f"{entry.name} says that it was lowered before, and {error}: what was done is not known here",
            "Lower the wheel that was built, or use the perennial that wrote this one.",
        )
    is_lower = before.version is not None and to.version is not None and to.version < before.version
    if is_lower or changes_references:
        return Problem(
            f"it was lowered to {before} before, and substitutes are not lowered again",
            "Lower the wheel that was built.",
        )
    return None
