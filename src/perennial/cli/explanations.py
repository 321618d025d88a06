"""What `explain` gathers: the systems, the wheels or what an index has of a project, and an answer for each pair."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence

from perennial.audit.audit import audit
from perennial.audit.report import AuditReport
from perennial.cli.facts import knowledge_of, read_date
from perennial.cli.inputs import cache_folder, names_a_file, wheels_in
from perennial.cli.targets import read_targets
from perennial.errors import FetchError, UnreadableError, UsageError, printable
from perennial.knowledge import Knowledge
from perennial.lean_typing import TYPE_CHECKING, Final, NamedTuple
from perennial.tags.explain import (
    Explained,
    Explanation,
    MatrixRow,
    ProjectExplanation,
    Subject,
    reach,
)
from perennial.tags.install import Listing, Version, installation, listing, parse_version
from perennial.tags.project import Offer, ProjectVersion, project_answer
from perennial.tags.running import running
from perennial.tags.why import Axis
from perennial.wheel.filename import WheelFilename
from perennial.wheel.member import Reading
from perennial.wheel.requires_python import requires_python
from perennial.wheel.wheel import read_wheel

if TYPE_CHECKING:
    from perennial.index import Catalogue, IndexSettings

# Where a wheel is refused for these, its bytes are still worth a look: they may run nevertheless.
_WORTH_A_LOOK: Final = frozenset({Axis.LIBC_VERSION, Axis.OVERRIDE, Axis.INSTALLER, Axis.TAG})


class _Asked(NamedTuple):
    """What holds for all questions of one call."""

    listings: tuple[Listing, ...]
    knowledge: Knowledge
    as_of: str
    pip: Version | None
    looks_into_files: bool  # wheels at hand, unless that was forbidden
    audits: bool  # what an index has: by default for one system


def explain_all(arguments: argparse.Namespace) -> Explained:
    """An answer for each wheel, or project, and each target; what cannot be read is said at once, and noted."""
    knowledge = knowledge_of(arguments.mainstream)
    as_of = read_date(arguments.as_of) or knowledge.as_of
    targets = read_targets(arguments, knowledge, as_of)
    asked = _Asked(
        tuple(listing(target) for target in targets),
        knowledge,
        as_of,
        _pip(arguments),
        arguments.audit is not False,
        len(targets) == 1 if arguments.audit is None else arguments.audit,
    )
    errors: dict[str, str] = {}
    subjects: list[Subject] = []
    for source in arguments.wheels:
        try:
            subjects += _subjects(source, arguments, asked)
        except UnreadableError as error:
            errors[source] = str(error)
            sys.stderr.write(f"perennial: {printable(str(error))}\n")
    return Explained(targets, tuple(subjects), errors, as_of)


def _pip(arguments: argparse.Namespace) -> Version | None:
    """The pip that is there: as said, or, of this very Python, the one that is installed."""
    if arguments.pip is not None:
        return parse_version(arguments.pip)
    if arguments.on or arguments.all_releases or arguments.interpreter is not None:
        return None
    from importlib.metadata import PackageNotFoundError, version

    try:
        return parse_version(version("pip"))
    except (PackageNotFoundError, UsageError):  # none, or one that is not numbered as pip's releases are
        return None


def _subjects(source: str, arguments: argparse.Namespace, asked: _Asked) -> Iterator[Subject]:
    if not source:
        raise UsageError("an empty argument names no wheel (is a variable of the shell unset?)")
    if os.path.isdir(source):
        for path in wheels_in(source):
            yield _of_path(path, asked)
    elif os.path.lexists(source):
        yield _of_path(source, asked)
    elif source.endswith(".whl") and not os.path.dirname(source) and "://" not in source:
        yield _of_wheel(source, WheelFilename.parse(source), None, None, asked)  # a name is enough
    elif names_a_file(source):
        raise UnreadableError(f"{source}: no such file")
    else:
        yield _of_requirement(source, arguments, asked)


# ----- a wheel


def _of_path(path: str, asked: _Asked) -> Subject:
    name = WheelFilename.parse(os.path.basename(path))
    return _of_wheel(path, name, requires_python(path), _audit(path, asked) if asked.looks_into_files else None, asked)


def _audit(path: str, asked: _Asked) -> AuditReport:
    from functools import partial

    from perennial.wheel.exports import find_exporters

    wheel = read_wheel(path, reading=Reading.WHOLE)
    return audit(wheel, asked.knowledge, as_of=asked.as_of, exporters=partial(find_exporters, path))


def _of_wheel(
    source: str, name: WheelFilename, demanded: str | None, report: AuditReport | None, asked: _Asked
) -> Subject:
    answers = tuple(_explain(name, demanded, report, there, asked) for there in asked.listings)
    row = MatrixRow(name.version, name.text, tuple(answer.installation.refusal for answer in answers))
    return Subject(source, answers, (row,))


def _explain(
    name: WheelFilename, demanded: str | None, report: AuditReport | None, there: Listing, asked: _Asked
) -> Explanation:
    found = installation(name, there, requires_python=demanded, pip=asked.pip)
    return Explanation(
        target=there.target,
        installation=found,
        running=None if report is None else running(report, there.target, asked.knowledge),
        reach=reach(name, asked.knowledge, there.target.arch, asked.as_of),
        runs_on=None if report is None else report.coverage,
    )


# ----- a project


def _of_requirement(source: str, arguments: argparse.Namespace, asked: _Asked) -> Subject:
    from perennial.index import list_files, settings_from_pip
    from perennial.index.requirement import parse_requirement
    from perennial.index.versions import project_versions

    requirement = parse_requirement(source)
    settings = settings_from_pip(
        os.environ, index_url=arguments.index_url, extra_index_urls=tuple(arguments.extra_index_url)
    )
    found = list_files(requirement.name, settings)
    versions = project_versions(found, requirement)
    if not versions:
        there = found.wheels or found.sources
        raise FetchError(
            f"no version of {requirement.name} matches {requirement.specifier}"
            if there
            else f"there is no project {requirement.name}: check the spelling"
        )
    others: tuple[ProjectVersion, ...] = ()
    if str(requirement.specifier):
        others = project_versions(found, parse_requirement(requirement.name))
    reports = _Reports(found, settings, arguments, asked)
    answers = tuple(
        _with_instead(_of_project(source, versions, there, reports, asked), others, there, asked)
        for there in asked.listings
    )
    return Subject(source, answers, tuple(_matrix(versions, answers, asked)))


class _Reports:
    """Downloads a wheel when its bytes are asked for, once."""

    def __init__(self, found: Catalogue, settings: IndexSettings, arguments: argparse.Namespace, asked: _Asked) -> None:
        self._links = {link.filename: link for link in found.wheels}
        self._settings = settings
        self._arguments = arguments
        self._asked = asked
        self._known: dict[str, AuditReport] = {}

    def of(self, filename: str) -> AuditReport | None:
        if not self._asked.audits:
            return None
        if filename not in self._known:
            from perennial.cli.progress import progress_on_stderr
            from perennial.index import fetch_link

            with progress_on_stderr() as progress:
                folder = cache_folder(self._arguments)
                path = fetch_link(self._links[filename], self._settings, cache_dir=folder, progress=progress)
            self._known[filename] = _audit(str(path), self._asked)
        return self._known[filename]


def _of_project(
    source: str, versions: Sequence[ProjectVersion], there: Listing, reports: _Reports, asked: _Asked
) -> ProjectExplanation:
    answer = project_answer(versions, there, pip=asked.pip)
    offer = answer.takes
    is_worth_it = True
    if offer is None and answer.misses:
        miss = answer.misses[0]
        offer = _offer(versions, miss.filename)
        is_worth_it = miss.refusal.axis in _WORTH_A_LOOK
    wheel = None
    if offer is not None:
        report = reports.of(offer.filename.text) if is_worth_it else None
        wheel = _explain(offer.filename, offer.requires_python, report, there, asked)
    return ProjectExplanation(source, there.target, answer, wheel, versions[0].version)


def _with_instead(
    found: ProjectExplanation, others: Sequence[ProjectVersion], there: Listing, asked: _Asked
) -> ProjectExplanation:
    """Where a requirement allows nothing that fits, what would without it."""
    if found.answer.takes is not None or not others:
        return found
    answer = project_answer(others, there, pip=asked.pip)
    if answer.takes is None or answer.takes_version is None:
        return found
    return found._replace(instead=(answer.takes_version, answer.takes.filename.text))


def _offer(versions: Sequence[ProjectVersion], filename: str) -> Offer:
    return next(offer for version in versions for offer in version.wheels if offer.filename.text == filename)


def _matrix(
    versions: Sequence[ProjectVersion], answers: Sequence[ProjectExplanation], asked: _Asked
) -> Iterator[MatrixRow]:
    shown = {versions[0].version} | {answer.answer.takes_version for answer in answers}
    for version in versions:
        for offer in version.wheels if version.version in shown else ():
            name = offer.filename
            if any(tag.is_any or tag.is_linux for tag in name.platforms):
                refusals = tuple(
                    installation(name, there, requires_python=offer.requires_python, pip=asked.pip).refusal
                    for there in asked.listings
                )
                yield MatrixRow(version.version, name.text, refusals)
