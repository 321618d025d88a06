"""How low a wheel could go: what `perennial lower` would make of its references, from the audit alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from perennial.audit.report import AuditReport
from perennial.audit.requirements import RELR_VERSION, Provider
from perennial.knowledge import Knowledge
from perennial.knowledge.treatments import TreatmentKind
from perennial.lower.lower_file import PLT_MARKS, references
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy import policies
from perennial.policy.derive import Version
from perennial.policy.lowering import Binding, Lowering, Reference


class Reach(NamedTuple):
    """The lowest tag that a wheel can be lowered to, and by what.

    `bindings` are what is bound otherwise there, each reference of the wheel once; `limits` are the references that
    keep it from going lower still, empty where nothing lower is to be had by anyone.
    """

    tag: PlatformTag
    bindings: tuple[Binding, ...]
    limits: tuple[Reference, ...]

    def count(self, *kinds: TreatmentKind) -> int:
        """How many references are treated in one of these ways."""
        return sum(binding.treatment.kind in kinds for binding in self.bindings)


def reach(report: AuditReport, knowledge: Knowledge) -> Reach | None:
    """What lowering can do for a wheel that was audited; None where it can do nothing."""
    lowest = report.lowest.version
    if report.libc is not Libc.GLIBC or report.architecture is None or lowest is None:
        return None
    known = policies(knowledge, Libc.GLIBC, report.architecture)
    lowering = Lowering(known)
    if lowest <= lowering.lowest:
        return None
    newer = (
        each for each in _references(report) if _since(known.node(each.library, each.version).since) > lowering.lowest
    )
    firsts = {each: _since(lowering.first(each)) for each in sorted(set(newer))}
    fixed = [step.tag.version or lowest for step in report.ladder.steps for need in step.needs if need.version is None]
    version = max([lowering.lowest, *fixed, *firsts.values()])
    if version >= lowest:
        return None
    chosen = (lowering.choose(each, version) for each in firsts)
    return Reach(
        tag=PlatformTag.manylinux(version, report.arch_name),
        bindings=tuple(each for each in chosen if isinstance(each, Binding)),
        limits=tuple(each for each, first in firsts.items() if first == version) if version > lowering.lowest else (),
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
                if each.symbol or each.version not in (RELR_VERSION, PLT_MARKS):
                    yield each
