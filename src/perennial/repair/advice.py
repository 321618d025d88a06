"""What is said about single libraries: why one cannot be had, and what whoever grafts another should know."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.lean_typing import Final
from perennial.lower.options import CxxRoute, LowerOptions
from perennial.lower.references import is_cxx_runtime
from perennial.repair.changes import PlannedChanges
from perennial.repair.closure import Closure
from perennial.repair.library import Outcome
from perennial.repair.lowering.problems import no_libstdcxx, outside_problem
from perennial.repair.plan import Graft, Problem
from perennial.repair.search import Search, Searcher
from perennial.repair.sonames import why_not_grafted
from perennial.repair.targets import Grafted, InWheel, NotFound, Removed
from perennial.repair.wishes import Wishes
from perennial.report.text import listed

_PRIVATE: Final = (
    "is a libstdc++ of the wheel's own: exceptions, strings, streams and other objects of the library are not to be "
    "handed to code that uses another copy; its licence is the GPL version 3 with the GCC Runtime Library Exception"
)


def unfound(
    closure: Closure, searcher: Searcher, content: Content, lower: LowerOptions | None = None
) -> Iterator[Problem]:
    """The libraries that are nowhere to be had, each with all that need it."""
    wants_private = lower is not None and lower.cxx is CxxRoute.PRIVATE
    users: dict[str, dict[str, None]] = {}
    places: dict[str, NotFound] = {}
    needs = [*closure.members.items(), *((closure.libraries[copy].path, each) for copy, each in closure.needs.items())]
    for user, targets in needs:
        for name, target in targets.items():
            if isinstance(target, NotFound):
                users.setdefault(name, {})[user] = None
                places.setdefault(name, target)
    for name in sorted(users):
        first, *others = users[name]
        who = first + (f" and {len(others)} more" if others else "")
        if wants_private and is_cxx_runtime(name):
            yield no_libstdcxx(who, name, len(places[name].looks) if searcher.knows_system else None)
        elif lower is not None and not lower.copies_libraries:
            yield outside_problem(who, name)
        else:
            yield _unfound(name, who, places[name], searcher, content)
    for search in closure.searches:
        if wants_private and is_cxx_runtime(search.name):
            continue  # nobody has asked for that one by name
        if search.needed_by == "--include" and search.library is None:
            yield _not_included(search)


def _not_included(search: Search) -> Problem:
    telling = [look for look in search.looks if look.outcome is not Outcome.NOTHING] or search.looks
    if len(telling) == 1:
        return Problem(f"--include {telling[0].path}: {telling[0].outcome}", None)
    return Problem(
        f"--include {search.name}: was looked for in {len(search.looks)} places and not found (-v lists them)",
        "Name its folder with --lib-path, or the library by its path.",
    )


def _unfound(name: str, who: str, target: NotFound, searcher: Searcher, content: Content) -> Problem:
    looks = target.looks
    why = why_not_grafted(target.soname or name, content.libc)
    if why is not None:
        alias = f" ({target.soname})" if target.soname is not None else ""
        return Problem(
            f"{who} needs {name}{alias}, which the tag does not let it take from the system and which {why}",
            f"Leave it to the system with --exclude {name}, or ask for a copy with --include {name}.",
        )
    passed = [look for look in looks if look.outcome not in (Outcome.NOTHING, Outcome.FOUND)]
    if passed:
        seen = "; ".join(f"{look.path} is {look.outcome}" for look in passed[:3])
        return Problem(
            f"{who} needs {name} for {content.architecture}{f' and {content.libc}' if content.libc else ''}: {seen}",
            "Name the folder of a fitting one with --lib-path, or a --sysroot.",
        )
    if "/" in name:
        return Problem(
            f"{who} needs {name}, by its path, and nothing is there",
            "Give the library a soname and link again: it was linked by its path.",
        )
    if not searcher.knows_system:
        kind = f"{content.architecture}{f' with {content.libc}' if content.libc else ''}"
        return Problem(
            f"{who} needs {name}, which was not found; this machine's own folders are not looked into for {kind}",
            "Name its folder with --lib-path, or a root file system of that kind with --sysroot.",
        )
    return Problem(
        f"{who} needs {name}, which was looked for in {len(looks)} places and not found (-v lists them)",
        f"Name its folder with --lib-path; if another wheel brings it, --provided-by or --exclude {name}.",
    )


def warnings_of(content: Content, closure: Closure, changes: PlannedChanges, wishes: Wishes) -> Iterator[str]:
    """What does not keep a wheel from being repaired, and may still hurt."""
    yield from _about_grafts(content, changes)
    yield from _about_copies(closure, changes)
    yield from _about_disputes(closure)
    yield from _about_names(content, closure, changes)
    needed = sorted({name for targets in closure.members.values() for name in targets})
    for pattern in wishes.unused_excludes:
        stem = pattern.partition(".so")[0]
        alike = [name for name in needed if stem and "*" not in stem and name.startswith(stem)]
        hint = f"; the wheel needs {alike[0]}: patterns match whole names, as in {stem}.so*" if alike else ""
        yield f"--exclude {pattern} matches nothing that the wheel needs{hint}"
    for pattern in wishes.unused_no_mangle:
        yield f"--no-mangle {pattern} matches no library that is grafted"
    for provider in wishes.unused_providers:
        yield f"--provided-by {provider.source}: the wheel needs none of its libraries"
    for soname in sorted(wishes.provided):
        provider, library = wishes.provided[soname]
        if library.folder is None:
            yield f"{soname} of {provider.source} has to be loaded before: where it will be installed is not known"


def _about_grafts(content: Content, changes: PlannedChanges) -> Iterator[str]:
    for graft in changes.grafts:
        if graft.changes.unique_to_global and is_cxx_runtime(graft.library.name):
            yield f"{graft.path} {_PRIVATE}"
            continue
        why = why_not_grafted(graft.library.name, content.libc)
        if why is not None:
            yield f"{graft.library.name} is grafted because you asked for it, and {why}"


def _about_copies(closure: Closure, changes: PlannedChanges) -> Iterator[str]:
    """Libraries that come more than once, and why."""
    found: dict[str, list[Graft]] = {}
    for graft in sorted(changes.grafts, key=lambda graft: graft.copy):
        found.setdefault(graft.library.digest, []).append(graft)
    for copies in found.values():
        if len(copies) > 1:
            name, meanings = _difference(copies, closure, changes)
            said = ", ".join(f"{meaning} for {listed(sorted(users), 3)}" for meaning, users in meanings)
            yield (
                f"{copies[0].library.name} is copied {len(copies)} times, for it needs {name}, and that is {said}; "
                "a process that loads several of these copies has the state of the library as often"
            )


def _difference(
    copies: list[Graft], closure: Closure, changes: PlannedChanges
) -> tuple[str, list[tuple[str, list[str]]]]:
    """A need that differs between copies, and what it means for whom: different files, or copies of one file."""
    by_file = {graft.copy: (graft.library.path, 0) for graft in changes.grafts}
    by_copy = {graft.copy: (graft.name, graft.copy) for graft in changes.grafts}
    for keys in (by_file, by_copy):
        for name in sorted(copies[0].library.elf.needed):
            meanings: dict[tuple[str, int], list[str]] = {}
            for graft in copies:
                target = closure.needs[graft.copy][name]
                meaning = keys[target.copy] if isinstance(target, Grafted) else ("not copied", 0)
                meanings.setdefault(meaning, []).extend(graft.needed_by or ("--include",))
            if len(meanings) > 1:
                return name, [(label, users) for (label, _), users in meanings.items()]
    raise AssertionError("copies that need the same are one copy")


def _about_disputes(closure: Closure) -> Iterator[str]:
    """Files of the wheel that cannot have what they had: they are there once, and ld.so gave them several things."""
    for dispute in closure.disputes:
        alike = len({path for path, _ in dispute.meanings}) == 1
        said = ", ".join(
            f"{'a copy of ' if alike else ''}{path or 'not copied'} with {listed(loads, 3)}"
            for path, loads in dispute.meanings
        )
        yield f"{dispute.member} is in the wheel once, and needs {dispute.name}: of {said}, it gets the first"


def _about_names(content: Content, closure: Closure, changes: PlannedChanges) -> Iterator[str]:
    for graft in changes.grafts:
        name = graft.library.name
        openers = [
            member.path
            for member, elf in content.files
            if any(posixpath.basename(text) == name for text in member.library_strings) and name not in elf.needed
        ]
        if graft.copy in closure.loaded_by_name and not openers:
            yield (
                f"{name} keeps its name, and no file of the wheel that imports dlopen has it among its strings: "
                f"Python code has to load it by its path, {graft.path}"
            )
        elif graft.name == graft.library.name:
            yield f"{name} keeps its name: of all wheels in a process that do so, the first one loaded serves all"
        elif openers:
            yield (
                f"{openers[0]} has {name} among its strings, and may load it by that name; it is now called "
                f"{graft.name} (--no-mangle {name} keeps the name)"
            )
    for path, targets in closure.members.items():
        for name, target in targets.items():
            if isinstance(target, Removed):
                yield f"{path} no longer needs {name}: the interpreter provides these symbols itself"
            elif isinstance(target, InWheel) and not target.reachable:
                yield f"{path} did not find {name}, which the wheel has as {target.path}; now it does"
