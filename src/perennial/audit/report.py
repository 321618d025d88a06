"""The result of an audit."""

from __future__ import annotations

from perennial.arch import Architecture
from perennial.audit.coverage import Coverage
from perennial.audit.requirements import Requirement
from perennial.audit.verdict import Ladder
from perennial.finding import Finding, Severity
from perennial.lean_typing import NamedTuple
from perennial.platform_tag import Libc, PlatformTag
from perennial.wheel.wheel import Wheel


class Claim(NamedTuple):
    """A platform tag that the file name claims. `honest` is None for tags that promise nothing
    about Linux systems (`any`, other systems' tags).
    """

    tag: PlatformTag
    honest: bool | None
    reason: str  # a clause: "needs GLIBC_2.34", empty where honest


class ExternalLibrary(NamedTuple):
    """A library that is to come from outside the wheel."""

    soname: str
    needed_by: tuple[str, ...]
    provided: bool  # whether the judged tags, or failing those the lowest one, let it be assumed


class BundledLibrary(NamedTuple):
    """A shared library in the wheel that others of its files need."""

    path: str
    soname: str | None
    needed_by: tuple[str, ...]


class AuditReport(NamedTuple):
    """Everything that an audit found out about one wheel.

    `lowest` is the lowest honest tag, `tags` the set of platform tags that the wheel ought to
    carry. `claims` are the tags that it was judged by, its own or one that the caller named; `honest`
    says whether all of them keep their promise, None where none promises anything.
    `isa_level` is the x86-64 micro-architecture level that the files say they need (1 to 4; None
    on other architectures). `as_of` is the date for which `coverage` holds.
    """

    wheel: Wheel
    architecture: Architecture | None
    arch_name: str
    libc: Libc | None
    lowest: PlatformTag
    tags: tuple[PlatformTag, ...]
    provisional: bool
    claims: tuple[Claim, ...]
    judged_by_caller: bool
    honest: bool | None
    elf_files: int
    requirements: tuple[Requirement, ...]
    ladder: Ladder
    external: tuple[ExternalLibrary, ...]
    bundled: tuple[BundledLibrary, ...]
    interpreters: tuple[str, ...]
    isa_level: int | None
    findings: tuple[Finding, ...]
    coverage: Coverage
    as_of: str

    @property
    def has_errors(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)
