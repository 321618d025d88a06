"""A wheel, read once: every member is streamed through hash and ELF reader, and what stays
are facts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum

from perennial.elf.constants import ELF_MAGIC
from perennial.elf.model import ElfFile
from perennial.elf.stream import ElfCollector, StreamedElf, is_elf, read_stream, read_whole
from perennial.errors import ArchiveError, ElfFormatError
from perennial.lean_typing import TYPE_CHECKING, Final, NamedTuple
from perennial.progress import Progress
from perennial.wheel.archive import Archive
from perennial.wheel.directory import Entry
from perennial.wheel.filename import WheelFilename
from perennial.wheel.limits import MIB, ArchiveLimits
from perennial.wheel.record import Record, encode_digest, parse_record

if TYPE_CHECKING:
    from hashlib import _Hash


class Reading(Enum):
    """How much of a wheel is read."""

    HASHED = "hashed"  # all of it; each member is hashed, to be held against RECORD
    WHOLE = "whole"  # all of it: each member has the size and CRC that the archive states
    ELF_FILES = "ELF files"  # of members that are no ELF files, just what it takes to know that they are none


_LARGEST_RECORD: Final = 64 * MIB
_LARGEST_METADATA: Final = MIB


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


class WheelMetadata(NamedTuple):
    """The WHEEL file: `tags` are its Tag lines as written."""

    path: str
    root_is_purelib: bool | None
    tags: tuple[str, ...]


class Wheel(NamedTuple):
    """A wheel's file name and contents; `members` are sorted by path, folders left out."""

    path: str
    filename: WheelFilename
    size: int
    sha256: str | None
    metadata: WheelMetadata | None
    record: Record | None
    members: tuple[WheelMember, ...]

    @property
    def has_unreadable_elf(self) -> bool:
        """Whether some member begins like ELF and is not."""
        return any(isinstance(member.elf, ElfFormatError) for member in self.members)

    @property
    def elf_members(self) -> tuple[tuple[WheelMember, ElfFile], ...]:
        """The members that could be read as ELF, object files and core dumps left out."""
        return tuple(
            (member, member.elf)
            for member in self.members
            if isinstance(member.elf, ElfFile) and member.elf.is_loadable
        )


def read_wheel(
    path: str | os.PathLike[str],
    limits: ArchiveLimits | None = None,
    *,
    sha256: bool = False,
    reading: Reading = Reading.HASHED,
    progress: Progress | None = None,
) -> Wheel:
    """Reads a wheel from disk; `sha256` also digests the archive itself.

    `progress` is told of the inflated bytes that have been dealt with.

    Raises `WheelFilenameError` and `ArchiveError`.
    """
    location = os.fspath(path)
    WheelFilename.parse(os.path.basename(location))  # before a file is looked for
    with Archive(location, limits or ArchiveLimits()) as archive:
        return read_open_wheel(archive, sha256=sha256, reading=reading, progress=progress)


def read_open_wheel(
    archive: Archive,
    *,
    filename: str | None = None,
    sha256: bool = False,
    reading: Reading = Reading.HASHED,
    progress: Progress | None = None,
    known: Mapping[str, WheelMember] | None = None,
) -> Wheel:
    """Reads the wheel in an archive, as `read_wheel` does; `filename` is its name where it is not to be the
    archive's. What was read through an archive may be copied from it, and nobody can have put another
    file in its place. `known` are members that are not read again, having been copied from where they were read.
    """
    location, limits = archive.path, archive.limits
    wheel_name = WheelFilename.parse(filename or os.path.basename(location))
    if progress is not None:
        progress.start(wheel_name.text, sum(entry.size for entry in archive.entries))
    files = [entry for entry in archive.entries if not entry.is_directory]
    by_name = {entry.name: entry for entry in files}
    dist_info = dist_info_folder(archive)
    metadata = _read_metadata(archive, by_name.get(f"{dist_info}/WHEEL"))
    record = _read_record(archive, by_name.get(f"{dist_info}/RECORD"))
    # In the order in which they lie on disk; sorted only afterwards.
    files.sort(key=lambda entry: entry.header_offset)
    members: list[WheelMember] = []
    memory = 0
    for entry in files:
        member = None if known is None else known.get(entry.name)
        if member is None:
            member = _read_member(archive, entry, record, progress, reading)
        members.append(member)
        memory += _memory(member)
        if memory > limits.facts:
            raise ArchiveError(f"the facts about its members take more than {limits.facts} bytes", archive=location)
    for entry in archive.entries:
        if entry.is_directory:
            any(archive.chunks(entry))  # has no content; its local header is checked
    return Wheel(
        path=location,
        filename=wheel_name,
        size=archive.file_size,
        sha256=archive.sha256() if sha256 else None,
        metadata=metadata,
        record=record,
        members=tuple(sorted(members, key=lambda member: member.path)),
    )


def dist_info_folder(archive: Archive) -> str:
    """The name of the one folder that makes an archive a wheel; raises `ArchiveError` where it is not one."""
    names = (entry.name for entry in archive.entries if not entry.is_directory and ".dist-info/" in entry.name)
    tops = sorted({name.partition("/")[0] for name in names})
    found = [top for top in tops if top.endswith(".dist-info")]
    if len(found) != 1:
        listed = "none" if not found else ", ".join(map(repr, found[:3])) + ", ..." * (len(found) > 3)
        raise ArchiveError(f"not a wheel: it should have one .dist-info folder and has {listed}", archive=archive.path)
    return found[0]


def _read_metadata(archive: Archive, entry: Entry | None) -> WheelMetadata | None:
    if entry is None:
        return None
    fields = parse_wheel_file(archive.read(entry, _LARGEST_METADATA))
    purelib = next((value.lower() == "true" for key, value in fields if key == "root-is-purelib"), None)
    return WheelMetadata(entry.name, purelib, tuple(value for key, value in fields if key == "tag"))


def parse_wheel_file(content: bytes) -> list[tuple[str, str]]:
    """The fields of WHEEL, names in lower case.

    The format is that of mail headers (PyPA specification "Binary distribution format"), of
    which installers read no more than up to the first empty line, and, of a field that should
    stand once, the first.
    """
    fields: list[tuple[str, str]] = []
    text = content.decode("utf-8", "backslashreplace").replace("\r\n", "\n").replace("\r", "\n")
    for line in text.split("\n"):
        if line[:1] in (" ", "\t"):
            continue  # goes on with the line before, as no field of WHEEL does
        key, colon, value = line.partition(":")
        if not colon or " " in key:
            break
        fields.append((key.strip().lower(), value.strip()))
    return fields


def _read_record(archive: Archive, entry: Entry | None) -> Record | None:
    return None if entry is None else parse_record(entry.name, archive.read(entry, _LARGEST_RECORD))


def _read_member(
    archive: Archive, entry: Entry, record: Record | None, progress: Progress | None, reading: Reading
) -> WheelMember:
    algorithm = "sha256" if record is None else record.algorithm_of(entry.name)
    if reading is Reading.ELF_FILES and not archive.may_begin_with(entry, ELF_MAGIC):
        if progress is not None:
            progress.advance(entry.size)
        location = install_location(entry.name)
        return WheelMember(entry.name, location, entry.size, entry.is_symlink, algorithm, None, None, ())
    digest = None
    if reading is Reading.HASHED:
        import hashlib  # 3 ms, for OpenSSL

        digest = hashlib.new(algorithm) if algorithm != "sha256" else hashlib.sha256()
    streamed: StreamedElf | None = None
    content = archive.small(entry)
    if content is None:
        streamed = _stream_member(archive, entry, digest, progress)
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


def _stream_member(
    archive: Archive, entry: Entry, digest: _Hash | None, progress: Progress | None
) -> StreamedElf | None:
    """Takes a member through its hash and the ELF reader, piece by piece."""
    collector: ElfCollector | None = None
    position = 0
    for chunk in archive.chunks(entry):
        if position == 0 and is_elf(chunk):
            collector = ElfCollector(entry.size)
        position += len(chunk)
        if digest is not None:
            digest.update(chunk)
        if collector is not None:
            collector.feed(chunk)
        if progress is not None:
            progress.advance(len(chunk))
    return None if collector is None else read_stream(collector, lambda: archive.chunks(entry))


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
