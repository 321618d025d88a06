"""Other platform tags for a wheel: in its file name, in WHEEL, and so in RECORD, all at once.

What a wheel is to be called is decided first, from what it claims, what the audit says that it
ought to claim, and what is asked for; then the wheel is audited once more as if it had these tags. Only
if they hold is anything written. Whatever else is in the wheel stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from perennial.audit.audit import audit
from perennial.audit.report import AuditReport
from perennial.audit.symbol_needs import Exporters
from perennial.errors import ArchiveError, UsageError, printable
from perennial.finding import Severity
from perennial.knowledge import Knowledge
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import LEGACY_ALIASES, PlatformTag
from perennial.wheel.archive import Archive
from perennial.wheel.directory import Entry
from perennial.wheel.filename import WheelFilename
from perennial.wheel.limits import MIB
from perennial.wheel.wheel import Wheel, parse_wheel_file
from perennial.wheel.write import NewMember

AUTO: Final = "auto"

# A wheel that is damaged does not get a RECORD that says it is not.
_ABOUT_RECORD: Final = frozenset({"record-mismatch", "record-missing-member", "record-extra-entry"})
_TAG: Final = re.compile("[a-z0-9_]+")  # PEP 425; "-" and "." have meanings of their own in a file name
_LARGEST_WHEEL_FILE: Final = MIB
# About WHEEL, these are what retagging mends.
_MENDED: Final = _ABOUT_RECORD | {"wheel-tags-differ"}


class LegacyAliases(StrEnum):
    """What becomes of manylinux1, manylinux2010 and manylinux2014."""

    KEEP = "keep"
    ADD = "add"
    DROP = "drop"


class RetagRequest(NamedTuple):
    """Which tags a wheel is to have. `tags` are platform tags, or `auto` for those that it ought to have.

    They are added to those that it claims, or with `only` take their place. Without tags and with
    `legacy` kept, the wheel gets those that it ought to have and no others.
    """

    tags: tuple[str, ...] = ()
    only: bool = False
    legacy: LegacyAliases = LegacyAliases.KEEP


class Objection(NamedTuple):
    """Why a wheel should not be written with these tags: a tag that is not proven, or a rule's finding."""

    tag: str | None
    rule: str | None
    message: str


class RetagPlan(NamedTuple):
    """What is to be done with one wheel; nothing where `changes` is empty and the name stays.

    `report` judges the wheel as it will be. `shortfall` says why no better tag than linux_* is honest.
    `remaining` are rules with errors where the tags are in order.
    """

    source: WheelFilename
    target: WheelFilename
    report: AuditReport
    changes: dict[str, NewMember | None]
    objections: tuple[Objection, ...]
    remaining: tuple[str, ...]
    shortfall: str | None

    @property
    def is_needed(self) -> bool:
        return bool(self.changes) or self.source.text != self.target.text


def check_request(request: RetagRequest) -> None:
    """Raises `UsageError` for a request that means nothing."""
    if request.only and not request.tags:
        raise UsageError("--only says that the wheel is to have no other tags than those of --tag, and there is none")
    for text in request.tags:
        for tag in text.lower().split("."):
            is_cut_off = tag.startswith(("manylinux", "musllinux")) and not PlatformTag.parse(tag).is_linux
            if not _TAG.fullmatch(tag) or is_cut_off:
                raise UsageError(f"--tag {printable(text)}: not a platform tag such as manylinux_2_28_x86_64")


def plan_retag(
    archive: Archive, wheel: Wheel, knowledge: Knowledge, request: RetagRequest, exporters: Exporters | None = None
) -> RetagPlan:
    """Decides on the tags of the wheel in `archive`, and judges it by them.

    Raises `ArchiveError` for a wheel without WHEEL file.
    """
    check_request(request)
    if wheel.metadata is None:
        raise ArchiveError("it has no WHEEL file, so that there is nothing to retag", archive=archive.path)
    wheel_file = wheel.metadata.path
    report = audit(wheel, knowledge, exporters=exporters)
    target = _target(wheel.filename, _wanted(report, request))
    changes: dict[str, NewMember | None] = {}
    after = report
    if target != wheel.filename or any(
        finding.member == wheel_file and finding.rule in _MENDED for finding in report.findings
    ):
        lines = tuple(
            f"{python}-{abi}-{tag}" for python in target.pythons for abi in target.abis for tag in target.platforms
        )
        content = archive.read(_entry(archive, wheel_file), _LARGEST_WHEEL_FILE)
        changed = with_tags(content, lines)
        if [value for key, value in parse_wheel_file(changed) if key == "tag"] != [*lines]:
            raise ArchiveError("its Tag lines cannot be changed", archive=archive.path, member=wheel_file)
        changes[wheel_file] = NewMember(changed)
        # As the wheel will be; its path stays, for it is where the files are.
        renamed = wheel._replace(filename=target, metadata=wheel.metadata._replace(tags=lines))
        after = audit(renamed, knowledge, exporters=exporters)
    objections = (*_loss(wheel.filename, target, request), *_objections(wheel.filename, after, wheel_file))
    errors = dict.fromkeys(finding.rule for finding in after.findings if finding.severity is Severity.ERROR)
    if any(objection.tag is not None for objection in objections):
        errors = {}  # what the audit finds may be due to the tags
    return RetagPlan(
        source=wheel.filename,
        target=target,
        report=after,
        changes=changes,
        objections=objections,
        remaining=tuple(rule for rule in errors if rule not in _ABOUT_RECORD),
        shortfall=_shortfall(report) if all(map(_promises_nothing, target.platforms)) else None,
    )


def _wanted(report: AuditReport, request: RetagRequest) -> tuple[PlatformTag, ...]:
    """The platform tags that the wheel is to have, sorted."""
    claimed = report.wheel.filename.platforms
    if request.tags:
        asked = [tag for text in request.tags for tag in _meant(text.lower(), report)]
        kept = () if request.only else claimed
        # linux_* promises less than any other Linux tag, and indexes refuse it.
        better = any(tag.libc is not None for tag in asked)
        tags = {*asked, *(tag for tag in kept if not (better and _promises_nothing(tag)))}
    elif request.legacy is LegacyAliases.KEEP:
        tags = {*report.tags}
    else:
        tags = {*claimed}
    if request.legacy is LegacyAliases.ADD:
        tags |= {alias for tag in tags for alias in tag.with_legacy_alias if tag.libc is not None}
    elif request.legacy is LegacyAliases.DROP:
        # What the alias means stays: manylinux2014_x86_64 alone becomes manylinux_2_17_x86_64.
        tags = {tag.canonical if _is_legacy(tag) else tag for tag in tags}
    return tuple(sorted(tags, key=lambda tag: tag.text))


def _meant(text: str, report: AuditReport) -> Iterable[PlatformTag]:
    return report.tags if text == AUTO else map(PlatformTag.parse, text.split("."))


def _promises_nothing(tag: PlatformTag) -> bool:
    """Whether it is plain linux_*."""
    return tag.is_linux and tag.libc is None


def _is_legacy(tag: PlatformTag) -> bool:
    return tag.text.partition("_")[0] in LEGACY_ALIASES


def _target(name: WheelFilename, tags: Iterable[PlatformTag]) -> WheelFilename:
    """The file name with these platform tags; the other parts stay as they were written, and so does all of it
    where the tags are the same in another order.
    """
    if {*tags} == {*name.platforms}:
        return name
    stem = name.text.removesuffix(".whl").rpartition("-")[0]
    return WheelFilename.parse(f"{stem}-{'.'.join(tag.text for tag in tags)}.whl")


def _entry(archive: Archive, path: str) -> Entry:
    return next(entry for entry in archive.entries if entry.name == path)


def with_tags(content: bytes, tags: Iterable[str]) -> bytes:
    """WHEEL with these Tag lines, in the place of the first that there was; every other byte stays."""
    lines = content.splitlines(keepends=True)
    header = [*_tag_lines(lines)]
    place = header.index(True) if True in header else len(header)
    end = next(filter(None, map(_line_end, lines)), b"\n")
    new = [b"Tag: " + tag.encode("ascii") + end for tag in tags]
    if place and not _line_end(lines[place - 1]):
        new.insert(0, end)
    others = [line for line, is_tag in zip(lines[place:], header[place:], strict=False) if not is_tag]
    return b"".join((*lines[:place], *new, *others, *lines[len(header) :]))


def _tag_lines(lines: Iterable[bytes]) -> Iterator[bool]:
    """Of each line of the header, as `parse_wheel_file` reads it, whether it belongs to a Tag field."""
    within = False
    for line in lines:
        key, colon, _ = line.partition(b":")
        if line[:1] not in (b" ", b"\t"):  # such a line goes on with the one before
            if not colon or b" " in key:
                return
            within = key.strip().lower() == b"tag"
        yield within


def _line_end(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :]


def _loss(source: WheelFilename, target: WheelFilename, request: RetagRequest) -> Iterator[Objection]:
    """A wheel that claims more than linux_* becomes that only where somebody says so: indexes would refuse it."""
    if all(map(_promises_nothing, source.platforms)) or not all(map(_promises_nothing, target.platforms)):
        return
    named = {tag for text in request.tags for tag in text.lower().split(".")}
    for tag in target.platforms:
        if tag.text not in named:
            yield Objection(
                tag.text, None, "no other tag would be left; if that is meant, name it with --tag and --only"
            )


def _objections(source: WheelFilename, report: AuditReport, wheel_file: str) -> Iterator[Objection]:
    """What speaks against the wheel as it will be."""
    claimed = {tag.text for tag in source.platforms}
    reasons = {claim.tag.text: claim.reason for claim in report.claims if claim.honest is False}
    foreign = not report.lowest.is_linux and not report.lowest.is_any
    for tag in report.wheel.filename.platforms:
        if tag.is_linux and foreign:
            reason = f"the wheel is for {report.lowest}, and nothing is known about its files"
        elif tag.is_linux:
            reason = reasons.get(tag.text, "")
        elif tag.is_any:
            reason = (
                ""
                if report.lowest.is_any
                else f"its files are for {report.arch_name if not foreign else report.lowest}"
            )
        else:
            reason = "" if tag.text in claimed else "it is for a system about which nothing is known"
        if reason:
            yield Objection(tag.text, None, reason)
    for finding in report.findings:
        if finding.rule in _ABOUT_RECORD and finding.severity is Severity.ERROR and finding.member != wheel_file:
            yield Objection(None, finding.rule, finding.message)


def _shortfall(report: AuditReport) -> str | None:
    """Why a wheel with compiled files has to do with linux_*."""
    for finding in report.findings:
        if finding.defeats_tags:
            return finding.message
    for need in report.ladder.unmet:
        return f"no tag is sure to provide {need.name} of {need.library}"
    return None
