"""Files that say they need more than the architecture's baseline instructions."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.arch import Architecture
from perennial.audit.context import Content
from perennial.elf.model import ElfFile
from perennial.finding import Finding, Rule, Severity

RULE = Rule(
    "isa-level-above-baseline",
    "Needs newer instructions than its architecture's tag promises",
    "x86_64 in a tag means every x86-64 processor. glibc refuses the file on older ones ('CPU ISA level is lower "
    "than required'); elsewhere it dies with SIGILL.",
)


def level_of(elf: ElfFile) -> int:
    """The x86-64 micro-architecture level that the GNU property ISA_1_NEEDED states; 1 is the baseline.

    Its bits are baseline, v2, v3, v4 (x86-64 psABI, "Program Property").
    """
    return max(elf.x86_isa_needed.bit_length(), 1)


def check(content: Content) -> Iterator[Finding]:
    if content.architecture not in (Architecture.X86_64, Architecture.I686):
        return
    for member, elf in content.files:
        level = level_of(elf)
        if level > 1:
            yield Finding(
                RULE.id,
                Severity.ERROR,
                member.path,
                f"{member.path} needs x86-64-v{level} instructions; {content.arch_name} promises the baseline only",
                requires=f"x86-64-v{level}",
                remedy="Compile without -march=x86-64-v2 and above, or choose such code at run time (target_clones).",
                defeats_tags=True,
            )
