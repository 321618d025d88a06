"""What the actions of `perennial policy` do: parse, call, render."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from perennial.arch import Architecture
from perennial.cli.exit_codes import ExitCode
from perennial.cli.facts import architecture, check_known, knowledge_of, read_date, read_tag
from perennial.cli.output import write_output
from perennial.errors import UnreadableError, UsageError, printable
from perennial.knowledge import Knowledge
from perennial.knowledge.mainstream import knowledge_on
from perennial.lean_typing import TYPE_CHECKING, Final
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy import Policies, policies
from perennial.report.sheet import Sheet, write_sheet

if TYPE_CHECKING:
    from perennial.audit.report import AuditReport

_VERSION: Final = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")


def _show(arguments: argparse.Namespace) -> int:
    from perennial.policy.heights import heights
    from perennial.report.policy_json import policy_json
    from perennial.report.policy_sheets import policy_sheet

    own, tag, as_of = _policies_of(arguments, arguments.tag)
    policy = own.policy(check_known(tag, own))
    known = heights(own, policy)
    if arguments.json:
        return _write_json(policy_json(policy, known, as_of))
    return _write(policy_sheet(policy, known, as_of, verbose=arguments.verbose))


def _diff(arguments: argparse.Namespace) -> int:
    from perennial.policy.compare import compare
    from perennial.report.policy_json import diff_json
    from perennial.report.policy_sheets import diff_sheet

    own, one, as_of = _policies_of(arguments, arguments.one)
    other, _ = read_tag(arguments.other, arguments.arch or one.arch)
    if other.libc is not one.libc:
        raise UsageError(f"{one} and {other} are of two C libraries, and have nothing in common")
    comparison = compare(own, check_known(one, own), check_known(other, own))
    return _write_json(diff_json(comparison, as_of)) if arguments.json else _write(diff_sheet(comparison, as_of))


def _why(arguments: argparse.Namespace) -> int:
    from perennial.policy.why import answers
    from perennial.report.policy_json import why_json
    from perennial.report.policy_sheets import why_sheet

    own, tag, as_of = _policies_of(arguments, arguments.tag)
    policy = own.policy(check_known(tag, own))
    if not arguments.name.strip():
        raise UsageError("name a version, a library or a symbol: GLIBCXX_3.4.26, libexpat.so.1, memcpy@GLIBC_2.14")
    found = answers(own, arguments.name)
    if arguments.json:
        return _write_json(why_json(policy, arguments.name, found, as_of))
    return _write(why_sheet(policy, arguments.name, found, as_of))


def _recommend(arguments: argparse.Namespace) -> int:
    from perennial.policy.recommend import Support, recommend
    from perennial.report.policy_json import recommendation_json
    from perennial.report.policy_recommendation import recommendation_sheet

    knowledge, as_of = _facts(arguments)
    arch = architecture(arguments.arch or Architecture.X86_64)
    own = policies(knowledge, Libc(arguments.libc), arch)
    recommendation = recommend(own, as_of, Support(arguments.support))
    if arguments.json:
        return _write_json(recommendation_json(recommendation, arch.value))
    return _write(recommendation_sheet(recommendation, arch.value))


def _coverage(arguments: argparse.Namespace) -> int:
    from perennial.report.policy_coverage import coverage_sheet
    from perennial.report.policy_json import coverage_json

    as_of, knowledge = _day(arguments)
    errors: list[str] = []
    reports = tuple(_audited(arguments, knowledge, as_of, errors))
    if arguments.json:
        _write_json(coverage_json(reports, as_of))
    elif reports:
        _write(coverage_sheet(reports, as_of))
    return ExitCode.UNREADABLE if errors else ExitCode.OK


def _chart(arguments: argparse.Namespace) -> int:
    from perennial.report.chart import Mark, chart

    if not _VERSION.fullmatch(arguments.start):
        raise UsageError(f"--from {printable(arguments.start)}: a glibc is X.Y, such as 2.17")
    as_of, knowledge = _day(arguments)
    arch = architecture(arguments.arch)
    errors: list[str] = []
    marks: list[Mark] = []
    for report in _audited(arguments, knowledge, as_of, errors):
        if report.lowest.libc is not Libc.GLIBC or report.architecture is not arch:
            errors.append(report.wheel.path)
            where = f"the glibc clock of {arch}"
            sys.stderr.write(f"perennial: {report.wheel.filename.text} is {report.lowest}, which is not on {where}\n")
        else:
            marks.append(Mark(f"{report.wheel.filename.distribution} {report.wheel.filename.version}", report.lowest))
    major, minor = map(int, arguments.start.split("."))
    releases = policies(knowledge_on(knowledge, as_of), Libc.GLIBC, arch).releases
    svg = chart(releases, arch.value, as_of, marks, start=(major, minor))
    write_output(svg, None if arguments.output == "-" else arguments.output)
    return ExitCode.UNREADABLE if errors else ExitCode.OK


def _export(arguments: argparse.Namespace) -> int:
    from perennial.policy.export import export_for_auditwheel, export_policies

    knowledge, _ = _facts(arguments)
    arches = [architecture(name) for name in arguments.arch or Architecture]
    libcs = [Libc(arguments.libc)] if arguments.libc else list(Libc)
    chosen = [policies(knowledge, libc, arch) for libc in libcs for arch in dict.fromkeys(arches)]
    if arguments.format == "auditwheel":
        if Libc.GLIBC not in libcs:
            raise UsageError("--format auditwheel has the manylinux policies only; leave --libc musl out")
        return _write_json(export_for_auditwheel(chosen), arguments.output)
    return _write_json(export_policies(chosen), arguments.output)


ACTIONS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "show": _show,
    "diff": _diff,
    "why": _why,
    "recommend": _recommend,
    "coverage": _coverage,
    "chart": _chart,
    "export": _export,
}


def _day(arguments: argparse.Namespace) -> tuple[str, Knowledge]:
    """The day that counts, and the knowledge to judge by, which for wheels is always the whole: tags are perennial."""
    as_of = read_date(arguments.as_of)
    knowledge = knowledge_of(arguments.mainstream)
    return as_of or knowledge.as_of, knowledge


def _facts(arguments: argparse.Namespace) -> tuple[Knowledge, str]:
    """The knowledge as it was on the day that counts, and the day."""
    as_of, knowledge = _day(arguments)
    return knowledge_on(knowledge, as_of), as_of


def _policies_of(arguments: argparse.Namespace, tag: str) -> tuple[Policies, PlatformTag, str]:
    parsed, arch = read_tag(tag, arguments.arch)
    knowledge, as_of = _facts(arguments)
    return policies(knowledge, parsed.libc or Libc.GLIBC, arch), parsed, as_of


def _audited(
    arguments: argparse.Namespace, knowledge: Knowledge, as_of: str, errors: list[str]
) -> Iterator[AuditReport]:
    """The audits of all inputs; what cannot be read is said at once, and noted in `errors`."""
    from perennial.audit.audit import audit
    from perennial.cli.inputs import find_inputs
    from perennial.wheel.exports import find_exporters
    from perennial.wheel.member import Reading
    from perennial.wheel.wheel import read_wheel

    for source, path, error in find_inputs(arguments):
        try:
            if error is not None:
                raise error
            if path is not None:
                yield audit(
                    read_wheel(path, reading=Reading.ELF_FILES),
                    knowledge,
                    as_of=as_of,
                    exporters=partial(find_exporters, path),
                )
        except UnreadableError as unreadable:
            errors.append(source)
            sys.stderr.write(f"perennial: {printable(str(unreadable))}\n")


def _write(sheet: Sheet) -> int:
    write_sheet(sheet, sys.stdout)
    return ExitCode.OK


def _write_json(document: object, output: str | None = None) -> int:
    import json

    write_output(json.dumps(document, indent=2) + "\n", output)
    return ExitCode.OK
