"""Laws of the simulated loader, over systems made up at random; and `match`, row by row, against glibc's rules.

The systems are small and crowded: a handful of names for symbols and sonames, so that packages meet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.arch import ElfAbi
from perennial.coload.imports import Import, Pair, import_after, import_alone
from perennial.coload.library import Library
from perennial.coload.loader import BoundReference, LoadedObject, Process, System, match
from perennial.coload.package import Package, Root
from perennial.coload.profile import standalone_program
from perennial.elf.dynamic_symbols import Binding
from perennial.elf.linkage import Definition, Linkage, Reference, SymbolKind

SYMBOLS: Final = ("f", "g", "h", "u", "v")
UNIQUE: Final = frozenset({"u", "v"})
SITE: Final = "/env/site-packages"


# ----- what systems are made of


def definition(name: str, size: int = 8) -> Definition:
    binding = Binding.UNIQUE if name in UNIQUE else Binding.GLOBAL
    return Definition(None, False, 1, binding, SymbolKind.OBJECT, size, True)


def reference(name: str, *, own: bool = False) -> Reference:
    return Reference(name, None, None, False, SymbolKind.OBJECT, own, False)


def library(
    path: str, package: str | None, *, soname: str | None, needed: tuple[str, ...], defines: frozenset[str],
    asks: frozenset[str], symbolic: bool = False, runpath: str | None = None,
) -> Library:  # fmt: skip
    """A file that defines some names and asks for others, and through relocations for its own ones, too."""
    elf = standalone_program(ElfAbi(64, True, 62, 0), ())
    elf_file = elf.elf._replace(soname=soname, needed=needed, runpath=runpath, interpreter=None)
    linkage = Linkage(
        {name: (definition(name),) for name in sorted(defines)},
        tuple(reference(name, own=name in defines) for name in sorted(defines | asks)),
        is_versioned=False,
    )
    return Library(path, package, elf_file, linkage, symbolic)


NAMES = st.frozensets(st.sampled_from(SYMBOLS), max_size=4)
SHARED: Final = ("libs.so.1", "libt.so.1", "libp.so.1")  # the last is a package's, and of one soname in all of them


class World(NamedTuple):
    """A system, and packages installed in it."""

    system: System
    packages: tuple[Package, ...]


@st.composite
def worlds(
    draw: st.DrawFn, *, packages: int = 2, names: st.SearchStrategy[frozenset[str]] = NAMES, of_their_own: bool = False
) -> World:
    """With `of_their_own` no two files define one name, and sonames are of one package each."""

    def defines(place: str) -> frozenset[str]:
        chosen = draw(names)
        return frozenset(f"{name}_{place}" for name in chosen) if of_their_own else chosen

    def asks() -> frozenset[str]:
        return frozenset() if of_their_own else draw(names)

    system = {
        name: library(
            f"/lib/{name}", None, soname=name, needed=("libt.so.1",) if name == "libs.so.1" else (),
            defines=defines(name), asks=asks(),
        )
        for name in SHARED[:2]
    }  # fmt: skip
    program = standalone_program(ElfAbi(64, True, 62, 0), ())
    built = tuple(_package(draw, f"p{number}", defines, asks, of_their_own=of_their_own) for number in range(packages))
    installed = {each.path: each for package in built for each in package.libraries}
    return World(System(program, system, installed), built)


def _package(
    draw: st.DrawFn, name: str, defines: Callable[[str], frozenset[str]], asks: Callable[[], frozenset[str]],
    *, of_their_own: bool,
) -> Package:  # fmt: skip
    private = f"lib{name}.so.1" if of_their_own else SHARED[2]
    libraries, roots = [], []
    # What is needed is there: dlopen fails otherwise, and a package that fails alone is none to compare with.
    has_private = draw(st.booleans())
    choice = (*SHARED[:2], private) if has_private else SHARED[:2]
    needed = st.lists(st.sampled_from(choice), unique=True, max_size=3).map(tuple)
    if has_private:
        path = f"{SITE}/{name}.libs/{private}"
        libraries.append(
            library(path, name, soname=private, needed=draw(needed), defines=defines(name + "l"), asks=asks())
        )
    for number in range(draw(st.integers(1, 2))):
        path = f"{SITE}/{name}/m{number}.so"
        libraries.append(
            library(
                path, name, soname=None, needed=draw(needed), defines=defines(f"{name}m{number}"), asks=asks(),
                symbolic=draw(st.booleans()), runpath=f"{SITE}/{name}.libs",
            )
        )  # fmt: skip
        roots.append(Root(path, not of_their_own and draw(st.booleans()), ""))
    return Package(name, tuple(libraries), tuple(roots))


# ----- what is observed


Seen = tuple[str, str, str | None]


def seen(bound: BoundReference) -> Seen:
    got = None if bound.provider is None else bound.provider.library.path
    return bound.asker.library.path, bound.reference.name, got


def replay(system: System, *packages: Package) -> dict[str, list[Seen]]:
    """What every file is bound to at the moment at which it is loaded: the loader with nothing left out."""
    process = Process(system)
    found: dict[str, list[Seen]] = {}
    for package in packages:
        for root in package.roots:
            for loaded in process.load(root.path, visible_to_all=root.visible_to_all):
                found[loaded.library.path] = [seen(bound) for bound in process.bind((loaded,))]
    return found


def state(process: Process) -> tuple[object, ...]:
    def paths(objects: tuple[LoadedObject, ...]) -> tuple[str, ...]:
        return tuple(loaded.library.path for loaded in objects)

    lists = tuple(paths(process.search_list(loaded)) for loaded in process.objects)
    return paths(process.objects), paths(process.global_scope), process.unique_names, lists


def imported(world: World) -> tuple[Import, ...]:
    return tuple(import_alone(package, world.system) for package in world.packages)


# ----- laws


@given(worlds())
def test_loading_is_deterministic(world: World) -> None:
    assert replay(world.system, *world.packages) == replay(world.system, *world.packages)


@given(worlds(packages=3))
def test_one_object_for_each_needed_name(world: World) -> None:
    """`_dl_map_object`: a needed name is compared with what is loaded before any folder is looked into."""
    process = Process(world.system)
    answers: dict[str, LoadedObject] = {}
    for package in world.packages:
        for root in package.roots:
            process.load(root.path, visible_to_all=root.visible_to_all)
            for loaded in process.objects:
                for name in loaded.library.elf.needed:
                    found = process.named(name)
                    if found is not None:
                        assert answers.setdefault(name, found) is found
    paths = [loaded.library.path for loaded in process.objects]
    assert len(paths) == len(set(paths))
    by_soname = [loaded.library.elf.soname for loaded in process.objects if loaded.library.elf.soname]
    assert len(by_soname) == len(set(by_soname))


@given(worlds(packages=3))
def test_a_fork_is_independent(world: World) -> None:
    """What is loaded into a copy of a process changes nothing in the process, nor in another copy."""
    first, second, third = world.packages
    alone = import_alone(first, world.system)
    before = state(alone.process)
    one = import_after(alone, import_alone(second, world.system))
    assert state(alone.process) == before
    pair = import_after(alone, import_alone(third, world.system))
    assert state(alone.process) == before
    fresh = import_after(import_alone(first, world.system), import_alone(third, world.system))
    assert changes(pair) == changes(fresh)
    assert state(pair.process) == state(fresh.process)
    assert one.first.process is alone.process


def test_a_fork_may_open_what_was_only_needed_before() -> None:
    """The file's search list is that process's own: one that was forked earlier or later has none."""
    nothing = frozenset[str]()
    folder = f"{SITE}/b.libs"
    shared = library(f"{folder}/libq.so.1", "b", soname="libq.so.1", needed=(), defines=nothing, asks=nothing)
    module = library(
        f"{SITE}/a.so", "a", soname=None, needed=("libq.so.1",), defines=nothing, asks=nothing, runpath=folder
    )
    program = standalone_program(ElfAbi(64, True, 62, 0), ())
    process = Process(System(program, {}, {each.path: each for each in (shared, module)}))
    process.load(module.path)
    copy = process.fork()
    assert copy.load(shared.path) == ()
    assert [loaded.library.path for loaded in copy.search_list_of(shared.path)] == [shared.path]
    assert process.search_list_of(shared.path) == ()
    assert process.fork().search_list_of(shared.path) == ()


def changes(pair: Pair) -> list[tuple[Seen, Seen]]:
    return sorted((seen(each.alone), seen(each.together)) for each in pair.changes)


@given(worlds())
def test_a_pair_is_what_loading_one_after_the_other_gives(world: World) -> None:
    """Only contested names are looked up again for a pair: no other reference changes, and these as they do."""
    one, other = imported(world)
    pair = import_after(one, other)
    together = replay(world.system, *world.packages)
    alone = replay(world.system, other.package)
    expected = [
        (before, after)
        for path, bound in alone.items()
        if path in together
        for before, after in zip(bound, together[path], strict=True)
        if before != after
    ]
    assert changes(pair) == sorted(expected)


@given(worlds())
def test_what_is_bound_stays_bound(world: World) -> None:
    """A library that both use is bound as the first package left it, whatever the second brings."""
    first = replay(world.system, world.packages[0])
    together = replay(world.system, *world.packages)
    assert {path: together[path] for path in first} == first


@given(worlds(names=st.just(frozenset[str]())), worlds())
def test_who_exports_nothing_takes_nothing(silent: World, world: World) -> None:
    """After a package whose symbols are all hidden nobody is bound to its files. What can change is that the
    system's libraries, which were there before, are not bound to the second's, and keep their unique symbols.
    """
    quiet = silent.packages[0]._replace(name="quiet")
    libraries = tuple(
        each._replace(path=each.path.replace("/p0", "/quiet"), package="quiet", elf=each.elf._replace(soname=None))
        for each in quiet.libraries
        if each.elf.soname is None
    )
    roots = tuple(Root(each.path.replace("/p0", "/quiet"), False, "") for each in quiet.roots)
    quiet = Package("quiet", libraries, roots)
    installed = dict(world.system.installed) | {each.path: each for each in libraries}
    system = world.system._replace(installed=installed)
    pair = import_after(import_alone(quiet, system), import_alone(world.packages[0], system))
    for change in pair.changes:
        assert change.together.provider is None or change.together.provider.library.package != "quiet"
        assert change.alone.asker.library.package is None or change.alone.reference.name in UNIQUE


@given(worlds(of_their_own=True))
def test_order_does_not_matter_without_common_names(world: World) -> None:
    one, other = imported(world)
    for pair in (import_after(one, other), import_after(other, one)):
        assert pair.changes == ()
        assert pair.replaced == ()


# ----- match


def row(version: str | None, number: int, *, hidden: bool = False) -> Definition:
    return Definition(version, hidden, number, Binding.GLOBAL, SymbolKind.FUNCTION, 8, False)


BASE, OLD, NEW, NEWER = row(None, 1), row("V1", 2, hidden=True), row("V2", 3), row("V3", 4)
HIDDEN_BASE, HIDDEN_NEW = row(None, 1, hidden=True), row("V2", 3, hidden=True)


@pytest.mark.parametrize(
    ("definitions", "asked", "is_versioned", "expected", "rule"),
    [
        ((BASE,), "V1", False, BASE, "verstab == NULL: 'Otherwise we accept the symbol'"),
        ((BASE,), None, False, BASE, "verstab == NULL, and no version is asked for"),
        ((OLD, NEW), "V1", True, OLD, "the version's hash and name are equal; hidden or not"),
        ((OLD, NEW), "V2", True, NEW, "the same, of the default version"),
        ((NEW,), "V1", True, None, "another version: 'It's not the version we want'"),
        ((BASE,), "V1", True, BASE, "l_versions[ndx].hash is 0 and versym has no bit 15: any version"),
        ((HIDDEN_BASE,), "V1", True, None, "the same with versym & 0x8000: not"),
        ((BASE,), None, True, BASE, "no version is asked for, and ndx < 3"),
        ((OLD, NEW), None, True, OLD, "no version: the first one (ndx 2) is 'the baseline definition', even hidden"),
        ((NEW,), None, True, NEW, "ndx >= 3: the only one that is not hidden, num_versions == 1"),
        ((HIDDEN_NEW, NEWER), None, True, NEWER, "'Don't accept hidden symbols' of ndx >= 3"),
        ((NEW, NEWER), None, True, None, "num_versions is 2: versioned_sym is not taken"),
        ((HIDDEN_NEW,), None, True, None, "nothing but a hidden one of ndx >= 3"),
    ],
)
def test_match(
    definitions: tuple[Definition, ...], asked: str | None, is_versioned: bool, expected: Definition | None, rule: str
) -> None:
    """glibc 2.36, elf/dl-lookup.c, `check_match`, and the end of `do_lookup_x`'s loop for num_versions."""
    wanted = reference("f")._replace(version=asked)
    assert match(definitions, wanted, is_versioned=is_versioned) == expected, rule


@pytest.mark.parametrize("weak", [False, True])
def test_weak_makes_no_difference(weak: bool) -> None:
    """`do_lookup_x`: STB_WEAK falls through to STB_GLOBAL unless LD_DYNAMIC_WEAK is set."""
    first = library("/a", "a", soname=None, needed=("b.so",), defines=frozenset({"f"}), asks=frozenset())
    (found,) = first.linkage.definitions["f"]
    binding = Binding.WEAK if weak else Binding.GLOBAL
    first.linkage.definitions["f"] = (found._replace(binding=binding),)  # type: ignore[index]
    second = library("/lib/b.so", None, soname="b.so", needed=(), defines=frozenset({"f"}), asks=frozenset())
    program = standalone_program(ElfAbi(64, True, 62, 0), ())
    process = Process(System(program, {"b.so": second}, {"/a": first}))
    bound = list(process.bind(process.load("/a")))
    assert {seen(each) for each in bound} == {("/a", "f", "/a"), ("/lib/b.so", "f", "/a")}
