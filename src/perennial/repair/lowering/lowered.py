"""Lowering, as part of a repair: what else changes in files and copies, and the libraries of ours that come along.

What is decided for each file (`perennial.lower`) becomes changes before grafts get their names, since those are
hashes of what is written. A shim is one more library to graft, and needs nothing but the system's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from perennial.audit.context import Content
from perennial.elf.edit import ElfChanges
from perennial.elf.model import ElfFile
from perennial.lean_typing import Final, NamedTuple
from perennial.lower.lower_file import FileLowering, lower_file
from perennial.lower.options import CxxRoute, LowerOptions
from perennial.lower.private import for_private_copy, private_copy, version_prefix
from perennial.lower.references import is_cxx_runtime
from perennial.lower.shims import Shim, load_shim
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy.derive import Policies, Version
from perennial.policy.lowering import Lowering, Refusal
from perennial.repair.closure import Closure
from perennial.repair.library import Library, own_library
from perennial.repair.lowering.problems import outside_problem, refusal_problems
from perennial.repair.plan import Problem
from perennial.repair.targets import FROM_PLATFORM, FromPlatform, Grafted, Targets, grafted

_UNTOUCHED: Final = FileLowering()


class Lowered(NamedTuple):
    """What a lowering adds to a repair: `members` by path, `copies` by their number, `ours` the copies of shims."""

    closure: Closure
    members: Mapping[str, ElfChanges]
    copies: Mapping[int, ElfChanges]
    ours: Mapping[int, Shim]
    files: Mapping[str | int, FileLowering]
    private: frozenset[int]
    problems: tuple[Problem, ...]
    refused: tuple[tuple[str, Refusal], ...]
    wants_private: bool  # a copy of libstdc++ would help, and is allowed


def not_lowered(closure: Closure) -> Lowered:
    """Of a repair without lowering."""
    return Lowered(closure, {}, {}, {}, {}, frozenset(), (), (), wants_private=False)


def why_not(options: LowerOptions, content: Content) -> Problem | None:
    """What keeps a wheel from being lowered, whatever its files need."""
    version = options.to.version
    if content.policies is None or version is None:
        return Problem(f"{content.arch_name} has no tags to lower to", None)
    if content.libc is Libc.MUSL:
        return Problem("its files are linked against musl, which has no symbol versions: it is not lowered", None)
    lowest = Lowering(content.policies).lowest
    if version < lowest:
        tag = PlatformTag.manylinux(lowest, content.arch_name)
        return Problem(f"{options.to} is below {tag}, the lowest tag that anything is lowered to", f"Ask for {tag}.")
    return None


def lower(content: Content, closure: Closure, options: LowerOptions, policies: Policies) -> Lowered:
    """Decides about all files of the wheel, and all copies that are grafted."""
    return _Lowerer(content, closure, options, policies).run()


class _Lowerer:
    def __init__(self, content: Content, closure: Closure, options: LowerOptions, policies: Policies) -> None:
        self._content: Final = content
        self._members: Final = {member.path: elf for member, elf in content.files}
        self._closure: Final = closure
        self._options: Final = options
        self._version: Final[Version] = options.to.version or policies.newest
        shims = frozenset({"c", "cxx"}) if options.cxx is CxxRoute.SHIM else frozenset({"c"})
        self._lowering: Final = Lowering(policies, shims=shims, traps=options.traps)
        self._private: Final = frozenset(n for n, lib in closure.libraries.items() if is_cxx_runtime(lib.name))

    def run(self) -> Lowered:
        closure = self._closure
        files: dict[str | int, FileLowering] = {}
        for member, elf in self._content.files:
            files[member.path] = self._of(elf, closure.members[member.path])
        for copy, library in closure.libraries.items():
            files[copy] = self._of(library.elf, closure.needs[copy])
        prefix = version_prefix((closure.libraries[copy].digest, files[copy]) for copy in self._private)
        changes = {key: self._changes(key, files[key], prefix) for key in files}

        # From here on, it is settled what each file needs; what of ours it needs comes along.
        with_shims, ours = self._with_shims(closure, files)
        copies = {key: change for key, change in changes.items() if isinstance(key, int)}
        for copy, shim in ours.items():
            used = {b.symbol for f in files.values() for b in f.bindings if b.treatment.shim == shim.kind}
            copies[copy] = ElfChanges(blank_symbols=tuple(sorted(shim.exports - used)))
        refused = tuple((self._path(key), refusal) for key, file in files.items() for refusal in file.refusals)
        return Lowered(
            closure=with_shims,
            members={key: change for key, change in changes.items() if isinstance(key, str)},
            copies=copies,
            ours=ours,
            files={key: file for key, file in files.items() if file != _UNTOUCHED},
            private=self._private,
            problems=tuple(refusal_problems(refused, self._lowering, self._options)),
            refused=refused,
            wants_private=self._options.cxx is CxxRoute.PRIVATE
            and any(is_cxx_runtime(refusal.reference.library) for _, refusal in refused),
        )

    def _of(self, elf: ElfFile, targets: Targets) -> FileLowering:
        platform = self._content.platform
        theirs = {name for name, target in targets.items() if isinstance(target, FromPlatform)}
        # Version needs may name libraries that the file does not need itself: the dynamic linker, mostly.
        theirs |= {need.file for need in elf.verneeds if need.file not in targets and need.file in platform}
        if self._private:
            theirs = {name for name in theirs if not is_cxx_runtime(name)}
        return lower_file(elf, theirs, self._lowering, self._version)

    def _changes(self, key: str | int, file: FileLowering, prefix: str) -> ElfChanges:
        if not self._private:
            return file.changes
        elf = self._elf(key)
        private = private_copy(elf, prefix) if key in self._private else for_private_copy(elf, prefix)
        return file.changes._replace(rename_versions=private.rename_versions, unique_to_global=private.unique_to_global)

    def _elf(self, key: str | int) -> ElfFile:
        return self._members[key] if isinstance(key, str) else self._closure.libraries[key].elf

    def _path(self, key: str | int) -> str:
        """Of a member, or of a library outside."""
        return key if isinstance(key, str) else self._closure.libraries[key].path

    def _with_shims(self, closure: Closure, files: Mapping[str | int, FileLowering]) -> tuple[Closure, dict[int, Shim]]:
        """The closure with what files come to need: shims, and libraries of the system that are one on newer ones."""
        ours: dict[int, Shim] = {}
        libraries: dict[int, Library] = dict(closure.libraries)
        numbers: dict[str, Grafted] = {}
        needs: dict[int, Targets] = dict(closure.needs)
        for kind in sorted({kind for file in files.values() for kind in file.shims}):
            shim = load_shim(kind, self._lowering.arch)
            number = max(libraries, default=-1) + 1
            numbers[kind] = Grafted(number)
            ours[number] = shim
            libraries[number] = own_library(shim.content, shim.soname, shim.elf)
            needs[number] = dict.fromkeys(shim.elf.needed, FROM_PLATFORM)

        def more(key: str | int, targets: Targets) -> Targets:
            file = files.get(key, _UNTOUCHED)
            added = {library: FROM_PLATFORM for library in file.libraries if library not in targets}
            shims = {ours[numbers[kind].copy].soname: numbers[kind] for kind in sorted(file.shims)}
            return {**targets, **added, **shims}

        members = {path: more(path, targets) for path, targets in closure.members.items()}
        return (
            closure._replace(
                members=members, libraries=libraries, needs={copy: more(copy, each) for copy, each in needs.items()}
            ),
            ours,
        )


def outside_copies(lowered: Lowered) -> Iterator[Problem]:
    """For who wants a wheel to be lowered and nothing else: libraries from outside that would come into it."""
    closure = lowered.closure
    for copy, library in closure.libraries.items():
        if copy in lowered.ours or copy in lowered.private:
            continue
        users = [path for path, targets in closure.members.items() if copy in grafted(targets).values()]
        if users:
            yield outside_problem(users[0] + (f" and {len(users) - 1} more" if users[1:] else ""), library.name)
