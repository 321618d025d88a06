"""Libraries that no tag allows a wheel to take from the system and that it does not bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perennial.audit.checks.links_libpython import is_libpython
from perennial.audit.content import platform_libraries
from perennial.audit.context import Content, Judgement
from perennial.audit.resolve import Missing
from perennial.finding import Finding, Rule, Severity
from perennial.platform_tag import Libc, PlatformTag

RULE = Rule(
    "library-not-provided",
    "Needs a library that systems need not have",
    "Where the library is not installed, importing the file fails with 'cannot open shared object file'.",
)


def check(content: Content) -> Iterator[Finding]:
    for soname, members in _missing(content).items():
        for member in members:
            yield Finding(
                RULE.id,
                Severity.WARNING,  # an error, as all that defeats a promised tag is
                member,
                f"{member} needs {soname}, which no manylinux or musllinux tag lets it take from the system "
                "and the wheel does not contain",
                requires=soname,
                remedy=_remedy(soname),
                defeats_tags=True,
            )


def _remedy(soname: str) -> str:
    if "/" in soname:
        return "Give the library a soname and link again: it was linked by its path."
    return f"Graft {soname} into the wheel, or link it statically."


def check_claims(judgement: Judgement) -> Iterator[Finding]:
    """Libraries that higher tags allow and the promised one does not."""
    tag = judgement.strictest
    if tag is None or tag.version is None:
        return
    content = judgement.content
    steps = {need.library: need for step in content.ladder.steps for need in step.needs if need.is_library}
    for library, need in steps.items():
        since = need.provision.since
        if since is not None and since > tag.version:
            lacking = tuple(release.name for release in need.provision.witnesses if release.libc_version >= tag.version)
            remedy = f"Graft {library} into the wheel, or tag it {judgement.lowest}."
            yield from _too_low(library, need.members, tag, since, remedy=remedy, witnesses=lacking)
    if content.policies is not None and tag.version < content.policies.lowest:
        # No release is known that has so old a C library, and what the first one provides is in no ladder.
        for library, members in platform_libraries(content.resolutions).items():
            if library not in steps:
                remedy = f"Tag it {judgement.lowest}."
                yield from _too_low(library, members, tag, content.policies.lowest, remedy=remedy)


def _too_low(
    library: str,
    members: Iterable[str],
    tag: PlatformTag,
    since: tuple[int, int],
    *,
    remedy: str,
    witnesses: tuple[str, ...] = (),
) -> Iterator[Finding]:
    for member in members:
        yield Finding(
            RULE.id,
            Severity.ERROR,
            member,
            f"{member} needs {library}, which {tag} does not let it take from the system; "
            f"tags from {since[0]}.{since[1]} on do",
            requires=library,
            remedy=remedy,
            witnesses=witnesses,
        )


def _is_told_elsewhere(soname: str, content: Content) -> bool:
    """What links-libpython and wrong-libc say better."""
    if content.architecture is None:
        return is_libpython(soname)
    other = {name for libc in Libc if libc is not content.libc for name in _libraries(content, libc)}
    return is_libpython(soname) or soname in other


def _libraries(content: Content, libc: Libc) -> Iterable[str]:
    """The sonames that this C library itself goes by."""
    arch = content.architecture
    known = content.knowledge.libraries(libc, arch.value) if arch is not None else {}
    return (soname for soname in known if soname.startswith(("libc.", "ld-", "ld64", "libm.", "libpthread.")))


def _missing(content: Content) -> dict[str, list[str]]:
    """The members that need each library that nothing provides."""
    missing: dict[str, list[str]] = {}
    for member, resolution in content.resolutions:
        if not isinstance(resolution, Missing) or resolution.unreachable:
            continue
        if not _is_told_elsewhere(resolution.soname, content):
            missing.setdefault(resolution.soname, []).append(member)
    return {soname: sorted(missing[soname]) for soname in sorted(missing)}
