"""Which members of a wheel export some symbols.

Reading what a library exports takes longer than all that an audit otherwise reads of it, and it
is seldom asked. So it is not among a wheel's facts: the archive is opened once more.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from perennial.elf.stream import ElfCollector, is_elf, read_stream
from perennial.errors import ElfFormatError
from perennial.wheel.archive import Archive
from perennial.wheel.limits import ArchiveLimits


def find_exporters(
    path: str | os.PathLike[str], symbols: frozenset[str], limits: ArchiveLimits | None = None
) -> Mapping[str, tuple[str, ...]]:
    """The paths of the members that export each of `symbols`; symbols that none exports are left out.

    Raises `ArchiveError`.
    """
    found: dict[str, list[str]] = {}
    with Archive(os.fspath(path), limits or ArchiveLimits()) as archive:
        for entry in sorted(archive.entries, key=lambda entry: entry.header_offset):
            front = next(archive.chunks(entry), b"")
            if not is_elf(front):
                continue
            collector = ElfCollector(entry.size)
            for chunk in archive.chunks(entry):
                collector.feed(chunk)
            elf = read_stream(collector, partial(archive.chunks, entry), exports=True).elf
            if not isinstance(elf, ElfFormatError):
                for name in symbols.intersection(symbol.name for symbol in elf.exports or ()):
                    found.setdefault(name, []).append(entry.name)
    return {name: tuple(sorted(found[name])) for name in sorted(found)}
