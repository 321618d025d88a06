"""How low a wheel could go: what `perennial lower` would make of its references, from the audit alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from perennial.audit.checks.library_not_provided import RULE as NOT_PROVIDED
from perennial.audit.report import AuditReport
from perennial.audit.requirements import Provider
from perennial.knowledge import Knowledge
from perennial.knowledge.treatments import TreatmentKind
from perennial.lower.lower_file import MARKS, references
from perennial.lower.private import is_cxx_runtime
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy import policies
from perennial.policy.derive import Version
from perennial.policy.lowering import Binding, Lowering, Reference


class Reach(NamedTuple):
    """The lowest tag that a wheel can be lowered to, and by what.

    `bindings` are what is bound otherwise there, each reference of the wheel once; `limits` are the references that
    keep it from going lower still, empty where nothing lower is to be had by anyone. `outside` are libraries that have
    to come into the wheel first: what they need in turn is not known. `private_tag` is the tag that a libstdc++ of the
    wheel's own makes possible, where that is lower; `tag` is None where nothing else lowers it.
    """

    tag: PlatformTag | None
    bindings: tuple[Binding, ...]
    limits: tuple[Reference, ...]
    outside: tuple[str, ...]
    private_tag: PlatformTag | None

    def count(self, *kinds: TreatmentKind) -> int:
        """How many references are treated in one of these ways."""
        return sum(binding.treatment.kind in kinds for binding in self.bindings)


def reach(report: AuditReport, knowledge: Knowledge) -> Reach | None:
    """What lowering can do for a wheel that was audited; None where it can do nothing."""
    if report.libc is not Libc.GLIBC or report.architecture is None:
        return None
    defeats = [finding for finding in report.findings if finding.defeats_tags]
    if any(need.symbol is not None for need in report.ladder.unmet) or any(
        finding.rule != NOT_PROVIDED.id for finding in defeats
    ):
        return None  # no lowering mends that
    lowest = report.lowest.version or _NEVER
    known = policies(knowledge, Libc.GLIBC, report.architecture)
    lowering = Lowering(known)
    if lowest <= lowering.lowest:
        return None
    newer = (
        each for each in _references(report) if _since(known.node(each.library, each.version).since) > lowering.lowest
    )
    firsts = {each: _since(lowering.first(each)) for each in sorted(set(newer))}
    fixed = [step.tag.version or lowest for step in report.ladder.steps for need in step.needs if need.version is None]

    # From here on, it is settled how low each reference goes; the highest of them decides.
    version = max([lowering.lowest, *fixed, *firsts.values()])
    others = [first for each, first in firsts.items() if not is_cxx_runtime(each.library)]
    private = max([lowering.lowest, *fixed, *others])
    if min(version, private) >= lowest:
        return None
    chosen = (lowering.choose(each, version) for each in firsts)
    return Reach(
        tag=None if version >= lowest else PlatformTag.manylinux(version, report.arch_name),
        bindings=tuple(each for each in chosen if isinstance(each, Binding)) if version < lowest else (),
        limits=tuple(each for each, first in firsts.items() if first == version) if version > lowering.lowest else (),
        outside=tuple(sorted({finding.requires for finding in defeats if finding.requires is not None})),
        private_tag=None if private >= min(version, lowest) else PlatformTag.manylinux(private, report.arch_name),
    )


_NEVER: Version = (99, 0)


def _since(version: Version | None) -> Version:
    return _NEVER if version is None else version


def _references(report: AuditReport) -> Iterable[Reference]:
    """The references to libraries of the system, without marks that a lowering takes off a file."""
    external = {each.library for each in report.requirements if each.provider is Provider.PLATFORM}
    bundled = {(each.member, each.library) for each in report.requirements if each.provider is not Provider.PLATFORM}
    for member, elf in report.wheel.elf_members:
        if elf.architecture is report.architecture:
            own = {library for library in external if (member.path, library) not in bundled}
            for each in references(elf, own):
                if each.symbol or each.version not in MARKS:
                    yield each
