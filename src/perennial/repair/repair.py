"""One wheel, from disk to disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from perennial.elf.edit import ElfChanges, edit_elf
from perennial.knowledge import Knowledge
from perennial.lean_typing import NamedTuple
from perennial.progress import Progress
from perennial.repair.apply import Editor, Prepared, Repaired, RepairError, Work, prepare, write
from perennial.repair.lowered_before import why_not_again
from perennial.repair.make_plan import make_plan
from perennial.repair.options import Patcher, RepairOptions
from perennial.repair.plan import RepairPlan
from perennial.repair.providers import Provider
from perennial.system import Owners, Root
from perennial.wheel.archive import Archive
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


class Outcome(NamedTuple):
    """What has come of one wheel: the last two are None where the plan has problems, the last one in a dry run."""

    plan: RepairPlan
    prepared: Prepared | None
    repaired: Repaired | None


def repair_wheel(path: str, job: Job, *, progress: Progress | None = None, threads: int = 1) -> Outcome:
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
            return Outcome(plan, None, None)
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
            return Outcome(plan._replace(problems=error.problems), None, None)
        return Outcome(plan, prepared, repaired)


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
