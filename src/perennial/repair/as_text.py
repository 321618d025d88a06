"""What a repair did, or would do, for people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from perennial.elf.edit import ElfChanges, StripLevel
from perennial.repair.apply import Prepared, Repaired
from perennial.repair.lowering.text import lowering_rows
from perennial.repair.plan import Graft, MemberEdit, RepairPlan
from perennial.repair.repair import RepairOutcome
from perennial.repair.search import Search
from perennial.report.demangle import demangle_words
from perennial.report.sheet import BLANK, Row, Sheet, Span, row
from perennial.report.text import listed, plural

_MOST = 6


def repair_sheet(outcome: RepairOutcome, verb: str = "repaired", *, verbose: bool) -> Sheet:
    """The report on one wheel, which was to be "repaired", or to be "lowered".

    `verbose` adds every change, and every place that was looked into.
    """
    return tuple(_rows(outcome, verb, verbose=verbose))


def summary_line(outcome: RepairOutcome, verb: str = "repaired") -> Sheet:
    """One line a wheel, for -q."""
    plan, _, repaired = outcome
    if plan.problems:
        more = len(plan.problems) - 1
        said = f"not {verb}: {demangle_words(plan.problems[0].message)}"
        said += f"; and {plural(more, 'more problem')}" if more else ""
    elif repaired is None:
        said = f"would be {plan.filename.text}"
    else:
        said = f"{repaired.path}, {plural(len(plan.grafts), 'graft')}"
    return (row(f"{plan.wheel.filename.text}: {said}", indent=0),)


def _rows(outcome: RepairOutcome, verb: str, *, verbose: bool) -> Iterator[Row]:
    plan, prepared, repaired = outcome
    yield row(plan.wheel.filename.text, indent=0)
    if verbose:
        yield from _searches(plan)
    yield from _problems(plan, verb, verbose=verbose)
    if not plan.problems:
        yield from _result(plan, repaired)
        yield from _grafts(plan, prepared, repaired, verbose=verbose)
        yield from _edits(plan, verbose=verbose)
        if plan.lowering is not None:
            sizes = {graft.path: graft.library.size for graft in plan.grafts}
            yield from lowering_rows(plan.lowering, sizes, verbose=verbose, planned=repaired is None)
        yield from _size(plan, repaired)
        if prepared is not None and prepared.licences:
            yield row("licences", f"{plural(len(prepared.licences), 'text')} of grafted packages")
    for warning in outcome.warnings:
        yield row("warning", Span(warning, "warning"))
    yield BLANK


def _problems(plan: RepairPlan, verb: str, *, verbose: bool) -> Iterator[Row]:
    for remedy, problems in groupby(plan.problems, key=lambda problem: problem.remedy):
        for problem in problems:
            yield row("problem", Span(demangle_words(problem.message), "bad"))
            shown = problem.details if verbose else problem.details[:_MOST]
            for detail in shown:
                yield row("", f"  {demangle_words(detail)}")
            if len(problem.details) > len(shown):
                yield row("", Span(f"  and {len(problem.details) - len(shown)} more (-v shows them)", "dim"))
        if remedy:
            yield row("", Span("→ ", "dim"), remedy)
    if plan.problems:
        yield row(f"not {verb}", "nothing was written")


def _result(plan: RepairPlan, repaired: Repaired | None) -> Iterator[Row]:
    if plan.is_pure:
        state = "would be copied as it is" if repaired is None else "copied as it is"
        yield row("pure", f"no compiled files: {state}")
    elif repaired is None:
        yield row("dry run", "nothing was written" if plan.changes_something else "there is nothing to do")
    elif repaired.was_copied:
        yield row("nothing to do", "copied as it is, byte for byte")
    if repaired is None:
        yield row("would be", Span(plan.filename.text, "name"))
    else:
        yield row("written", Span(repaired.path, "good"))
    if plan.expected is not None:
        yield row("tags", ".".join(tag.text for tag in plan.filename.platforms))
        if plan.expected.lowest.text not in {tag.text for tag in plan.filename.platforms}:
            yield row("lowest tag", plan.expected.lowest.text)


def _grafts(plan: RepairPlan, prepared: Prepared | None, repaired: Repaired | None, *, verbose: bool) -> Iterator[Row]:
    label = "grafted" if repaired is not None else "to graft"
    packages = {origin.path: origin.package for origin in (prepared.origins if prepared is not None else ())}
    for graft in plan.grafts:
        if graft.ours and not verbose:
            continue  # it has a row of its own
        package = packages.get(graft.path)
        source = graft.library.path + (f", {package.name} {package.version}" if package is not None else "")
        yield row(label, Span(graft.name, "name"), f"  {graft.library.size:,} bytes from {source}")
        label = ""
        if verbose:
            yield from _details(graft)


def _details(graft: Graft) -> Iterator[Row]:
    needed_by = listed(graft.needed_by, _MOST) if graft.needed_by else "nobody; it is loaded by name"
    yield row("", Span("  needed by ", "dim"), needed_by)
    for line in _changes(graft.changes, graft.library.elf.rpath or graft.library.elf.runpath):
        yield row("", f"  {line}")


def _edits(plan: RepairPlan, *, verbose: bool) -> Iterator[Row]:
    moved = {script.old: script.new for script in plan.scripts}
    label = "changed"
    # What was only lowered stands further below.
    edits = plan.edits if verbose else tuple(edit for edit in plan.edits if _is_more_than_lowered(edit, plan))
    for edit in edits if verbose else edits[:_MOST]:
        yield row(label, Span(edit.path, "name"), f"  {_summary(edit)}" if not verbose else "")
        label = ""
        if edit.path in moved:
            yield row("", f"  moved to {moved[edit.path]}; a script in its place runs it")
        if verbose:
            for line in _changes(edit.changes, edit.old_path):
                yield row("", f"  {line}")
    if not verbose and len(edits) > _MOST:
        yield row("", Span(f"and {plural(len(edits) - _MOST, 'more file')} (-v shows them)", "dim"))
    if plan.flips_purelib:
        yield row(label, "WHEEL: Root-Is-Purelib is false now, for the wheel has compiled files")


def _is_more_than_lowered(edit: MemberEdit, plan: RepairPlan) -> bool:
    """Whether a file changes beyond what lowering alone makes of it: that it needs more, and looks for that."""
    lowered = {} if plan.lowering is None else {file.path: file.lowering for file in plan.lowering.files}
    lowering = lowered.get(edit.path)
    if lowering is None:
        return True
    others = edit.changes._replace(
        rebind=(),
        rename_versions=(),
        unique_to_global=False,
        clear_plt_marks=False,
        expand_relr=edit.changes.expand_relr and not lowering.expand_relr,
        add_needed=(),
        search_path=None,
    )
    return others != ElfChanges()


def _summary(edit: MemberEdit) -> str:
    changes = edit.changes
    parts = []
    if changes.rename_needed:
        parts.append(f"needs {plural(len(changes.rename_needed), 'graft')}")
    if changes.remove_needed:
        parts.append(f"no longer needs {listed(changes.remove_needed, _MOST)}")
    if changes.search_path is not None:
        parts.append(f"{'RUNPATH' if changes.search_path.runpath else 'RPATH'} {changes.search_path.text}")
    if changes.strip is not StripLevel.NOTHING:
        parts.append("stripped")
    if changes.expand_relr:
        parts.append("DT_RELR written out")
    if changes.add_needed:
        parts.append(f"also needs {listed(changes.add_needed, _MOST)}")
    return "; ".join(parts)


def _changes(changes: ElfChanges, old_path: str | None) -> Iterator[str]:
    for old, new in changes.rename_needed:
        yield f"needs {new} instead of {old}"
    for name in changes.remove_needed:
        yield f"no longer needs {name}"
    for name in changes.add_needed:
        yield f"needs {name} too"
    path = changes.search_path
    if path is not None:
        kind = "RUNPATH" if path.runpath else "RPATH"
        yield f"{kind} {path.text or '(none)'}, was {old_path if old_path is not None else '(none)'}"
    if changes.strip is not StripLevel.NOTHING:
        yield f"stripped ({changes.strip.value})"
    if changes.expand_relr:
        yield "DT_RELR written out as ordinary relocations, for loaders that do not know it"


def _size(plan: RepairPlan, repaired: Repaired | None) -> Iterator[Row]:
    if repaired is None or repaired.was_copied:
        return
    growth = repaired.size - plan.wheel.size
    percent = f" ({growth / plan.wheel.size:+.0%})" if plan.wheel.size else ""
    yield row("size", f"{plan.wheel.size:,} → {repaired.size:,} bytes{percent}")


def _searches(plan: RepairPlan) -> Iterator[Row]:
    """Every place that was looked into, in order."""
    label = "looked for"
    for search in plan.searches:
        yield row(label, Span(search.name, "name"), f" for {search.needed_by}")
        label = ""
        yield from _looks(search)


def _looks(search: Search) -> Iterator[Row]:
    for look in search.looks:
        yield row("", f"  {look.path}  ", Span(look.outcome.value, "dim"), Span(f"  ({look.origin})", "dim"))
    if not search.looks:
        yield row("", Span("  no place to look", "dim"))
