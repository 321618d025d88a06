"""From a plan to a wheel on disk, or to nothing.

Everything is made in memory or under a temporary name, and read back and audited before it gets its name.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Callable

from perennial.audit.audit import audit
from perennial.audit.report import AuditReport
from perennial.audit.symbol_needs import Exporters
from perennial.elf.edit import ElfChanges
from perennial.errors import PerennialError, UsageError
from perennial.finding import Severity
from perennial.knowledge import Knowledge
from perennial.lean_typing import NamedTuple
from perennial.lower.record import NAME as LOWERING
from perennial.lower.record import record_as_json
from perennial.lower.verify import unmet
from perennial.platform_tag import Libc
from perennial.policy import policies
from perennial.policy.lowering import Lowering
from perennial.repair.library import read_library
from perennial.repair.licences import LicenceText, licence_texts
from perennial.repair.plan import Graft, Problem, RepairPlan
from perennial.repair.result import as_judged, tag_lines
from perennial.repair.retagging.plan import with_tags
from perennial.repair.sbom import GraftRecord, make_sbom, sbom_path
from perennial.system import Owners, Package, Root
from perennial.wheel.archive import Archive
from perennial.wheel.exports import find_exporters
from perennial.wheel.limits import MIB
from perennial.wheel.member import Reading
from perennial.wheel.wheel import Wheel, dist_info_folder, read_open_wheel
from perennial.wheel.whole_file import make_folder, whole_file
from perennial.wheel.write import NewMember, WriteOptions, Written, write_wheel

_CHUNK = MIB

Editor = Callable[[bytes, ElfChanges], bytes]


class RepairError(PerennialError):
    """A wheel that could not be repaired after all, though its plan had no problems. Nothing was written."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


class Origin(NamedTuple):
    """The package that a graft is of, where a package manager knows."""

    path: str  # the graft's
    package: Package


class Prepared(NamedTuple):
    """The members that a plan makes and changes (None: leaves out), and what comes with its grafts."""

    members: dict[str, NewMember | None]
    origins: tuple[Origin, ...] = ()
    licences: tuple[str, ...] = ()  # the members with their texts
    warnings: tuple[str, ...] = ()


class Repaired(NamedTuple):
    """What has become of a wheel. `was_copied` says that nothing had to change, byte for byte. Size in bytes."""

    path: str
    size: int
    was_copied: bool
    report: AuditReport | None
    warnings: tuple[str, ...]


class Work(NamedTuple):
    """What applying a plan takes besides the plan. `version` is perennial's."""

    knowledge: Knowledge
    edit: Editor
    write: WriteOptions
    owners: Callable[[Root], Owners]
    version: str
    max_growth: int | None


def prepare(plan: RepairPlan, archive: Archive, work: Work) -> Prepared:
    """Makes everything that a plan asks for, in memory. Raises `RepairError`, and `UnreadableError`."""
    if plan.problems:
        raise ValueError("a plan with problems is not applied")
    return _Preparation(plan, archive, work).make()


def write(plan: RepairPlan, prepared: Prepared, archive: Archive, folder: str, work: Work) -> Repaired:
    """Writes the repaired wheel into `folder`, which is made if need be, whole or not at all.

    Raises `RepairError`, and `UnreadableError`.
    """
    make_folder(folder)
    destination = os.path.join(folder, plan.filename.text)
    if not prepared.members and not plan.renames:
        _copy(plan.wheel.path, destination)
        return Repaired(destination, plan.wheel.size, was_copied=True, report=plan.expected, warnings=())
    reports: list[AuditReport] = []

    def accept(path: str, written: Written) -> None:
        _check_growth(written.size - plan.wheel.size, plan, work)
        reports.append(_judge(path, plan, prepared, archive, work))

    written = write_wheel(archive, destination, prepared.members, work.write, accept=accept)
    dropped = tuple(f"{name} was left out: it signs a RECORD that is no more" for name in written.dropped)
    return Repaired(destination, written.size, was_copied=False, report=reports[0], warnings=dropped)


class _Preparation:
    def __init__(self, plan: RepairPlan, archive: Archive, work: Work) -> None:
        self._plan = plan
        self._archive = archive
        self._work = work
        self._entries = {entry.name: entry for entry in archive.entries}
        self._dist_info = dist_info_folder(archive)
        self._members: dict[str, NewMember | None] = {}
        self._problems: list[Problem] = []

    def make(self) -> Prepared:
        self._edit_members()
        digests = {graft.path: self._add_graft(graft) for graft in self._plan.grafts}
        if self._problems:
            raise RepairError(*self._problems)
        if self._plan.retags or self._plan.flips_purelib:
            self._change_wheel_file()
        lowering = self._plan.lowering
        if lowering is not None:
            content = record_as_json(lowering, self._work.version)
            self._members[f"{self._dist_info}/{LOWERING}"] = NewMember(content, 0o644)
        return self._with_papers(digests) if digests or lowering is not None else Prepared(self._members)

    def _edit_members(self) -> None:
        moved = {script.old: script for script in self._plan.scripts}
        for edit in self._plan.edits:
            data = self._read(edit.path)
            edited = self._edited(edit.path, data, edit.changes)
            script = moved.get(edit.path)
            if script is not None:
                mode = _executable(self._entries[edit.path].mode)
                self._members[script.new] = NewMember(edited, mode)
                self._members[script.old] = NewMember(script.shim, mode)
            elif edited != data:
                self._members[edit.path] = NewMember(edited)

    def _edited(self, name: str, data: bytes, changes: ElfChanges) -> bytes:
        """The file with its changes; what keeps it from being changed is noted, so that all such files are told of."""
        try:
            return self._work.edit(data, changes)
        except UsageError:
            raise  # there is no patchelf
        except PerennialError as error:
            self._problems.append(Problem(f"{name}: {error}", "--patcher patchelf may find room where there is none."))
            return data

    def _add_graft(self, graft: Graft) -> str:
        data = self._edited(graft.library.path, read_library(graft.library), graft.changes)
        self._members[graft.path] = NewMember(data, 0o755)
        return hashlib.sha256(data).hexdigest()

    def _change_wheel_file(self) -> None:
        metadata = self._plan.wheel.metadata
        if metadata is None:
            return
        content = self._read(metadata.path)
        changed = content
        if self._plan.retags:
            changed = with_tags(changed, tag_lines(self._plan.filename))
        if self._plan.flips_purelib:
            changed = as_platlib(changed)
        if changed != content:
            self._members[metadata.path] = NewMember(changed)

    def _with_papers(self, digests: dict[str, str]) -> Prepared:
        """All of it, with the bill of materials, and the licences of what was copied."""
        packages, texts, problems = _owners(self._plan, self._work)
        papers: dict[Package, list[str]] = {}
        for text in texts:
            path = f"{self._dist_info}/licenses/{text.path}"
            if path not in self._entries:  # a text that the wheel brings itself stays
                self._members[path] = NewMember(text.content, 0o644)
            for package in text.packages:
                papers.setdefault(package, []).append(path)
        grafts = {graft.path for graft in self._plan.grafts}
        lowering = self._plan.lowering
        lowered = {file.path for file in lowering.files} if lowering is not None else set()
        records = [
            GraftRecord(
                path=graft.path,
                soname=graft.library.name,
                found_name=posixpath.basename(graft.library.file.replace(os.sep, "/")),
                found_digest=graft.library.digest,
                written_digest=digests[graft.path],
                needs=graft.needs,
                package=packages.get(graft.path),
                licence_paths=tuple(papers.get(packages[graft.path], ())) if graft.path in packages else (),
                lowered=graft.path in lowered,
            )
            for graft in self._plan.grafts
        ]
        roots = [graft.path for graft in self._plan.grafts if not grafts.issuperset(graft.needed_by or ("",))]
        document = make_sbom(
            self._plan.filename,
            records,
            needed_by_wheel=roots,
            version=self._work.version,
            properties=self._properties(),
        )
        self._members[sbom_path(self._dist_info, self._entries)] = NewMember(document, 0o644)
        return Prepared(
            members=self._members,
            origins=tuple(Origin(path, package) for path, package in sorted(packages.items())),
            licences=tuple(sorted({path for paths in papers.values() for path in paths})),
            warnings=tuple(f"package records: {problem}" for problem in problems),
        )

    def _properties(self) -> dict[str, str]:
        """What the bill of materials says of the wheel itself."""
        lowering = self._plan.lowering
        if lowering is None:
            return {}
        return {
            "perennial:lowered-from": lowering.built,
            "perennial:lowered-to": lowering.to.text,
            "perennial:lowering-record": f"{self._dist_info}/{LOWERING}",
            **({"perennial:traps": " ".join(lowering.traps)} if lowering.traps else {}),
        }

    def _read(self, path: str) -> bytes:
        entry = self._entries[path]
        return self._archive.read(entry, entry.size)


def _executable(mode: int) -> int:
    """Permissions of a program: what it has, and to be run by whoever may read it."""
    permissions = mode & 0o777 or 0o644
    return permissions | (permissions & 0o444) >> 2


def _owners(plan: RepairPlan, work: Work) -> tuple[dict[str, Package], tuple[LicenceText, ...], tuple[str, ...]]:
    """The packages of grafts by path, and the texts of their licences."""
    packages: dict[str, Package] = {}
    texts: dict[str, LicenceText] = {}
    problems: list[str] = []
    by_root: dict[str, list[Graft]] = {}
    for graft in plan.grafts:
        if graft.ours:
            continue
        by_root.setdefault(graft.library.root.name, []).append(graft)
    for _, grafts in sorted(by_root.items()):
        root = grafts[0].library.root
        owners = work.owners(root)
        found = owners.owners(graft.library.path for graft in grafts)
        packages |= {graft.path: found[graft.library.path] for graft in grafts if graft.library.path in found}
        for text in licence_texts(root, owners, found.values()):
            texts.setdefault(text.path, text)
        problems += owners.problems
    return packages, tuple(texts.values()), tuple(problems)


def as_platlib(content: bytes) -> bytes:
    """WHEEL with `Root-Is-Purelib: false`; every other byte stays."""
    lines = content.splitlines(keepends=True)
    for number, line in enumerate(lines):
        key, colon, _ = line.partition(b":")
        if colon and key.strip().lower() == b"root-is-purelib":
            lines[number] = key + b": false" + line[len(line.rstrip(b"\r\n")) :]
            break
    return b"".join(lines)


def _check_growth(growth: int, plan: RepairPlan, work: Work) -> None:
    if work.max_growth is not None and growth > work.max_growth:
        largest = sorted(plan.grafts, key=lambda graft: (-graft.library.size, graft.path))[:3]
        named = ", ".join(f"{graft.library.name} with {graft.library.size:,} bytes" for graft in largest)
        said = f"it would grow by {growth:,} bytes, and --max-size-growth allows {work.max_growth:,}"
        remedy = "Leave libraries out (--exclude), strip them (--strip), or allow more."
        raise RepairError(Problem(said + (f"; the largest grafts are {named}" if named else ""), remedy))


def _judge(path: str, plan: RepairPlan, prepared: Prepared, archive: Archive, work: Work) -> AuditReport:
    """Audits what was written, as it will be called. Members that were copied are what they were."""
    with Archive(path, archive.limits) as written:
        wheel = _read_again(written, plan, prepared)
        judged = as_judged(wheel, plan.left_out, ignores_isa=plan.ignores_isa)
        report = audit(judged, work.knowledge, exporters=_exporters(path, archive))
    errors = [
        Problem(f"the audit of the result: {finding.message}", finding.remedy)
        for finding in report.findings
        if finding.severity is Severity.ERROR
    ]
    errors += _unproved(report, plan, work)
    if plan.expected is not None and report.lowest != plan.expected.lowest:
        errors.append(Problem(f"the result is {report.lowest}, and {plan.expected.lowest} was planned", None))
    if errors:
        raise RepairError(*errors)
    return report


def _unproved(report: AuditReport, plan: RepairPlan, work: Work) -> list[Problem]:
    """Of what was lowered: references that the tag's oldest systems lack, as they stand in what was written."""
    lowering = plan.lowering
    if lowering is None or report.architecture is None or lowering.to.version is None:
        return []
    judge = Lowering(policies(work.knowledge, Libc.GLIBC, report.architecture))
    return [
        Problem(f"the proof of the result: {member} needs {each} from {each.library}, which {lowering.to} lacks", None)
        for member, each in unmet(report, judge, lowering.to.version)
    ]


def _exporters(path: str, archive: Archive) -> Exporters:
    return lambda symbols: find_exporters(path, symbols, archive.limits)


def _read_again(written: Archive, plan: RepairPlan, prepared: Prepared) -> Wheel:
    """The new wheel's facts: those of members that were copied are known already.

    RECORD's hashes were made of the bytes that were deflated, and inflating them again checks their CRC.
    """
    again = {*prepared.members, f"{dist_info_folder(written)}/RECORD"}
    known = {member.path: member for member in plan.wheel.members if member.path not in again}
    return read_open_wheel(written, filename=plan.filename.text, known=known, reading=Reading.WHOLE)


def _copy(source: str, destination: str) -> None:
    """The wheel as it is, at another place; or nothing, where it is there."""
    if os.path.exists(destination) and os.path.samefile(source, destination):
        return
    with whole_file(destination) as (file, _), open(source, "rb") as original:
        while chunk := original.read(_CHUNK):
            file.write(chunk)
