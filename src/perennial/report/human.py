"""An audit's report for people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from perennial.audit.report import AuditReport
from perennial.audit.requirements import Provider, Requirement
from perennial.audit.verdict import Need, Step
from perennial.finding import Finding, Severity
from perennial.knowledge.treatments import TreatmentKind
from perennial.lower.reach import Reach
from perennial.platform_tag import PlatformTag
from perennial.report.coverage_line import coverage_line
from perennial.report.demangle import demangle, demangle_words
from perennial.report.finding_text import witnesses_of
from perennial.report.sheet import BLANK, Row, Sheet, Span, row
from perennial.report.text import listed, plural
from perennial.symbol_version import version_sort_key

_MOST_NAMES = 6
_MOST_SYMBOLS = 3
_MOST_ALIKE = 3  # findings of one rule, before the rest is counted


def summary_line(report: AuditReport) -> Sheet:
    """One line a wheel, for -q."""
    errors = [finding.rule for finding in report.findings if finding.severity is Severity.ERROR]
    rules = listed(list(dict.fromkeys(errors)), _MOST_NAMES)
    trouble = f"; {plural(len(errors), 'error')}: {rules}" if errors else ""
    return (row(f"{report.wheel.filename.text}: {report.lowest}, {_verdict(report)}{trouble}", indent=0),)


def full_report(report: AuditReport, reach: Reach | None = None, *, verbose: bool) -> Sheet:
    """The whole report; `reach` is how low the wheel could go, `verbose` adds every requirement and every finding."""
    return tuple(_rows(report, reach, verbose=verbose))


def _rows(report: AuditReport, reach: Reach | None, *, verbose: bool) -> Iterator[Row]:
    yield row(report.wheel.filename.text, indent=0)
    yield row("lowest tag", Span(report.lowest.text, "name"), *_lowest_remark(report))
    yield from _claims(report)
    yield from _floor(report)
    if reach is not None:
        yield from _reach(reach, verbose=verbose)
    yield from _coverage(report, verbose=verbose)
    yield from _contents(report, verbose=verbose)
    if verbose:
        yield from _requirements(report)
    yield from _findings(report, verbose=verbose)
    yield BLANK


def _coverage(report: AuditReport, *, verbose: bool) -> Iterator[Row]:
    coverage = report.coverage
    if not coverage.runs and not coverage.fails:
        return
    if not coverage.runs and all(lack.need is None for lack in coverage.fails):
        yield row("runs on", Span("nowhere as a whole: see the errors below", "bad"))
        return
    yield row("runs on", coverage_line(coverage), Span(f"  ({report.as_of})", "dim"))
    if verbose:
        yield row("", "all: " + ", ".join(release.name for release in coverage.runs))
        for need, lacks in groupby(coverage.fails, key=lambda lack: lack.need):
            why = "refused by the loader" if need is None else f"lacking {_named(need)}"
            yield row("", f"{why}: " + ", ".join(lack.release.name for lack in lacks))


def _verdict(report: AuditReport) -> str:
    if report.honest is None:
        if report.lowest.is_any:
            return "pure"
        return "no Linux tag to judge" if report.lowest.is_linux else "not for Linux"
    return "honest" if report.honest else "not honest"


def _lowest_remark(report: AuditReport) -> Iterator[Span]:
    # Old ones without a release of their own are settled for good; nobody needs to be told.
    if report.provisional and (report.lowest.version or (0, 0)) > (2, 17):
        yield Span(f"  provisional: no release, or too few, has exactly this C library on {report.arch_name}", "dim")
    elif not report.lowest.is_linux and not report.lowest.is_any:
        yield Span("  not for Linux: only its archive, RECORD and WHEEL are judged", "dim")
    elif report.lowest.text.startswith("linux_"):
        yield Span("  no manylinux or musllinux tag is honest", "bad")


def _claims(report: AuditReport) -> Iterator[Row]:
    label = "judged as" if report.judged_by_caller else "claims"
    for claim in report.claims:
        if claim.honest is None:
            verdict = Span("")
        elif claim.honest:
            verdict = Span("  honest", "good")
        else:
            verdict = Span(f"  not honest: {claim.reason}", "bad")
        yield row(label, claim.tag.text, verdict)
        label = ""
    claimed = {tag.text for tag in report.wheel.filename.platforms}
    if not report.elf_files or claimed == {tag.text for tag in report.tags}:
        return
    ought = ".".join(tag.text for tag in report.tags)
    if report.honest is not True:
        yield row("ought to be", ought)
    elif report.lowest.canonical not in {tag.canonical for tag in report.wheel.filename.platforms}:
        yield row("could be", ought)


def _floor(report: AuditReport) -> Iterator[Row]:
    """What sets the floor, and what would be left without it."""
    ladder = report.ladder
    if ladder.unmet:
        label = "unmet"
        for need in ladder.unmet[:_MOST_NAMES]:
            yield row(label, *_need(need))
            label = ""
    if not ladder.steps:
        return
    sets_floor = not ladder.unmet and report.lowest.version is not None
    label = "floor" if sets_floor else "also needs"
    first = ladder.steps[0]
    for need in first.needs[:_MOST_NAMES]:
        yield row(label, *_need(need))
        label = ""
    if len(first.needs) > _MOST_NAMES:
        yield row("", f"and {plural(len(first.needs) - _MOST_NAMES, 'more need')}")
    if sets_floor:
        yield from _without(first, ladder.steps[1:])


def _without(first: Step, rest: tuple[Step, ...]) -> Iterator[Row]:
    if len(rest) == 0:
        return
    following = rest[0]
    what = "it" if len(first.needs) == 1 else "these"
    then = ", ".join(_named(need) for need in following.needs[:2])
    more = f" and {len(following.needs) - 2} more" if len(following.needs) > 2 else ""
    yield row("", Span(f"without {what}: ", "dim"), following.tag.text, Span(f", set by {then}{more}", "dim"))


def _reach(reach: Reach, *, verbose: bool) -> Iterator[Row]:
    """What lowering could do: `manylinux_2_17_x86_64, binding 18 references to older versions, 5 to substitutes`"""
    counts = (
        (reach.count(TreatmentKind.MOVED, TreatmentKind.OLDER, TreatmentKind.RENAMED), "to older versions"),
        (reach.count(TreatmentKind.WEAK), "to no version (weak)"),
        (reach.count(TreatmentKind.SHIM), "to substitutes"),
    )
    first, *others = [(count, words) for count, words in counts if count] or [(0, "")]
    how = ", ".join((f"{plural(first[0], 'reference')} {first[1]}", *(f"{count} {words}" for count, words in others)))
    command = "perennial repair --lower-to" if reach.outside else "perennial lower --to"
    label = "can be lower"
    if reach.tag is not None:
        yield row(label, Span(reach.tag.text, "name"), *((f", binding {how}",) if reach.bindings else ()))
        yield row("", Span(f"{command} {_without_arch(reach.tag)}", "dim"))
        label = ""
        if reach.limits:
            names = [
                f"{demangle(each.symbol)}@{each.version}" if each.symbol else each.version for each in reach.limits
            ]
            yield row("", Span(f"kept from lower tags by {listed(names, 1_000_000 if verbose else 3)}", "dim"))
    if reach.private_tag is not None:
        yield row(label, Span(reach.private_tag.text, "name"), ", with a libstdc++ of its own")
        yield row("", Span(f"{command} {_without_arch(reach.private_tag)} --cxx private", "dim"))


def _without_arch(tag: PlatformTag) -> str:
    return tag.text.removesuffix(f"_{tag.arch}")


def _named(need: Need) -> str:
    return need.name if need.is_library else f"{demangle(need.name)} of {need.library}"


def _need(need: Need) -> Iterator[Span]:
    """`GLIBC_2.27 from libm.so.6: expf, logf in numpy/x.so and 5 more files`"""
    yield Span(demangle(need.name), "name")
    if not need.is_library:
        yield Span(f" from {need.library}")
    if need.symbols and need.symbol is None:
        yield Span(": " + listed([demangle(symbol) for symbol in need.symbols[:_MOST_SYMBOLS]], _MOST_SYMBOLS))
        if len(need.symbols) > _MOST_SYMBOLS:
            yield Span(f" and {len(need.symbols) - _MOST_SYMBOLS} more")
    if need.members:
        yield Span(f", in {need.members[0]}")
        if len(need.members) > 1:
            yield Span(f" and {plural(len(need.members) - 1, 'more file')}")


def _contents(report: AuditReport, *, verbose: bool) -> Iterator[Row]:
    most = 1_000_000 if verbose else _MOST_NAMES
    parts = [plural(report.elf_files, "ELF file")]
    if report.elf_files:
        parts.append(report.architecture.value if report.architecture is not None else "an architecture without tags")
        parts.append(report.libc.value if report.libc is not None else "no C library")
    if report.isa_level is not None and report.isa_level > 1:
        parts.append(f"x86-64-v{report.isa_level}")
    yield row("contains", ", ".join(parts))
    system = [library.soname for library in report.external if library.provided]
    if system:
        yield row("from system", listed(system, most))
    missing = [library.soname for library in report.external if not library.provided]
    if missing:
        yield row("missing", Span(listed(missing, most), "bad"))
    if report.bundled:
        yield row("bundled", listed([library.path.rpartition("/")[2] for library in report.bundled], most))
    if report.interpreters:
        yield row("interpreter", listed(report.interpreters, most))


def _requirements(report: AuditReport) -> Iterator[Row]:
    """Every version need: member, library, version, symbols."""
    label = "needs"
    for member, of_member in groupby(report.requirements, key=lambda requirement: requirement.member):
        yield row(label, Span(member, "name"))
        label = ""
        for library, needs in groupby(of_member, key=lambda requirement: requirement.library):
            for need in sorted(needs, key=lambda need: version_sort_key(need.version)):
                yield row("", f"  {library} ", *_requirement(need))


def _requirement(need: Requirement) -> Iterator[Span]:
    yield Span(need.version, "name")
    if need.weak:
        yield Span(" (weak)", "dim")
    if need.provider is not Provider.PLATFORM:
        yield Span(f" ({'in the wheel' if need.provider is Provider.WHEEL else 'missing'})", "dim")
    yield Span(": " + ", ".join(map(demangle, need.symbols)) if need.symbols else ": no symbol")


def _findings(report: AuditReport, *, verbose: bool) -> Iterator[Row]:
    if not report.findings:
        return
    yield BLANK
    for _, alike in groupby(report.findings, key=lambda finding: (finding.severity, finding.rule)):
        group = tuple(alike)
        shown = group if verbose else group[:_MOST_ALIKE]
        for remedy, with_remedy in groupby(shown, key=lambda finding: finding.remedy):
            for finding in with_remedy:
                yield from _finding(finding)
            if remedy:
                yield row("", Span("→ ", "dim"), remedy)
        if len(group) > len(shown):
            yield row("", Span(f"and {len(group) - len(shown)} more like this (-v shows them)", "dim"))


def _finding(finding: Finding) -> Iterator[Row]:
    yield row(
        finding.severity.value,
        Span(finding.rule, finding.severity.value),
        f"  {demangle_words(finding.message)}",
        Span(witnesses_of(finding), "dim"),
    )
