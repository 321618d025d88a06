"""Whether a failure is gone when a library that has given way to another one of its soname gets a name of its own.

In a copy of the environment the library of the package that is imported later is renamed, in the package's
files that need it as well, as `perennial repair` renames what it grafts. Both libraries are then loaded, each
for its package.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from perennial.coload.run.environment import Environment, Installed, clone, remove_copy, replace_file
from perennial.coload.run.imports import Bench, execute
from perennial.coload.run.minimise import symbols_not_found
from perennial.coload.run.model import Apart, BindingDifference, Outcome
from perennial.elf.edit import ElfChanges, edit_elf
from perennial.elf.linkage import read_linkage
from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from perennial.errors import ElfFormatError, PerennialError
from perennial.lean_typing import Final

_MOST: Final = 3  # libraries
_MAGIC: Final = b"\x7fELF"


def set_apart(
    bench: Bench,
    order: Sequence[Installed],
    outcome: Outcome,
    differences: Iterable[BindingDifference],
    *,
    advance: Callable[[str], None] = lambda _: None,
) -> tuple[Apart, ...]:
    """The imports once more for each such library, of which that one is renamed."""
    found: list[Apart] = []
    for package, path, soname in _replaced(bench.environment, order, outcome, differences):
        advance(f"{package.name} with a {soname} of its own")
        copy = clone(bench.environment, os.path.join(bench.scratch, "apart"))
        try:
            if _rename(copy, package, path, soname):
                ended = execute(bench._replace(environment=copy), order).outcome
                found.append(Apart(soname, package.name, ended))
        except (OSError, PerennialError):
            continue
        finally:
            remove_copy(copy)
        if len(found) == _MOST:
            break
    return tuple(found)


def _replaced(
    environment: Environment, order: Sequence[Installed], outcome: Outcome, differences: Iterable[BindingDifference]
) -> Iterator[tuple[Installed, str, str]]:
    """Libraries, with their package and soname, to which the loader was seen to prefer another package's; and those
    that have what it found nowhere.
    """
    owners = environment.owners
    given_way = {one.expected for one in differences if owners.get(one.got) not in (None, owners.get(one.expected))}
    missing = symbols_not_found(outcome)
    for package in order[1:]:
        for file, elf in _elf_files(environment, package):
            if elf.soname is not None and (file in given_way or _defines(environment.path(file), missing)):
                yield package, file, elf.soname


def _defines(path: str, names: Collection[str]) -> bool:
    return bool(names) and not read_linkage(_content(path), names).definitions.keys().isdisjoint(names)


def _rename(copy: Environment, package: Installed, path: str, soname: str) -> bool:
    """Gives the library another soname; whether any file of the package needs it by that."""
    stem, dot, rest = soname.partition(".")
    name = f"{stem}-apart{dot}{rest}"
    users = [file for file, elf in _elf_files(copy, package) if soname in elf.needed]
    for user in users:
        place = copy.path(user)
        replace_file(place, edit_elf(_content(place), ElfChanges(rename_needed=((soname, name),))))
    place = copy.path(path)
    replace_file(
        os.path.join(os.path.dirname(place), name),
        edit_elf(_content(place), ElfChanges(soname=name)),
    )
    return bool(users)


def _elf_files(environment: Environment, package: Installed) -> Iterator[tuple[str, ElfFile]]:
    for file in package.files:
        elf = _read(environment, file)
        if elf is not None:
            yield file, elf


def _read(environment: Environment, file: str) -> ElfFile | None:
    try:
        content = _content(environment.path(file), only=_MAGIC)
        return read_elf(content) if content else None
    except (OSError, ElfFormatError):
        return None


def _content(path: str, *, only: bytes = b"") -> bytes:
    """A file's bytes; none where it does not begin as it should."""
    with open(path, "rb") as file:
        begin = file.read(len(only))
        return begin + file.read() if begin == only else b""
