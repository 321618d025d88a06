"""How low a wheel could go: what `perennial lower` would make of its references, from the audit alone."""

from __future__ import annotations

from perennial.audit.checks.library_not_provided import RULE as NOT_PROVIDED
from perennial.audit.report import AuditReport
from perennial.audit.requirements import Provider
from perennial.elf.model import ElfFile
from perennial.knowledge import Knowledge
from perennial.knowledge.treatments import TreatmentKind
from perennial.lean_typing import NamedTuple
from perennial.lower.references import MARKS, is_cxx_runtime
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy import Policies, policies
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
    firsts: dict[Reference, Version] = {}
    for each in sorted(_newer(report, known, lowering.lowest)):
        firsts[each] = _since(lowering.first(each))
        if firsts[each] >= lowest and not is_cxx_runtime(each.library):
            return None
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


def _newer(report: AuditReport, known: Policies, lowest: Version) -> set[Reference]:
    """The references that the systems of the lowest tag need not meet, without marks that a lowering takes off."""
    newer: dict[str, set[tuple[str, str]]] = {}
    for need in report.requirements:
        is_asked = need.provider is Provider.PLATFORM and not need.weak
        if is_asked and _since(known.node(need.library, need.version).since) > lowest:
            newer.setdefault(need.member, set()).add((need.library, need.version))
    found: set[Reference] = set()
    for member in report.wheel.members:
        versions = newer.get(member.path)
        if versions is None or not isinstance(member.elf, ElfFile):
            continue
        for version, library, weak, names in member.elf.undefined.by_origin:
            if library is not None and version is not None and (library, version) in versions:
                found.update(Reference(library, name, version, weak) for name in names)
    named = {(each.library, each.version) for each in found}
    bare = {each for versions in newer.values() for each in versions if each not in named and each[1] not in MARKS}
    return found | {Reference(library, "", version, weak=False) for library, version in bare}
