"""Files linked against different C libraries, or against another one than the tags name."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content, Judgement
from perennial.finding import Finding, Rule, Severity
from perennial.platform_tag import Libc

RULE = Rule(
    "wrong-libc",
    "Mixes glibc and musl, or is tagged for the other one",
    "A process has one C library: what was linked against the other one fails to load or crashes.",
)


def check(content: Content) -> Iterator[Finding]:
    members = _members(content)
    for libc in sorted(members.keys() - {content.libc}):
        for path in members[libc]:
            yield Finding(
                RULE.id,
                Severity.ERROR,
                path,
                f"{path} is linked against {libc}, and the rest of the wheel against {content.libc}",
                requires=libc.value,
                remedy="Build all files against one C library, and a wheel for each.",
                defeats_tags=True,
            )


def check_claims(judgement: Judgement) -> Iterator[Finding]:
    libc = judgement.content.libc
    if libc is None:
        return
    witness = _members(judgement.content)[libc][0]
    claimed = "asked for" if judgement.judged_by_caller else "claimed"
    for tag in judgement.judged:
        if tag.libc is None or tag.libc is libc:
            continue
        yield Finding(
            RULE.id,
            Severity.ERROR,
            witness,
            f"{tag} is {claimed}, and {witness} is linked against {libc}",
            requires=libc.value,
            remedy=f"Tag it {judgement.lowest}, or build it against {tag.libc}.",
        )


def _members(content: Content) -> dict[Libc, list[str]]:
    """The files that are linked against each C library, sorted."""
    members: dict[Libc, list[str]] = {}
    for path in sorted(content.libc_by_member):
        members.setdefault(content.libc_by_member[path], []).append(path)
    return members
