"""Libraries that two files share and whose own needs differ for each, before and after, by ld.so's own account.

Every module of a wheel is imported in a process of its own where the libraries are that it was built with, then from
the repaired wheel where they are no more: the answers are the same. An answer is a sum over the libraries that were
loaded, each of another value.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest

from perennial.elf.edit import ElfChanges, edit_elf
from tests.support.compiled import SUFFIX, ask, compile_c, extension, install, library, needs_compiler, pack
from tests.support.repairs import grafts, members, repair

pytestmark = needs_compiler


class Case(NamedTuple):
    """Modules of the wheel, its other files, and the folders of LD_LIBRARY_PATH; and what must come of it: the
    answer of each module, and the number of copies by the name of the library.
    """

    modules: dict[str, Path]
    answers: dict[str, int]
    copies: dict[str, int]
    others: dict[str, Path] = {}  # noqa: RUF012 - nobody writes to it
    path: tuple[Path, ...] = ()
    options: tuple[str, ...] = ()


def two_of_one_name(lib: Path, *, values: tuple[int, int] = (1, 2), links: tuple[Path, ...] = ()) -> tuple[Path, Path]:
    first, second = (
        library(lib / folder / "libx.so.1", value, links=links) for folder, value in zip("ab", values, strict=True)
    )
    return first, second


def modules(lib: Path, *links: Path, kind: str = "rpath", more: str = "") -> dict[str, Path]:
    """`_a` and `_b`, which look into the folder of their letter, and then into `lib` itself."""
    return {
        f"_{letter}": extension(
            lib / "built" / f"_{letter}.so", links=links, run_path=(kind, f"{lib / letter}:{lib}{more}")
        )
        for letter in "ab"
    }


def shared(lib: Path) -> Case:
    one, _ = two_of_one_name(lib)
    libshared = library(lib / "libshared.so.1", 10, links=[one])
    return Case(modules(lib, libshared), {"_a": 11, "_b": 12}, {"libx.so.1": 2, "libshared.so.1": 2})


def chain(lib: Path) -> Case:
    """The difference is two levels below, and a library beside it is one for all."""
    one, _ = two_of_one_name(lib)
    beside = library(lib / "libbeside.so.1", 1000)
    inner = library(lib / "libinner.so.1", 10, links=[one, beside])
    outer = library(lib / "libouter.so.1", 100, links=[inner])
    copies = {"libx.so.1": 2, "libinner.so.1": 2, "libouter.so.1": 2, "libbeside.so.1": 1}
    return Case(modules(lib, outer), {"_a": 1111, "_b": 1112}, copies)


def circle(lib: Path) -> Case:
    """Two libraries that need each other; one of them is another for each module."""
    one, _ = two_of_one_name(lib)
    libshared = library(lib / "libshared.so.1", 10, links=[one])
    for folder, value in ("a", 1), ("b", 2):
        library(lib / folder / "libx.so.1", value, flags=["-Wl,--no-as-needed", str(libshared)])
    return Case(modules(lib, libshared), {"_a": 11, "_b": 12}, {"libx.so.1": 2, "libshared.so.1": 2})


def circle_of_the_same(lib: Path) -> Case:
    """As the circle, with the same content in both folders."""
    found = circle(lib)
    shutil.copy(lib / "a" / "libx.so.1", lib / "b" / "libx.so.1")
    return found._replace(answers={"_a": 11, "_b": 11}, copies={"libx.so.1": 1, "libshared.so.1": 1})


def same_content(lib: Path) -> Case:
    """Two files of one content are one library: nothing comes twice."""
    one, two = two_of_one_name(lib)
    shutil.copy(one, two)
    libshared = library(lib / "libshared.so.1", 10, links=[one])
    return Case(modules(lib, libshared), {"_a": 11, "_b": 11}, {"libx.so.1": 1, "libshared.so.1": 1})


def circle_below_the_difference(lib: Path) -> Case:
    """Nothing in a circle differs but what one of its libraries needs besides."""
    one, _ = two_of_one_name(lib)
    right = library(lib / "libright.so.1", 100)
    left = library(lib / "libleft.so.1", 10, links=[right])
    library(lib / "libright.so.1", 100, links=[one], flags=["-Wl,--no-as-needed", str(left)])
    copies = {"libx.so.1": 2, "libleft.so.1": 2, "libright.so.1": 2}
    return Case(modules(lib, left), {"_a": 111, "_b": 112}, copies)


def loaded_before(lib: Path) -> Case:
    """RUNPATH is not inherited: the library's need is met since the module has loaded that name before."""
    one, _ = two_of_one_name(lib)
    libshared = library(lib / "libshared.so.1", 10, links=[one])
    both = modules(lib, one, libshared, kind="runpath")
    return Case(both, {"_a": 1 + 11, "_b": 2 + 12}, {"libx.so.1": 2, "libshared.so.1": 2})


def loaded_before_by_soname(lib: Path) -> Case:
    """A library that was loaded by another name counts by its soname."""
    one, two = two_of_one_name(lib)
    libshared = library(lib / "libshared.so.1", 10, links=[one])
    for each in one, two:
        each.rename(each.with_name("libx.so"))  # found by this name, and called libx.so.1
    stub = library(lib / "stub" / "libx.so", 0, soname="libx.so")
    both = modules(lib, stub, libshared, kind="runpath")
    return Case(both, {"_a": 1 + 11, "_b": 2 + 12}, {"libx.so.1": 2, "libshared.so.1": 2})


def loaded_by_the_wheels_own(lib: Path) -> Case:
    """The module's library in the wheel brings what the shared one needs."""
    one, two = two_of_one_name(lib)
    libshared = library(lib / "libshared.so.1", 10, links=[one])
    others, built = {}, {}
    for letter, each in ("a", one), ("b", two):
        own = library(lib / "built" / f"libown{letter}.so", 100, links=[each], run_path=("runpath", str(each.parent)))
        others[f"demo/libown{letter}.so"] = own
        built[f"_{letter}"] = extension(
            lib / "built" / f"_{letter}.so", links=[own, libshared], run_path=("runpath", f"$ORIGIN:{lib}")
        )
    answers = {"_a": 101 + 11, "_b": 102 + 12}
    return Case(built, answers, {"libx.so.1": 2, "libshared.so.1": 2}, others=others)


def own_library_without_a_path(lib: Path) -> Case:
    """A library of the wheel finds what it needs since the module that loads it has loaded it before."""
    libx = library(lib / "a" / "libx.so.1", 1)
    own = library(lib / "built" / "libown.so", 100, links=[libx])
    core = extension(lib / "built" / "_a.so", links=[libx, own], run_path=("runpath", f"$ORIGIN:{libx.parent}"))
    return Case({"_a": core}, {"_a": 1 + 101}, {"libx.so.1": 1}, others={"demo/libown.so": own})


def own_library_that_comes_second(lib: Path) -> Case:
    """A library of the wheel has a path of its own, and yet gets what the module has loaded before."""
    one, two = two_of_one_name(lib)
    own = library(lib / "built" / "libown.so", 100, links=[one], run_path=("rpath", str(one.parent)))
    core = extension(lib / "built" / "_a.so", links=[two, own], run_path=("rpath", f"$ORIGIN:{two.parent}"))
    return Case({"_a": core}, {"_a": 2 + 102}, {"libx.so.1": 1}, others={"demo/libown.so": own})


def beside_each(lib: Path) -> Case:
    """One content in two folders: each file finds what lies beside it."""
    two_of_one_name(lib)
    libshared = library(
        lib / "a" / "libshared.so.1", 10, links=[lib / "a" / "libx.so.1"], run_path=("runpath", "$ORIGIN")
    )
    shutil.copy(libshared, lib / "b" / "libshared.so.1")
    return Case(modules(lib, libshared, kind="runpath"), {"_a": 11, "_b": 12}, {"libx.so.1": 2, "libshared.so.1": 2})


def from_the_environment(lib: Path) -> Case:
    """One of the two is what LD_LIBRARY_PATH has for whoever has none of its own."""
    one, two = two_of_one_name(lib)
    libshared = library(lib / "libshared.so.1", 10, links=[one])
    built = {
        "_a": extension(lib / "built" / "_a.so", links=[libshared], run_path=("rpath", f"{one.parent}:{lib}")),
        "_b": extension(lib / "built" / "_b.so", links=[libshared]),
    }
    copies = {"libx.so.1": 2, "libshared.so.1": 2}
    return Case(built, {"_a": 11, "_b": 12}, copies, path=(lib, two.parent))


def included(lib: Path) -> Case:
    """--include says which file the name is, for all who need it; what it needs itself is still another for each."""
    one, _ = two_of_one_name(lib)
    libshared = library(lib / "libshared.so.1", 10, links=[one])
    options = ("--include", str(libshared))
    return Case(modules(lib, libshared), {"_a": 11, "_b": 12}, {"libx.so.1": 2, "libshared.so.1": 2}, options=options)


CASES: Final[tuple[Callable[[Path], Case], ...]] = (
    shared,
    chain,
    circle,
    circle_of_the_same,
    same_content,
    circle_below_the_difference,
    loaded_before,
    loaded_before_by_soname,
    loaded_by_the_wheels_own,
    own_library_without_a_path,
    own_library_that_comes_second,
    beside_each,
    from_the_environment,
    included,
)


def wheel_of(case: Case, folder: Path) -> Path:
    built = {f"demo/{name}{SUFFIX}": path for name, path in case.modules.items()}
    return pack(folder, {**built, **case.others})


def answers(wheel: Path, case: Case, root: Path, *, path: tuple[Path, ...] = ()) -> dict[str, int]:
    """What each module says in a process of its own."""
    site = install(wheel, root)
    env = {"LD_LIBRARY_PATH": ":".join(map(str, path))} if path else {}
    return {name: ask(site, f"demo.{name}", env=env)[0] for name in case.modules}


def options(case: Case) -> tuple[str, ...]:
    return (*case.options, *(word for folder in case.path for word in ("--lib-path", str(folder))))


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_as_ld_so_has_it(make: Callable[[Path], Case], tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    case = make(lib)
    wheel = wheel_of(case, tmp_path)
    assert answers(wheel, case, tmp_path / "before", path=case.path) == case.answers

    run = repair(wheel, options=options(case))
    found = [name for name in members(run.path) if name.startswith("demo.libs/")]
    counted = {
        name: sum(graft.startswith(f"demo.libs/{name.partition('.')[0]}-") for graft in found) for name in case.copies
    }
    assert counted == case.copies
    assert len(found) == sum(case.copies.values())
    twice = [name for name, count in case.copies.items() if count > 1 and name != "libx.so.1"]
    assert [any(f"{name} is copied 2 times" in warning for warning in run.warnings) for name in twice] == [True] * len(
        twice
    )
    assert bool(twice) == any("is copied" in warning for warning in run.warnings)

    lib.rename(tmp_path / "hidden")
    assert answers(run.path, case, tmp_path / "after") == case.answers
    site = install(run.path, tmp_path / "together")
    for order in (list(case.modules), list(reversed(case.modules))):
        assert ask(site, *(f"demo.{name}" for name in order))[0] == sum(case.answers.values())

    again = repair(run.path, to=tmp_path / "again")
    assert again.wheel["status"] == "copied"
    assert again.path.read_bytes() == run.path.read_bytes()


def test_include_makes_one_of_two(tmp_path: Path) -> None:
    """As the how-to says of modules that have to share what they need."""
    lib = tmp_path / "lib"
    case = shared(lib)._replace(answers={"_a": 12, "_b": 12})
    run = repair(wheel_of(case, tmp_path), options=("--include", str(lib / "b" / "libx.so.1")))
    assert sorted(grafts(run.path)) == ["libshared.so.1", "libx.so.1"]
    assert len([name for name in members(run.path) if name.startswith("demo.libs/")]) == 2
    lib.rename(tmp_path / "hidden")
    assert answers(run.path, case, tmp_path / "after") == case.answers


def test_the_warning_says_what_differs(tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    run = repair(wheel_of(chain(lib), tmp_path))
    inner = next(warning for warning in run.warnings if warning.startswith("libinner"))
    outer = next(warning for warning in run.warnings if warning.startswith("libouter"))
    for letter in "ab":
        assert f"{lib / letter / 'libx.so.1'} for demo.libs/libouter-" in inner
        assert f" for demo/_{letter}{SUFFIX}" in outer
    assert outer.count("libinner-") == 2


def test_one_that_finds_nothing_gets_what_the_other_has(tmp_path: Path) -> None:
    """Alone, this module did not load where it was built; after the other one it did."""
    lib = tmp_path / "lib"
    one, _ = two_of_one_name(lib)
    libshared = library(lib / "libshared.so.1", 10, links=[one])
    built = {
        "_a": extension(lib / "built" / "_a.so", links=[libshared], run_path=("rpath", str(lib))),
        "_b": extension(lib / "built" / "_b.so", links=[libshared], run_path=("rpath", f"{lib}:{lib / 'b'}")),
    }
    case = Case(built, {"_a": 12, "_b": 12}, {})
    wheel = wheel_of(case, tmp_path)
    with pytest.raises(AssertionError, match=r"libx\.so\.1: cannot open shared object file"):
        answers(wheel, case, tmp_path / "before")
    site = install(wheel, tmp_path / "before")
    assert ask(site, "demo._b", "demo._a")[0] == 24
    path = repair(wheel).path
    assert grafts(path).keys() == {"libx.so.1", "libshared.so.1"}
    lib.rename(tmp_path / "hidden")
    assert answers(path, case, tmp_path / "after") == case.answers


def test_a_file_of_the_wheel_has_one_meaning(tmp_path: Path) -> None:
    """It cannot be copied for each: what the second module found for it is no more, and that is said."""
    lib = tmp_path / "lib"
    one, two = two_of_one_name(lib)
    own = library(lib / "built" / "libown.so", 100, links=[one])
    built = modules(lib, own, more=":$ORIGIN")
    case = Case(built, {"_a": 101, "_b": 102}, {}, others={"demo/libown.so": own})
    wheel = wheel_of(case, tmp_path)
    assert answers(wheel, case, tmp_path / "before") == case.answers
    run = repair(wheel)
    assert run.warnings == [
        f"demo/libown.so is in the wheel once, and needs libx.so.1: of {one} with demo/_a{SUFFIX}, "
        f"{two} with demo/_b{SUFFIX}, it gets the first"
    ]
    lib.rename(tmp_path / "hidden")
    assert answers(run.path, case, tmp_path / "after") == {"_a": 101, "_b": 101}


def test_two_copies_cannot_both_keep_the_name(tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    wheel = wheel_of(shared(lib), tmp_path)
    run = repair(wheel, options=("--no-mangle", "libshared.so.1"))
    both = f"two copies of {lib / 'libshared.so.1'}, whose needs mean different files,"
    assert run.problems == [f"{both} would both be demo.libs/libshared.so.1"]
    chained = wheel_of(chain(tmp_path / "more"), tmp_path / "chained")
    run = repair(chained, options=("--no-mangle", "lib*"))
    assert {problem.rpartition(" ")[2] for problem in run.problems} == {
        f"demo.libs/{name}.so.1" for name in ("libx", "libinner", "libouter")
    }


def test_what_is_opened_by_name_has_its_own(tmp_path: Path) -> None:
    """--include of a library that no file needs: it is loaded by itself, and finds what its own path leads to."""
    lib = tmp_path / "lib"
    one, two = two_of_one_name(lib)
    libshared = library(lib / "libshared.so.1", 10, links=[one])
    plug = library(lib / "libplug.so.1", 100, links=[libshared], run_path=("rpath", f"{two.parent}:{lib}"))
    core = extension(tmp_path / "_a.so", links=[libshared], run_path=("rpath", f"{one.parent}:{lib}"))
    source = """
extern void *dlopen(const char *, int);
extern void *dlsym(void *, const char *);
int libopener(void) {
    void *plug = dlopen("libplug.so.1", 2);
    return plug ? ((int (*)(void)) dlsym(plug, "libplug"))() : 0;
}
"""
    opener = compile_c(
        source, tmp_path / "libopener.so", "-shared", "-fPIC", f"-Wl,-rpath,{lib}", "-Wl,--disable-new-dtags"
    )
    opening = extension(tmp_path / "_b.so", links=[opener], run_path=("rpath", "$ORIGIN"))
    case = Case({"_a": core, "_b": opening}, {"_a": 11, "_b": 112}, {}, others={"demo/libopener.so": opener})
    wheel = wheel_of(case, tmp_path)
    assert answers(wheel, case, tmp_path / "before") == case.answers
    path = repair(wheel, options=("--include", str(plug))).path
    assert sum(name.startswith("demo.libs/libshared-") for name in members(path)) == 2
    lib.rename(tmp_path / "hidden")
    assert answers(path, case, tmp_path / "after") == case.answers


def some_graph(lib: Path, random: Random) -> Case:
    """Up to three files of each of four names, which need later names, and earlier ones in circles; the search path of
    each leads to some of the folders, or there is none.
    """
    folders = [lib / "a", lib / "b", lib]
    built: dict[str, list[Path]] = {}
    names = [f"lib{letter}.so.1" for letter in "stuv"]

    def path(*kinds: str | None) -> tuple[str, str] | None:
        kind = random.choice(kinds)
        chosen = random.sample(folders, random.randint(1, 3))
        return None if kind is None else (kind, ":".join(map(str, chosen)))

    for number, name in reversed(list(enumerate(names))):
        for place, folder in enumerate(random.sample(folders, random.randint(2, 3))):
            links = [random.choice(built[other]) for other in names[number + 1 :] if random.random() < 0.5]
            value = 10**number * (1 + place)
            target = library(folder / name, value, links=links, run_path=path(None, None, None, "rpath", "runpath"))
            built.setdefault(name, []).append(target)
    for number, name in enumerate(names):
        for target in built[name]:
            if (
                number and random.random() < 0.3
            ):  # the same again, with a need of an earlier one, which it does not call
                earlier = built[random.choice(names[:number])][0]
                compiled = target.read_bytes()
                extended = edit_elf(compiled, ElfChanges(add_needed=(earlier.name,)))
                target.write_bytes(extended)
    modules = {
        f"_{letter}": extension(
            lib / "built" / f"_{letter}.so",
            links=[random.choice(built[name]) for name in names if random.random() < 0.6],
            run_path=path("rpath", "rpath", "runpath"),
        )
        for letter in "abc"
    }
    environment = tuple(random.sample(folders, random.randint(0, 3)))
    return Case(modules, {}, {}, path=environment)


@pytest.mark.parametrize("seed", range(16))
def test_any_graph(seed: int, tmp_path: Path) -> None:
    """What ld.so loads alone, it loads alone from the repaired wheel, with the same libraries. If it loads all, there
    is a repaired wheel.
    """
    lib = tmp_path / "lib"
    case = some_graph(lib, Random(seed))
    wheel = wheel_of(case, tmp_path)
    before: dict[str, int] = {}
    for name, path in case.modules.items():
        with contextlib.suppress(AssertionError):
            before |= answers(wheel, case._replace(modules={name: path}), tmp_path / "before", path=case.path)
    run = repair(wheel, options=options(case))
    if run.outcome.code == 1:
        assert len(before) < len(case.modules)
        return
    lib.rename(tmp_path / "hidden")
    loadable = case._replace(modules={name: case.modules[name] for name in before})
    assert answers(run.path, loadable, tmp_path / "after") == before
    again = repair(run.path, to=tmp_path / "again")
    assert again.path.read_bytes() == run.path.read_bytes()


def test_the_same_bytes_whatever_the_hashes(tmp_path: Path) -> None:
    """Nothing hangs on the order of sets, nor on the folder."""
    wheel = wheel_of(circle_below_the_difference(tmp_path / "lib"), tmp_path)
    written = []
    for seed in "012":
        folder = tmp_path / seed
        command = [sys.executable, "-m", "perennial", "repair", "-q", "-w", str(folder), str(wheel)]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True)
        (path,) = folder.iterdir()
        written.append((path.name, path.read_bytes()))
    assert written[0] == written[1] == written[2]
