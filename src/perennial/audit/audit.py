"""The audit of a wheel, as a list of passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from perennial.arch import Architecture, architecture_of_tag
from perennial.audit.checks import CLAIM_CHECKS, CONTENT_CHECKS
from perennial.audit.checks.dead_tag import why_dead
from perennial.audit.checks.executable_stack import REFUSED_FROM
from perennial.audit.checks.executable_stack import RULE as EXECUTABLE_STACK
from perennial.audit.checks.isa_level_above_baseline import level_of
from perennial.audit.checks.relr_undeclared import MUSL_WITH_RELR
from perennial.audit.checks.relr_undeclared import RULE as RELR_UNDECLARED
from perennial.audit.content import platform_libraries, read_content
from perennial.audit.context import Content, Judgement
from perennial.audit.coverage import Coverage, cover
from perennial.audit.report import AuditReport, BundledLibrary, Claim, ExternalLibrary
from perennial.audit.resolve import Missing
from perennial.audit.symbol_needs import Exporters
from perennial.audit.verdict import lowest_tag
from perennial.finding import Finding, Severity
from perennial.knowledge import DistributionRelease, Knowledge
from perennial.lean_typing import Final
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy import policies
from perennial.wheel.wheel import Wheel


def audit(
    wheel: Wheel,
    knowledge: Knowledge,
    *,
    tag: PlatformTag | None = None,
    as_of: str | None = None,
    exporters: Exporters | None = None,
) -> AuditReport:
    """What a wheel honestly is.

    It is judged by the tags that its file name claims, or by `tag` alone. `as_of` (an ISO date; by
    default that of the knowledge) decides which releases count as in support. `exporters` says which of
    the wheel's members export some symbols (`perennial.wheel.exports`); without it, none is taken to.
    """
    content = read_content(wheel, knowledge, exporters)
    flaws = [finding for check in CONTENT_CHECKS for finding in _bounded(check(content))]

    # From here on, the honest tag is settled: nothing that is claimed or asked can change it.
    lowest = _lowest(content, flaws)
    judged = wheel.filename.platforms if tag is None else (tag,)
    judgement = Judgement(content, lowest, judged, judged_by_caller=tag is not None)
    findings = _weighed(flaws, judgement) + [
        finding for check in CLAIM_CHECKS for finding in _bounded(check(judgement))
    ]
    claims = tuple(_claim(claimed, judgement, flaws) for claimed in judged)

    return AuditReport(
        wheel=wheel,
        architecture=content.architecture,
        arch_name=content.arch_name,
        libc=content.libc,
        lowest=lowest,
        tags=_tags(content, lowest),
        provisional=_is_provisional(content, lowest),
        claims=claims,
        judged_by_caller=judgement.judged_by_caller,
        honest=_all_honest(claims),
        elf_files=content.elf_files,
        requirements=content.requirements,
        ladder=content.ladder,
        external=tuple(_external(content, judgement)),
        bundled=tuple(_bundled(content)),
        interpreters=tuple(sorted({elf.interpreter for _, elf in content.files if elf.interpreter is not None})),
        isa_level=_isa_level(content),
        findings=tuple(sorted(findings, key=_by_severity)),
        coverage=_coverage(content, flaws, as_of or knowledge.as_of),
        as_of=as_of or knowledge.as_of,
    )


def _lowest(content: Content, flaws: Iterable[Finding]) -> PlatformTag:
    """The lowest honest tag; `any` without compiled files, `linux_*` where no other tag can be kept."""
    if not content.elf_files and not content.wheel.has_unreadable_elf:
        return _without_elf(content.wheel)
    policies_ = content.policies
    if policies_ is None or any(flaw.defeats_tags for flaw in flaws):
        return PlatformTag.linux(content.arch_name)
    lowest = lowest_tag(content.ladder, policies_, content.arch_name)
    # A wheel for armv6l keeps what manylinux_2_17_armv6l would promise, and no installer has that tag.
    return PlatformTag.linux(content.arch_name) if lowest is None or why_dead(lowest, policies_) else lowest


# Nobody reads more of one kind, and a hostile wheel could have millions.
_MOST_FINDINGS: Final = 1000


def _bounded(findings: Iterator[Finding]) -> Iterator[Finding]:
    """What a check finds; of very many, the first, and a last one that stands for the others.

    It weighs as much as the worst of them, so that the verdict does not depend on the bound.
    """
    yield from islice(findings, _MOST_FINDINGS)
    following = next(findings, None)
    if following is None:
        return
    count, severity, defeats = 1, following.severity, following.defeats_tags
    for finding in findings:
        count += 1
        severity = min(severity, finding.severity, key=lambda each: each.rank)
        defeats = defeats or finding.defeats_tags
    yield Finding(
        following.rule,
        severity,
        None,
        f"this rule finds {count} more than the {_MOST_FINDINGS} that are listed",
        remedy="Start with those that are listed.",
        defeats_tags=defeats,
    )


def _weighed(flaws: Iterable[Finding], judgement: Judgement) -> list[Finding]:
    """What defeats every tag is an error in a wheel that promises one."""
    if not judgement.promises:
        return list(flaws)
    return [flaw._replace(severity=Severity.ERROR) if flaw.defeats_tags else flaw for flaw in flaws]


def _without_elf(wheel: Wheel) -> PlatformTag:
    """`any`, unless the wheel is for another system, about which nothing is known here."""
    foreign = [tag for tag in wheel.filename.platforms if not tag.is_any and not tag.is_linux]
    return foreign[0] if foreign else PlatformTag("any")


def _tags(content: Content, lowest: PlatformTag) -> tuple[PlatformTag, ...]:
    """All tags that the wheel ought to carry: the lowest one, the lowest legacy alias that is honest too, which
    old installers read (pip before 20.3), and, for files that are linked against no C library, their
    counterparts for the other one.
    """
    tags = list(lowest.with_legacy_alias)
    if lowest.libc is not None and content.libc is None and content.architecture is not None:
        other = Libc.MUSL if lowest.libc is Libc.GLIBC else Libc.GLIBC
        twin = policies(content.knowledge, other, content.architecture)
        make = PlatformTag.musllinux if other is Libc.MUSL else PlatformTag.manylinux
        tags += make(twin.lowest, content.arch_name).with_legacy_alias
    return tuple(sorted(tags, key=lambda tag: tag.text))


def _is_provisional(content: Content, lowest: PlatformTag) -> bool:
    if content.policies is None or lowest.version is None or lowest.libc is not content.policies.libc:
        return False
    return content.policies.is_provisional(lowest.version)


def _claim(tag: PlatformTag, judgement: Judgement, flaws: Iterable[Finding]) -> Claim:
    """Whether one claimed tag keeps its promise, and if not, the first reason."""
    content, lowest = judgement.content, judgement.lowest
    if not tag.is_linux:
        return Claim(tag, None, "")
    if not content.elf_files:
        unreadable = content.wheel.has_unreadable_elf
        if not unreadable and not any(own.is_any or own.is_linux for own in content.wheel.filename.platforms):
            return Claim(tag, None, "")  # asked for by the caller, of a wheel for another system
        return Claim(tag, not unreadable, "none of its ELF files can be read" if unreadable else "")
    dead = why_dead(tag, content.policies)
    if dead is not None:
        return Claim(tag, False, dead)
    if content.architecture is not architecture_of_tag(tag.arch or ""):
        return Claim(tag, False, f"its files are for {content.architecture or content.arch_name}")
    if tag.libc is None:
        return Claim(tag, True, "")
    if content.libc is not None and content.libc is not tag.libc:
        return Claim(tag, False, f"its files are linked against {content.libc}")
    if lowest.version is None:
        return Claim(tag, False, next((flaw.message for flaw in flaws if flaw.defeats_tags), _unmet(content)))
    if content.libc is not None and lowest.version > (tag.version or (0, 0)):
        return Claim(tag, False, f"what it needs, only {lowest} and later provide")
    return Claim(tag, True, "")


def _unmet(content: Content) -> str:
    """What no tag provides; one need speaks for all."""
    for need in content.ladder.unmet:
        return f"no such tag is sure to provide {need.name} of {need.library}"
    return "no such tag fits it"


def _all_honest(claims: tuple[Claim, ...]) -> bool | None:
    verdicts = [claim.honest for claim in claims if claim.honest is not None]
    return all(verdicts) if verdicts else None


def _external(content: Content, judgement: Judgement) -> Iterable[ExternalLibrary]:
    """The libraries that the wheel does not bring."""
    reference = judgement.strictest or judgement.lowest
    found = dict(platform_libraries(content.resolutions))
    provided = {soname: _is_provided(content, soname, reference) for soname in found}
    for member, resolution in content.resolutions:
        if isinstance(resolution, Missing) and not resolution.unreachable:
            found[resolution.soname] = (*found.get(resolution.soname, ()), member)
            provided[resolution.soname] = False
    for soname in sorted(found):
        yield ExternalLibrary(soname, tuple(sorted(found[soname])), provided[soname])


def _is_provided(content: Content, soname: str, tag: PlatformTag) -> bool:
    if content.policies is None:
        return False
    since = content.policies.library(soname).since
    return since is not None and (tag.version is None or since <= tag.version)


def _bundled(content: Content) -> Iterable[BundledLibrary]:
    sonames = {member.path: elf.soname for member, elf in content.files}
    for path, users in sorted(content.resolutions.bundled_users().items()):
        yield BundledLibrary(path, sonames[path], tuple(sorted(users)))


def _isa_level(content: Content) -> int | None:
    if content.architecture is not Architecture.X86_64:
        return None
    return max((level_of(elf) for _, elf in content.files), default=1)


def _coverage(content: Content, flaws: Iterable[Finding], as_of: str) -> Coverage:
    if not content.files or content.architecture is None:
        return Coverage((), (), ())
    defeating = {flaw.rule for flaw in flaws if flaw.defeats_tags}
    libcs = Libc if content.libc is None else (content.libc,)
    return cover(
        content.knowledge,
        content.architecture.value,
        libcs,
        content.ladder,
        as_of=as_of,
        refuses=lambda release: any(defeats_on(rule, release) for rule in defeating),
    )


def defeats_on(rule: str, release: DistributionRelease) -> bool:
    """Whether what a rule found keeps a wheel from running on a release, where it defeats the tags.

    What is not about the loader does so everywhere, or until something is added to the system.
    """
    return _REFUSALS.get(rule, _everywhere)(release)


_REFUSALS: Final[dict[str, Callable[[DistributionRelease], bool]]] = {
    EXECUTABLE_STACK.id: lambda release: release.libc is Libc.GLIBC and release.libc_version >= REFUSED_FROM,
    RELR_UNDECLARED.id: lambda release: release.libc is Libc.GLIBC or release.libc_release < MUSL_WITH_RELR,
}


def _everywhere(_release: DistributionRelease) -> bool:
    return True


def _by_severity(finding: Finding) -> tuple[int, str, str, str, str]:
    return (finding.severity.rank, finding.rule, finding.member or "", finding.requires or "", finding.message)
