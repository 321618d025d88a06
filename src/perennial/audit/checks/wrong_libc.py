"""Files linked against different C libraries, or against another one than the tags name."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity
from perennial.platform_tag import Libc

RULE = Rule(
    "wrong-libc",
    "Mixes glibc and musl, or is tagged for the other one",
    "A process has one C library: what was linked against the other one fails to load or crashes.",
)


def check(content: Content) -> Iterator[Finding]:
    members: dict[Libc, list[str]] = {}
    for path, libc in content.libc_by_member.items():
        members.setdefault(libc, []).append(path)
    if len(members) > 1:
        for libc, paths in sorted(members.items()):
            if libc is not content.libc:
                yield from (
                    Finding(
                        RULE.id,
                        Severity.ERROR,
                        path,
                        f"{path} is linked against {libc}, and the rest of the wheel against {content.libc}",
                        requires=libc.value,
                        remedy="Build all files against one C library, and a wheel for each.",
                        defeats_tags=True,
                    )
                    for path in sorted(paths)
                )
    for tag in content.wheel.filename.platforms:
        if tag.libc is not None and content.libc is not None and tag.libc is not content.libc:
            witness = min(members[content.libc])
            kind = "manylinux" if content.libc is Libc.GLIBC else "musllinux"
            yield Finding(
                RULE.id,
                Severity.ERROR,
                witness,
                f"the file name claims {tag}, and {witness} is linked against {content.libc}",
                requires=content.libc.value,
                remedy=f"Tag it {kind}, or build it against {tag.libc}.",
            )
