"""The public interface of what writes wheels: repair, lowering, retagging; import it from `perennial`.

It stands beside `perennial.api`, so that who only audits does not load what edits.
"""

from __future__ import annotations

import os
from os import PathLike

from perennial.elf.edit import StripLevel
from perennial.knowledge import Knowledge, load_knowledge
from perennial.lean_typing import Final
from perennial.lower.options import CxxRoute, LowerOptions, lowering_target
from perennial.lower.record import LoweringRecord
from perennial.repair.host import places_here
from perennial.repair.options import Host, Patcher, Places, RepairOptions
from perennial.repair.plan import Problem, RepairPlan
from perennial.repair.repair import RepairOutcome, new_job
from perennial.repair.repair import repair_wheel as repair_one
from perennial.repair.retagging.apply import Retagger, RetagSettings
from perennial.repair.retagging.plan import LegacyAliases, Objection, RetagPlan, RetagRequest
from perennial.repair.retagging.report import Retagged, RetagOutcome
from perennial.wheel.deflate import Deflater, installed_deflater
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.write import WriteOptions
from perennial.wheel.zip_writer import Moment

__all__ = [
    "CxxRoute",
    "Deflater",
    "Host",
    "LegacyAliases",
    "LowerOptions",
    "LoweringRecord",
    "Moment",
    "Objection",
    "Patcher",
    "Places",
    "Problem",
    "RepairOptions",
    "RepairOutcome",
    "RepairPlan",
    "RetagOutcome",
    "RetagPlan",
    "RetagRequest",
    "RetagSettings",
    "Retagged",
    "StripLevel",
    "WriteOptions",
    "lower_wheel",
    "places_here",
    "repair_wheel",
    "retag_wheel",
]

_PLACES: Final = Places()
_REPAIR: Final = RepairOptions()
_REQUEST: Final = RetagRequest()
_SETTINGS: Final = RetagSettings()


def repair_wheel(
    path: str | PathLike[str],
    folder: str | PathLike[str] | None,
    options: RepairOptions = _REPAIR,
    *,
    knowledge: Knowledge | None = None,
    limits: ArchiveLimits | None = None,
    write: WriteOptions | None = None,
) -> RepairOutcome:
    """Copies the libraries that no system need have into a wheel, and gives it the tags that it keeps.

    The result is written into `folder`, which is made if need be, and replaces a wheel of its name; with None
    everything is made and nothing is written. Libraries are looked for where `options.places` says: by default in
    none of this machine's own folders, with `places_here()` as its loader does. What was written has passed the audit
    by `knowledge`, by default the shipped one. `limits` bound what the archive may cost to read; `write` says how it
    is compressed, by default as the command does without options.

    A wheel that cannot be repaired is no error: see `RepairOutcome.problems`. Raises `UsageError` for options that
    mean nothing, and `WheelFilenameError`, `ArchiveError` and other `UnreadableError`s for what cannot be read or
    written.
    """
    job = new_job(
        options,
        None if folder is None else os.fspath(folder),
        knowledge=knowledge or load_knowledge(),
        limits=limits,
        write=write,
    )
    return repair_one(os.fspath(path), job)


def lower_wheel(
    path: str | PathLike[str],
    folder: str | PathLike[str] | None,
    to: str,
    *,
    cxx: CxxRoute = CxxRoute.SHIM,
    traps: bool = False,
    places: Places = _PLACES,
    knowledge: Knowledge | None = None,
    limits: ArchiveLimits | None = None,
    write: WriteOptions | None = None,
) -> RepairOutcome:
    """Makes a wheel that was built on a new system run on the older ones of a tag.

    `to` is that tag, "manylinux_2_17_x86_64", or "manylinux_2_17" for the wheel's own architecture. `cxx` says what may
    be done about a newer libstdc++, and `traps` whether functions that have no substitute may end the process when they
    are called. `places` are where libstdc++ is taken from with `CxxRoute.PRIVATE`. No other library from outside comes
    into the wheel: that is `repair_wheel` with `RepairOptions.lower`. All else is as there, and
    `RepairOutcome.lowering` says what was done.

    Raises `UsageError` for a tag that nothing is lowered to, and what `repair_wheel` raises.
    """
    lower = LowerOptions(lowering_target(to), cxx, traps=traps, copies_libraries=False)
    options = RepairOptions(places=places, lower=lower)
    return repair_wheel(path, folder, options, knowledge=knowledge, limits=limits, write=write)


def retag_wheel(
    path: str | PathLike[str],
    request: RetagRequest = _REQUEST,
    settings: RetagSettings = _SETTINGS,
    *,
    knowledge: Knowledge | None = None,
    limits: ArchiveLimits | None = None,
    write: WriteOptions | None = None,
) -> Retagged:
    """Gives a wheel other platform tags, in its file name, in WHEEL and in RECORD, after an audit has proven them.

    By default it gets those that it ought to have, and is written beside the old one. `knowledge`, `limits` and
    `write` are as for `repair_wheel`. Tags that are not proven are no error: see `Retagged.outcome`, and
    `RetagPlan.objections` for the reasons.

    Raises `UsageError` for a request that means nothing, `WheelFilenameError` and `ArchiveError` for what cannot be
    read, and `UnreadableError` for what cannot be written or would take the place of another wheel.
    """
    how = (write or WriteOptions(installed_deflater()))._replace(verified=True)
    retagger = Retagger(request, settings, how, knowledge or load_knowledge(), limits or ArchiveLimits())
    return retagger.retag(os.fspath(path))
