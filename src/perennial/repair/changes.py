"""From what each name means to the changes of each file."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Iterator
from itertools import pairwise

from perennial.audit.checks.relr_undeclared import declares_relr
from perennial.audit.context import Content
from perennial.audit.requirements import RELR_SINCE, needs_relr_silently
from perennial.elf.edit import ElfChanges, SearchPath
from perennial.elf.model import ElfFile
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.repair.lowering.lowered import Lowered
from perennial.repair.naming import Copy, unique_names
from perennial.repair.options import RepairOptions
from perennial.repair.plan import Graft, MemberEdit, Problem
from perennial.repair.scripts import MovedScript, move_script
from perennial.repair.search_paths import extended_path, relative
from perennial.repair.targets import Elsewhere, Grafted, InWheel, Removed, Targets, grafted
from perennial.repair.wishes import Wishes
from perennial.wheel.member import SITE_PACKAGES, WheelMember

_NOTHING: Final = ElfChanges()


class PlannedChanges(NamedTuple):
    """What is done to the wheel's files, and what cannot be."""

    grafts: tuple[Graft, ...]
    edits: tuple[MemberEdit, ...]
    scripts: tuple[MovedScript, ...]
    problems: tuple[Problem, ...]


def plan_changes(content: Content, lowered: Lowered, options: RepairOptions, wishes: Wishes) -> PlannedChanges:
    """Names the grafts, and says what every file needs instead of what it needed."""
    return _Changer(content, lowered, options, wishes).run()


class _Changer:
    def __init__(self, content: Content, lowered: Lowered, options: RepairOptions, wishes: Wishes) -> None:
        self._content: Final = content
        self._lowered: Final = lowered
        closure = lowered.closure
        self._closure: Final = closure
        self._options: Final = options
        self._folder: Final = posixpath.normpath(content.wheel.filename.distribution + options.lib_sdir)
        self._home: Final = f"{SITE_PACKAGES}/{self._folder}"
        self._locations: Final = {member.path: member.location for member in content.wheel.members}
        self._problems: Final[list[Problem]] = []
        self._scripts: Final[list[MovedScript]] = []
        self._by_soname: Final = self._copies_by_soname()
        self._bare: Final = {copy: self._of_graft(copy) for copy in closure.libraries}
        self._names: Final = self._make_names(wishes)

    def run(self) -> PlannedChanges:
        edits = tuple(self._edits())
        grafts = tuple(sorted(self._grafts(), key=lambda graft: graft.path))
        for first, second in pairwise(grafts):
            if first.path == second.path:
                both = (
                    f"{first.library.path} and {second.library.path}"
                    if first.library.digest != second.library.digest
                    else f"two copies of {first.library.path}, whose needs mean different files,"
                )
                self._problems.append(
                    Problem(
                        f"{both} would both be {first.path}",
                        "Let them have unique names: leave them out of --no-mangle.",
                    )
                )
        return PlannedChanges(grafts, edits, tuple(self._scripts), tuple(self._problems))

    # ----- names

    def _make_names(self, wishes: Wishes) -> dict[int, str]:
        """The file names of copies. What is opened by name, and needed by no file, keeps its own."""
        copies = {
            copy: Copy(
                name=library.name,
                digest=library.digest,
                changes=self._bare[copy],
                needs=self._references(library.elf, self._closure.needs[copy]),
                keeps_name=wishes.keeps_name(library.name) or copy in self._closure.loaded_by_name,
            )
            for copy, library in self._closure.libraries.items()
        }
        return unique_names(copies, self._options.patcher.value)

    def _copies_by_soname(self) -> dict[str, int]:
        """The copies by the names that they are needed by, where that is one only."""
        found: dict[str, set[int]] = {}
        for targets in (*self._closure.members.values(), *self._closure.needs.values()):
            for name, copy in grafted(targets).items():
                found.setdefault(name, set()).add(copy)
        return {name: next(iter(copies)) for name, copies in found.items() if len(copies) == 1}

    def _references(self, elf: ElfFile, targets: Targets) -> dict[str, int]:
        """The copies that a file names: in needed entries, and in version needs that name a library without needing it.
        Some linkers leave these, and ld.so looks for the library's name among all that are loaded (glibc,
        `find_needed`): first comes what the file brings along itself.
        """
        found = grafted(targets)
        for need in elf.verneeds:
            if need.file not in elf.needed:
                copy = self._below(targets, need.file)
                if copy is not None:
                    found[need.file] = copy
        return found

    def _below(self, targets: Targets, name: str) -> int | None:
        """What a name means to the libraries that come with a file, breadth first, or else to anybody."""
        seen: set[int] = set()
        waiting = deque([grafted(targets)])
        while waiting:
            needs = waiting.popleft()
            if name in needs:
                return needs[name]
            for copy in needs.values():
                if copy not in seen:
                    seen.add(copy)
                    waiting.append(grafted(self._closure.needs[copy]))
        return self._by_soname.get(name)

    # ----- grafts

    def _of_graft(self, copy: int) -> ElfChanges:
        """The changes of a graft but for names. Its old search path is of the system that it was taken from."""
        elf, targets = self._closure.libraries[copy].elf, self._closure.needs[copy]
        folders = list(self._folders(targets))
        had_path = elf.rpath is not None or elf.runpath is not None
        path = SearchPath(":".join(relative(folder, self._home) for folder in folders), runpath=False)
        lowered = self._lowered.copies.get(copy, _NOTHING)
        return lowered._replace(
            remove_needed=_removed(targets),
            search_path=path if folders or had_path else None,
            strip=self._options.strip,
            expand_relr=lowered.expand_relr or self._expands_relr(elf),
        )

    def _grafts(self) -> Iterator[Graft]:
        users: dict[int, list[str]] = {}
        moved = {script.old: script.new for script in self._scripts}
        for path, targets in self._closure.members.items():
            for copy in set(grafted(targets).values()):
                users.setdefault(copy, []).append(moved.get(path, path))
        for user, targets in self._closure.needs.items():
            for copy in set(grafted(targets).values()):
                users.setdefault(copy, []).append(self._path(user))
        for copy, library in self._closure.libraries.items():
            name, targets = self._names[copy], self._closure.needs[copy]
            changes = self._bare[copy]._replace(
                soname=None if name == library.name else name,
                rename_needed=self._renames(library.elf, targets),
                add_needed=self._added(library.elf, targets),
            )
            needs = tuple(sorted({self._path(other) for other in set(grafted(targets).values())} - {self._path(copy)}))
            needed_by = tuple(sorted({*users.get(copy, ())} - {self._path(copy)}))
            ours = copy in self._lowered.ours
            yield Graft(copy, library, name, self._path(copy), changes, needs, needed_by, ours)

    def _path(self, copy: int) -> str:
        return f"{self._folder}/{self._names[copy]}"

    # ----- the wheel's own files

    def _edits(self) -> Iterator[MemberEdit]:
        for member, elf in self._content.files:
            if not elf.is_dynamic:
                continue
            targets = self._closure.members[member.path]
            folders = [*self._folders(targets), *self._for_dlopen(member, elf)]
            lowered = self._lowered.members.get(member.path, _NOTHING)
            changes = lowered._replace(
                rename_needed=self._renames(elf, targets),
                add_needed=self._added(elf, targets),
                remove_needed=_removed(targets),
                strip=self._options.strip,
                expand_relr=lowered.expand_relr or self._expands_relr(elf),
            )
            if folders:
                changes = changes._replace(search_path=self._search_path(member, elf, folders))
            if changes != _NOTHING:
                yield MemberEdit(member.path, changes, elf.rpath if elf.runpath is None else elf.runpath)

    def _search_path(self, member: WheelMember, elf: ElfFile, folders: list[str]) -> SearchPath | None:
        location = member.location
        script = move_script(member.path, self._content.wheel.filename.distribution)
        if script is not None:
            self._scripts.append(script)
            location = f"{SITE_PACKAGES}/{script.new}"
        elif not location.startswith(f"{SITE_PACKAGES}/"):
            self._problems.append(
                Problem(
                    f"{member.path} needs libraries of the wheel, and is installed into {posixpath.dirname(location)}, "
                    "from where no fixed way leads to them",
                    "Put it into a package, and load or run it from there.",
                )
            )
            return None
        return extended_path(elf, location, folders)

    def _folders(self, targets: Targets) -> Iterator[str]:
        """Where a file has to look, below the environment's root: what it does not find by itself."""
        if any(isinstance(target, Grafted) for target in targets.values()):
            yield self._home
        for target in targets.values():
            match target:
                case InWheel(path=path, reachable=False):
                    yield posixpath.dirname(self._locations[path])
                case Elsewhere(folder=str(folder)):
                    yield posixpath.normpath(SITE_PACKAGES + folder)
                case _:
                    pass

    def _for_dlopen(self, member: WheelMember, elf: ElfFile) -> Iterator[str]:
        """A file that opens a graft by name looks for it on its own search path (dlopen(3))."""
        for copy in self._closure.loaded_by_name:
            name = self._closure.libraries[copy].name
            if any(posixpath.basename(text) == name for text in member.library_strings):
                yield self._home

    def _expands_relr(self, elf: ElfFile) -> bool:
        """Whether a loader that the wheel is for may not know DT_RELR: every musllinux tag promises musl before 1.2.4,
        which says nothing and leaves the pointers as they are. Nor does one take it that is not told.
        """
        if not elf.has_relr:
            return False
        plat = self._options.plat
        libc = self._content.libc or (None if plat is None else plat.libc)
        is_older = plat is not None and plat.version is not None and plat.version < RELR_SINCE
        return libc is Libc.MUSL or is_older or not (needs_relr_silently(elf) or declares_relr(elf))

    def _renames(self, elf: ElfFile, targets: Targets) -> tuple[tuple[str, str], ...]:
        references = self._references(elf, targets)
        pairs = ((name, self._names[copy]) for name, copy in references.items() if name in _named(elf))
        return tuple(sorted((old, new) for old, new in pairs if old != new))

    def _added(self, elf: ElfFile, targets: Targets) -> tuple[str, ...]:
        """What a file comes to need that it has not named before: after a lowering, that is."""
        copies = grafted(targets)
        new = [name for name in targets if name not in elf.needed]
        return tuple(sorted(self._names[copies[name]] if name in copies else name for name in new))


def _named(elf: ElfFile) -> frozenset[str]:
    return frozenset((*elf.needed, *(need.file for need in elf.verneeds)))


def _removed(targets: Targets) -> tuple[str, ...]:
    return tuple(sorted(name for name, target in targets.items() if isinstance(target, Removed)))
