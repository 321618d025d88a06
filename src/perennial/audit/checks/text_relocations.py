"""Files whose code the loader has to patch."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity

RULE = Rule(
    "text-relocations",
    "Has relocations in its code",
    "The loader has to make code writable to load it: SELinux and hardened kernels forbid that, and every process "
    "gets its own copy of the pages.",
)


def check(content: Content) -> Iterator[Finding]:
    for member, elf in content.files:
        if elf.has_text_relocations:
            yield Finding(
                RULE.id,
                Severity.WARNING,
                member.path,
                f"{member.path} has relocations in its code (DT_TEXTREL)",
                requires="writable code",
                remedy="Compile everything that is linked into it with -fPIC.",
            )
