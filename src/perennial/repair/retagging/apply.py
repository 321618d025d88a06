"""Retagging wheels on disk, one after the other."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Callable
from functools import partial

from perennial.errors import UnreadableError
from perennial.knowledge import Knowledge
from perennial.lean_typing import Final, NamedTuple
from perennial.repair.retagging.plan import RetagPlan, RetagRequest, plan_retag
from perennial.repair.retagging.report import Retagged, RetagOutcome
from perennial.wheel.archive import Archive
from perennial.wheel.exports import find_exporters
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.wheel import read_open_wheel
from perennial.wheel.whole_file import is_same_file, make_folder, whole_file
from perennial.wheel.write import WriteOptions, Written, write_wheel

_PIECE: Final = 1 << 20


class RetagSettings(NamedTuple):
    """What may be done on disk. `folder` is where wheels go; None is the folder that each comes from.

    `force` writes what the audit objects to; `overwrite` replaces other wheels of the new name; `remove`
    removes a wheel whose successor has been written; `dry_run` does nothing at all.
    """

    folder: str | None = None
    force: bool = False
    overwrite: bool = False
    remove: bool = False
    dry_run: bool = False


class Retagger:
    """Retags wheels by one request. The options' `verified` should be set: each wheel is read before it is copied."""

    def __init__(
        self,
        request: RetagRequest,
        settings: RetagSettings,
        options: WriteOptions,
        knowledge: Knowledge,
        limits: ArchiveLimits,
    ) -> None:
        self._request: Final = request
        self._settings: Final = settings
        self._options: Final = options
        self._knowledge: Final = knowledge
        self._limits: Final = limits
        self._taken: Final[set[str]] = set()

    def retag(self, path: str, *, threads: int = 1) -> Retagged:
        """Retags one wheel, which up to `threads` threads read.

        Raises `WheelFilenameError` and `ArchiveError` for what cannot be read, `UnreadableError` for what cannot be
        written, or would take the place of another wheel.
        """
        settings = self._settings
        with Archive(path, self._limits) as archive:
            wheel = read_open_wheel(archive, threads=threads)
            exporters = partial(find_exporters, path, limits=self._limits)
            plan = plan_retag(archive, wheel, self._knowledge, self._request, exporters)
            if plan.objections and not settings.force:
                return Retagged(path, plan, RetagOutcome.REFUSED, None, dry_run=settings.dry_run)
            folder = os.path.dirname(path) if settings.folder is None else settings.folder
            output = os.path.join(folder, plan.target.text)
            outcome = RetagOutcome.RETAGGED if plan.is_needed else RetagOutcome.COPIED
            if not plan.is_needed and is_same_file(path, output):
                return Retagged(path, plan, RetagOutcome.UNCHANGED, None, dry_run=settings.dry_run)
            removed = settings.remove and not is_same_file(path, output)
            dropped: tuple[str, ...] = ()
            if not settings.dry_run:
                dropped = self._put(archive, plan, output)
                if removed:
                    archive.close()  # some systems remove no file that is open
                    _remove(path)
        return Retagged(path, plan, outcome, output, dropped, removed, settings.dry_run)

    def _put(self, archive: Archive, plan: RetagPlan, output: str) -> tuple[str, ...]:
        """Writes or copies the wheel to `output`; the signatures that it has lost."""
        place = os.path.realpath(output)
        make_folder(os.path.dirname(output))

        def accept(new: str, written: Written) -> None:
            """Raises where the new file may not have its name, or has no need of it."""
            if not os.path.lexists(output) or is_same_file(archive.path, output):
                return
            if os.path.isfile(output) and filecmp.cmp(new, output, shallow=False):
                raise _IsThereAlready(written)
            if place in self._taken:
                raise UnreadableError(f"{archive.path}: another of the wheels, and not the same, became {output}")
            if not self._settings.overwrite:
                raise UnreadableError(f"{output}: exists already and is not the same; --overwrite replaces it")

        try:
            if plan.is_needed:
                written = write_wheel(archive, output, plan.changes, self._options, accept=accept)
            else:
                written = _copy(archive, output, accept)
        except _IsThereAlready as same:
            written = same.written
        self._taken.add(place)
        return written.dropped


class _IsThereAlready(Exception):  # noqa: N818  nothing is wrong
    """The file that was to be written is there, to the byte."""

    def __init__(self, written: Written) -> None:
        super().__init__()
        self.written: Final = written


def _copy(source: Archive, output: str, accept: Callable[[str, Written], None]) -> Written:
    result = Written(source.file_size, ())
    with whole_file(output) as (file, path):
        with open(source.path, "rb") as content:
            while piece := content.read(_PIECE):
                file.write(piece)
        file.flush()
        accept(path, result)
    return result


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be removed: {error.strerror}") from error
