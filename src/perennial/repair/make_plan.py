"""From a wheel and wishes to a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from perennial.arch import architecture_of_tag
from perennial.audit.audit import audit
from perennial.audit.checks.too_new_symbol_version import RULE as TOO_NEW_RULE
from perennial.audit.checks.unresolvable_bundled_library import RULE as UNRESOLVABLE
from perennial.audit.content import read_content
from perennial.audit.context import Content
from perennial.audit.report import AuditReport
from perennial.audit.symbol_needs import Exporters
from perennial.elf.read import read_elf
from perennial.errors import printable
from perennial.finding import Finding, Severity
from perennial.knowledge import Knowledge
from perennial.lower.private import SONAME
from perennial.platform_tag import PlatformTag
from perennial.repair.advice import unfound, warnings_of
from perennial.repair.changes import PlannedChanges, plan_changes
from perennial.repair.closure import Closure, close
from perennial.repair.library import read_library
from perennial.repair.lowering.lowered import Lowered, lower, not_lowered, outside_copies, why_not
from perennial.repair.lowering.record import lowering_record
from perennial.repair.options import RepairOptions
from perennial.repair.plan import Problem, RepairPlan
from perennial.repair.providers import Provider
from perennial.repair.result import as_judged, expanded_tags, predict, tag_lines, with_platforms
from perennial.repair.result_tags import tags_of_result
from perennial.repair.search import Searcher
from perennial.repair.targets import Elsewhere, NotFound, Targets
from perennial.repair.wishes import Wishes
from perennial.wheel.wheel import Wheel


def make_plan(
    wheel: Wheel,
    knowledge: Knowledge,
    options: RepairOptions,
    *,
    providers: Iterable[Provider] = (),
    exporters: Exporters | None = None,
) -> RepairPlan:
    """Decides what a repair of one wheel comes to. All that stands against it is in the plan's problems.

    Libraries outside the wheel are read, where `options.places` says; nothing is written.
    """
    empty = _empty(wheel, options)
    foreign = [tag for tag in wheel.filename.platforms if not tag.is_any and not tag.is_linux]
    if empty.is_pure or foreign:
        return empty._replace(problems=tuple(_nothing_to_do(foreign, options)))
    content = read_content(wheel, knowledge, exporters)
    if content.architecture is None:
        message = f"its files are for {content.arch_name}, for which there are no manylinux or musllinux tags"
        return empty._replace(problems=(Problem(message, None),))
    options = _with_target(options, content.arch_name)
    plat = options.plat
    mismatch = None if plat is None else _mismatch(plat, content, options)
    if mismatch is None and options.lower is not None:
        mismatch = why_not(options.lower, content)
    if mismatch is not None:
        return empty._replace(problems=(mismatch,))

    # From here on, it is settled what the platform provides.
    wishes = Wishes(options, providers, content.libc)
    searcher = Searcher(options.places, content.architecture, content.libc)
    provided = _provided(content, plat)
    judged = PlatformTag.linux(content.arch_name) if plat is None else plat
    lost: set[tuple[str, str]] = set()
    while True:
        closure = close(content, provided, searcher, wishes, lost)
        lowered = _lowered(content, closure, options)
        if lowered.wants_private and not wishes.includes(SONAME):
            wishes = Wishes(options._replace(include=(*options.include, SONAME)), providers, content.libc)
            continue
        closure = lowered.closure
        changes = plan_changes(content, lowered, options, wishes)
        left_out = _left_out(content, closure, changes)
        expected = audit(
            as_judged(predict(wheel, changes, (judged,)), left_out, ignores_isa=not options.check_isa),
            knowledge,
            exporters=None if exporters is None else _with_grafts(exporters, changes),
        )
        # A new search path lets a file be loaded in new ways, and in one of them its libraries may no longer find what
        # they found through another file: then they get a search path too.
        found = _lost(expected, changes) - lost
        if not found:
            break
        lost |= found

    # From here on, it is settled what the wheel will contain, and what that is worth.
    problems = [
        *unfound(closure, searcher, content, options.lower),
        *changes.problems,
        *_conflicts(content, closure, wishes),
        *lowered.problems,
        *_unwritable(wheel, changes, lowered),
        *(outside_copies(lowered) if options.lower is not None and not options.lower.copies_libraries else ()),
    ]
    problems += _objections(expected, plat, changes, versions_told=bool(lowered.problems))
    tags = tags_of_result(wheel, expected, content, plat, options)
    filename = with_platforms(wheel.filename, tags) if options.update_tags and not problems else wheel.filename
    written = frozenset[str]() if wheel.metadata is None else expanded_tags(wheel.metadata.tags)
    purelib = wheel.metadata is not None and wheel.metadata.root_is_purelib is True
    return empty._replace(
        grafts=changes.grafts,
        edits=changes.edits,
        scripts=changes.scripts,
        filename=filename,
        tags=tags,
        retags=options.update_tags and not problems and written != frozenset(tag_lines(filename)),
        flips_purelib=purelib,
        left_out=left_out,
        problems=tuple(dict.fromkeys(problems)),
        warnings=tuple(warnings_of(content, closure, changes, wishes)),
        searches=closure.searches,
        expected=expected,
        lowering=None if plat is None else lowering_record(wheel, changes, lowered, plat),
        refused=lowered.refused,
    )


def _with_target(options: RepairOptions, arch: str) -> RepairOptions:
    """The options with the tag in full: the one that is asked for, or that is lowered to."""
    plat = None if options.plat is None else _for_wheel(options.plat, arch)
    lower = options.lower
    if lower is None:
        return options._replace(plat=plat)
    to = _for_wheel(lower.to, arch)
    return options._replace(plat=plat or to, lower=lower._replace(to=to))


def _lowered(content: Content, closure: Closure, options: RepairOptions) -> Lowered:
    if options.lower is None or content.policies is None:
        return not_lowered(closure)
    return lower(content, closure, options.lower, content.policies)


def _empty(wheel: Wheel, options: RepairOptions) -> RepairPlan:
    return RepairPlan(
        wheel=wheel,
        is_pure=not wheel.elf_members and not wheel.has_unreadable_elf,
        grafts=(),
        edits=(),
        scripts=(),
        filename=wheel.filename,
        tags=wheel.filename.platforms,
        retags=False,
        flips_purelib=False,
        left_out={},
        ignores_isa=not options.check_isa,
        problems=(),
        warnings=(),
        searches=(),
        expected=None,
    )


def _nothing_to_do(foreign: list[PlatformTag], options: RepairOptions) -> Iterator[Problem]:
    only_lowers = options.lower is not None and not options.lower.copies_libraries
    if foreign:
        done = "lowered" if only_lowers else "repaired"
        yield Problem(f"it is for {foreign[0]}, and only wheels for Linux are {done} here", None)
    elif only_lowers:
        yield Problem("it has no compiled files, so that there is nothing to lower", None)
    elif not options.allow_pure:
        yield Problem(
            "it has no compiled files, so that there is nothing to repair",
            "Say --allow-pure-python-wheel, and it is copied as it is.",
        )


def _lost(report: AuditReport, changes: PlannedChanges) -> set[tuple[str, str]]:
    """(member, soname) of libraries in the wheel that its own files would not find."""
    moved = {script.new: script.old for script in changes.scripts}
    return {
        (moved.get(finding.member, finding.member), finding.requires)
        for finding in report.findings
        if finding.rule == UNRESOLVABLE.id and finding.member is not None and finding.requires is not None
    }


def _for_wheel(plat: PlatformTag, arch: str) -> PlatformTag:
    return plat if plat.arch else PlatformTag.parse(f"{plat.text}{arch}")


def _mismatch(plat: PlatformTag, content: Content, options: RepairOptions) -> Problem | None:
    """A tag that the wheel's files have no part in, whatever is grafted."""
    option = "--plat"
    if options.lower is not None:
        option = "--lower-to" if options.lower.copies_libraries else "--to"
    if architecture_of_tag(plat.arch or "") is not content.architecture:
        return Problem(f"{option} {plat} asks for {plat.arch}, and its files are for {content.architecture}", None)
    if plat.libc is not None and content.libc is not None and plat.libc is not content.libc:
        return Problem(f"{option} {plat} asks for {plat.libc}, and its files are linked against {content.libc}", None)
    return None


def _provided(content: Content, plat: PlatformTag | None) -> frozenset[str]:
    """What comes from the system: what the tag that was asked for allows, or else any tag."""
    if plat is None or plat.version is None or content.policies is None:
        return content.platform
    since = {soname: content.policies.library(soname).since for soname in content.platform}
    return frozenset(soname for soname, first in since.items() if first is not None and first <= plat.version)


def _unwritable(wheel: Wheel, changes: PlannedChanges, lowered: Lowered) -> Iterator[Problem]:
    """A file name in another encoding: the folder of grafts and the record of a lowering would have it in them."""
    text = wheel.filename.text
    if (changes.grafts or lowered.files) and not _is_unicode(text):
        yield Problem(f"its file name, {printable(text)}, is not UTF-8, and would come into it", "Rename the wheel.")


def _is_unicode(text: str) -> bool:
    """Whether a name of a file has no bytes that Python could not decode (PEP 383)."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _left_out(content: Content, closure: Closure, changes: PlannedChanges) -> dict[str, frozenset[str]]:
    """The needs, by member of the result, that others meet, or that are problems already."""
    moved = {script.old: script.new for script in changes.scripts}
    paths = {graft.copy: graft.path for graft in changes.grafts}
    found = {moved.get(member.path, member.path): _others(closure.members[member.path]) for member, _ in content.files}
    found |= {paths[copy]: _others(targets) for copy, targets in closure.needs.items()}
    return {path: names for path, names in found.items() if names}


def _others(targets: Targets) -> frozenset[str]:
    return frozenset(name for name, target in targets.items() if isinstance(target, (Elsewhere, NotFound)))


def _with_grafts(exporters: Exporters, changes: PlannedChanges) -> Exporters:
    """Who exports some symbols: files of the wheel, and grafts."""

    def find(symbols: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
        found = dict(exporters(symbols))
        for graft in changes.grafts:
            elf = read_elf(read_library(graft.library), exports=True)
            for name in symbols.intersection(symbol.name for symbol in elf.exports or ()):
                found[name] = (*found.get(name, ()), graft.path)
        return found

    return find


def _conflicts(content: Content, closure: Closure, wishes: Wishes) -> Iterator[Problem]:
    """Versions that a library of another wheel is to have, and has not."""
    provided = wishes.provided
    everybody = [(member.path, elf, closure.members[member.path]) for member, elf in content.files]
    everybody += [(lib.path, lib.elf, closure.needs[copy]) for copy, lib in closure.libraries.items()]
    for path, elf, targets in everybody:
        for need in elf.verneeds:
            if not isinstance(targets.get(need.file), Elsewhere) or need.file not in provided:
                continue
            provider, library = provided[need.file]
            for version in need.versions:
                if library.versions and version.name not in library.versions and not version.weak:
                    yield Problem(
                        f"{path} needs {version.name} from {need.file}, and that of {provider.source} lacks it",
                        "Name the release of that wheel that it was built against, and require it in METADATA.",
                    )


def _objections(
    report: AuditReport, plat: PlatformTag | None, changes: PlannedChanges, *, versions_told: bool
) -> Iterator[Problem]:
    """Why the result would not be an honest wheel; `versions_told`: of its versions that was said."""
    told = versions_told
    origins = {graft.path: graft.library.path for graft in changes.grafts}
    hopeless = report.lowest.version is None
    for finding in report.findings:
        if versions_told and finding.rule == TOO_NEW_RULE.id:
            continue
        if finding.severity is Severity.ERROR or (hopeless and _stands_in_the_way(finding)):
            origin = origins.get(finding.member or "")
            told = True
            yield Problem(finding.message + (f" (it would be copied from {origin})" if origin else ""), finding.remedy)
    if hopeless and not told:
        yield Problem(f"no manylinux or musllinux tag would be honest: it stays {report.lowest}", None)
    if plat is not None and not told and not all(claim.honest is not False for claim in report.claims):
        yield from (Problem(f"{claim.tag}: {claim.reason}", None) for claim in report.claims if not claim.honest)


def _stands_in_the_way(finding: Finding) -> bool:
    return finding.defeats_tags or finding.rule in ("too-new-symbol-version", "symbol-not-provided")
