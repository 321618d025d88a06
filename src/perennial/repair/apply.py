"""From a plan to a wheel on disk, or to nothing.

Everything is made in memory or under a temporary name, and read back and audited before it gets its name.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
from collections.abc import Callable
from typing import NamedTuple

from perennial.audit.audit import audit
from perennial.audit.report import AuditReport
from perennial.audit.symbol_needs import Exporters
from perennial.elf.edit import ElfChanges
from perennial.errors import PerennialError
from perennial.finding import Severity
from perennial.knowledge import Knowledge
from perennial.repair.library import read_library
from perennial.repair.licences import LicenceText, licence_texts
from perennial.repair.plan import Graft, MemberEdit, RepairPlan
from perennial.repair.result import as_judged, tag_lines
from perennial.repair.retag import with_tags
from perennial.repair.sbom import GraftRecord, make_sbom, sbom_path
from perennial.system import Owners, Package, Root
from perennial.wheel.archive import Archive
from perennial.wheel.exports import find_exporters
from perennial.wheel.limits import MIB
from perennial.wheel.wheel import Wheel, dist_info_folder, read_open_wheel
from perennial.wheel.whole_file import whole_file
from perennial.wheel.write import NewMember, WriteOptions, Written, write_wheel

_LARGEST_WHEEL_FILE = MIB

Editor = Callable[[bytes, ElfChanges], bytes]


class RepairError(PerennialError):
    """A wheel that could not be repaired after all, though its plan had no problems. Nothing was written."""

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy


class Origin(NamedTuple):
    """The package that a graft is of, where a package manager knows."""

    path: str  # the graft's
    package: Package


class Repaired(NamedTuple):
    """What has become of a wheel. `was_copied` says that nothing had to change, byte for byte."""

    path: str
    size: int
    was_copied: bool
    report: AuditReport | None
    origins: tuple[Origin, ...]
    licences: tuple[str, ...]
    warnings: tuple[str, ...]


class Work(NamedTuple):
    """What applying a plan takes besides the plan. `version` is perennial's."""

    knowledge: Knowledge
    edit: Editor
    write: WriteOptions
    owners: Callable[[Root], Owners]
    version: str
    max_growth: int | None


def apply_plan(plan: RepairPlan, archive: Archive, folder: str, work: Work) -> Repaired:
    """Writes the repaired wheel into `folder`, whole or not at all.

    Raises `RepairError`, and `UnreadableError` where something cannot be read or written.
    """
    if plan.problems:
        raise ValueError("a plan with problems is not applied")
    destination = os.path.join(folder, plan.filename.text)
    changes = _Changes(plan, archive, work)
    changes.make()
    if not changes.members and not plan.renames:
        _copy(plan.wheel.path, destination)
        return Repaired(destination, plan.wheel.size, True, plan.expected, (), (), ())
    reports: list[AuditReport] = []

    def accept(path: str, written: Written) -> None:
        _check_growth(written.size - plan.wheel.size, plan, work)
        reports.append(_judge(path, plan, changes.members, archive, work))

    written = write_wheel(archive, destination, changes.members, work.write, accept=accept)
    dropped = tuple(f"{name} was left out: it signs a RECORD that is no more" for name in written.dropped)
    return Repaired(
        destination, written.size, False, reports[0], changes.origins, changes.licences, dropped + changes.warnings
    )


class _Changes:
    """The members that a plan makes, changes and removes."""

    def __init__(self, plan: RepairPlan, archive: Archive, work: Work) -> None:
        self._plan = plan
        self._archive = archive
        self._work = work
        self._entries = {entry.name: entry for entry in archive.entries}
        self._dist_info = dist_info_folder(archive)
        self.members: dict[str, NewMember | None] = {}
        self.origins: tuple[Origin, ...] = ()
        self.licences: tuple[str, ...] = ()
        self.warnings: tuple[str, ...] = ()

    def make(self) -> None:
        self._edit_members()
        digests = {graft.path: self._add_graft(graft) for graft in self._plan.grafts}
        if self._plan.renames or self._plan.flips_purelib:
            self._change_wheel_file()
        if digests:
            self._add_papers(digests)

    def _edit_members(self) -> None:
        moved = {script.old: script for script in self._plan.scripts}
        for edit in self._plan.edits:
            data = self._read(edit.path)
            edited = self._edited(edit, data)
            script = moved.get(edit.path)
            if script is not None:
                mode = _executable(self._entries[edit.path].mode)
                self.members[script.new] = NewMember(edited, mode)
                self.members[script.old] = NewMember(script.shim, mode)
            elif edited != data:
                self.members[edit.path] = NewMember(edited)

    def _edited(self, edit: MemberEdit, data: bytes) -> bytes:
        try:
            return self._work.edit(data, edit.changes)
        except PerennialError as error:
            raise RepairError(f"{edit.path}: {error}") from error

    def _add_graft(self, graft: Graft) -> str:
        try:
            data = self._work.edit(read_library(graft.library), graft.changes)
        except PerennialError as error:
            raise RepairError(f"{graft.library.path}: {error}") from error
        self.members[graft.path] = NewMember(data, 0o755)
        return hashlib.sha256(data).hexdigest()

    def _change_wheel_file(self) -> None:
        metadata = self._plan.wheel.metadata
        if metadata is None:
            return
        content = self._read(metadata.path)
        changed = content
        if self._plan.renames:
            changed = with_tags(changed, tag_lines(self._plan.filename))
        if self._plan.flips_purelib:
            changed = as_platlib(changed)
        if changed != content:
            self.members[metadata.path] = NewMember(changed)

    def _add_papers(self, digests: dict[str, str]) -> None:
        """The bill of materials, and the licences of what was copied."""
        packages, texts, problems = _owners(self._plan, self._work)
        self.warnings = tuple(f"package records: {problem}" for problem in problems)
        self.origins = tuple(Origin(path, package) for path, package in sorted(packages.items()))
        papers: dict[Package, list[str]] = {}
        for text in texts:
            path = f"{self._dist_info}/licenses/{text.path}"
            if path not in self._entries:  # a text that the wheel brings itself stays
                self.members[path] = NewMember(text.content, 0o644)
            for package in text.packages:
                papers.setdefault(package, []).append(path)
        self.licences = tuple(sorted({path for paths in papers.values() for path in paths}))
        grafts = {graft.path for graft in self._plan.grafts}
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
            )
            for graft in self._plan.grafts
        ]
        roots = [graft.path for graft in self._plan.grafts if not grafts.issuperset(graft.needed_by or ("",))]
        document = make_sbom(self._plan.filename, records, needed_by_wheel=roots, version=self._work.version)
        self.members[sbom_path(self._dist_info, self._entries)] = NewMember(document, 0o644)

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
        raise RepairError(
            f"it would grow by {growth:,} bytes, and --max-size-growth allows {work.max_growth:,}"
            + (f"; the largest grafts are {named}" if named else ""),
            "Leave libraries out (--exclude), strip them (--strip), or allow more.",
        )


def _judge(
    path: str, plan: RepairPlan, changes: dict[str, NewMember | None], archive: Archive, work: Work
) -> AuditReport:
    """Audits what was written, as it will be called. Members that were copied are what they were."""
    with Archive(path, archive.limits) as written:
        wheel = _read_again(written, plan, changes)
        judged = as_judged(wheel, plan.left_out, ignores_isa=plan.ignores_isa)
        report = audit(judged, work.knowledge, exporters=_exporters(path, archive))
    errors = [finding.message for finding in report.findings if finding.severity is Severity.ERROR]
    if errors:
        raise RepairError(f"the audit of the result finds: {errors[0]}")
    if plan.expected is not None and report.lowest != plan.expected.lowest:
        raise RepairError(f"the result turns out to be {report.lowest}, and {plan.expected.lowest} was planned")
    return report


def _exporters(path: str, archive: Archive) -> Exporters:
    return lambda symbols: find_exporters(path, symbols, archive.limits)


def _read_again(written: Archive, plan: RepairPlan, changes: dict[str, NewMember | None]) -> Wheel:
    """The new wheel's facts: those of members that were copied are known already."""
    again = {*changes, f"{dist_info_folder(written)}/RECORD"}
    known = {member.path: member for member in plan.wheel.members if member.path not in again}
    return read_open_wheel(written, filename=plan.filename.text, known=known)


def _copy(source: str, destination: str) -> None:
    """The wheel as it is, at another place; or nothing, where it is there."""
    if os.path.exists(destination) and os.path.samefile(source, destination):
        return
    with whole_file(destination) as (file, _), open(source, "rb") as original:
        shutil.copyfileobj(original, file)
