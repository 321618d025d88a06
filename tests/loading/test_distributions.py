"""The libraries of distributions, edited and loaded where they come from: every Debian suite and architecture.

All of a root's libraries are grafted at once (grafting.py), and each is opened in a process of its own. In
that process nothing may be of the distribution but the C library: all else has come under its new name.
Then Python works with them: modules of its own, lxml and Pillow, edited to need the grafts.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from perennial.elf.edit import ElfChanges
from tests.loading.editing import GROWTH, edited, grafted, stripped
from tests.loading.grafting import Grafts, Library, graft, is_of_glibc, libraries_in
from tests.loading.workshop import GLIBC_SYSTEMS, System, Workshop, root_of
from tests.roots.run import Place, place_in

pytestmark = pytest.mark.loading

BATCH: Final = 30  # libraries in one run of the program that loads them
WORK: Final = Path(__file__).parent / "sources" / "work.py"


class Grafted(NamedTuple):
    """A system, its libraries, and all of them grafted."""

    system: System
    libraries: list[Library]
    grafts: Grafts


@pytest.fixture(scope="module", params=GLIBC_SYSTEMS, ids=str)
def grafted_system(request: pytest.FixtureRequest) -> Grafted:
    system: System = request.param
    folder = root_of(system).folder
    libraries = libraries_in(folder / above / system.machine.triplet for above in ("usr/lib", "lib"))
    assert len(libraries) > 50
    return Grafted(system, libraries, graft(libraries, edited))


def put_grafts(place: Place, grafts: Grafts) -> dict[str, str]:
    """Their paths in the root, by new name."""
    return {name: place.put(f"grafts/{name}", content) for name, content in grafts.contents.items()}


def strangers(lines: list[str], allowed: str) -> list[str]:
    """Libraries in a process that are neither below a folder nor of the C library."""
    found = (line.partition(" maps ")[2] for line in lines)
    outside = [path for path in found if path and not path.startswith((allowed, "linux-"))]  # linux-vdso: the kernel's
    # glibc itself opens libgcc_s by its name, for backtrace() (misc/unwind-link.c).
    return [path for path in outside if not is_of_glibc(path.rpartition("/")[2]) and "/libgcc_s.so.1" not in path]


def load_each(shop: Workshop, paths: list[str]) -> list[str]:
    lines: list[str] = []
    for start in range(0, len(paths), BATCH):
        words: list[str] = []
        for path in paths[start : start + BATCH]:
            words += ["-m", path, "--"]
        lines += shop.load(*words)
    return lines


def test_every_library_loads_under_its_new_name(grafted_system: Grafted) -> None:
    system, libraries, grafts = grafted_system
    with place_in(root_of(system)) as place:
        shop = Workshop(system, place)
        paths = put_grafts(place, grafts)
        for library in libraries:
            grown = len(grafts.contents[grafts.names[library.soname]]) - library.path.stat().st_size
            assert grown < GROWTH + library.path.stat().st_size / 4, library.soname
        lines = load_each(shop, list(paths.values()))
        troubles = [line for line in lines if not re.search(" opened$| maps ", line)]
        assert not troubles
        assert len([line for line in lines if line.endswith(" opened")]) == len(libraries)
        assert not strangers(lines, f"{place.inside}/grafts/")

        # And what GNU strip leaves of them.
        for name in paths:
            file = place.outside / "grafts" / name
            file.write_bytes(stripped(file, system.machine))
            file.with_suffix(".stripped").unlink()
        again = load_each(shop, list(paths.values()))
        assert sorted(again) == sorted(lines)

        # The control: who needs a graft that is not there is refused.
        missing = grafts.names["libz.so.1"]
        (place.outside / "grafts" / missing).unlink()
        user = next(library for library in libraries if "libz.so.1" in library.needed)
        (line,) = shop.load(paths[grafts.names[user.soname]])
        assert re.search(f" refused: .*{re.escape(missing)}", line)


def test_python_works_with_edited_modules(grafted_system: Grafted) -> None:
    system, _, grafts = grafted_system
    root = root_of(system)
    with place_in(root) as place:
        put_grafts(place, grafts)
        packages = root.folder / "usr/lib/python3/dist-packages"
        (standard,) = (root.folder / "usr/lib").glob("python3.*/lib-dynload")
        edits = 0
        for above, names in ((packages, ("lxml", "PIL")), (standard, (".",))):
            for path in sorted(file for name in names for file in (above / name).rglob("*") if file.is_file()):
                content = path.read_bytes()
                relative = path.relative_to(above)
                if path.suffix == ".so":
                    origin = "/".join(["$ORIGIN", *[".."] * len(relative.parts), "grafts"])
                    content = grafted(content, grafts.names, origin)
                    edits += 1
                place.put(f"site/{relative}", content)
        assert edits > 30
        script = place.put("work.py", WORK.read_bytes())
        raw = place.run(["/usr/bin/python3", script])
        done = place.run(["/usr/bin/python3", script], environment={"PYTHONPATH": f"{place.inside}/site"})
        assert (raw.exit_code, raw.errors) == (0, ""), raw
        assert (done.exit_code, done.errors) == (0, ""), done
        said, expected = done.output.splitlines(), raw.output.splitlines()
        assert [line for line in said if " maps " not in line] == [line for line in expected if " maps " not in line]
        # The interpreter itself, which is not edited, has its own libraries from the start.
        before = {line.partition(" maps ")[2] for line in expected if line.startswith("before maps ")}
        after = [line for line in said if line.startswith("after maps ")]
        assert set(strangers(after, place.inside)) <= before
        assert any("/grafts/libxml2-" in line for line in after)
        # The control: the unedited modules have none of it.
        assert not any("/grafts/" in line for line in expected)


def test_an_edited_file_can_be_edited_again(grafted_system: Grafted) -> None:
    """Back to the old names: it needs no more room than the first edit did."""
    _, libraries, grafts = grafted_system
    for library in libraries[:20]:
        new = grafts.names[library.soname]
        changes = grafts.changes[new]
        back = ElfChanges(soname=library.soname, rename_needed=tuple((b, a) for a, b in changes.rename_needed))
        assert len(edited(grafts.contents[new], back)) - len(grafts.contents[new]) < GROWTH
