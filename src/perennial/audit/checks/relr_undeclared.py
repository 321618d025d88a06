"""Files with relative relocations in DT_RELR that do not say so to the loader."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.audit.requirements import RELR_VERSION
from perennial.finding import Finding, Rule, Severity
from perennial.platform_tag import Libc

RULE = Rule(
    "relr-undeclared",
    "Uses DT_RELR without needing GLIBC_ABI_DT_RELR",
    "glibc 2.36 and later refuse the file ('DT_RELR without GLIBC_ABI_DT_RELR dependency'); older ones ignore "
    "the relocations, and it crashes.",
)


def check(content: Content) -> Iterator[Finding]:
    for member, elf in content.files:
        if not elf.has_relr or content.libc_by_member.get(member.path) is not Libc.GLIBC:
            continue
        if any(version.name == RELR_VERSION for need in elf.verneeds for version in need.versions):
            continue
        yield Finding(
            RULE.id,
            Severity.ERROR,
            member.path,
            f"{member.path} has DT_RELR relocations and does not need {RELR_VERSION}, which no glibc accepts",
            requires=RELR_VERSION,
            remedy="Link with a linker that adds the need (GNU ld 2.38, lld 16), or without -z pack-relative-relocs.",
            defeats_tags=True,
        )
