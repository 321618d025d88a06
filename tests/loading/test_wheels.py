"""Real wheels of every architecture: each library in them under a new name, opened where it is at home.

The wheels of tests/wheels/wheels.lock with shared libraries; those for glibc are opened by the Python of a
Debian root of their architecture, those for musl by musl. What opened before opens afterwards; what did
not (another Python's symbols) is refused in the same words. Programs in wheels say the same `--version`.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePosixPath
from typing import Final

import pytest
from elftools.elf.elffile import ELFFile

from perennial.arch import architecture_of_tag
from perennial.elf.edit import ElfChanges, SearchPath
from tests.loading.editing import edited
from tests.loading.grafting import is_of_glibc, new_name, read_library
from tests.loading.workshop import OPEN_EACH, System, Workshop, root_of
from tests.roots.machines import MACHINES
from tests.roots.make import skip_unless_ci
from tests.roots.run import Place, place_in
from tests.roots.toolchain import Libc
from tests.wheels.download import LockedWheel, UnavailableError, locked_wheels, obtain

pytestmark = pytest.mark.loading

_PLATFORM: Final = re.compile(r"(?:many|musl)linux(?:\d+|_\d+_\d+)_(\w+)|linux_(\w+)")


def system_of(wheel: LockedWheel) -> System | None:
    """The system whose programs load it; None for a wheel without libraries of an architecture at hand."""
    match = _PLATFORM.fullmatch(wheel.tag[2])
    architecture = match and architecture_of_tag(match[1] or match[2])
    if architecture is None:
        return None
    libc = Libc.MUSL if wheel.tag[2].startswith("musl") else Libc.GLIBC
    machine = MACHINES[architecture]
    # Where there is the Python of that version, all of a wheel's modules open.
    suite = "bookworm" if wheel.tag[0] == "cp311" and libc is Libc.GLIBC else machine.new_suite
    return System(machine, suite, libc)


CASES: Final = [(wheel, system) for wheel in locked_wheels() if (system := system_of(wheel)) is not None]


def test_every_architecture_is_there() -> None:
    assert {system.machine for _, system in CASES} == set(MACHINES.values())


class Kind(Enum):
    """What an ELF file of a wheel is there for."""

    LIBRARY = "to be opened"
    PROGRAM = "to be run, with a loader"
    OTHER = "a static program, or no ELF file"


def kind_of(content: bytes) -> Kind:
    if not content.startswith(b"\x7fELF"):
        return Kind.OTHER
    types = {segment["p_type"] for segment in ELFFile(io.BytesIO(content)).iter_segments()}
    if "PT_INTERP" in types:
        return Kind.PROGRAM
    # A static program may have PT_DYNAMIC (static PIE), but needs nothing and is called nothing.
    return Kind.LIBRARY if "PT_DYNAMIC" in types and b".so" in content else Kind.OTHER


def put_wheel(place: Place, wheel: LockedWheel, folder: str, names: Mapping[str, str] | None) -> dict[str, Kind]:
    """Unpacks its libraries and programs; with `names`, edited and under them. Returns the paths in the root."""
    paths: dict[str, Kind] = {}
    with zipfile.ZipFile(obtain(wheel)) as archive:
        for info in archive.infolist():
            content = archive.read(info)
            kind = kind_of(content)
            if kind is Kind.OTHER:
                continue
            member = PurePosixPath(info.filename)
            if names is not None:
                soname = names.get(member.name)
                path = SearchPath("$ORIGIN/../nothing/there", runpath=True) if kind is Kind.PROGRAM else None
                changes = ElfChanges(soname=soname, rename_needed=tuple(sorted(names.items())), search_path=path)
                content = edited(content, changes)
                member = member.with_name(soname or member.name)
            paths[place.put(f"{folder}/{member}", content)] = kind
    return paths


@pytest.mark.parametrize(("wheel", "system"), CASES, ids=lambda case: getattr(case, "filename", str(case)))
def test_what_opened_opens_and_what_ran_runs(wheel: LockedWheel, system: System) -> None:
    try:
        obtain(wheel)
    except UnavailableError as error:
        skip_unless_ci(str(error))
    with place_in(root_of(system)) as place:
        raw = put_wheel(place, wheel, "raw", None)
        if not raw:
            pytest.skip("all that it has is linked statically")
        # Whatever has a file name that others need by it.
        found = [read_library(place.outside / path.removeprefix(f"{place.inside}/")) for path in raw]
        names = {
            library.soname: new_name(library.soname)
            for library in found
            if library is not None and library.path.name == library.soname and not is_of_glibc(library.soname)
        }
        new = put_wheel(place, wheel, "new", names)
        shop = Workshop(system, place)
        before, after = open_all(shop, raw), open_all(shop, new)
        for old, renamed in names.items():
            after = [line.replace(renamed, old) for line in after]
        assert [line.replace("/new/", "/raw/") for line in after] == before


def open_all(shop: Workshop, paths: Mapping[str, Kind]) -> list[str]:
    """What happened to each."""
    libraries = [path for path, kind in paths.items() if kind is Kind.LIBRARY]
    programs = [path for path, kind in paths.items() if kind is Kind.PROGRAM]
    said = []
    for path in programs:
        outcome = shop.place.run([path, "--version"])
        assert outcome.exit_code == 0, outcome
        said.append(f"{path}\t{outcome}")
    if shop.system.musl:
        return said + shop.load(*(word for path in libraries for word in (path, "--")))
    script = shop.place.put("open_each.py", OPEN_EACH.read_bytes())
    outcome = shop.place.run(["/usr/bin/python3", script, *libraries], timeout=600)
    assert outcome.exit_code == 0, outcome
    return said + outcome.output.splitlines()
