"""A wheel, read once, as facts."""

from __future__ import annotations

import os
from collections.abc import Mapping

from perennial.elf.model import ElfFile
from perennial.errors import ArchiveError, ElfFormatError
from perennial.lean_typing import Final, NamedTuple
from perennial.progress import Progress
from perennial.wheel.archive import Archive
from perennial.wheel.directory import Entry
from perennial.wheel.filename import WheelFilename
from perennial.wheel.limits import MIB, ArchiveLimits
from perennial.wheel.member import MemberReader, Reading, WheelMember
from perennial.wheel.record import Record, parse_record

_LARGEST_RECORD: Final = 64 * MIB
_LARGEST_METADATA: Final = MIB


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
    threads: int = 1,
) -> Wheel:
    """Reads a wheel from disk; `sha256` also digests the archive itself.

    `progress` is told of the inflated bytes that have been dealt with. Up to `threads` threads read large members;
    how many makes no difference to what is found.

    Raises `WheelFilenameError` and `ArchiveError`.
    """
    location = os.fspath(path)
    WheelFilename.parse(os.path.basename(location))  # before a file is looked for
    with Archive(location, limits or ArchiveLimits()) as archive:
        return read_open_wheel(archive, sha256=sha256, reading=reading, progress=progress, threads=threads)


def read_open_wheel(
    archive: Archive,
    *,
    filename: str | None = None,
    sha256: bool = False,
    reading: Reading = Reading.HASHED,
    progress: Progress | None = None,
    known: Mapping[str, WheelMember] | None = None,
    threads: int = 1,
) -> Wheel:
    """Reads the wheel in an archive, as `read_wheel` does; `filename` is its name where it is not to be the
    archive's. What was read through an archive may be copied from it, and nobody can have put another
    file in its place. `known` are members that are not read again, having been copied from where they were read.
    """
    wheel_name = WheelFilename.parse(filename or os.path.basename(archive.path))
    if progress is not None:
        progress.start(wheel_name.text, sum(entry.size for entry in archive.entries))
    files = [entry for entry in archive.entries if not entry.is_directory]
    by_name = {entry.name: entry for entry in files}
    dist_info = dist_info_folder(archive)
    metadata = _read_metadata(archive, by_name.get(f"{dist_info}/WHEEL"))
    record = _read_record(archive, by_name.get(f"{dist_info}/RECORD"))
    # In the order in which they lie on disk; sorted only afterwards.
    files.sort(key=lambda entry: entry.header_offset)
    members = MemberReader(archive, record, reading, known or {}).read(files, progress, threads)
    for entry in archive.entries:
        if entry.is_directory:
            any(archive.chunks(entry))  # has no content; its local header is checked
    return Wheel(
        path=archive.path,
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
