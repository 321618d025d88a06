"""What `show` and `check` have in common: options, the audits themselves, and their output."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from perennial.arch import architecture_of_tag
from perennial.audit.audit import audit
from perennial.audit.report import AuditReport
from perennial.cli.config import Config
from perennial.cli.cores import reading_threads
from perennial.cli.exit_codes import ExitCode
from perennial.cli.facts import MainstreamList, add_mainstream_argument, knowledge_by, read_date, read_mainstream
from perennial.cli.inputs import add_input_arguments, find_inputs
from perennial.cli.output import write_output
from perennial.errors import UnreadableError, UsageError, printable
from perennial.finding import Severity
from perennial.knowledge import Knowledge
from perennial.lean_typing import TYPE_CHECKING, Final, NamedTuple
from perennial.platform_tag import PlatformTag
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.member import Reading
from perennial.wheel.wheel import Wheel, read_wheel

if TYPE_CHECKING:
    from perennial.lower.reach import Reach

FORMATS = ("text", "json", "sarif", "github")


def add_audit_arguments(parser: argparse.ArgumentParser) -> None:
    add_input_arguments(parser)
    group = parser.add_argument_group("output")
    group.add_argument("--format", choices=FORMATS, default="text", help="how to report (default: text)")
    group.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    group.add_argument(
        "-o", "--output", metavar="FILE", help="write to FILE, whole or not at all, instead of standard output"
    )
    amount = group.add_mutually_exclusive_group()
    amount.add_argument("-v", "--verbose", action="store_true", help="every requirement and every finding")
    amount.add_argument("-q", "--quiet", action="store_true", help="one line a wheel")
    rules = parser.add_argument_group("rules (perennial rules lists them)")
    rules.add_argument(
        "--select", metavar="RULE", action="append", help="report findings of these rules only; may be repeated"
    )
    rules.add_argument(
        "--ignore", metavar="RULE", action="append", help="leave out findings of these rules; may be repeated"
    )
    rules.add_argument(
        "--skip-hashes",
        action="store_true",
        help="do not hold files against their hashes in RECORD, nor read those that are no ELF files",
    )
    rules.add_argument(
        "--strict-tiers", action="store_true", help="make libraries that an installation may lack an error"
    )
    rules.add_argument(
        "--as-of", metavar="DATE", help="judge support of releases as of YYYY-MM-DD (default: date of the knowledge)"
    )
    add_mainstream_argument(rules)
    rules.add_argument("--config", metavar="FILE", help="a pyproject.toml to read instead of the nearest one")
    add_limit_arguments(parser)


def add_limit_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = ArchiveLimits()
    limits = parser.add_argument_group("limits on hostile archives")
    limits.add_argument(
        "--max-members", metavar="N", type=_positive, help=f"members of a wheel (default: {defaults.members})"
    )
    limits.add_argument(
        "--max-inflated",
        metavar="BYTES",
        type=_positive,
        help=f"bytes that all members inflate to (default: {defaults.inflated})",
    )
    limits.add_argument(
        "--max-ratio",
        metavar="N",
        type=_positive,
        help=f"inflated to compressed size of a large member (default: {defaults.ratio})",
    )


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


class Options(NamedTuple):
    """The command line and the configuration, brought together."""

    tag: PlatformTag | None
    as_of: str | None
    limits: ArchiveLimits
    select: frozenset[str]
    ignore: frozenset[str]
    strict_tiers: bool
    knowledge: Knowledge
    mainstream: MainstreamList | None


def read_limits(arguments: argparse.Namespace) -> ArchiveLimits:
    limits = {
        "members": arguments.max_members,
        "inflated": arguments.max_inflated,
        "ratio": arguments.max_ratio,
    }
    return ArchiveLimits()._replace(**{name: value for name, value in limits.items() if value is not None})


def read_options(arguments: argparse.Namespace, config: Config, tag: PlatformTag | None) -> Options:
    as_of = read_date(arguments.as_of)
    mainstream = None if arguments.mainstream is None else read_mainstream(arguments.mainstream)
    _check_rules(arguments, config)
    return Options(
        tag=tag,
        as_of=as_of,
        limits=read_limits(arguments),
        select=frozenset(arguments.select or config.select),
        ignore=frozenset(arguments.ignore or ()) | frozenset(config.ignore),
        strict_tiers=arguments.strict_tiers,
        knowledge=knowledge_by(mainstream),
        mainstream=mainstream,
    )


def judged_tag(option: str | None, config: Config) -> PlatformTag | None:
    """What `check` judges by: the option's, or else the configuration's; None for what the wheel claims."""
    text, source = (config.tag, f"{config.path}: tool.perennial.tag") if option is None else (option, "--tag")
    if text is None:
        return None
    tag = PlatformTag.parse(text.lower())
    if tag.arch is None or "." in text or architecture_of_tag(tag.arch) is None:
        raise UsageError(
            f"{source} {printable(text) or repr(text)}: not one Linux platform tag such as manylinux_2_28_x86_64"
        )
    return tag


def run_audits(arguments: argparse.Namespace, options: Options) -> int:
    """Audits all inputs, writes the report and returns the exit code."""
    errors: dict[str, str] = {}
    reports = _audit_all(arguments, options, errors)
    if arguments.format == "text":
        code = _write_text(reports, arguments)
    else:
        collected = tuple(reports)
        write_output(_render(arguments.format, collected, errors, options.mainstream), arguments.output)
        code = _exit_code(audited.report for audited in collected)
    return ExitCode.UNREADABLE if errors else code


class Audited(NamedTuple):
    """A report, and how low the wheel could go, where that is shown."""

    report: AuditReport
    reach: Reach | None


def _audit_all(arguments: argparse.Namespace, options: Options, errors: dict[str, str]) -> Iterator[Audited]:
    """One report after the other; what cannot be read is said at once, and noted in `errors`."""
    reading = Reading.ELF_FILES if arguments.skip_hashes else Reading.HASHED
    needs_digest = arguments.format in ("json", "sarif")
    shows_reach = arguments.format == "json" or (arguments.format == "text" and not arguments.quiet)
    for source, path, error in find_inputs(arguments):
        try:
            if error is not None:
                raise error
            if path is not None:
                wheel = _read(path, options, sha256=needs_digest, reading=reading)
                report = audit(
                    wheel,
                    options.knowledge,
                    tag=options.tag,
                    as_of=options.as_of,
                    exporters=partial(_exporters, path, options.limits),
                )
                yield Audited(_filtered(report, options), _reach(report, options) if shows_reach else None)
        except UnreadableError as unreadable:
            errors[source] = str(unreadable)
            sys.stderr.write(f"perennial: {printable(str(unreadable))}\n")


def _reach(report: AuditReport, options: Options) -> Reach | None:
    if report.lowest.version is not None and report.lowest.version <= _LOWEST_REACH:
        return None  # what decides that is not worth loading
    from perennial.lower.reach import reach

    return reach(report, options.knowledge)


def _exporters(path: str, limits: ArchiveLimits, symbols: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    from perennial.wheel.exports import find_exporters

    return find_exporters(path, symbols, limits)


# What nothing is lowered below (policy/lowering.py).
_LOWEST_REACH: Final = (2, 17)

# Smaller wheels are read before anybody looks at a bar.
_WORTH_A_BAR: Final = 50_000_000


def _read(path: str, options: Options, *, sha256: bool, reading: Reading) -> Wheel:
    """Reads a wheel; a large one with a progress bar, where standard error is a terminal."""
    threads = reading_threads()
    if not sys.stderr.isatty() or not os.path.isfile(path) or os.path.getsize(path) < _WORTH_A_BAR:
        return read_wheel(path, options.limits, sha256=sha256, reading=reading, threads=threads)
    from perennial.cli.progress import progress_on_stderr

    with progress_on_stderr() as progress:
        return read_wheel(path, options.limits, sha256=sha256, reading=reading, progress=progress, threads=threads)


def _filtered(report: AuditReport, options: Options) -> AuditReport:
    findings = report.findings
    if options.strict_tiers:
        findings = tuple(
            finding._replace(severity=Severity.ERROR) if finding.rule == "host-library-may-be-missing" else finding
            for finding in findings
        )
        findings = tuple(sorted(findings, key=lambda finding: finding.severity.rank))
    return report._replace(
        findings=tuple(
            finding
            for finding in findings
            if finding.rule not in options.ignore and (not options.select or finding.rule in options.select)
        )
    )


def _check_rules(arguments: argparse.Namespace, config: Config) -> None:
    for names, source in (
        (arguments.select, "--select"),
        (arguments.ignore, "--ignore"),
        (config.select, f"{config.path}: tool.perennial.select"),
        (config.ignore, f"{config.path}: tool.perennial.ignore"),
    ):
        if names:
            from perennial.audit.checks import RULES
            from perennial.cli.rules import check_names

            check_names(names, RULES, source)


def _write_text(audited: Iterable[Audited], arguments: argparse.Namespace) -> int:
    from perennial.report.human import full_report, summary_line
    from perennial.report.sheet import as_plain, write_sheet

    written: list[str] = []
    seen: list[AuditReport] = []
    for report, reach in audited:
        sheet = summary_line(report) if arguments.quiet else full_report(report, reach, verbose=arguments.verbose)
        if arguments.output is None:
            write_sheet(sheet, sys.stdout)
            sys.stdout.flush()
        else:
            written.append(as_plain(sheet))
        # Only what decides the exit code is kept: a folder may hold thousands of wheels.
        seen.append(report._replace(requirements=(), wheel=report.wheel._replace(members=())))
    if arguments.output is not None:
        write_output("".join(written), arguments.output)
    return _exit_code(seen)


def _render(
    format_: str, audited: tuple[Audited, ...], errors: dict[str, str], mainstream: MainstreamList | None
) -> str:
    reports = tuple(each.report for each in audited)
    match format_:
        case "json":
            from perennial.report.as_json import as_json

            listed = None if mainstream is None else (mainstream.name, mainstream.sha256)
            return as_json(audited, errors, listed)
        case "sarif":
            from perennial.report.as_sarif import as_sarif

            return as_sarif(reports, errors)
        case _:
            from perennial.report.as_github import as_github

            return as_github(reports, errors)


def _exit_code(reports: Iterable[AuditReport]) -> int:
    return ExitCode.FINDINGS if any(report.has_errors for report in reports) else ExitCode.OK
