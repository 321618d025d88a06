"""A table of the releases in support, along the C library's clock, and which of them wheels reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perennial.audit.report import AuditReport
from perennial.knowledge import DistributionRelease
from perennial.report.sheet import BLANK, Row, Sheet, Span, row
from perennial.report.text import plural

_COLUMNS = "{:14}{:26}{:6}{:12}{:12}".format
_CELL = 6


def coverage_sheet(reports: Iterable[AuditReport], as_of: str) -> Sheet:
    """One row a release, newest C library first; one column a wheel."""
    return tuple(_rows(tuple(reports), as_of))


def _rows(reports: tuple[AuditReport, ...], as_of: str) -> Iterator[Row]:
    for number, report in enumerate(reports, 1):
        yield row(f"[{number}] {report.wheel.filename.text}", indent=0)
        yield row("lowest tag", Span(report.lowest.text, "name"), f"  {_summary(report, as_of)}")
    releases = _releases(reports)
    if not releases:
        return
    yield BLANK
    numbers = "".join(f"[{number}]".ljust(_CELL) for number in range(1, len(reports) + 1))
    yield Row(
        "", (Span(f"{_COLUMNS('libc', 'release', 'tier', 'support', 'extended')}{numbers}".rstrip(), "title"),), 0
    )
    last = None
    for release in releases:
        libc = f"{release.libc.value} {'.'.join(map(str, release.libc_version))}"
        facts = _COLUMNS(
            "" if libc == last else libc,
            release.name,
            str(release.mainstream),
            "rolling" if release.rolling else release.end_of_life or "not known",
            release.extended_end_of_life or "",
        )
        last = libc
        yield Row("", (Span(facts), *(_cell(report, release) for report in reports)), 0)
    lacks = [(number, report) for number, report in enumerate(reports, 1) if report.coverage.fails]
    if lacks:
        yield BLANK
    for number, report in lacks:
        yield from _reasons(f"[{number}] lacks", report)


def _summary(report: AuditReport, as_of: str) -> str:
    coverage = report.coverage
    total = len(coverage.runs) + len(coverage.fails)
    if not total:
        return "no compiled file to judge"
    return f"reaches {len(coverage.runs)} of {plural(total, 'release')} in support on {as_of}"


def _releases(reports: tuple[AuditReport, ...]) -> list[DistributionRelease]:
    found = {release.id: release for report in reports for release in report.coverage.runs}
    found |= {lack.release.id: lack.release for report in reports for lack in report.coverage.fails}
    return sorted(
        found.values(), key=lambda each: (each.libc.value, tuple(-part for part in each.libc_version), each.id)
    )


def _cell(report: AuditReport, release: DistributionRelease) -> Span:
    if any(release.id == each.id for each in report.coverage.runs):
        return Span("yes".ljust(_CELL), "good")
    if any(release.id == lack.release.id for lack in report.coverage.fails):
        return Span("no".ljust(_CELL), "bad")
    return Span("-".ljust(_CELL), "dim")  # of another architecture or C library


def _reasons(label: str, report: AuditReport) -> Iterator[Row]:
    grouped: dict[str, list[str]] = {}
    for lack in report.coverage.fails:
        what = "refused by the loader" if lack.need is None else f"{lack.need.name} of {lack.need.library}"
        grouped.setdefault(what, []).append(lack.release.name)
    for what, names in grouped.items():
        yield row(label, Span(what, "name"), f": {', '.join(names)}")
        label = ""
