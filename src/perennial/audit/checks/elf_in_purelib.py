"""ELF files in wheels that say they are pure."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity
from perennial.wheel.member import WheelMember

RULE = Rule(
    "elf-in-purelib",
    "Has ELF files where only Python should be",
    "A wheel that claims to run anywhere is installed anywhere; and distributions with separate folders put its "
    "compiled files where they do not look for them.",
)


def check(content: Content) -> Iterator[Finding]:
    if not content.files:
        return
    if all(tag.is_any for tag in content.wheel.filename.platforms):
        first = content.files[0][0].path
        yield Finding(
            RULE.id,
            Severity.ERROR,
            first,
            f"the file name claims that the wheel runs on any platform, and {first} is for {content.arch_name} Linux",
            requires=content.arch_name,
            remedy="Tag the wheel for its platform, or leave the file out.",
        )
    metadata = content.wheel.metadata
    is_pure = metadata is not None and metadata.root_is_purelib is True
    for member, _ in content.files:
        if _in_purelib(member, root_is_purelib=is_pure):
            yield Finding(
                RULE.id,
                Severity.ERROR,
                member.path,
                f"{member.path} is installed into purelib"
                + ("; WHEEL says Root-Is-Purelib: true" if ".data/" not in member.path else ""),
                requires="platlib",
                remedy=(
                    "Build the wheel as one with extension modules, so that WHEEL says Root-Is-Purelib: false."
                    if ".data/" not in member.path
                    else "Put it below platlib, or at the top of the wheel."
                ),
            )


def _in_purelib(member: WheelMember, *, root_is_purelib: bool) -> bool:
    top, _, below = member.path.partition("/")
    if top.endswith(".data"):
        return below.startswith("purelib/")
    return root_is_purelib
