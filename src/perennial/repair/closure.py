"""What a wheel's files lack, and all that comes along with it: the libraries to graft, and what each name then means.

Every file of the wheel is loaded by itself (`loads`), and so is what was asked for by name. Then what the loads have in
common becomes one (`copies`).
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from perennial.audit.context import Content
from perennial.repair.copies import Loaded, completed, merged
from perennial.repair.library import Library
from perennial.repair.loads import Loads
from perennial.repair.search import Search, Searcher
from perennial.repair.targets import Grafted, Targets, grafted
from perennial.repair.wishes import Wishes


class Closure(NamedTuple):
    """What each name means to each of the wheel's files, and to each copy of a library that is grafted.

    A library is copied once for each set of files that its own needs mean. `loaded_by_name` are copies that
    were asked for and that no file needs.
    """

    members: Mapping[str, Targets]
    libraries: Mapping[int, Library]
    needs: Mapping[int, Targets]
    loaded_by_name: tuple[int, ...]
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
    members = {path: _renumbered(files[place].targets, copies) for path, place in places.items()}
    loaded_by_name = tuple(dict.fromkeys(copies[place] for place in by_name))
    libraries, needs = _copied((*members.values(), *_as_targets(loaded_by_name)), files, copies)
    return Closure(members, libraries, needs, loaded_by_name, loads.searches)


def _load_by_name(content: Content, loads: Loads) -> list[int]:
    """Loads what was asked for and is in nobody's needs yet."""
    needed = {name for file in loads.files for name in file.targets}
    needed |= {name for member, _ in content.files for name in content.resolutions.of(member.path)}
    targets = [loads.of_name(name) for name in loads.asked_for if name not in needed]
    return [target.copy for target in targets if isinstance(target, Grafted)]


def _renumbered(targets: Targets, copies: Sequence[int]) -> Targets:
    return {
        name: Grafted(copies[target.copy]) if isinstance(target, Grafted) else target
        for name, target in targets.items()
    }


def _as_targets(numbers: Iterable[int]) -> Iterable[Targets]:
    return ({"": Grafted(number)} for number in numbers)


def _copied(
    roots: Iterable[Targets], files: Sequence[Loaded], copies: Sequence[int]
) -> tuple[dict[int, Library], dict[int, Targets]]:
    """The copies that somebody needs, in the end."""
    libraries: dict[int, Library] = {}
    needs: dict[int, Targets] = {}
    waiting = deque(roots)
    while waiting:
        for copy in grafted(waiting.popleft()).values():
            library = files[copy].library
            if copy not in libraries and library is not None:
                libraries[copy] = library
                needs[copy] = _renumbered(files[copy].targets, copies)
                waiting.append(needs[copy])
    return libraries, needs
