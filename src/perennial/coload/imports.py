"""What importing packages does to a process: one alone, or one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile, zip_longest

from perennial.coload.loader import BoundReference, LoadedObject, Process, System
from perennial.coload.package import Package
from perennial.lean_typing import Final, NamedTuple


class Import(NamedTuple):
    """A process into which one package has been imported, alone.

    `own` are the bindings of the package's own files, by file and reference; `shared` those of the
    system's libraries that the package loaded, likewise. `process` is the state afterwards.
    """

    package: Package
    process: Process
    own: Mapping[str, tuple[BoundReference, ...]]
    shared: Mapping[str, tuple[BoundReference, ...]]


class Change(NamedTuple):
    """A reference that is bound to something else when another package was imported before."""

    alone: BoundReference
    together: BoundReference


class Replaced(NamedTuple):
    """A needed library that is another file when another package was imported before.

    `users` are the paths of the files that need it.
    """

    soname: str
    alone: LoadedObject
    together: LoadedObject
    users: tuple[str, ...]


class Pair(NamedTuple):
    """What becomes of `second` in a process that has imported `first` before."""

    first: Import
    second: Import
    process: Process
    changes: tuple[Change, ...]
    replaced: tuple[Replaced, ...]


def import_alone(package: Package, system: System) -> Import:
    """Imports everything that the package has into a fresh process."""
    process = Process(system)
    own: dict[str, tuple[BoundReference, ...]] = {}
    shared: dict[str, tuple[BoundReference, ...]] = {}
    for root in package.roots:
        new = process.load(root.path, visible_to_all=root.visible_to_all)
        for bound in _by_asker(process, new):
            library = bound[0].asker.library
            (shared if library.package is None else own)[library.path] = bound
    return Import(package, process, own, shared)


def _by_asker(process: Process, objects: tuple[LoadedObject, ...]) -> list[tuple[BoundReference, ...]]:
    return [bound for loaded in reversed(objects) if (bound := tuple(process.bind((loaded,))))]


def import_after(first: Import, second: Import) -> Pair:
    """Imports `second` into the process that `first` has left, and compares with `second` alone.

    Only names that the first package could have changed are looked up again: those that it made
    visible to all, those of unique symbols, those of files that stand elsewhere in the search lists,
    and what system libraries that both use were bound to.
    """
    loaded_before = {loaded.library.path for loaded in first.process.objects}
    afterwards = first.process.fork()
    for root in second.package.roots:
        afterwards.load(root.path, visible_to_all=root.visible_to_all)
    replaced = _replaced(second.process, afterwards)
    contested = _contested(first, second, afterwards)
    # Again, to look up what is contested when it is bound: what is loaded later with RTLD_GLOBAL comes too late.
    process = first.process.fork()
    changed: dict[str, list[Change]] = {}
    for root in second.package.roots:
        for loaded in reversed(process.load(root.path, visible_to_all=root.visible_to_all)):
            path = loaded.library.path
            changed[path] = _rebind(process, loaded, second.own.get(path) or second.shared.get(path, ()), contested)
    # Libraries of the system that both load keep the bindings that they got with the first.
    changes: list[Change] = []
    for path in sorted(second.shared.keys() & first.shared.keys() & loaded_before):
        changes += _compare(second.shared[path], {bound.reference: bound for bound in first.shared[path]})
    for path in sorted(changed):
        changes += changed[path]
    return Pair(first, second, process, tuple(changes), replaced)


def _rebind(
    process: Process, asker: LoadedObject, references: tuple[BoundReference, ...], contested: frozenset[str]
) -> list[Change]:
    """What has changed for an object that has just been loaded."""
    changes = []
    for alone in references:
        if alone.reference.name in contested:
            found = process.look_up(asker, alone.reference) or (None, None)
            together = BoundReference(asker, alone.reference, *found)
            if _differs(alone, together):
                changes.append(Change(alone, together))
    return changes


def _compare(alone: tuple[BoundReference, ...], together: Mapping[object, BoundReference]) -> list[Change]:
    return [
        Change(bound, other)
        for bound in alone
        if (other := together.get(bound.reference)) is not None and _differs(bound, other)
    ]


def _differs(alone: BoundReference, together: BoundReference) -> bool:
    return _place(alone) != _place(together)


def _place(bound: BoundReference) -> str | None:
    return None if bound.provider is None else bound.provider.library.path


def _contested(first: Import, second: Import, together: Process) -> frozenset[str]:
    """Names that the second package may find elsewhere than alone."""
    names: set[str] = set(first.process.unique_names)
    at_start = frozenset(together.at_start)
    for loaded in together.global_scope:
        # Libraries of the system, too: RTLD_GLOBAL holds for all that a file needs.
        if loaded not in at_start:
            names.update(loaded.library.linkage.definitions)
    for loaded in _moved(second, together):
        names.update(loaded.library.linkage.definitions)
    return frozenset(names)


def _moved(second: Import, together: Process) -> Iterator[LoadedObject]:
    """What stands elsewhere in the search lists than alone: a library that stands in for another has needs of
    its own, and these come in its place.
    """
    for root in second.package.roots:
        lists = second.process.search_list_of(root.path), together.search_list_of(root.path)
        pairs = zip_longest(*lists)
        equal = sum(1 for _ in takewhile(lambda pair: _same_file(*pair), pairs))
        for each in lists:
            yield from each[equal:]


def _same_file(one: LoadedObject | None, other: LoadedObject | None) -> bool:
    return one is not None and other is not None and one.library.path == other.library.path


def _replaced(alone: Process, together: Process) -> tuple[Replaced, ...]:
    """Needed names that lead to another file than they would alone."""
    users: dict[tuple[str, str, str], list[str]] = {}
    objects: Final = {loaded.library.path: loaded for loaded in (*alone.objects, *together.objects)}
    for loaded in alone.objects:
        if loaded.library.package is None:
            continue
        for name in loaded.library.elf.needed:
            one, other = alone.named(name), together.named(name)
            if one is not None and other is not None and one.library.path != other.library.path:
                users.setdefault((name, one.library.path, other.library.path), []).append(loaded.library.path)
    return tuple(
        Replaced(name, objects[one], objects[other], tuple(sorted(paths)))
        for (name, one, other), paths in sorted(users.items())
    )
