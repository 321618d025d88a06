"""Files that ask for an executable stack."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.arch import Architecture
from perennial.audit.context import Content
from perennial.elf.model import StackPermission
from perennial.finding import Finding, Rule, Severity
from perennial.lean_typing import Final
from perennial.platform_tag import Libc

RULE = Rule(
    "executable-stack",
    "Asks for an executable stack",
    "glibc 2.41 and later refuse to dlopen such a file ('cannot enable executable stack as shared object "
    "requires'), and before that every thread of the process lost a protection.",
)

# NEWS for glibc 2.41: "dlopen and dlmopen no longer make the stack executable".
REFUSED_FROM: Final = (2, 41)

# Where PT_GNU_STACK is missing the ABI's default counts: DEFAULT_STACK_PERMS in glibc's
# sysdeps/<arch>/stackinfo.h has PF_X on these.
EXECUTABLE_BY_DEFAULT: Final = frozenset(
    {Architecture.X86_64, Architecture.I686, Architecture.ARMV7L, Architecture.S390X}
)


def check(content: Content) -> Iterator[Finding]:
    unstated_is_executable = content.architecture in EXECUTABLE_BY_DEFAULT
    on_glibc = content.libc is not Libc.MUSL  # musl's loader does not look at PT_GNU_STACK
    for member, elf in content.files:
        if not elf.is_dynamic or elf.is_program:
            continue  # programs may have one: the kernel grants it
        if elf.stack is StackPermission.UNSTATED and unstated_is_executable:
            how = "has no PT_GNU_STACK, which means an executable stack"
        elif elf.stack is StackPermission.EXECUTABLE:
            how = "asks for an executable stack"
        else:
            continue
        yield Finding(
            RULE.id,
            Severity.ERROR if on_glibc else Severity.WARNING,
            member.path,
            f"{member.path} {how}; glibc 2.41 and later refuse to load it",
            requires="executable stack",
            remedy="Add .note.GNU-stack to assembler sources or link with -Wl,-z,noexecstack.",
            witnesses=_witnesses(content) if on_glibc else (),
            defeats_tags=on_glibc,
        )


def _witnesses(content: Content) -> tuple[str, ...]:
    releases = () if content.policies is None else content.policies.releases
    return tuple(release.name for release in releases if release.libc_version >= REFUSED_FROM)
