"""Which symbols of a package could be behind what happens elsewhere: static facts of all its libraries.

A package reaches out of itself only through what it defines: a symbol that one of its libraries exports
and that something outside of the package asks for. Everything else can be left out of the search.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from perennial.coload.run.environment import Environment
from perennial.elf.linkage import read_linkage
from perennial.errors import ElfFormatError
from perennial.lean_typing import Final

_MAGIC: Final = b"\x7fELF"


def candidate_symbols(
    environment: Environment, packages: Collection[str], outside: Iterable[str]
) -> Mapping[str, frozenset[str]]:
    """Path -> symbols, of the files of `packages`: those that files of other packages or `outside` refer to.

    Paths are relative to the environment, those of `outside` (the system's libraries) absolute.
    """
    asked: set[str] = set()
    for path in (
        *_elf_files(environment, [name for name in environment.owners if environment.owners[name] not in packages]),
        *outside,
    ):
        asked |= _references(environment.path(path))
    found = {}
    for path in _elf_files(environment, [name for name in environment.owners if environment.owners[name] in packages]):
        names = _definitions(environment.path(path), asked)
        if names:
            found[path] = names
    return found


def _elf_files(environment: Environment, names: Iterable[str]) -> Iterator[str]:
    for name in sorted(names):
        try:
            with open(environment.path(name), "rb") as file:
                if file.read(len(_MAGIC)) == _MAGIC:
                    yield name
        except OSError:
            continue


def _references(path: str) -> frozenset[str]:
    try:
        with open(path, "rb") as file:
            return frozenset(reference.name for reference in read_linkage(file.read()).references)
    except (OSError, ElfFormatError):
        return frozenset()


def _definitions(path: str, names: Collection[str]) -> frozenset[str]:
    try:
        with open(path, "rb") as file:
            return frozenset(read_linkage(file.read(), names).definitions)
    except (OSError, ElfFormatError):
        return frozenset()
