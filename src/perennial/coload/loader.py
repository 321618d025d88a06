"""glibc's loader, played through: which objects a process maps, and what each reference is bound to.

The rules are those of ld.so for `dlopen` with RTLD_NOW, as CPython calls it (glibc: `elf/dl-load.c`,
`dl-deps.c`, `dl-open.c`, `dl-lookup.c`):

- A process has one object for each soname: a needed name is first compared with the names of
  everything that is loaded, and only then looked for in folders (`_dl_map_object`).
- What one `dlopen` loads is ordered breadth first from its root (`_dl_map_object_deps`); that list is
  the root's *search list*, and libraries that were loaded before stand in it, too.
- An object's references are looked up in its *scope*: the global search list (the program, its
  libraries, and what was loaded with RTLD_GLOBAL), then the search list of the root **that loaded it
  first** (`_dl_new_object`). For a library of the system that several packages share, that is the
  first package's list, for as long as the process lives: the shared library carries that package's
  definitions to all who come later, RTLD_LOCAL or not.
- DT_SYMBOLIC puts the object itself before everything.
- The first definition that matches wins; weak or strong makes no difference (`do_lookup_x`). Of a
  unique symbol (STB_GNU_UNIQUE) the process keeps the definition that was found first, whatever
  scope finds another later (`do_lookup_unique`).

Everything is bound when it is loaded, and stays as it is. Loading is therefore pure bookkeeping, and
`fork` gives a copy of a process in the state in which one package has been imported, to import
another into.
"""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterable, Iterator, Mapping

from perennial.coload.library import Library
from perennial.elf.dynamic_symbols import Binding
from perennial.elf.linkage import Definition, Reference
from perennial.lean_typing import Final, NamedTuple


class LoadedObject:
    """A library in a process. Two of them are the same only if they are one.

    Processes that were forked from one share those that it had, so that nothing here may change.
    """

    __slots__ = ("library", "loader", "scope")

    def __init__(self, library: Library, loader: LoadedObject | None) -> None:
        self.library: Final = library
        self.loader: Final = loader
        # The root that loaded it: its search list is the object's scope, beside the global one.
        self.scope: Final[LoadedObject] = self if loader is None else loader.scope

    def __repr__(self) -> str:
        return f"LoadedObject({self.library.path!r})"


class BoundReference(NamedTuple):
    """What a reference of `asker` got: `provider` and `definition` are None where nothing has the symbol."""

    asker: LoadedObject
    reference: Reference
    provider: LoadedObject | None
    definition: Definition | None


class System(NamedTuple):
    """The files that a simulated process can map: installed ones by path, and the system's by soname.

    `glibc` is its version, None where that does not matter.
    """

    program: Library
    libraries: Mapping[str, Library]
    installed: Mapping[str, Library]
    glibc: tuple[int, int] | None = None


class Process:
    """A running interpreter: its own objects, and what has been loaded into it."""

    def __init__(self, system: System) -> None:
        self._system: Final = system
        self._by_name: dict[str, LoadedObject] = {}
        self._by_path: dict[str, LoadedObject] = {}
        self._unique: dict[str, tuple[LoadedObject, Definition]] = {}
        self._search_lists: dict[LoadedObject, tuple[LoadedObject, ...]] = {}
        self._global: tuple[LoadedObject, ...] = ()
        self._at_start: tuple[LoadedObject, ...] = ()
        program = self._add(system.program, None)
        self._search_lists[program] = self._global = self._at_start = self._walk(program)

    def fork(self) -> Process:
        """A process in the same state, which from now on goes its own way."""
        copy = object.__new__(Process)
        copy.__dict__.update(self.__dict__)
        copy._by_name, copy._by_path, copy._unique = dict(self._by_name), dict(self._by_path), dict(self._unique)
        copy._search_lists = dict(self._search_lists)
        return copy

    @property
    def system(self) -> System:
        return self._system

    @property
    def objects(self) -> tuple[LoadedObject, ...]:
        """Everything that is loaded, in the order of loading."""
        return tuple(self._by_path.values())

    @property
    def unique_names(self) -> frozenset[str]:
        """Names of which the process keeps one definition for good (STB_GNU_UNIQUE)."""
        return frozenset(self._unique)

    def named(self, soname: str) -> LoadedObject | None:
        """The object that answers to a needed name."""
        return self._by_name.get(soname)

    @property
    def at_start(self) -> tuple[LoadedObject, ...]:
        """The program and what it needs: the global scope before anything is imported."""
        return self._at_start

    @property
    def global_scope(self) -> tuple[LoadedObject, ...]:
        return self._global

    def search_list(self, root: LoadedObject) -> tuple[LoadedObject, ...]:
        """What a file that was opened by itself brought or found, breadth first; () for other objects."""
        return self._search_lists.get(root, ())

    def search_list_of(self, path: str) -> tuple[LoadedObject, ...]:
        """The same by the file's path."""
        root = self._by_path.get(path)
        return () if root is None else self.search_list(root)

    def load(self, path: str, *, visible_to_all: bool = False) -> tuple[LoadedObject, ...]:
        """dlopen of an installed file, with RTLD_GLOBAL or RTLD_LOCAL; returns the objects that are new."""
        before = len(self._by_path)
        root = self._by_path.get(path) or self._add(self._system.installed[path], None)
        if root not in self._search_lists:
            self._search_lists[root] = self._walk(root)
        if visible_to_all:
            self._global += tuple(loaded for loaded in self._search_lists[root] if loaded not in self._global)
        return tuple(self._by_path.values())[before:]

    def bind(self, objects: Iterable[LoadedObject], names: Container[str] | None = None) -> Iterator[BoundReference]:
        """The bindings of objects that have just been loaded, libraries before those that need them."""
        for loaded in reversed(tuple(objects)):
            for reference in loaded.library.linkage.references:
                if names is None or reference.name in names:
                    found = self.look_up(loaded, reference)
                    yield BoundReference(loaded, reference, *(found or (None, None)))

    def look_up(self, asker: LoadedObject, reference: Reference) -> tuple[LoadedObject, Definition] | None:
        """What `_dl_lookup_symbol_x` finds for a reference of `asker`."""
        if reference.binds_locally:
            return asker, asker.library.linkage.definitions[reference.name][0]
        for candidates in self._scope(asker):
            for candidate in candidates:
                linkage = candidate.library.linkage
                definitions = linkage.definitions.get(reference.name)
                if definitions is None:
                    continue
                found = match(definitions, reference, is_versioned=linkage.is_versioned)
                if found is not None:
                    if found.binding is Binding.UNIQUE:
                        return self._unique.setdefault(reference.name, (candidate, found))
                    return candidate, found
        return None

    def _scope(self, asker: LoadedObject) -> Iterator[tuple[LoadedObject, ...]]:
        if asker.library.symbolic:
            yield (asker,)
        yield self._global
        yield self._search_lists[asker.scope]

    def _add(self, library: Library, loader: LoadedObject | None) -> LoadedObject:
        loaded = LoadedObject(library, loader)
        self._by_path[library.path] = loaded
        if library.elf.soname is not None:
            self._by_name.setdefault(library.elf.soname, loaded)
        return loaded

    def _walk(self, root: LoadedObject) -> tuple[LoadedObject, ...]:
        """The search list of `root`; loads what is not loaded yet."""
        order = [root]
        members = {id(root)}
        for asker in order:  # grows while it is walked
            for name in asker.library.elf.needed:
                found = self._map(name, asker)
                if found is not None and id(found) not in members:
                    members.add(id(found))
                    order.append(found)
        return tuple(order)

    def _map(self, name: str, asker: LoadedObject) -> LoadedObject | None:
        """`_dl_map_object`: the object for a needed name, loaded now if it is not; None where nothing has it."""
        loaded = self._by_name.get(name)
        if loaded is None:
            library = self._find(name, asker)
            if library is None:
                return None
            loaded = self._by_path.get(library.path) or self._add(library, asker)
            self._by_name[name] = loaded
        return loaded

    def _find(self, name: str, asker: LoadedObject) -> Library | None:
        installed = self._system.installed
        if "/" in name:
            return installed.get(posixpath.normpath(_expand(name, asker)))
        for folder in _folders(asker):
            library = installed.get(f"{folder}/{name}")
            if library is not None:
                return library
        return self._system.libraries.get(name)


def match(definitions: tuple[Definition, ...], reference: Reference, *, is_versioned: bool) -> Definition | None:
    """Which of an object's definitions of a name answers a reference (`check_match`).

    An object without a version table answers every version. In one with it a reference to a version
    takes that version, or a definition without any; a reference without version takes the base or
    first version, or the one default version that there is.
    """
    if not is_versioned:
        return definitions[0]
    if reference.version is not None:
        for definition in definitions:
            if definition.version == reference.version or (definition.version is None and not definition.hidden):
                return definition
        return None
    defaults = []
    for definition in definitions:
        if definition.number < 3:
            return definition
        if not definition.hidden:
            defaults.append(definition)
    return defaults[0] if len(defaults) == 1 else None


def _folders(asker: LoadedObject) -> Iterator[str]:
    """DT_RPATH of the object and of those that caused it to be loaded, unless it has DT_RUNPATH; then that."""
    elf = asker.library.elf
    if elf.runpath is None:
        loader: LoadedObject | None = asker
        while loader is not None:
            if loader.library.elf.runpath is None:
                yield from _split(loader.library.elf.rpath, loader)
            loader = loader.loader
    yield from _split(elf.runpath, asker)


def _split(search_path: str | None, owner: LoadedObject) -> Iterator[str]:
    for entry in (search_path or "").split(":"):
        if entry:
            yield posixpath.normpath(_expand(entry, owner))


def _expand(text: str, owner: LoadedObject) -> str:
    folder = owner.library.path.rpartition("/")[0]
    return text.replace("${ORIGIN}", folder).replace("$ORIGIN", folder)
