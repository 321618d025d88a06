"""The platform part: which manylinux, musllinux and linux tags a target accepts, the best first.

PEP 600: "package installers should install manylinux wheels on systems that have an appropriate
glibc and architecture, and not otherwise. If there are multiple compatible manylinux wheels
available, then the wheel with the highest glibc version should be preferred". A tag is
appropriate where `(sys_major, sys_minor) >= (tag_major, tag_minor)`, as pairs: glibc 3.0 will accept
manylinux_2_17. PEP 656 says the same of musl. The plain linux tag names the system that built
the wheel; it comes first, as in packaging since 26.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from perennial.errors import UsageError
from perennial.lean_typing import Final
from perennial.platform_tag import LEGACY_ALIASES, Libc, PlatformTag
from perennial.tags.installers import PEP, Installer, Overriding, Rules, rules_of
from perennial.tags.target import Target

# The last glibc 2.y, once there is a glibc 3: nobody knows it, and packaging guesses the same.
LAST_MINOR: Final = 50
_ALIASES: Final = {version: alias for alias, version in LEGACY_ALIASES.items()}


def platform_tags(target: Target, installer: Installer | None = None) -> tuple[str, ...]:
    """The platform tags that a target accepts, the best first, without `any`.

    With an installer: as that one lists them. UsageError where it refuses such a target.
    """
    rules = rules_of(installer)
    arches = accepted_architectures(target, installer)
    plain = [f"linux_{arch}" for arch in arches]
    if target.libc is Libc.MUSL:
        versioned = [tag for arch in arches for tag in _musllinux(target, arch, rules)]
        first = rules.linux_first_on_musl
    else:
        versioned = [tag for arch in arches for tag in _manylinux(target, arch, rules)]
        first = rules.linux_first
    return tuple(plain + versioned if first else versioned + plain)


def accepted_architectures(target: Target, installer: Installer | None = None) -> tuple[str, ...]:
    """The architectures of the tags that a target accepts, as they spell them, the best first."""
    rules = rules_of(installer)
    arch = _seen_architecture(target, rules)
    if target.libc is None and rules.needs_libc:
        raise UsageError(f"{installer} refuses a Python with neither glibc nor musl: it finds no C library")
    if rules.architectures is not None and arch not in rules.architectures:
        raise UsageError(f"{installer} knows no architecture {arch}; it fails there")
    if arch == "armv8l":
        # A 32-bit process on a 64-bit ARM kernel; what armv7l processes load, it loads too.
        return rules.armv8l or ("armv8l",)
    return (rules.names.get(arch, arch),)


def accepts_platform(tag: PlatformTag, target: Target) -> bool:
    """Whether a target accepts a Linux platform tag: what PEP 600 and 656 say of a single tag.

    It agrees with `platform_tags`, except that no list can hold every manylinux_2_y that a glibc 3
    accepts.
    """
    if tag.arch not in accepted_architectures(target):
        return False
    if tag.libc is None or tag.version is None:
        return True  # linux_*
    if target.libc is not tag.libc or target.libc_version is None:
        return False
    if tag not in (tag.canonical, tag.canonical.legacy_alias):
        return False  # manylinux_02_17, and aliases that PEP 600 does not name
    if tag.libc is Libc.MUSL:
        # "a binary compiled against an earlier version of musl": of the same major version, for now.
        return tag.version[0] == target.libc_version[0] and tag.version <= target.libc_version
    floor = floor_of(tag.arch)
    return (
        target.loads_tagged
        and floor is not None
        and tag.version >= (2, floor)
        and is_promised(tag.version, tag.arch, target)
    )


def is_promised(version: tuple[int, int], arch: str, target: Target, rules: Rules = PEP) -> bool:
    """PEP 600's check of one tag: `(sys_major, sys_minor) >= (tag_major, tag_minor)`, unless `_manylinux` says no.

    A True of that module does not make up for a glibc that is too old: in the PEP's code the
    comparison comes first.
    """
    if target.libc is not Libc.GLIBC or target.libc_version is None or target.libc_version < version:
        return False
    return _overridden(target, version, arch, rules) is not False


def _overridden(target: Target, version: tuple[int, int], arch: str, rules: Rules) -> bool | None:
    """What a `_manylinux` module says of a tag; None where there is none, or it has no opinion."""
    if target.override is None or rules.overriding is Overriding.IGNORED:
        return None
    if rules.overriding is Overriding.ONCE:
        if not target.override.isolated or target.libc_version is None:
            return None
        version = target.libc_version
    return target.override.answer(version, arch)


def _seen_architecture(target: Target, rules: Rules) -> str:
    if rules.believes_get_platform and target.reported_arch is not None:
        return target.reported_arch
    return target.arch


def _manylinux(target: Target, arch: str, rules: Rules) -> Iterator[str]:
    if target.libc is not Libc.GLIBC or target.libc_version is None:
        return
    if not _header_fits(target, rules):
        return
    for version in _glibc_versions(target.libc_version, floor_of(arch, rules), rules):
        if not is_promised(version, arch, target, rules):
            continue
        tag = PlatformTag.manylinux(version, arch)
        yield tag.text
        alias = _alias(tag, rules)
        if alias is not None:
            yield alias


def _header_fits(target: Target, rules: Rules) -> bool:
    """Whether the interpreter's ELF header is no reason against manylinux tags, as far as it is looked at."""
    if rules.checks_header is None:
        return target.loads_tagged
    if _seen_architecture(target, rules) not in rules.checks_header:
        return True
    return target.loads_tagged and target.reported_arch is None


def floor_of(arch: str, rules: Rules = PEP) -> int | None:
    """The lowest Y of manylinux_2_Y_arch; None where there are no such tags."""
    return rules.floors.get(arch, rules.default_floor)


def _glibc_versions(highest: tuple[int, int], floor: int | None, rules: Rules) -> Iterator[tuple[int, int]]:
    if floor is None:
        return
    major, minor = highest
    if not rules.crosses_majors:
        # The floor is a number without a major version here.
        yield from ((major, each) for each in range(minor, floor - 1, -1))
        return
    while major >= 2:
        lowest = floor if major == 2 else 0
        yield from ((major, each) for each in range(minor, lowest - 1, -1))
        major, minor = major - 1, LAST_MINOR


def _alias(tag: PlatformTag, rules: Rules) -> str | None:
    """The legacy tag that comes directly after its twin."""
    if not rules.aliases_everywhere:
        return None if tag.legacy_alias is None else tag.legacy_alias.text
    # uv and dep-logic look at the minor version alone, so that glibc 3.17 makes a manylinux2014.
    _, minor = tag.version or (0, 0)
    alias = _ALIASES.get((2, minor) if not rules.crosses_majors else tag.version or (0, 0))
    return None if alias is None else f"{alias}_{tag.arch}"


def _musllinux(target: Target, arch: str, rules: Rules) -> Iterator[str]:
    major, minor = target.libc_version or (0, -1)
    versions = [PlatformTag.musllinux((major, each), arch).text for each in range(rules.lowest_musl, minor + 1)]
    yield from versions if rules.musl_ascending else reversed(versions)
