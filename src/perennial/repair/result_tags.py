"""The tags of the result of a repair."""

from __future__ import annotations

from perennial.arch import architecture_of_tag
from perennial.audit.checks.dead_tag import why_dead
from perennial.audit.context import Content
from perennial.audit.report import AuditReport
from perennial.platform_tag import PlatformTag
from perennial.repair.options import RepairOptions
from perennial.wheel.wheel import Wheel


def tags_of_result(
    wheel: Wheel, report: AuditReport, content: Content, plat: PlatformTag | None, options: RepairOptions
) -> tuple[PlatformTag, ...]:
    """The tags that the result gets: those that it ought to have, the one asked for, and claims that it keeps."""
    if report.lowest.version is None:
        return wheel.filename.platforms
    # What was lowered need not carry the tag that it was built for; those of another C library it still may.
    lowered_to = None if options.lower is None else options.lower.to.libc
    claimed = [tag for tag in wheel.filename.platforms if lowered_to is None or tag.libc is not lowered_to]
    kept = [tag for tag in claimed if _keeps(tag, report, content)]
    asked = [] if plat is None or plat.libc is None else _spellings(plat)
    # Files without a C library keep the other one's tags too; but the Python that they were built for has one of them.
    best = [] if asked and options.only_plat else [tag for tag in report.tags if tag.libc is report.lowest.libc]
    return tuple(sorted({*kept, *asked, *best}, key=lambda tag: tag.text))


def _spellings(tag: PlatformTag) -> tuple[PlatformTag, ...]:
    alias = tag.legacy_alias
    return (tag.canonical,) if alias is None else (alias, tag.canonical)


def _keeps(tag: PlatformTag, report: AuditReport, content: Content) -> bool:
    if tag.libc is None or tag.version is None or report.lowest.version is None:
        return False
    if architecture_of_tag(tag.arch or "") is not content.architecture or why_dead(tag, content.policies) is not None:
        return False
    if content.libc is None:
        return any(
            best.libc is tag.libc and best.version is not None and best.version <= tag.version for best in report.tags
        )
    return tag.libc is content.libc and tag.version >= report.lowest.version
