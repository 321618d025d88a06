"""Laws of copies: which files of loads become one, and what a copy is called.

The oracle is the plain meaning: two files are one if all that one comes to, written out as a tree as deep as there are
files, is what the other comes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hypothesis import event, given
from hypothesis import strategies as st

from perennial.elf.edit import ElfChanges
from perennial.repair.copies import Loaded, completed, merged
from perennial.repair.naming import Copy, unique_names
from perennial.repair.targets import REMOVED, Elsewhere, Grafted, NotFound, Target

CONTENTS: Final = "AB"
NAMES: Final = ("libp.so", "libq.so")
OTHERS: Final[tuple[Target, ...]] = (REMOVED, Elsewhere(None), Elsewhere("/there"))


@st.composite
def graphs(draw: st.DrawFn) -> list[Loaded]:
    """Files of few contents; a content has the same needs wherever it is loaded, and they mean anything."""
    needs = {content: draw(st.lists(st.sampled_from(NAMES), unique=True)) for content in CONTENTS}
    size = draw(st.integers(1, 5))
    target = st.integers(0, size - 1).map(Grafted) | st.sampled_from(OTHERS)
    files = []
    for content in draw(st.lists(st.sampled_from(CONTENTS), min_size=size, max_size=size)):
        files.append(Loaded("", content, None, {name: draw(target) for name in needs[content]}))
    return files


def tree(files: Sequence[Loaded], place: int, depth: int) -> object:
    """All that a file comes to."""
    file = files[place]
    if depth == 0:
        return file.subject
    return file.subject, tuple(
        (name, tree(files, target.copy, depth - 1) if isinstance(target, Grafted) else repr(target))
        for name, target in sorted(file.targets.items())
    )


def names(files: list[Loaded]) -> dict[int, str]:
    """The names of the copies. What is not copied is written as it was: it is part of the changes in a wheel."""
    numbers = merged(files)
    copies = {}
    for number in set(numbers):
        targets = files[number].targets
        needs = {name: numbers[target.copy] for name, target in targets.items() if isinstance(target, Grafted)}
        others = tuple(f"{name} {target}" for name, target in sorted(targets.items()) if name not in needs)
        changes = ElfChanges(remove_needed=others)
        copies[number] = Copy("libc.so.1", files[number].subject, changes, needs, keeps_name=False)
    named = unique_names(copies, "engine")
    return {place: named[number] for place, number in enumerate(numbers)}


@given(graphs())
def test_one_copy_where_everything_below_is_the_same_and_nowhere_else(files: list[Loaded]) -> None:
    numbers = merged(files)
    trees = [tree(files, place, len(files)) for place in range(len(files))]
    event(f"{len(set(numbers))} copies")
    for place, number in enumerate(numbers):
        assert number == trees.index(trees[place])


@given(graphs(), graphs())
def test_a_name_is_all_that_is_written(first: list[Loaded], second: list[Loaded]) -> None:
    """In two wheels too, whatever else is in them."""
    depth = len(first) + len(second)
    called: dict[str, object] = {}
    found: dict[object, str] = {}
    for files in first, second:
        for place, name in names(files).items():
            whole = tree(files, place, depth)
            assert called.setdefault(name, whole) == whole
            assert found.setdefault(whole, name) == name


@given(graphs(), st.data())
def test_what_one_load_does_not_find_and_another_does(files: list[Loaded], data: st.DataObject) -> None:
    """It gets what the first of them has, and all else stays."""
    missing = NotFound(())
    holed = [
        file._replace(
            targets={name: missing if data.draw(st.booleans()) else target for name, target in file.targets.items()}
        )
        for file in files
    ]
    for place, file in enumerate(completed(holed)):
        for name, target in file.targets.items():
            elsewhere = [each.targets[name] for each in holed if each.subject == file.subject]
            had = holed[place].targets[name]
            expected = next((each for each in elsewhere if each is not missing), missing) if had is missing else had
            assert target is expected
