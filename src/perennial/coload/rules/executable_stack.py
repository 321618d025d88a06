"""A file that glibc 2.41 and later refuse to load, for it asks for an executable stack."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.checks.executable_stack import EXECUTABLE_BY_DEFAULT, REFUSED_FROM, RULE
from perennial.coload.conflict import BindingLink, Conflict, name_of
from perennial.coload.imports import Import
from perennial.elf.model import StackPermission
from perennial.finding import Severity

__all__ = ["RULE", "find_alone"]


def find_alone(imported: Import) -> Iterator[Conflict]:
    glibc = imported.process.system.glibc
    refused = glibc is not None and glibc >= REFUSED_FROM
    for loaded in imported.process.objects:
        elf = loaded.library.elf
        if loaded.library.package is None:
            continue
        unstated = elf.stack is StackPermission.UNSTATED and elf.architecture in EXECUTABLE_BY_DEFAULT
        if elf.stack is not StackPermission.EXECUTABLE and not unstated:
            continue
        what = "has no PT_GNU_STACK, which means an executable stack" if unstated else "asks for an executable stack"
        then = (
            "glibc {}.{} refuses to load it".format(*glibc)
            if glibc is not None and refused
            else "glibc 2.41 and later refuse to load it, and earlier ones make every thread's stack executable"
        )
        yield Conflict(
            rule=RULE.id,
            severity=Severity.ERROR if refused else Severity.WARNING,
            order=(imported.package.name,),
            symbol=None,
            bindings=(BindingLink(name_of(loaded), "PT_GNU_STACK", None, None, None, "read and write, and execute"),),
            message=f"{name_of(loaded)} {what}; {then}",
            remedy="add .note.GNU-stack to assembler sources or link with -Wl,-z,noexecstack",
        )
