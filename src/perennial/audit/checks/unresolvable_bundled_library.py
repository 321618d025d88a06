"""Libraries that are in the wheel and that the loader would not find, or not be content with."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.audit.requirements import Provider
from perennial.audit.resolve import Missing
from perennial.finding import Finding, Rule, Severity

RULE = Rule(
    "unresolvable-bundled-library",
    "Has a library that the loader does not find where it is",
    "The library is in the wheel, and importing what needs it still fails: no RPATH or RUNPATH leads there, or "
    "it does not define a version that is needed.",
)


def check(content: Content) -> Iterator[Finding]:
    for member, resolution in content.resolutions:
        if isinstance(resolution, Missing) and resolution.unreachable:
            there = ", ".join(resolution.unreachable)
            yield Finding(
                RULE.id,
                Severity.ERROR,
                member,
                f"{member} needs {resolution.soname}; the wheel has it as {there}, where neither RPATH nor RUNPATH "
                "leads and nothing has loaded it before",
                requires=resolution.soname,
                remedy="Give the file a RUNPATH of $ORIGIN with the way to the library's folder.",
                defeats_tags=True,
            )
    for requirement in content.requirements:
        if requirement.provider is Provider.MISSING and requirement.bundled_as is not None and not requirement.weak:
            yield Finding(
                RULE.id,
                Severity.ERROR,
                requirement.member,
                f"{requirement.member} needs {requirement.version} from {requirement.library}, and the one in the "
                f"wheel, {requirement.bundled_as}, does not define it",
                requires=requirement.version,
                remedy=f"Bundle the {requirement.library} that the file was linked against.",
                defeats_tags=True,
            )
