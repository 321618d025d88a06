"""RPATH and RUNPATH entries that lead out of the installed wheel."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.elf.model import ElfFile
from perennial.finding import Finding, Rule, Severity
from perennial.wheel.member import WheelMember

RULE = Rule(
    "rpath-outside-wheel",
    "Searches for libraries outside the environment",
    "An absolute or escaping search path belongs to the machine that built the wheel: on others it finds nothing, or "
    "whatever somebody has put there.",
)


def check(content: Content) -> Iterator[Finding]:
    for member, elf in content.files:
        name, text = ("RPATH", elf.rpath) if elf.runpath is None else ("RUNPATH", elf.runpath)
        for entry in dict.fromkeys((text or "").split(":")) if text is not None else ():
            wrong = _trouble(member, elf, entry)
            if wrong is not None:
                yield Finding(
                    RULE.id,
                    Severity.WARNING,
                    member.path,
                    f"{member.path} has the {name} entry {entry!r}, {wrong}",
                    requires=entry,
                    remedy="Name folders of the wheel relative to $ORIGIN, and drop the rest (patchelf --set-rpath).",
                )


def _trouble(member: WheelMember, elf: ElfFile, entry: str) -> str | None:
    if entry == "":
        # An empty entry is the current folder (glibc, `fillin_rpath`); a wholly empty path has none.
        return "the folder in which the process happens to run" if ":" in (elf.runpath or elf.rpath or "") else None
    origin = next(
        (token for token in ("$ORIGIN", "${ORIGIN}") if entry == token or entry.startswith(f"{token}/")), None
    )
    if origin is None:
        if entry.startswith("$"):
            return None  # $LIB and $PLATFORM, which the system fills in
        return (
            "an absolute path" if entry.startswith("/") else "a path relative to the folder in which the process runs"
        )
    depth = posixpath.dirname(member.location).count("/") + 1
    walked = posixpath.normpath(entry[len(origin) :].lstrip("/") or ".")
    ups = walked.split("/").count("..")
    return "which leads out of the environment" if ups > depth else None
