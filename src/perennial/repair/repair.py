"""One wheel, from disk to disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from perennial import __version__
from perennial.audit.report import AuditReport
from perennial.elf.edit import ElfChanges, edit_elf
from perennial.knowledge import Knowledge
from perennial.lean_typing import NamedTuple
from perennial.lower.record import LoweringRecord
from perennial.progress import Progress
from perennial.repair.apply import Editor, Prepared, Repaired, RepairError, Work, prepare, write
from perennial.repair.lowering.before import why_not_again
from perennial.repair.make_plan import make_plan
from perennial.repair.options import Patcher, RepairOptions, check_options
from perennial.repair.plan import Problem, RepairPlan
from perennial.repair.providers import Provider, read_provider
from perennial.system import Owners, Root
from perennial.wheel.archive import Archive
from perennial.wheel.deflate import installed_deflater
from perennial.wheel.exports import find_exporters
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.wheel import read_open_wheel
from perennial.wheel.write import WriteOptions


class Job(NamedTuple):
    """What all wheels of a run have in common. `folder` None is a dry run: everything is made, and nothing is
    written.
    """

    knowledge: Knowledge
    options: RepairOptions
    providers: tuple[Provider, ...]
    limits: ArchiveLimits
    write: WriteOptions
    owners: Callable[[Root], Owners]
    version: str
    folder: str | None


class RepairOutcome(NamedTuple):
    """What has come of one wheel: the last two are None where the plan has problems, the last one in a dry run."""

    plan: RepairPlan
    prepared: Prepared | None
    repaired: Repaired | None

    @property
    def path(self) -> str | None:
        """The wheel that was written; None where none was."""
        return None if self.repaired is None else self.repaired.path

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that stands in the way; empty where the wheel was written, or would have been."""
        return self.plan.problems

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of the plan, of what was made, and of what was written."""
        return (
            *self.plan.warnings,
            *(() if self.prepared is None else self.prepared.warnings),
            *(() if self.repaired is None else self.repaired.warnings),
        )

    @property
    def report(self) -> AuditReport | None:
        """The audit of what was written, or would be; None where nothing would."""
        if self.plan.problems:
            return None
        return self.plan.expected if self.repaired is None else self.repaired.report

    @property
    def lowering(self) -> LoweringRecord | None:
        """What was done to references, or would be; None where nothing would."""
        return None if self.plan.problems else self.plan.lowering


def new_job(
    options: RepairOptions,
    folder: str | None,
    *,
    knowledge: Knowledge,
    limits: ArchiveLimits | None = None,
    write: WriteOptions | None = None,
) -> Job:
    """A job by this version of perennial, that looks up packages in each root once.

    Raises `UsageError` for options that mean nothing, and `UnreadableError` for what `provided_by` names.
    """
    check_options(options)
    owners: dict[str, Owners] = {}
    return Job(
        knowledge=knowledge,
        options=options,
        providers=tuple(map(read_provider, options.provided_by)),
        limits=limits or ArchiveLimits(),
        write=write or WriteOptions(installed_deflater()),
        owners=lambda root: owners.setdefault(root.name, Owners(root)),
        version=__version__,
        folder=folder,
    )


def repair_wheel(path: str, job: Job, *, progress: Progress | None = None, threads: int = 1) -> RepairOutcome:
    """Repairs the wheel at `path`, which up to `threads` threads read. What cannot be is in the problems of the
    outcome's plan.

    Raises `WheelFilenameError`, `ArchiveError` and other `UnreadableError`s for what cannot be read or written.
    """
    with Archive(path, job.limits) as archive:
        wheel = read_open_wheel(archive, progress=progress, threads=threads)

        def exporters(symbols: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
            return find_exporters(path, symbols, job.limits)

        plan = make_plan(wheel, job.knowledge, job.options, providers=job.providers, exporters=exporters)
        to = None if job.options.lower is None else job.options.lower.to
        again = None if to is None else why_not_again(archive, to, changes_references=plan.lowering is not None)
        if again is not None:
            plan = plan._replace(problems=(again,), refused=())
        if plan.problems:
            return RepairOutcome(plan, None, None)
        work = Work(
            knowledge=job.knowledge,
            edit=_editor(job.options.patcher),
            write=job.write._replace(verified=True),
            owners=job.owners,
            version=job.version,
            max_growth=job.options.max_growth,
        )
        try:
            prepared = prepare(plan, archive, work)
            repaired = None if job.folder is None else write(plan, prepared, archive, job.folder, work)
        except RepairError as error:
            return RepairOutcome(plan._replace(problems=error.problems), None, None)
        return RepairOutcome(plan, prepared, repaired)


def _editor(patcher: Patcher) -> Editor:
    if patcher is Patcher.PERENNIAL:
        return edit_elf
    from perennial.repair.patchelf import edit_with_patchelf  # noqa: PLC0415 - an optional dependency

    def edit(data: bytes, changes: ElfChanges) -> bytes:
        """patchelf can do a part of it; and what it has moved, nobody should strip (pypa/auditwheel #716)."""
        its = ElfChanges(
            soname=changes.soname,
            rename_needed=changes.rename_needed,
            add_needed=changes.add_needed,
            remove_needed=changes.remove_needed,
            search_path=changes.search_path,
        )
        ours = changes._replace(soname=None, rename_needed=(), add_needed=(), remove_needed=(), search_path=None)
        return edit_with_patchelf(edit_elf(data, ours), its)

    return edit
