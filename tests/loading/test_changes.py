"""Each change by itself, with what a loader does before and after it: every architecture and C library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from perennial.elf.edit import ElfChanges, SearchPath, StripLevel, VersionRename
from tests.loading.editing import edited, with_needed_ignored
from tests.loading.workshop import SYSTEMS, System, Workshop, root_of
from tests.roots.run import Place, place_in

pytestmark = [pytest.mark.loading, pytest.mark.parametrize("system", SYSTEMS, ids=str)]

BOTTOM: Final = "libbottom.so.1"
HERE: Final = SearchPath("$ORIGIN", runpath=True)


@contextmanager
def shop_in(system: System) -> Iterator[tuple[Workshop, Place]]:
    with place_in(root_of(system)) as place:
        yield Workshop(system, place), place


def test_version_names(system: System) -> None:
    """In the library and in its users, or the loader does not bind them. (musl knows no versions.)"""
    with shop_in(system) as (shop, place):
        bottom = shop.library("bottom.c", BOTTOM)
        middle = shop.library("middle.c", "libmiddle.so.1", needs=[bottom])
        defined = tuple(VersionRename(f"BOTTOM_{n}", f"PRIVATE_BOTTOM_{n}") for n in (1, 2))
        needed = tuple(rename._replace(library=BOTTOM) for rename in defined)
        place.put(BOTTOM, edited(bottom.read_bytes(), ElfChanges(rename_versions=defined)))
        both = place.put("both.so", edited(middle.read_bytes(), ElfChanges(rename_versions=needed, search_path=HERE)))
        one = place.put("one.so", edited(middle.read_bytes(), ElfChanges(search_path=HERE)))
        assert shop.load(both, "middle_sum") == [f"{both} opened", f"{both} middle_sum = 31020"]
        said = shop.load(one, "middle_sum")
        if system.musl:
            assert said == [f"{one} opened", f"{one} middle_sum = 31020"]
        else:
            (line,) = said
            assert re.search(r" refused: .*version `BOTTOM_[12]' not found", line)


def test_a_needed_library_is_removed_with_its_versions(system: System) -> None:
    with shop_in(system) as (shop, place):
        weak = shop.library("weak.c", needs=[shop.library("bottom.c", BOTTOM)]).read_bytes()
        removed = place.put("removed.so", edited(weak, ElfChanges(remove_needed=(BOTTOM,))))
        assert shop.load(removed, "weak_answer") == [f"{removed} opened", f"{removed} weak_answer = -1"]
        raw = place.put("raw.so", weak)
        (line,) = shop.load(raw, "weak_answer")
        assert BOTTOM in line
        # Without its versions it would end the process: glibc's _dl_check_map_versions asserts (needed != NULL).
        careless = place.put("careless.so", with_needed_ignored(weak, BOTTOM))
        said = shop.load(careless, "weak_answer")
        if system.musl:
            assert said == [f"{careless} opened", f"{careless} weak_answer = -1"]
        else:
            assert said == [f"{careless} ended with 127"]


def test_a_needed_library_is_added(system: System) -> None:
    with shop_in(system) as (shop, place):
        place.put(BOTTOM, shop.library("bottom.c", BOTTOM).read_bytes())
        module = shop.library("undeclared.c").read_bytes()
        added = place.put("added.so", edited(module, ElfChanges(add_needed=(BOTTOM,), search_path=HERE)))
        assert shop.load(added, "undeclared_answer") == [f"{added} opened", f"{added} undeclared_answer = 1000"]
        raw = place.put("raw.so", module)
        (line,) = shop.load(raw)
        assert line.startswith(f"{raw} refused: ")
        assert "bottom_made" in line


def test_hidden_symbols(system: System) -> None:
    """Nobody else finds them; the library itself goes on calling them. (musl's search ignores st_other.)"""
    with shop_in(system) as (shop, place):
        bottom = shop.library("bottom.c", BOTTOM).read_bytes()
        for name, content, found in (
            ("raw.so", bottom, True),
            ("hidden.so", edited(bottom, ElfChanges(hide_symbols=("bottom_secret",))), system.musl),
        ):
            path = place.put(name, content)
            assert shop.load(path, "bottom_secret", "bottom_public") == [
                f"{path} opened",
                f"{path} bottom_secret {'= 50' if found else 'absent'}",
                f"{path} bottom_public = 51",
            ]


def test_an_executable_stack_is_cleared(system: System) -> None:
    """glibc 2.41's NEWS: dlopen no longer makes the stack executable where a library asks for it."""
    with shop_in(system) as (shop, place):
        library = shop.library("weak.c", options=["-z", "execstack"]).read_bytes()
        cleared = place.put("cleared.so", edited(library, ElfChanges(clear_executable_stack=True)))
        assert shop.load(cleared, "weak_answer") == [f"{cleared} opened", f"{cleared} weak_answer = -1"]
        if not system.musl and system.glibc >= (2, 41):
            raw = place.put("raw.so", library)
            (line,) = shop.load(raw)
            assert "cannot enable executable stack" in line


@pytest.mark.parametrize("runpath", [False, True], ids=["RPATH", "RUNPATH"])
def test_search_paths(system: System, *, runpath: bool) -> None:
    """DT_RPATH serves the needs of needed libraries, DT_RUNPATH (in glibc) only a library's own."""
    with shop_in(system) as (shop, place):
        bottom = shop.library("bottom.c", BOTTOM)
        middle = shop.library("middle.c", "libmiddle.so.1", needs=[bottom])
        top = shop.library("top.c", needs=[middle]).read_bytes()
        place.put(f"libs/{BOTTOM}", bottom.read_bytes())
        place.put("libs/libmiddle.so.1", middle.read_bytes())
        found = edited(top, ElfChanges(search_path=SearchPath("$ORIGIN/libs", runpath=runpath)))
        path = place.put("found.so", found)
        said = shop.load(path, "answer")
        if system.musl or not runpath:
            assert said == [f"{path} opened", f"{path} answer = 31020"]
        else:
            (line,) = said
            assert "refused" in line
            assert BOTTOM in line
        # One replaces the other, and can be taken away.
        other = edited(found, ElfChanges(search_path=SearchPath("$ORIGIN/libs", runpath=not runpath)))
        path = place.put("other.so", other)
        assert (shop.load(path)[0] == f"{path} opened") is (system.musl or runpath)
        gone = place.put("gone.so", edited(found, ElfChanges(search_path=SearchPath("", runpath=True))))
        (line,) = shop.load(gone)
        assert "libmiddle.so.1" in line


@pytest.mark.parametrize("level", [StripLevel.DEBUG, StripLevel.ALL], ids=str)
def test_stripped_by_the_editor(system: System, level: StripLevel) -> None:
    with shop_in(system) as (shop, place):
        bottom = shop.library("bottom.c", BOTTOM, flags=["-g3", "-gdwarf-4"])
        module = shop.library("middle.c", needs=[bottom], flags=["-g3", "-gdwarf-4"])
        place.put(BOTTOM, edited(bottom.read_bytes(), ElfChanges(strip=level)))
        content = edited(module.read_bytes(), ElfChanges(strip=level, search_path=HERE))
        path = place.put("module.so", content)
        assert shop.load(path, "middle_sum") == [f"{path} opened", f"{path} middle_sum = 31020"]
        assert b".debug_info" in module.read_bytes()
        assert b".debug_info" not in content
        assert (b".symtab" in content) is (level is StripLevel.DEBUG)
