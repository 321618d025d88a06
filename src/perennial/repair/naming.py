"""Names for grafts: the same one exactly where the same file is written.

In one process there may be grafts of many wheels, and the loader takes the first library of a soname
for all who ask for it. So a graft's name tells apart all that is written differently:

    libfoo.so.1  ->  libfoo-0f3a91c2.so.1

The digits are the beginning of a SHA-256 of all that decides over what is written, which is deterministic:
the content of the library that is copied, the changes that are made to it, what makes them, and the same of
every graft that it needs, directly or not, for their names stand in it. Its own new name is left out, and so are the
names of those that need it in turn.

Two grafts with the same name are the same bytes, then, and two whose bytes differ in anything but
their names have different ones. (Two libraries that differ only in what is removed from them, and
become the same, get two names, which does no harm.)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from perennial.elf.edit import ElfChanges

# Changed when the editor comes to write something else for the same changes.
_FORMAT = "1"
_DIGITS = 8
_NAME = re.compile(r"(.+?)(\.so(?:\..*)?)")


def unique_names(
    names: Mapping[str, str],
    changes: Mapping[str, ElfChanges],
    needs: Mapping[str, Mapping[str, str]],
    engine: str,
) -> dict[str, str]:
    """A unique name for each graft; all by the SHA-256 of the content that is copied.

    `names` are the sonames, `changes` those that do not depend on names of grafts, `needs` the grafts that
    each of them needs by which name, `engine` what makes the changes.
    """
    identities = {
        digest: _sha256(
            repr((_FORMAT, engine, digest, name, _plain(changes[digest]), tuple(sorted(needs[digest].items()))))
        )
        for digest, name in names.items()
    }
    found = {}
    for digest, name in names.items():
        others = sorted(identities[other] for other in _reachable(digest, needs) if other != digest)
        found[digest] = _insert(name, _sha256("\n".join((identities[digest], *others)))[:_DIGITS])
    return found


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
    )


def _reachable(digest: str, needs: Mapping[str, Mapping[str, str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [digest]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += needs[current].values()
    return seen


def _insert(name: str, digits: str) -> str:
    """Puts the digits before `.so`, or at the end where there is none."""
    found = _NAME.fullmatch(name)
    return f"{name}-{digits}" if found is None else f"{found[1]}-{digits}{found[2]}"
