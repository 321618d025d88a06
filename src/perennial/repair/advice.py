"""What is said about single libraries: why one cannot be had, and what whoever grafts another should know."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.repair.changes import PlannedChanges
from perennial.repair.closure import Closure, InWheel, NotFound, Removed
from perennial.repair.library import Outcome
from perennial.repair.plan import Problem
from perennial.repair.search import Searcher
from perennial.repair.sonames import why_not_grafted
from perennial.repair.wishes import Wishes


def unfound(closure: Closure, searcher: Searcher, content: Content) -> Iterator[Problem]:
    """The libraries that are nowhere to be had, each with all that need it."""
    users: dict[str, list[str]] = {}
    places: dict[str, NotFound] = {}
    paths = {digest: library.path for digest, library in closure.libraries.items()}
    needs = [*closure.members.items(), *((paths[digest], targets) for digest, targets in closure.needs.items())]
    for user, targets in needs:
        for name, target in targets.items():
            if isinstance(target, NotFound):
                users.setdefault(name, []).append(user)
                places.setdefault(name, target)
    for name in sorted(users):
        who = users[name][0] + (f" and {len(users[name]) - 1} more" if len(users[name]) > 1 else "")
        yield _unfound(name, who, places[name], searcher, content)
    for search in closure.searches:
        if search.needed_by == "--include" and search.library is None:
            why = search.looks[-1].outcome.value if search.looks else "not found"
            yield Problem(f"--include {search.looks[0].path if search.looks else search.name}: {why}", None)


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
        why = why_not_grafted(graft.library.name, content.libc)
        if why is not None:
            yield f"{graft.library.name} is grafted because you asked for it, and {why}"


def _about_names(content: Content, closure: Closure, changes: PlannedChanges) -> Iterator[str]:
    kept = {graft.library.digest for graft in changes.grafts if graft.name == graft.library.name}
    for graft in changes.grafts:
        name = graft.library.name
        openers = [
            member.path
            for member, elf in content.files
            if any(posixpath.basename(text) == name for text in member.library_strings) and name not in elf.needed
        ]
        if graft.library.digest in closure.loaded_by_name and not openers:
            yield (
                f"{name} keeps its name, and no file of the wheel has it among its strings: "
                f"Python code has to load it by its path, {graft.path}"
            )
        elif graft.library.digest in kept:
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
