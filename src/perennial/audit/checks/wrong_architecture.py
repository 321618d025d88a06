"""Files for another architecture than the wheel's, or than its tags'."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.arch import architecture_of_tag
from perennial.audit.context import Content, Judgement
from perennial.finding import Finding, Rule, Severity
from perennial.lean_typing import Final

RULE = Rule(
    "wrong-architecture",
    "Has files for another architecture than its tags name",
    "Loaders refuse a file for another architecture: importing it fails with 'wrong ELF class' or "
    "'cannot open shared object file'.",
)


# What glibc's `open_verify` lets pass: System V, GNU, and on ARM its own (gABI, "EI_OSABI").
_OS_ABIS: Final = frozenset({0, 3, 64})


def check(content: Content) -> Iterator[Finding]:
    yield from _check_os_abi(content)
    architecture = content.architecture
    for member, elf in content.foreign:
        is_library = elf.interpreter is None and elf.is_dynamic
        yield Finding(
            RULE.id,
            # A program or a firmware image may be data that this wheel only carries.
            Severity.ERROR if is_library else Severity.WARNING,
            member.path,
            f"{member.path} is for {elf.abi.machine_name}, and the wheel is for {architecture or content.arch_name}",
            requires=elf.abi.machine_name,
            remedy="Put files for each architecture into a wheel of their own.",
            defeats_tags=is_library,
        )


def _check_os_abi(content: Content) -> Iterator[Finding]:
    for member, elf in content.files:
        if elf.os_abi not in _OS_ABIS:
            yield Finding(
                RULE.id,
                Severity.ERROR,
                member.path,
                f"{member.path} is for another operating system (EI_OSABI {elf.os_abi}), and Linux loaders refuse it",
                requires=f"EI_OSABI {elf.os_abi}",
                remedy="Build it for Linux, or put it into a wheel for its system.",
                defeats_tags=True,
            )


def check_claims(judgement: Judgement) -> Iterator[Finding]:
    content = judgement.content
    for tag in judgement.judged:
        architecture = content.architecture
        if tag.arch is None or architecture is None or architecture_of_tag(tag.arch) is architecture:
            continue
        yield Finding(
            RULE.id,
            Severity.ERROR,
            content.files[0][0].path if content.files else None,
            f"{tag} is {'asked for' if judgement.judged_by_caller else 'claimed'}, and the wheel's ELF files are "
            f"for {architecture}",
            requires=architecture.value,
            remedy=f"Tag it for {architecture}, or build it for {tag.arch}.",
        )
