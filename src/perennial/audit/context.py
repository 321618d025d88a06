"""What checks look at: the facts of one wheel, and what the passes before them found out."""

from __future__ import annotations

from collections.abc import Mapping

from perennial.arch import Architecture, architecture_of_tag
from perennial.audit.captures import Capture
from perennial.audit.requirements import Imports, Requirement
from perennial.audit.resolve import Resolutions
from perennial.audit.unresolved import Unresolved
from perennial.audit.verdict import Ladder
from perennial.elf.model import ElfFile
from perennial.knowledge import Knowledge
from perennial.lean_typing import NamedTuple
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy import Policies
from perennial.wheel.member import WheelMember
from perennial.wheel.wheel import Wheel

Files = tuple[tuple[WheelMember, ElfFile], ...]


class Content(NamedTuple):
    """What a wheel's bytes say, before anything that it claims.

    `architecture` and `libc` are those of the wheel as a whole; None where no file decides.
    `files` are the ELF files that a process on that architecture can load, `foreign` the others.
    `platform` are the sonames that any tag lets a wheel take from the system, and `policies`
    is None where the architecture has no tags.
    """

    wheel: Wheel
    knowledge: Knowledge
    architecture: Architecture | None
    libc: Libc | None
    policies: Policies | None
    platform: frozenset[str]
    files: Files
    foreign: Files
    libc_by_member: Mapping[str, Libc]
    imports: Mapping[str, Imports]
    resolutions: Resolutions
    requirements: tuple[Requirement, ...]
    ladder: Ladder
    unresolved: tuple[Unresolved, ...]
    captures: tuple[Capture, ...]

    @property
    def elf_files(self) -> int:
        """How many members could be read as ELF."""
        return len(self.files) + len(self.foreign)

    @property
    def wheel_paths(self) -> tuple[str, ...]:
        return tuple(member.path for member in self.wheel.members)

    @property
    def arch_name(self) -> str:
        """The architecture as tags spell it: as claimed, where that means the same."""
        claimed = [tag.arch for tag in self.wheel.filename.platforms if tag.arch is not None]
        if self.architecture is None:
            return claimed[0] if claimed else "unknown"
        for name in claimed:
            if architecture_of_tag(name) is self.architecture:
                return name
        return self.architecture.value


class Judgement(NamedTuple):
    """What follows from the content for its tags.

    `lowest` is the lowest honest tag. `judged` are the platform tags that the wheel is judged
    by: those it claims, or one that the caller asks about.
    """

    content: Content
    lowest: PlatformTag
    judged: tuple[PlatformTag, ...]
    judged_by_caller: bool

    @property
    def promises(self) -> tuple[PlatformTag, ...]:
        """The judged tags that promise something of a C library, each meaning once, lowest first."""
        meanings = {tag.canonical for tag in self.judged if tag.libc is not None}
        return tuple(sorted(meanings, key=lambda tag: (tag.libc or "", tag.version or (0, 0), tag.text)))

    @property
    def strictest(self) -> PlatformTag | None:
        """Of the promised tags that are for the wheel's C library and architecture, the lowest: what it
        keeps, the others do too. Versions before the first that has tags are left to `dead-tag`.
        """
        libc, architecture = self.content.libc, self.content.architecture
        fitting = [
            tag
            for tag in self.promises
            if (libc is None or tag.libc is libc)
            and architecture_of_tag(tag.arch or "") is architecture
            and (tag.libc is Libc.MUSL or architecture is None or (tag.version or (0, 0)) >= architecture.lowest_glibc)
        ]
        return min(fitting, key=lambda tag: tag.version or (0, 0), default=None)
