"""A user's own snapshots: one JSON file each, in a folder of theirs.

    PERENNIAL_DATA_DIR, or the platform's folder for a user's data
    └── snapshots/debian_13-x86_64-updates.json

The name says which snapshot it is, so that a command reads only those of the architectures
that it is about.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from perennial.errors import KnowledgeError
from perennial.knowledge.snapshot import Snapshot
from perennial.lean_typing import Final

_FOLDER: Final = "snapshots"
_LARGEST: Final = 256 << 20


def data_folder(environ: Mapping[str, str]) -> Path:
    """PERENNIAL_DATA_DIR, or the platform's folder for a user's data."""
    chosen = environ.get("PERENNIAL_DATA_DIR")
    if chosen:
        return Path(chosen)
    from platformdirs import user_data_path

    return user_data_path("perennial")


def own_snapshots(folder: Path, architecture: str | None = None) -> Iterator[Snapshot]:
    """The snapshots that were learned on this machine, of one architecture or of all, sorted by name."""
    pattern = "*.json" if architecture is None else f"*-{architecture}-*.json"
    for path in sorted((folder / _FOLDER).glob(pattern)):
        snapshot = read_snapshot(path)
        if architecture is None or snapshot.architecture == architecture:
            yield snapshot


def read_snapshot(path: Path) -> Snapshot:
    """The snapshot in a file."""
    from perennial.knowledge.snapshot_json import snapshot_from_json  # of most users, no folder has any

    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise KnowledgeError(f"{path}: {error.strerror or error}") from error
    if len(data) > _LARGEST:
        raise KnowledgeError(f"{path} is larger than {_LARGEST} bytes, and no snapshot")
    return snapshot_from_json(data.decode("utf-8", "replace"), str(path))


def save_snapshot(snapshot: Snapshot, folder: Path) -> Path:
    """Keeps a snapshot, in place of an earlier one of the same release, architecture and kind."""
    from perennial.knowledge.snapshot_json import snapshot_to_json

    path = folder / _FOLDER / file_name(snapshot)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(snapshot_to_json(snapshot), encoding="utf-8", newline="\n")
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return path


def file_name(snapshot: Snapshot) -> str:
    """The name of a snapshot's file; check_release lets no other characters in than these systems allow."""
    return f"{snapshot.release.replace(':', '_')}-{snapshot.architecture}-{snapshot.kind}.json"
