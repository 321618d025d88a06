"""The public interface, in one place; import it from `perennial`."""

from __future__ import annotations

from os import PathLike

from perennial.arch import architecture_of_tag
from perennial.audit.audit import audit
from perennial.audit.report import AuditReport
from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from perennial.errors import (
    ArchiveError,
    ElfFormatError,
    FetchError,
    PerennialError,
    UnreadableError,
    UsageError,
    WheelFilenameError,
)
from perennial.finding import Finding, Severity
from perennial.knowledge import DistributionRelease, Knowledge, load_knowledge
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy import Policy, policies
from perennial.tags import (
    Axis,
    Detail,
    Installer,
    Override,
    Python,
    Refusal,
    Target,
    accepted_tags,
    best,
    compatible,
    first_refusal,
    inspect_interpreter,
    inspect_root,
    parse_target,
    platform_tags,
    this_system,
)
from perennial.wheel.exports import find_exporters
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.member import Reading
from perennial.wheel.wheel import Wheel, read_wheel

__all__ = [
    "ArchiveError",
    "ArchiveLimits",
    "AuditReport",
    "Axis",
    "Detail",
    "DistributionRelease",
    "ElfFile",
    "ElfFormatError",
    "FetchError",
    "Finding",
    "Installer",
    "Knowledge",
    "Libc",
    "Override",
    "PerennialError",
    "PlatformTag",
    "Policy",
    "Python",
    "Reading",
    "Refusal",
    "Severity",
    "Target",
    "UnreadableError",
    "UsageError",
    "Wheel",
    "WheelFilenameError",
    "accepted_tags",
    "audit",
    "audit_wheel",
    "best",
    "compatible",
    "derive_policy",
    "first_refusal",
    "inspect_interpreter",
    "inspect_root",
    "load_knowledge",
    "parse_target",
    "platform_tags",
    "read_elf",
    "read_wheel",
    "this_system",
]


def audit_wheel(
    path: str | PathLike[str],
    *,
    tag: str | None = None,
    as_of: str | None = None,
    limits: ArchiveLimits | None = None,
) -> AuditReport:
    """Reads a wheel and says what it honestly is.

    It is judged by the platform tags that its file name claims, or by `tag` alone
    ("manylinux_2_28_x86_64"). `as_of` is an ISO date, by default that of the shipped
    knowledge; it decides which releases count as in support. `limits` bound what the archive
    may cost to read.

    Raises `UsageError` for a tag that is none of Linux, `WheelFilenameError` and `ArchiveError`
    for what cannot be read. A wheel that breaks its promise is no error: see
    `AuditReport.findings`.
    """
    judged = None if tag is None else PlatformTag.parse(tag)
    if judged is not None and judged.arch is None:
        raise UsageError(f"{tag}: not a Linux platform tag such as manylinux_2_28_x86_64")
    wheel = read_wheel(path, limits)
    return audit(
        wheel,
        load_knowledge(),
        tag=judged,
        as_of=as_of,
        exporters=lambda symbols: find_exporters(path, symbols, limits),
    )


def derive_policy(tag: str, knowledge: Knowledge | None = None) -> Policy:
    """What a manylinux or musllinux tag lets a wheel assume, derived from the shipped knowledge or the given one.

    Raises `UsageError` for any other tag, and for an architecture without such tags.
    """
    parsed = PlatformTag.parse(tag)
    architecture = architecture_of_tag(parsed.arch or "")
    if parsed.libc is None or parsed.version is None or architecture is None:
        raise UsageError(f"{tag}: not a manylinux or musllinux tag of a known architecture")
    return policies(knowledge or load_knowledge(), parsed.libc, architecture).policy(parsed.version)
