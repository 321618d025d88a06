"""A graph of libraries, renamed as repair renames: every architecture, C library and layout.

An extension module needs a library that needs another; the last has symbol versions, thread-local storage,
a constructor, an IFUNC and pointers to relocate (sources/bottom.c). A second one asks for an old version,
a third catches what a C++ library throws. Nothing of it loads under its old names, as nothing is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.loading.editing import grafted, stripped, without_section_headers
from tests.loading.workshop import LAYOUTS, PLAIN, SYSTEMS, Layout, System, Workshop, root_of
from tests.roots.run import Place, place_in

pytestmark = pytest.mark.loading

NAMES: Final = {
    "libbottom.so.1": "libbottom-0b5e77a1.so.1",
    "libmiddle.so.1": "libmiddle-9c1d02f4.so.1",
    "libthrower.so.1": "libthrower-5f00dcab.so.1",
}
MODULES: Final = {
    "top.so": ("answer = 31020", 'word = "delta"', 'other_word = "beta"'),
    "old.so": ("old_answer = 1",),
    "catcher.so": ("caught = 142",),
}
WORDS: Final = {"top.so": ["answer", "s:word", "s:other_word"], "old.so": ["old_answer"], "catcher.so": ["caught"]}
CASES: Final = [
    (system, layout) for system in SYSTEMS for layout in LAYOUTS if layout.name != "lld-relr" or system.knows_relr
]


def build(shop: Workshop) -> tuple[dict[str, Path], dict[str, Path]]:
    """The libraries by soname, and the modules that need them by file name."""
    bottom = shop.library("bottom.c", "libbottom.so.1")
    middle = shop.library("middle.c", "libmiddle.so.1", needs=[bottom])
    libraries = {"libbottom.so.1": bottom, "libmiddle.so.1": middle}
    modules = {"top.so": shop.library("top.c", needs=[middle]), "old.so": shop.library("old.c", needs=[bottom])}
    if not shop.system.musl:  # Debian has no C++ library for it
        libraries["libthrower.so.1"] = shop.library("thrower.cpp", "libthrower.so.1")
        modules["catcher.so"] = shop.library("catcher.cpp", needs=[libraries["libthrower.so.1"]])
    return libraries, modules


def put_grafted(place: Place, libraries: Mapping[str, Path], modules: Mapping[str, Path]) -> dict[str, str]:
    """Puts all of them into the root under the names of a repaired wheel; returns the paths of the modules."""
    for soname, path in libraries.items():
        content = grafted(path.read_bytes(), NAMES, "$ORIGIN", soname=NAMES[soname])
        place.put(f"package.libs/{NAMES[soname]}", content)
    return {
        name: place.put(f"package/{name}", grafted(path.read_bytes(), NAMES, "$ORIGIN/../package.libs"))
        for name, path in modules.items()
    }


def expected(system: System, paths: dict[str, str]) -> Iterator[str]:
    for name, path in paths.items():
        yield f"{path} opened"
        for line in MODULES[name]:
            # musl knows no versions of symbols: whoever asks gets the default.
            yield f"{path} {'old_answer = 2' if system.musl and name == 'old.so' else line}"


def load_all(shop: Workshop, paths: dict[str, str]) -> list[str]:
    words: list[str] = []
    for name, path in paths.items():
        words += [path, *WORDS[name], "--"]
    return shop.load(*words)


@pytest.mark.parametrize(("system", "layout"), CASES, ids=str)
def test_a_renamed_graph_loads_and_works(system: System, layout: Layout) -> None:
    with place_in(root_of(system)) as place:
        shop = Workshop(system, place, layout)
        libraries, modules = build(shop)
        paths = put_grafted(place, libraries, modules)
        assert load_all(shop, paths) == list(expected(system, paths))
        # The names in the process are the new ones, each once.
        said = shop.load("-m", paths["top.so"])
        mapped = [line.rpartition("/")[2] for line in said if "/package.libs/" in line]
        assert sorted(mapped) == sorted([NAMES["libbottom.so.1"], NAMES["libmiddle.so.1"]])

        # The control: without an edit there is nothing to be found.
        for name, path in modules.items():
            raw = place.put(f"raw/{name}", path.read_bytes())
            (line,) = shop.load(raw, *WORDS[name])
            assert line.startswith(f"{raw} refused: "), line

        # And after GNU strip.
        for folder in ("package", "package.libs"):
            for path in sorted((place.outside / folder).glob("*.so*")):
                place.put(f"{folder}/{path.name}", stripped(path, system.machine))
                path.with_suffix(".stripped").unlink()
        assert load_all(shop, paths) == list(expected(system, paths))


@pytest.mark.parametrize("system", SYSTEMS, ids=str)
def test_a_graph_without_section_headers(system: System) -> None:
    """An editor that goes by sections has nothing to go by; the loader does not miss them."""
    with place_in(root_of(system)) as place:
        shop = Workshop(system, place, PLAIN)
        libraries, modules = build(shop)
        for path in (*libraries.values(), *modules.values()):
            path.write_bytes(without_section_headers(path.read_bytes()))
        paths = put_grafted(place, libraries, modules)
        assert load_all(shop, paths) == list(expected(system, paths))


@pytest.mark.parametrize("system", SYSTEMS, ids=str)
def test_a_program_finds_renamed_libraries(system: System) -> None:
    with place_in(root_of(system)) as place:
        shop = Workshop(system, place)
        libraries, _ = build(shop)
        put_grafted(place, libraries, {})
        program = shop.program("program.c", needs=[libraries["libmiddle.so.1"]])
        # Not $ORIGIN: for a program that is /proc/self/exe, and a root has no /proc.
        content = grafted(program.read_bytes(), NAMES, f"{place.inside}/package.libs")
        outcome = place.run([place.put("package/program", content)])
        assert (outcome.exit_code, outcome.output) == (0, "31020\n"), outcome
        raw = place.run([place.put("package/raw", program.read_bytes())])
        assert raw.exit_code == 127, raw


@pytest.mark.parametrize(
    ("system", "layout"),
    [
        case
        for case in CASES
        if str(case[0].machine) in {"aarch64", "ppc64le"} and case[0].suite == case[0].machine.new_suite
    ],
    ids=str,
)
def test_pages_of_64_kib(system: System, layout: Layout) -> None:
    """As kernels of these architectures may have them. qemu-user tells the loader so, and maps in such steps."""
    with place_in(root_of(system)) as place:
        shop = Workshop(system, place, layout, page_size=1 << 16)
        libraries, modules = build(shop)
        # Without C++: under qemu 7.2 with such pages, ppc64le's own libstdc++ crashes, as does Python.
        modules.pop("catcher.so", None)
        paths = put_grafted(place, libraries, modules)
        assert load_all(shop, paths) == list(expected(system, paths))
        # The controls: it is what the loader was told, and a library for smaller pages is none for these.
        libc = "libc.so" if system.musl else "libc.so.6"
        assert shop.load(libc, "getpagesize") == [f"{libc} opened", f"{libc} getpagesize = 65536"]
        if not system.musl:
            small = place.put("small.so", shop.library("weak.c", options=["-z", "max-page-size=4096"]).read_bytes())
            (line,) = shop.load(small)
            assert "not page-aligned" in line
