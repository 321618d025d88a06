"""What a lowering did, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from perennial.knowledge.treatments import TreatmentKind
from perennial.lower.lower_file import PTHREAD
from perennial.lower.record import LoweredFile, LoweringRecord
from perennial.policy.lowering import Binding
from perennial.report.demangle import demangle
from perennial.report.sheet import Row, Span, row
from perennial.report.text import listed, plural

_MOST = 6
_WORDS = {
    TreatmentKind.MOVED: "to the library that had it before",
    TreatmentKind.OLDER: "to an older version",
    TreatmentKind.RENAMED: "to another name",
    TreatmentKind.WEAK: "to no version (weak)",
    TreatmentKind.SHIM: "to a substitute in the shim",
    TreatmentKind.TRAP: "to a trap",
}


def lowering_rows(record: LoweringRecord, sizes: Mapping[str, int], *, verbose: bool, planned: bool) -> Iterator[Row]:
    """The report on one wheel; `sizes` of libraries that come into it, by path. `verbose` adds every reference."""
    label = "to lower" if planned else "lowered"
    shown = record.files if verbose else record.files[:_MOST]
    for file in shown:
        yield row(label, Span(file.path, "name"), f"  {_summary(file, record)}")
        label = ""
        if verbose:
            for binding in file.lowering.bindings:
                yield row("", f"  {_became(binding)}", Span(f"  ({binding.treatment.kind})", "dim"))
    if len(record.files) > len(shown):
        yield row("", Span(f"and {plural(len(record.files) - len(shown), 'more file')} (-v shows them)", "dim"))
    for shim in record.shims:
        functions = [demangle(name.removeprefix("perennial_")) for name in shim.functions]
        names = listed(functions, 1_000_000 if verbose else _MOST)
        yield row("shim", Span(shim.path, "name"), f"  {sizes[shim.path]:,} bytes, for {names}")
    for path in record.private:
        yield row("private", Span(path, "name"), "  a libstdc++ that no other wheel sees")
    yield from _differences(record, verbose=verbose)
    for symbol in record.traps:
        yield row(
            "trap", Span(f"{demangle(symbol)}: on systems that lack it, a call says so and ends the process", "warning")
        )


def _summary(file: LoweredFile, record: LoweringRecord) -> str:
    counts = Counter(binding.treatment.kind for binding in file.lowering.bindings)
    parts = []
    if counts:
        bound = ", ".join(f"{counts[kind]} {words}" for kind, words in _WORDS.items() if counts[kind])
        parts.append(f"{plural(len(file.lowering.bindings), 'reference')}: {bound}")
    if file.lowering.expand_relr:
        parts.append("DT_RELR written out")
    if file.lowering.clear_plt_marks:
        parts.append("marks of a rewritable PLT removed")
    if file.lowering.needs_threads:
        parts.append(f"also needs {PTHREAD}, for threads of libstdc++")
    if file.uses_private:
        parts.append("made private" if file.path in record.private else "uses the wheel's own libstdc++")
    return "; ".join(parts)


def _became(binding: Binding) -> str:
    now = demangle(binding.symbol)
    if binding.version is not None:
        now += f"@{binding.version}"
    if binding.library not in (None, binding.reference.library):
        now += f" of {binding.library}"
    old = f"{demangle(binding.reference.symbol)}@{binding.reference.version} of {binding.reference.library}"
    return f"{old} → {now}"


def _differences(record: LoweringRecord, *, verbose: bool) -> Iterator[Row]:
    """What is not quite as before, each difference once, with the symbols."""
    found: dict[str, dict[str, None]] = {}
    for file in record.files:
        for binding in file.lowering.bindings:
            treatment = binding.treatment
            if treatment.kind is not TreatmentKind.TRAP and not treatment.difference.startswith("none"):
                found.setdefault(treatment.difference, {})[demangle(binding.reference.symbol)] = None
    label = "differs"
    for difference, symbols in found.items():
        yield row(label, f"{listed(sorted(symbols), 1_000_000 if verbose else 3)}: {difference}")
        label = ""
