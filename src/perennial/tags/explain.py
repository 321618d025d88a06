"""The whole answer for one wheel, or one project, and one target: does it install, does it run, what else would.

Only values are put together here; what to say of them is report's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from perennial.arch import architecture_of_tag
from perennial.audit.coverage import Coverage, Lack
from perennial.knowledge import Knowledge
from perennial.lean_typing import NamedTuple
from perennial.platform_tag import Libc, PlatformTag
from perennial.tags.compute import compatible
from perennial.tags.install import Installation
from perennial.tags.platforms import accepts_platform
from perennial.tags.project import ProjectAnswer
from perennial.tags.running import Running, Runs
from perennial.tags.target import Python, Target
from perennial.tags.why import Axis, Refusal
from perennial.wheel.filename import WheelFilename

ON_PLATFORM = frozenset({Axis.SYSTEM, Axis.ARCHITECTURE, Axis.LIBC, Axis.LIBC_VERSION, Axis.TAG, Axis.OVERRIDE})


class Explanation(NamedTuple):
    """One wheel and one target.

    `running` is None where the wheel's bytes are not at hand. `reach` are the releases in support whose platform
    accepts the wheel, whatever their Python; None where the wheel is not for Linux.
    """

    target: Target
    installation: Installation
    running: Running | None
    reach: Coverage | None
    runs_on: Coverage | None = None

    @property
    def is_fine(self) -> bool:
        """Whether it installs, and nothing certain keeps it from running."""
        return self.installation.accepted and (self.running is None or self.running.verdict is not Runs.NO)


def other_python(name: WheelFilename, target: Target) -> Python | None:
    """A Python with which a target would accept a wheel: one of the target's own version if possible, else the newest
    that a tag names; None where none does.
    """
    own = target.python.version
    kinds = [Python.cpython(own, free_threaded=not target.python.free_threaded), Python.cpython(own)]
    named = {python for tag in name.tags if (python := _python_of(*tag[:2])) is not None}
    for python in (*kinds, *sorted(named, reverse=True)):
        there = target._replace(python=python)
        if any(compatible("-".join(tag), there) for tag in name.tags):
            return python
    return None


def _python_of(interpreter: str, abi: str) -> Python | None:
    """A Python of the version and kind that a tag is for; None for tags of no one version."""
    found = re.fullmatch(r"(cp|pp)(\d)(\d+)", interpreter)
    if found is None:
        return None
    version = (int(found[2]), int(found[3]))
    if found[1] == "cp":
        return Python.cpython(version, free_threaded=abi in (f"{interpreter}t", "abi3t"))
    return Python("pp", version, (abi,)) if abi.startswith("pypy") else None


class ProjectExplanation(NamedTuple):
    """A project and one target: what is taken, and, where bytes were looked at or nothing fits, the wheel behind it.

    `wheel` explains the wheel that is taken; where none is, the nearest miss of the newest version. `instead` is, where
    none is taken, the newest version that the requirement does not allow and that has a wheel that fits, and
    that wheel's name.
    """

    requirement: str
    target: Target
    answer: ProjectAnswer
    wheel: Explanation | None
    newest: str  # the newest version that the requirement allows
    instead: tuple[str, str] | None = None

    @property
    def is_fine(self) -> bool:
        return self.answer.takes is not None and (self.wheel is None or self.wheel.is_fine)


class MatrixRow(NamedTuple):
    """One of a project's wheels against all targets: for each, why it is refused, None where it is accepted."""

    version: str
    filename: str
    refusals: tuple[Refusal | None, ...]


class Subject(NamedTuple):
    """A wheel or a requirement, and its answer for each target.

    `matrix` has a row for each Linux wheel of the versions that are taken, and of the newest; of a single wheel, one.
    """

    source: str  # as given
    answers: tuple[Explanation | ProjectExplanation, ...]
    matrix: tuple[MatrixRow, ...]

    @property
    def is_fine(self) -> bool:
        return all(answer.is_fine for answer in self.answers)


class Explained(NamedTuple):
    """All answers of one call; `errors` are the inputs that could not be read, with the reason."""

    targets: tuple[Target, ...]
    subjects: tuple[Subject, ...]
    errors: Mapping[str, str]
    as_of: str


def reach(name: WheelFilename, knowledge: Knowledge, arch: str, as_of: str) -> Coverage | None:
    """The mainstream releases in support that accept a wheel's platform, and those that do not; None for `any` alone.

    Asked of the target's architecture where the wheel has it, and else of the wheel's own.
    """
    platforms = [tag for tag in name.platforms if tag.is_any or tag.is_linux]
    if not platforms or any(tag.is_any for tag in platforms):
        return None
    own = [tag.arch for tag in platforms if tag.arch is not None]
    asked = arch if arch in own else own[0]
    known = architecture_of_tag(asked)
    runs, fails = [], []
    wanted = {tag.libc for tag in platforms}
    for release in knowledge.releases:
        if not release.counts or not release.supported_on(as_of) or known is None or known not in release.architectures:
            continue
        if None not in wanted and release.libc not in wanted:
            continue
        if _accepts(platforms, release.libc, release.libc_version, asked):
            runs.append(release)
        else:
            fails.append(Lack(release, None))
    runs.sort(key=lambda release: (release.libc_version, release.id), reverse=True)
    fails.sort(key=lambda lack: (lack.release.libc_version, lack.release.id), reverse=True)
    return Coverage(tuple(runs), tuple(fails), ())


def _accepts(platforms: list[PlatformTag], libc: Libc, version: tuple[int, int], arch: str) -> bool:
    there = Target(libc, version, arch, Python.cpython((3, 14)))
    return any(accepts_platform(tag, there) for tag in platforms)
