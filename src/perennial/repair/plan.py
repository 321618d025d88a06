"""What a repair comes to, as a value: which libraries come into a wheel, what changes in its files, how it is
called afterwards, and everything that speaks against it.

Nothing is written while a plan is made. The result is audited all the same: facts about files are values, and
change like files (`facts`).
"""

from __future__ import annotations

from perennial.audit.report import AuditReport
from perennial.elf.edit import ElfChanges
from perennial.lean_typing import NamedTuple
from perennial.lower.record import LoweringRecord
from perennial.platform_tag import PlatformTag
from perennial.policy.lowering import Refusal
from perennial.repair.library import Library
from perennial.repair.scripts import MovedScript
from perennial.repair.search import Search
from perennial.wheel.filename import WheelFilename
from perennial.wheel.wheel import Wheel


class Problem(NamedTuple):
    """Why a wheel cannot be repaired: what is wrong, and what to do. `details` are what a message only counts."""

    message: str
    remedy: str | None
    details: tuple[str, ...] = ()


class Graft(NamedTuple):
    """A library that comes into the wheel as the member `path`, called `name`, with some changes.

    `copy` is its number: a library may come in several copies, whose needs differ. `needs` are the paths of the grafts
    that it needs, `needed_by` the members that need it: the wheel's own and grafts.
    """

    copy: int
    library: Library
    name: str
    path: str
    changes: ElfChanges
    needs: tuple[str, ...]
    needed_by: tuple[str, ...]
    ours: bool = False  # a library that perennial brings along


class MemberEdit(NamedTuple):
    """A file of the wheel that changes; `old_path` and `new_path` are its search paths, for people."""

    path: str
    changes: ElfChanges
    old_path: str | None


class RepairPlan(NamedTuple):
    """All that is to be done with one wheel, or, in `problems`, why it is not.

    `left_out` are the needs of each member that the audit of the result is not to look at, since somebody else meets
    them. `expected` is the audit of what the result will be.
    """

    wheel: Wheel
    is_pure: bool  # there are no compiled files in it
    grafts: tuple[Graft, ...]
    edits: tuple[MemberEdit, ...]
    scripts: tuple[MovedScript, ...]
    filename: WheelFilename
    tags: tuple[PlatformTag, ...]
    retags: bool  # WHEEL has other tags than the new name
    flips_purelib: bool
    left_out: dict[str, frozenset[str]]
    ignores_isa: bool
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    searches: tuple[Search, ...]
    expected: AuditReport | None
    lowering: LoweringRecord | None = None  # where references were bound otherwise
    refused: tuple[tuple[str, Refusal], ...] = ()  # by file: references that nothing can be done about

    @property
    def renames(self) -> bool:
        return self.filename.text != self.wheel.filename.text

    @property
    def changes_something(self) -> bool:
        return bool(self.grafts or self.edits or self.scripts or self.flips_purelib or self.retags or self.renames)
