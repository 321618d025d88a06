"""Names for grafts: the same one exactly where the same file is written.

In one process there may be grafts of many wheels, and the loader takes the first library of a soname
for all who ask for it. So a graft's name tells apart all that is written differently:

    libfoo.so.1  ->  libfoo-0f3a91c2.so.1

The digits are the beginning of a SHA-256 of all that decides over what is written, which is deterministic:
the content of the library that is copied, the changes that are made to it, what makes them, and the same of
every graft that it needs, directly or not, for their names stand in it. Its own new name is left out, and so are the
names of those that need it in turn. A library that is copied twice, since its needs mean different files to
those who load it, gets two names: the walk from one copy does not meet the same as that from the other.

Two grafts with the same name are the same bytes, then, and two whose bytes differ in anything but
their names have different ones. (Two libraries that differ only in what is removed from them, and
become the same, get two names, which does no harm.)
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Mapping

from perennial.elf.edit import ElfChanges
from perennial.lean_typing import NamedTuple

# Changed when the editor comes to write something else for the same changes.
_FORMAT = "1"
_DIGITS = 8
_NAME = re.compile(r"(.+?)(\.so(?:\..*)?)")


class Copy(NamedTuple):
    """What decides over the content of a graft, and that of those that need it.

    `name` is its soname, or its file's name; `digest` the SHA-256 of the content that is copied; `changes` those that
    do not depend on names of grafts; `needs` the copies that it needs, by which name; `keeps_name` says that it does
    not get a unique one.
    """

    name: str
    digest: str
    changes: ElfChanges
    needs: Mapping[str, int]
    keeps_name: bool


def unique_names(copies: Mapping[int, Copy], engine: str) -> dict[int, str]:
    """The name of each graft, by number; `engine` is what makes the changes."""
    return {
        number: copy.name if copy.keeps_name else _insert(copy.name, _identity(number, copies, engine)[:_DIGITS])
        for number, copy in copies.items()
    }


def _identity(number: int, copies: Mapping[int, Copy], engine: str) -> str:
    """The SHA-256 of a copy and all that it needs, who needs whom included.

    They are numbered in the order in which a walk along sorted names comes to them, which is the same in all wheels.
    """
    order = {number: 0}
    waiting = deque([number])
    words = [_FORMAT, engine]
    while waiting:
        current = waiting.popleft()
        copy = copies[current]
        for _, other in sorted(copy.needs.items()):
            if other not in order:
                order[other] = len(order)
                waiting.append(other)
        needs = tuple((name, order[other]) for name, other in sorted(copy.needs.items()))
        keeps_name = copy.keeps_name and current != number
        words.append(repr((copy.digest, copy.name, _plain(copy.changes), needs, keeps_name)))
    return _sha256("\n".join(words))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _plain(changes: ElfChanges) -> tuple[object, ...]:
    """The changes as what `repr` writes the same in every version of Python."""
    return (
        changes.remove_needed,
        None if changes.search_path is None else tuple(changes.search_path),
        changes.clear_executable_stack,
        changes.strip.value,
        *(("relr",) if changes.expand_relr else ()),
        *((("rebind", tuple(map(tuple, changes.rebind))),) if changes.rebind else ()),
        *((("versions", tuple(map(tuple, changes.rename_versions))),) if changes.rename_versions else ()),
        *((("blank", changes.blank_symbols),) if changes.blank_symbols else ()),
        *(("unique",) if changes.unique_to_global else ()),
        *(("marks",) if changes.clear_plt_marks else ()),
    )


def _insert(name: str, digits: str) -> str:
    """Puts the digits before `.so`, or at the end where there is none."""
    found = _NAME.fullmatch(name)
    return f"{name}-{digits}" if found is None else f"{found[1]}-{digits}{found[2]}"
