"""The members of a wheel: each is streamed through its hash and the ELF reader, and what stays are facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from perennial.elf.constants import ELF_MAGIC
from perennial.elf.model import ElfFile
from perennial.elf.stream import ElfCollector, StreamedElf, is_elf, read_stream, read_whole
from perennial.errors import ArchiveError, ElfFormatError
from perennial.lean_typing import TYPE_CHECKING, Final, NamedTuple
from perennial.progress import Progress
from perennial.wheel.archive import Archive
from perennial.wheel.directory import Entry
from perennial.wheel.limits import MIB
from perennial.wheel.record import Record, encode_digest

if TYPE_CHECKING:
    from hashlib import _Hash


class Reading(Enum):
    """How much of a wheel is read."""

    HASHED = "hashed"  # all of it; each member is hashed, to be held against RECORD
    WHOLE = "whole"  # all of it: each member has the size and CRC that the archive states
    ELF_FILES = "ELF files"  # of members that are no ELF files, just what it takes to know that they are none


class WheelMember(NamedTuple):
    """A file in the wheel.

    `location` is where installers put it, relative to the environment's root, with the
    version left out of the folder of packages: `lib/python3/site-packages/numpy/x.so`.
    `digest` is in RECORD's spelling, by the algorithm that RECORD names for this member; None where
    it was not hashed.
    `elf` is None for files that are not ELF, and an error for those that only begin like it.
    """

    path: str
    location: str
    size: int
    is_symlink: bool
    algorithm: str
    digest: str | None
    elf: ElfFile | ElfFormatError | None
    library_strings: tuple[str, ...]


# Members of which a thread takes one at a time, and how much of them there has to be for several threads: what takes
# about a second. Threads cost time, too, 3 to 8 per cent of the processors'.
_LARGE: Final = MIB
_WORTH_THREADS: Final = 256 * MIB


class MemberReader:
    """Reads the members of one archive. `known` are those that are not read again, by path."""

    def __init__(
        self, archive: Archive, record: Record | None, reading: Reading, known: Mapping[str, WheelMember]
    ) -> None:
        self._archive: Final = archive
        self._record: Final = record
        self._reading: Final = reading
        self._known: Final = known
        self._memory = 0

    def read(self, files: Sequence[Entry], progress: Progress | None, threads: int) -> list[WheelMember]:
        """The members in the order of `files`; raises `ArchiveError` for the first that has something wrong."""
        if threads > 1 and sum(entry.size for entry in files if entry.size >= _LARGE) >= _WORTH_THREADS:
            found = self._read_in_threads(files, progress, threads)
            if found is not None:
                return found
            progress = None  # which has been told already
        self._memory = 0
        return [self._read(entry, progress) for entry in files]

    def _read_in_threads(
        self, files: Sequence[Entry], progress: Progress | None, threads: int
    ) -> list[WheelMember] | None:
        """None where something is wrong: of several errors it might be any, and the first in the archive is named."""
        from perennial.wheel.threads import SharedProgress, map_in_threads

        shared = SharedProgress(progress)
        try:
            found = map_in_threads(
                lambda entry: self._read(entry, shared), files, _size, large=_LARGE, threads=threads, progress=shared
            )
        except ArchiveError:
            return None
        # The running sum may have missed what two threads added at once.
        return found if sum(map(_memory, found)) <= self._archive.limits.facts else None

    def _read(self, entry: Entry, progress: Progress | None) -> WheelMember:
        member = self._known.get(entry.name) or self._read_anew(entry, progress)
        self._memory += _memory(member)
        most = self._archive.limits.facts
        if self._memory > most:
            reason = f"the facts about its members take more than {most} bytes"
            raise ArchiveError(reason, archive=self._archive.path)
        return member

    def _read_anew(self, entry: Entry, progress: Progress | None) -> WheelMember:
        algorithm = "sha256" if self._record is None else self._record.algorithm_of(entry.name)
        if self._reading is Reading.ELF_FILES and not self._archive.may_begin_with(entry, ELF_MAGIC):
            if progress is not None:
                progress.advance(entry.size)
            location = install_location(entry.name)
            return WheelMember(entry.name, location, entry.size, entry.is_symlink, algorithm, None, None, ())
        digest = None
        if self._reading is Reading.HASHED:
            import hashlib  # 3 ms, for OpenSSL

            digest = hashlib.new(algorithm) if algorithm != "sha256" else hashlib.sha256()
        streamed: StreamedElf | None = None
        content = self._archive.small(entry)
        if content is None:
            streamed = self._stream(entry, digest, progress)
        else:
            if digest is not None:
                digest.update(content)
            if is_elf(content):
                streamed = read_whole(content)
            if progress is not None:
                progress.advance(len(content))
        return WheelMember(
            path=entry.name,
            location=install_location(entry.name),
            size=entry.size,
            is_symlink=entry.is_symlink,
            algorithm=algorithm,
            digest=None if digest is None else encode_digest(digest.digest()),
            elf=None if streamed is None else streamed.elf,
            library_strings=() if streamed is None else streamed.library_strings,
        )

    def _stream(self, entry: Entry, digest: _Hash | None, progress: Progress | None) -> StreamedElf | None:
        """Takes a member through its hash and the ELF reader, piece by piece."""
        collector: ElfCollector | None = None
        position = 0
        for chunk in self._archive.chunks(entry):
            if position == 0 and is_elf(chunk):
                collector = ElfCollector(entry.size)
            position += len(chunk)
            if digest is not None:
                digest.update(chunk)
            if collector is not None:
                collector.feed(chunk)
            if progress is not None:
                progress.advance(len(chunk))
        return None if collector is None else read_stream(collector, lambda: self._archive.chunks(entry))


def _size(entry: Entry) -> int:
    return entry.size


def _memory(member: WheelMember) -> int:
    """About how many bytes a member's facts take: what an ELF file may name is many times its size."""
    elf = member.elf
    if not isinstance(elf, ElfFile):
        return 500
    single = (elf.soname, elf.rpath, elf.runpath, elf.build_id, *elf.needed, *member.library_strings)
    versions = [need.versions for need in elf.verneeds]
    return (
        1000
        + len(elf.export_hashes or b"")
        + sum(100 + len(text) for text in single if text is not None)
        + 160 * len(elf.undefined)
        + sum(map(len, elf.undefined.names))
        + sum(160 + len(version.name) for group in versions for version in group)
        + sum(300 + len(definition.name) + sum(map(len, definition.parents)) for definition in elf.verdefs)
    )


SITE_PACKAGES: Final = "lib/python3/site-packages"
# Install schemes by the names that they have below *.data/ (PyPA specification "Binary
# distribution format", "The .data directory"), as paths below the environment's root.
_SCHEMES: Final = {
    "purelib": f"{SITE_PACKAGES}/",
    "platlib": f"{SITE_PACKAGES}/",
    "scripts": "bin/",
    "data": "",
    "headers": "include/",
}


def install_location(path: str) -> str:
    """Where installers put a member, relative to the environment's root."""
    top, _, below = path.partition("/")
    if top.endswith(".data"):
        scheme, slash, rest = below.partition("/")
        if slash and scheme in _SCHEMES:
            return _SCHEMES[scheme] + rest
    return f"{SITE_PACKAGES}/{path}"
