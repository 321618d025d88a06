"""Files with relative relocations in DT_RELR that do not say so to the loader."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.audit.requirements import RELR_VERSION, needs_relr_silently
from perennial.elf.model import ElfFile
from perennial.finding import Finding, Rule, Severity
from perennial.lean_typing import Final
from perennial.platform_tag import Libc

RULE = Rule(
    "relr-undeclared",
    "Uses DT_RELR where the loader refuses or ignores it",
    "glibc 2.36 and later refuse a file that does not say so ('DT_RELR without GLIBC_ABI_DT_RELR dependency'); "
    "older ones, and musl before 1.2.4, ignore the relocations, and it crashes.",
)

# musl's WHATSNEW for 1.2.4: "DT_RELR support"; tags name no patch releases.
MUSL_WITH_RELR: Final = "1.2.4"


def check(content: Content) -> Iterator[Finding]:
    for member, elf in content.files:
        if not elf.has_relr:
            continue
        if content.libc_by_member.get(member.path) is Libc.MUSL:
            yield Finding(
                RULE.id,
                Severity.ERROR,
                member.path,
                f"{member.path} has DT_RELR relocations, which musl before {MUSL_WITH_RELR} ignores",
                requires=f"musl {MUSL_WITH_RELR}",
                remedy="Link without -z pack-relative-relocs.",
                witnesses=_older_musl(content),
                defeats_tags=True,
            )
        elif not needs_relr_silently(elf) and not declares_relr(elf):
            yield Finding(
                RULE.id,
                Severity.ERROR,
                member.path,
                f"{member.path} has DT_RELR relocations and does not need {RELR_VERSION}: glibc 2.36 refuses it",
                requires=RELR_VERSION,
                remedy="Use a linker that adds the need (GNU ld 2.38, lld 16), or drop -z pack-relative-relocs.",
                defeats_tags=True,
            )


def declares_relr(elf: ElfFile) -> bool:
    """Whether a file needs the version that says that it has DT_RELR."""
    return any(version.name == RELR_VERSION for need in elf.verneeds for version in need.versions)


def _older_musl(content: Content) -> tuple[str, ...]:
    arch = content.arch_name
    return tuple(
        release.name
        for release in content.knowledge.releases
        if release.libc is Libc.MUSL and arch in release.architectures and release.libc_release < MUSL_WITH_RELR
    )
