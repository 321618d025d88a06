"""Real wheels of every architecture: each library in them under a new name, opened where it is at home.

The wheels of tests/wheels/wheels.lock with shared libraries; those for glibc are opened by the Python of a
Debian root of their architecture, those for musl by musl. What opened before opens afterwards; what did
not (another Python's symbols) is refused in the same words.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import PurePosixPath
from typing import Final

import pytest

from perennial.arch import architecture_of_tag
from perennial.elf.edit import ElfChanges
from tests.loading.editing import edited
from tests.loading.grafting import is_of_glibc, new_name, read_library
from tests.loading.test_this_system import OPEN_EACH
from tests.loading.workshop import System, Workshop, root_of
from tests.roots.machines import MACHINES
from tests.roots.make import skip_unless_ci
from tests.roots.run import Place, place_in
from tests.roots.toolchain import Libc
from tests.wheels.download import LockedWheel, UnavailableError, locked_wheels, obtain

pytestmark = pytest.mark.loading

_PLATFORM: Final = re.compile(r"(?:many|musl)linux(?:\d+|_\d+_\d+)_(\w+)|linux_(\w+)")


def system_of(wheel: LockedWheel) -> System | None:
    """The trixie whose programs load it; None for a wheel without libraries of an architecture at hand."""
    match = _PLATFORM.fullmatch(wheel.tag[2])
    architecture = match and architecture_of_tag(match[1] or match[2])
    if architecture is None:
        return None
    libc = Libc.MUSL if wheel.tag[2].startswith("musl") else Libc.GLIBC
    return System(MACHINES[architecture], "trixie", libc)


CASES: Final = [(wheel, system) for wheel in locked_wheels() if (system := system_of(wheel)) is not None]


def test_every_architecture_is_there() -> None:
    assert {system.machine for _, system in CASES} == set(MACHINES.values())


def put_wheel(place: Place, wheel: LockedWheel, folder: str, names: dict[str, str] | None) -> list[str]:
    """Unpacks its shared libraries; with `names`, edited and under them. Returns the paths in the root."""
    paths = []
    with zipfile.ZipFile(obtain(wheel)) as archive:
        for info in archive.infolist():
            content = archive.read(info)
            if not is_shared(content):
                continue
            member = PurePosixPath(info.filename)
            if names is not None:
                soname = names.get(member.name)
                content = edited(content, ElfChanges(soname=soname, rename_needed=tuple(sorted(names.items()))))
                member = member.with_name(soname or member.name)
            paths.append(place.put(f"{folder}/{member}", content))
    return paths


def is_shared(content: bytes) -> bool:
    """An ELF file with e_type ET_DYN and no interpreter: a library, and no program."""
    little = content[5:6] == b"\x01"
    kind = int.from_bytes(content[16:18], "little" if little else "big")
    return content.startswith(b"\x7fELF") and kind == 3 and b"\0/lib" not in content[:4096]


@pytest.mark.parametrize(("wheel", "system"), CASES, ids=lambda case: getattr(case, "filename", str(case)))
def test_what_opened_opens(wheel: LockedWheel, system: System) -> None:
    try:
        obtain(wheel)
    except UnavailableError as error:
        skip_unless_ci(str(error))
    with place_in(root_of(system)) as place:
        raw = put_wheel(place, wheel, "raw", None)
        if not raw:
            pytest.skip("it has no shared libraries")
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


def open_all(shop: Workshop, paths: list[str]) -> list[str]:
    """What happened to each."""
    if shop.system.musl:
        return shop.load(*(word for path in paths for word in (path, "--")))
    script = shop.place.put("open_each.py", OPEN_EACH.read_bytes())
    outcome = shop.place.run(["/usr/bin/python3", script, *paths], timeout=600)
    assert outcome.exit_code == 0, outcome
    return outcome.output.splitlines()
