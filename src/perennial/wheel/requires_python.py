"""What a wheel's METADATA demands of the Python (core metadata specification): pip holds files to it, too."""

from __future__ import annotations

import os

from perennial.lean_typing import Final
from perennial.wheel.archive import Archive
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.wheel import parse_wheel_file

_LARGEST: Final = 16 << 20  # bytes; descriptions are part of it


def requires_python(path: str | os.PathLike[str], limits: ArchiveLimits | None = None) -> str | None:
    """The field of a wheel on disk; None where it has none, or no METADATA. Raises `ArchiveError`."""
    with Archive(os.fspath(path), limits or ArchiveLimits()) as archive:
        for entry in archive.entries:
            folder, _, name = entry.name.partition("/")
            if folder.endswith(".dist-info") and name == "METADATA":
                fields = parse_wheel_file(archive.read(entry, _LARGEST))
                return next((value or None for key, value in fields if key == "requires-python"), None)
    return None
