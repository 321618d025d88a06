"""From a wheel to what its bytes say: the passes before any judgement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from perennial.arch import Architecture, architecture_of_tag
from perennial.audit.captures import find_captures
from perennial.audit.context import Content, Files
from perennial.audit.requirements import group_imports, libc_of, list_requirements
from perennial.audit.resolve import ProvidedByPlatform, Resolutions, resolve
from perennial.audit.symbol_needs import Exporters, find_symbol_needs
from perennial.audit.unresolved import find_unresolved
from perennial.audit.verdict import Ladder, build_ladder
from perennial.knowledge import Knowledge
from perennial.platform_tag import Libc
from perennial.policy import policies
from perennial.wheel.wheel import Wheel


def read_content(wheel: Wheel, knowledge: Knowledge, exporters: Exporters | None = None) -> Content:
    """Facts that follow from the bytes alone, and from what is known about platforms.

    `exporters` tells which files of the wheel export some symbols; it is seldom asked.
    """
    files = wheel.elf_members
    architecture = _architecture(wheel, files)
    own = tuple(pair for pair in files if pair[1].architecture is architecture) if architecture else files
    foreign = tuple(pair for pair in files if architecture and pair[1].architecture is not architecture)
    libc_by_member = {member.path: libc for member, elf in own if (libc := libc_of(elf)) is not None}
    libc = _libc(wheel, libc_by_member)

    # From here on, the architecture and the C library of the wheel are settled.
    known = None if architecture is None else policies(knowledge, _judged_as(wheel, libc), architecture)
    platform = (
        frozenset()
        if architecture is None
        else frozenset(
            soname for kind in Libc for soname in knowledge.libraries(kind, architecture.value) if libc in (None, kind)
        )
    )
    imports = {member.path: group_imports(elf) for member, elf in own}
    resolutions = resolve(own, platform)
    requirements = list_requirements(own, imports, resolutions, platform)
    content = Content(
        wheel=wheel,
        knowledge=knowledge,
        architecture=architecture,
        libc=libc,
        policies=known,
        platform=platform,
        files=own,
        foreign=foreign,
        libc_by_member=libc_by_member,
        imports=imports,
        resolutions=resolutions,
        requirements=requirements,
        ladder=Ladder((), ()),
        unresolved=(),
        captures=(),
    )
    if known is None:
        return content
    symbols = find_symbol_needs(known, imports, requirements, resolutions, exporters)
    libraries = platform_libraries(resolutions)
    return content._replace(
        ladder=build_ladder(known, content.arch_name, requirements, libraries, symbols),
        unresolved=find_unresolved(wheel, own, known, imports, resolutions, exporters=exporters),
        captures=() if libc is Libc.MUSL else find_captures(own, libraries, exporters),
    )


def platform_libraries(resolutions: Resolutions) -> Mapping[str, tuple[str, ...]]:
    """The libraries that are to come from the system, with the members that need them."""
    libraries: dict[str, list[str]] = {}
    for member, resolution in resolutions:
        if isinstance(resolution, ProvidedByPlatform):
            libraries.setdefault(resolution.soname, []).append(member)
    return {soname: tuple(members) for soname, members in sorted(libraries.items())}


def _architecture(wheel: Wheel, files: Files) -> Architecture | None:
    """The claimed architecture if any file is for it, else the one that most files are for."""
    counts = Counter(elf.architecture for _, elf in files if elf.architecture is not None)
    for tag in wheel.filename.platforms:
        claimed = architecture_of_tag(tag.arch) if tag.arch is not None else None
        if claimed is not None and claimed in counts:
            return claimed
    return min(counts, key=lambda architecture: (-counts[architecture], architecture.value), default=None)


def _libc(wheel: Wheel, libc_by_member: Mapping[str, Libc]) -> Libc | None:
    """The claimed C library if any file is linked against it, else the one that most files are."""
    counts = Counter(libc_by_member.values())
    for tag in wheel.filename.platforms:
        if tag.libc is not None and tag.libc in counts:
            return tag.libc
    return min(counts, key=lambda libc: (-counts[libc], libc.value), default=None)


def _judged_as(wheel: Wheel, libc: Libc | None) -> Libc:
    """Files without a C library run under any; they are judged by the one that the tags name, or glibc."""
    if libc is not None:
        return libc
    claimed = {tag.libc for tag in wheel.filename.platforms if tag.libc is not None}
    return Libc.MUSL if claimed == {Libc.MUSL} else Libc.GLIBC
