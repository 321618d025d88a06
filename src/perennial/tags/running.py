"""Will a wheel run on a target: what its files need, held against what the target's own release provides.

Where the target is a release that the knowledge has, that release is asked. Where it is only a C library
(`glibc:2.28`, a root, this system), glibc's own history and what every release with such a glibc has
decide, and what is left open is said to be open: nobody knows the libstdc++ of "a system with glibc 2.28".
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from perennial.arch import architecture_of_tag
from perennial.audit.audit import defeats_on
from perennial.audit.coverage import unmet_on
from perennial.audit.report import AuditReport
from perennial.audit.verdict import Need
from perennial.knowledge import DistributionRelease, Knowledge
from perennial.knowledge.snapshot import ESSENTIAL, PYTHON
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc, PlatformTag
from perennial.tags.target import Target


class Runs(StrEnum):
    """What is to be expected of a wheel's files."""

    YES = "yes"
    IF_INSTALLED = "if-installed"  # where a library is there that not every installation has
    UNSURE = "unsure"  # of what it needs, something is not known of the target
    NO = "no"


class Trouble(NamedTuple):
    """One reason why a file does not load, or may not.

    `what` is a clause for people with the file in front: "demo/a.so needs GLIBC_2.34". `symbols` are those that
    ask for it. `package` is what brings a library, "" where none is known. `fatal` where it is certain.
    """

    member: str | None
    library: str  # the soname that is asked, "" where it is about the file itself
    what: str
    symbols: tuple[str, ...]
    package: str
    fatal: bool


class Running(NamedTuple):
    """The answer for one audited wheel and one target.

    `highest` is the highest version of the target's C library that its files need, such as "glibc 2.17";
    None where they need none in particular. `lowest` is the lowest tag that they keep, and `is_for_target` says
    whether they are of its architecture and C library at all. `judged_by` is what the files were held against.
    """

    verdict: Runs
    troubles: tuple[Trouble, ...]
    highest: tuple[int, int] | None
    lowest: PlatformTag
    judged_by: str
    has_files: bool
    is_for_target: bool = True


_GUARANTEED: Final = frozenset({ESSENTIAL, PYTHON})
# What perennial's other rules say of libraries that no tag allows.
_MISSING_LIBRARY: Final = "library-not-provided"
# Rules that are about what a tag may promise, or repeated by what is asked here.
_ASKED_HERE: Final = frozenset({_MISSING_LIBRARY, "wrong-architecture", "wrong-libc", "too-new-symbol-version"})


def running(report: AuditReport, target: Target, knowledge: Knowledge) -> Running:
    """Whether the files of an audited wheel load on a target, as far as the system is concerned, and not the Python."""
    release = _release(target, knowledge)
    judged_by = release.name if release.id == target.release else target.libc_text
    if not report.elf_files:
        return Running(Runs.YES, (), None, report.lowest, judged_by, has_files=False)
    troubles = tuple(_troubles(report, target, release, knowledge))
    if any(trouble.fatal for trouble in troubles):
        verdict = Runs.NO
    elif any(trouble.package for trouble in troubles):
        verdict = Runs.IF_INSTALLED
    else:
        verdict = Runs.UNSURE if troubles else Runs.YES
    is_for_target = report.architecture is architecture_of_tag(target.arch) and report.libc in (None, target.libc)
    return Running(
        verdict, troubles, highest_libc(report), report.lowest, judged_by, has_files=True, is_for_target=is_for_target
    )


def highest_libc(report: AuditReport) -> tuple[int, int] | None:
    """The highest GLIBC_X.Y that any file of a wheel needs; for musl, and where they need none, None."""
    found = []
    for step in report.ladder.steps:
        for need in step.needs:
            family, _, number = (need.version or "").partition("_")
            parts = number.split(".")
            if family == "GLIBC" and len(parts) >= 2 and all(part.isdigit() for part in parts):
                found.append((int(parts[0]), int(parts[1])))
    return max(found, default=None)


def _release(target: Target, knowledge: Knowledge) -> DistributionRelease:
    """The release that the target is; or one that has the target's C library and nothing else that is known."""
    for release in knowledge.releases:
        # What only says that it is that release may have another C library.
        if release.id == target.release and (release.libc, release.libc_version) == (target.libc, target.libc_version):
            return release
    version = target.libc_version or (0, 0)
    libc = target.libc or Libc.GLIBC
    text = "{}.{}".format(*version) + (".0" if libc is Libc.MUSL else "")
    return DistributionRelease(
        id=f"{libc}:{text}",
        name=target.libc_text,
        family=libc.value,
        version=text,
        libc=libc,
        libc_version=version,
        libc_release=text,
        released=None,
        end_of_life=None,
        extended_end_of_life=None,
        rolling=False,
        architectures=frozenset({target.arch}),
        tops={"GLIBC": text} if libc is Libc.GLIBC else {},
        x86_64_level=None,
        python=None,
        kernel=None,
        measured_on=None,
        mainstream=1,  # what every release with this C library provides, it does
        mainstream_reason="",
    )


def _troubles(
    report: AuditReport, target: Target, release: DistributionRelease, knowledge: Knowledge
) -> Iterator[Trouble]:
    wanted = architecture_of_tag(target.arch)
    if report.architecture is not wanted:
        yield Trouble(None, "", f"its files are for {report.architecture or report.arch_name}", (), "", fatal=True)
        return
    if target.libc is None:
        if report.libc is not None:
            yield Trouble(None, "", f"its files need {report.libc}, and this Python has none", (), "", fatal=True)
        return
    if report.libc is not None and report.libc is not target.libc:
        why = f"its files are linked against {report.libc}, and this system has {target.libc}"
        yield Trouble(None, "", why, (), "", fatal=True)
        return
    for finding in report.findings:
        if finding.defeats_tags and finding.rule not in _ASKED_HERE and defeats_on(finding.rule, release):
            yield Trouble(finding.member, "", finding.message, (), "", fatal=True)
    arch = wanted.value if wanted is not None else target.arch
    for need in unmet_on(knowledge, arch, target.libc, report.ladder, release):
        yield _unmet(need, release, target, knowledge)
    yield from _host_libraries(report, release, arch, target, knowledge)


def _unmet(need: Need, release: DistributionRelease, target: Target, knowledge: Knowledge) -> Trouble:
    member = need.members[0] if need.members else None
    others = f" (and {len(need.members) - 1} more)" if len(need.members) > 1 else ""
    what = f"needs {need.name}" + ("" if need.is_library else f" of {need.library}")
    node = None if need.version is None else knowledge.find_node(release.libc, target.arch, need.library, need.version)
    # Of a bare glibc, only glibc's own nodes are known.
    is_known = release.id == target.release or node is None or node.family in release.tops
    text = f"{member}{others} {what}" if member is not None else what
    return Trouble(
        member,
        need.library,
        text,
        need.symbols,
        "",
        fatal=is_known and not (need.is_library and release.id != target.release),
    )


def _host_libraries(
    report: AuditReport, release: DistributionRelease, arch: str, target: Target, knowledge: Knowledge
) -> Iterator[Trouble]:
    """Libraries that the system is to bring and that it may lack."""
    known_release = release.id == target.release
    needed = {need.library for step in report.ladder.steps for need in step.needs if need.is_library}
    for library in report.external:
        allowed = knowledge.libraries(release.libc, arch).get(library.soname)
        member = library.needed_by[0]
        text = f"{member} needs {library.soname}"
        if library.soname in needed and not knowledge.provides_library(release, arch, library.soname):
            continue  # said among the needs
        host = knowledge.host_library(release, arch, library.soname) if known_release else None
        if host is not None and host[0] in _GUARANTEED:
            continue
        if host is not None and host[1]:
            yield Trouble(
                member, library.soname, f"{text}, which not every {release.name} has", (), host[1], fatal=False
            )
        elif host is not None:
            yield Trouble(member, library.soname, f"{text}, which {release.name} does not have", (), "", fatal=True)
        elif allowed is None:
            yield Trouble(
                member, library.soname, f"{text}, which no tag lets it take from the system", (), "", fatal=False
            )
