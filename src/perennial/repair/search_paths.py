"""What DT_RPATH or DT_RUNPATH a file of the wheel gets.

Entries that lead to a place in the environment stay, in their order; those that lead out of it are of the
machine that built the wheel, and go; the folders of new libraries come behind. A file with
DT_RUNPATH keeps that kind. One that has neither gets DT_RPATH: with DT_RUNPATH it would no longer
look where those that load it have DT_RPATH (glibc, `_dl_map_object`), and files do rely on that.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from perennial.audit.resolve import expand_origin
from perennial.elf.edit import SearchPath
from perennial.elf.model import ElfFile


def extended_path(elf: ElfFile, location: str, folders: Iterable[str]) -> SearchPath | None:
    """The search path of a file at `location` that is to find libraries in `folders` too; None where it does already.

    All are paths below the environment's root.
    """
    runpath = elf.runpath is not None
    text = elf.runpath if runpath else elf.rpath
    origin = posixpath.dirname(location)
    old = [] if text is None else text.split(":")
    kept = list(dict.fromkeys(entry for entry in old if _stays(entry, origin)))
    there = {expand_origin(entry, origin) for entry in kept}
    added = [relative(folder, origin) for folder in dict.fromkeys(folders) if folder not in there]
    if not added and kept == old:
        return None
    return SearchPath(":".join((*kept, *added)), runpath)


def relative(folder: str, origin: str) -> str:
    """The way from one folder to another as the loader takes it."""
    way = posixpath.relpath(f"/{folder}", f"/{origin}")
    return "$ORIGIN" if way == "." else f"$ORIGIN/{way}"


def _stays(entry: str, origin: str) -> bool:
    if expand_origin(entry, origin) is not None:
        return True
    # $LIB and $PLATFORM: where that leads, the system knows.
    return entry.startswith(("$ORIGIN/", "${ORIGIN}/")) and "$" in entry[len("$ORIGIN") :].removeprefix("}")
