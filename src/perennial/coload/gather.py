"""Reads packages with just the symbols that can matter between them.

The largest wheels have hundreds of thousands of symbols, and of nearly all of them it is known beforehand
that no other package has to do with them: RTLD_LOCAL keeps packages apart, but for what leads through the
system's libraries. So the packages are read with the names that those define or ask for (and with unique
symbols, always). Where it then turns out that a package's libraries are loaded with RTLD_GLOBAL, or that
one stands in for another under the same soname, the definitions of these count as well, and the packages
are read again with them; so do the files of messages of those that use one protobuf.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence

from perennial.coload.facts_cache import FactsCache, digest_of_names
from perennial.coload.imports import import_alone
from perennial.coload.library import Library
from perennial.coload.library_format import decode_library, encode_library
from perennial.coload.loader import System
from perennial.coload.package import Package, Root
from perennial.coload.profile import Profile, names_of_interest
from perennial.coload.protobuf import REGISTERING, is_library, tables
from perennial.elf.dynamic_symbols import Binding
from perennial.elf.linkage import name_digest
from perennial.errors import UnreadableError
from perennial.lean_typing import Any, Final, NamedTuple, Protocol


class Source(Protocol):
    """Where a package comes from: a wheel, or an installed distribution."""

    @property
    def name(self) -> str: ...
    def digest(self) -> str:
        """A hash of everything that is read of it."""

    def read(self, names: Container[str] | None) -> Package: ...


class ProfileSource(Protocol):
    """A system, whole or as far as it is asked for: `needed` are the sonames that packages need."""

    def profile(self, needed: frozenset[str]) -> Profile: ...


class UnreadableSourceError(UnreadableError):
    """One of the sources cannot be read; the others may be."""

    def __init__(self, source: Source, error: UnreadableError) -> None:
        super().__init__(str(error))
        self.source: Final = source


class Gathered(NamedTuple):
    """Packages, and the system that they were read for."""

    profile: Profile
    packages: tuple[Package, ...]


_MOST_ROUNDS: Final = 4


def gather(
    sources: Sequence[Source], system: ProfileSource, cache: FactsCache, *, advance: Callable[[], None] = lambda: None
) -> Gathered:
    """The packages with all symbols that can matter; `advance` is told of each that was read.

    Raises `UnreadableSourceError` for the first that cannot be read.
    """
    profile = system.profile(frozenset())
    names = names_of_interest(profile) | REGISTERING
    packages: dict[int, Package] = {}
    found: tuple[Package, ...] = ()
    todo = set(range(len(sources)))
    for _ in range(_MOST_ROUNDS):
        digest = digest_of_names(names)
        for index in sorted(todo):
            try:
                packages[index] = _read(sources[index], names, digest, cache)
            except UnreadableError as error:
                raise UnreadableSourceError(sources[index], error) from error
            advance()
        found = tuple(packages[index] for index in range(len(sources)))
        profile = system.profile(_needed(found))
        contested, owners = _contested(found, sources, profile, cache)
        more = (contested | names_of_interest(profile)) - names
        if not more:
            break
        names |= more
        asked = {name_digest(name) for name in more}
        todo = {
            index
            for index, package in packages.items()
            if index in owners
            or any(
                not asked.isdisjoint(library.linkage.left_out) or not more.isdisjoint(library.linkage.definitions)
                for library in package.libraries
            )
        }
    cache.prune()
    return Gathered(profile, found)


def _read(source: Source, names: frozenset[str], digest: str, cache: FactsCache) -> Package:
    content = source.digest() if cache.is_used else ""
    record = cache.get(content, digest, source.name)
    if record is not None:
        try:
            return decode_package(record)
        except ValueError:
            pass  # damaged: read it again
    package = source.read(names)
    cache.put(content, digest, source.name, encode_package(package))
    return package


def _needed(packages: Iterable[Package]) -> frozenset[str]:
    return frozenset(name for package in packages for library in package.libraries for name in library.elf.needed)


def _contested(
    packages: Sequence[Package], sources: Sequence[Source], profile: Profile, cache: FactsCache
) -> tuple[frozenset[str], frozenset[int]]:
    """Symbols that a package's references may find in another package's files, and which packages have these files.

    A file of which only a hash of each reference is known may be taken for one that asks for a symbol when
    it does not: then a name is read in vain.
    """
    visible = _visible_to_all(packages, profile)
    shared = _under_one_soname(packages, profile)
    asked = [frozenset().union(*(library.linkage.left_out for library in package.libraries)) for package in packages]
    names = _differing_unique(packages) | _registered_twice(packages, sources, cache)
    owners: set[int] = set()
    for index, package in enumerate(packages):
        paths = {library.path for library in package.libraries}
        for wanted, askers in (
            (paths & visible, [digests for other, digests in enumerate(asked) if other != index]),
            (paths & shared, asked),
        ):
            if wanted:
                owners.add(index)
                digests = frozenset().union(*askers)
                names |= {name for name in _definitions(sources[index], wanted, cache) if name_digest(name) in digests}
    return frozenset(names), frozenset(owners)


def _differing_unique(packages: Iterable[Package]) -> set[str]:
    """Unique symbols of several sizes: files that have no definition of their own ask for them as for any other."""
    sizes: dict[str, set[int]] = {}
    for package in packages:
        for library in package.libraries:
            for name, definitions in library.linkage.definitions.items():
                if definitions[0].binding is Binding.UNIQUE:
                    sizes.setdefault(name, set()).add(definitions[0].size)
    return {name for name, found in sizes.items() if len(found) > 1}


def _registered_twice(packages: Sequence[Package], sources: Sequence[Source], cache: FactsCache) -> set[str]:
    """Tables of messages that several packages have for a libprotobuf of one soname."""
    users: dict[str, dict[int, set[str]]] = {}
    for index, package in enumerate(packages):
        for library in package.libraries:
            for soname in filter(is_library, library.elf.needed):
                users.setdefault(soname, {}).setdefault(index, set()).add(library.path)
    found = [
        [tables(_definitions(sources[index], paths, cache)) for index, paths in askers.items()]
        for askers in users.values()
        if len(askers) > 1
    ]
    counts = Counter(name for each in found for names in each for name in names)
    return {name for name, count in counts.items() if count > 1}


def _visible_to_all(packages: Sequence[Package], profile: Profile) -> set[str]:
    """Paths of the packages' files that are loaded with RTLD_GLOBAL."""
    visible: set[str] = set()
    for package in packages:
        if any(root.visible_to_all for root in package.roots):
            installed = {library.path: library for library in package.libraries}
            alone = import_alone(package, System(profile.program, profile.libraries, installed, profile.glibc))
            visible |= {one.library.path for one in alone.process.global_scope if one.library.package is not None}
    return visible


def _under_one_soname(packages: Sequence[Package], profile: Profile) -> set[str]:
    """Paths of the packages' files whose soname some file needs and another library has as well."""
    needed = _needed(packages)
    by_name: dict[str, list[Library]] = {}
    for library in (*profile.libraries.values(), *(each for package in packages for each in package.libraries)):
        if library.name in needed:
            by_name.setdefault(library.name, []).append(library)
    return {
        library.path
        for alike in by_name.values()
        if len(alike) > 1 and len({library.elf.build_id or library.path for library in alike}) > 1
        for library in alike
        if library.package is not None
    }


def _definitions(source: Source, paths: set[str], cache: FactsCache) -> set[str]:
    """The names that some files of a package define, of whatever kind."""
    content, what = (source.digest() if cache.is_used else ""), digest_of_names(paths)
    record = cache.get(content, what, "definitions")
    if isinstance(record, list) and all(isinstance(name, str) for name in record):
        return set(record)
    names: set[str] = set()
    for library in source.read(_Everything()).libraries:
        if library.path in paths:
            names.update(library.linkage.definitions)
    cache.put(content, what, "definitions", sorted(names))
    return names


class _Everything:
    """Contains every name."""

    def __contains__(self, name: object) -> bool:
        return True


def encode_package(package: Package) -> dict[str, Any]:
    """A package as plain data."""
    return {
        "name": package.name,
        "libraries": [encode_library(library) for library in package.libraries],
        "roots": [list(root) for root in package.roots],
    }


def decode_package(record: Any) -> Package:
    """The package of a record; raises `ValueError` where it is none."""
    try:
        name = str(record["name"])
        libraries = tuple(decode_library(each, name) for each in record["libraries"])
        roots = tuple(_roots(record["roots"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not the record of a package: {error!r}") from error
    return Package(name, libraries, roots)


def _roots(record: Iterable[Any]) -> Iterator[Root]:
    for path, visible_to_all, asked_by, certain in record:
        yield Root(str(path), bool(visible_to_all), str(asked_by), bool(certain))
