"""What a wheel's files lack, and all that comes along with it: the libraries to graft, and what each name then means.

Every file of the wheel is loaded by itself (`loads`), and so is what was asked for by name. Then what the loads have in
common becomes one (`copies`). A library that is grafted can be copied for each load; a file of the wheel is there
once, and its needs mean what they mean when a process loads it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence

from perennial.audit.context import Content
from perennial.audit.resolve import EXTENSION_MODULE
from perennial.lean_typing import NamedTuple
from perennial.repair.copies import Loaded, completed, merged
from perennial.repair.library import Library
from perennial.repair.loads import Loads
from perennial.repair.search import Search, Searcher
from perennial.repair.targets import Grafted, NotFound, Target, Targets, grafted
from perennial.repair.wishes import Wishes


class Dispute(NamedTuple):
    """A need of a file of the wheel that is not the same in all loads: the first meaning is what it gets.

    Of each meaning the path of the library, None where there is none, and the files that cause it to be loaded.
    """

    member: str
    name: str
    meanings: tuple[tuple[str | None, tuple[str, ...]], ...]


class Closure(NamedTuple):
    """What each name means to each of the wheel's files, and to each copy of a library that is grafted.

    A library is copied once for each set of files that its own needs mean. `loaded_by_name` are copies that
    were asked for and that no file needs.
    """

    members: Mapping[str, Targets]
    libraries: Mapping[int, Library]
    needs: Mapping[int, Targets]
    loaded_by_name: tuple[int, ...]
    disputes: tuple[Dispute, ...]
    searches: tuple[Search, ...]


def close(
    content: Content,
    provided: frozenset[str],
    searcher: Searcher,
    wishes: Wishes,
    lost: Collection[tuple[str, str]] = (),
) -> Closure:
    """Follows all needs of a wheel's files; `provided` are the sonames that the system brings.

    `lost` are (member, soname) of libraries in the wheel that are found now, and would no longer be.
    """
    loads = Loads(content, provided, searcher, wishes, lost)
    places = {member.path: loads.of_member(member.path) for member, _ in content.files}
    by_name = _load_by_name(content, loads)
    files = completed(loads.files)
    copies = merged(files)

    # From here on, a copy has the number of the first file that it is written for.
    files = [file._replace(targets=_renumbered(file.targets, copies)) for file in files]
    members, disputes = _of_members(content, places, files)
    loaded_by_name = tuple(dict.fromkeys(copies[place] for place in by_name))
    libraries, needs = _copied((*members.values(), *_as_targets(loaded_by_name)), files)
    return Closure(members, libraries, needs, loaded_by_name, disputes, loads.searches)


def _load_by_name(content: Content, loads: Loads) -> list[int]:
    """Loads what was asked for and is in nobody's needs yet."""
    needed = {name for file in loads.files for name in file.targets}
    needed |= {name for member, _ in content.files for name in content.resolutions.of(member.path)}
    targets = [loads.of_name(name) for name in loads.asked_for if name not in needed]
    return [target.copy for target in targets if isinstance(target, Grafted)]


def _of_members(
    content: Content, places: Mapping[str, int], files: Sequence[Loaded]
) -> tuple[dict[str, Targets], tuple[Dispute, ...]]:
    """What a process sees that loads a file of the wheel: by itself, if it is a module or nothing in the wheel needs
    it; and with the modules and programs that need it.
    """
    users = content.resolutions.bundled_users()
    entries = {path for path in places if path not in users or EXTENSION_MODULE.search(path)}
    seen: dict[str, list[Loaded]] = {path: [files[place]] if path in entries else [] for path, place in places.items()}
    for file in files:
        if file.subject in seen and file.load in entries and file.load != file.subject:
            seen[file.subject].append(file)
    members: dict[str, Targets] = {}
    disputes: list[Dispute] = []
    for path, place in places.items():
        loaded = seen[path] or [files[place]]
        members[path] = loaded[0].targets
        for name in loaded[0].targets:
            meanings: dict[Target, list[str]] = {}
            for file in loaded:
                meanings.setdefault(file.targets[name], []).append(file.load)
            if len(meanings) > 1 and not any(isinstance(target, NotFound) for target in meanings):
                told = tuple((_path(target, files), tuple(loads)) for target, loads in meanings.items())
                disputes.append(Dispute(path, name, told))
    return members, tuple(disputes)


def _path(target: Target, files: Sequence[Loaded]) -> str | None:
    library = files[target.copy].library if isinstance(target, Grafted) else None
    return None if library is None else library.path


def _renumbered(targets: Targets, copies: Sequence[int]) -> dict[str, Target]:
    return {
        name: Grafted(copies[target.copy]) if isinstance(target, Grafted) else target
        for name, target in targets.items()
    }


def _as_targets(numbers: Iterable[int]) -> Iterable[Targets]:
    return ({"": Grafted(number)} for number in numbers)


def _copied(roots: Iterable[Targets], files: Sequence[Loaded]) -> tuple[dict[int, Library], dict[int, Targets]]:
    """The copies that somebody needs, in the end."""
    libraries: dict[int, Library] = {}
    needs: dict[int, Targets] = {}
    waiting = deque(roots)
    while waiting:
        for copy in grafted(waiting.popleft()).values():
            library = files[copy].library
            if copy not in libraries and library is not None:
                libraries[copy] = library
                needs[copy] = files[copy].targets
                waiting.append(needs[copy])
    return libraries, needs
