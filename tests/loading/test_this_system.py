"""The libraries of this machine, edited by perennial and, beside it, by patchelf, and loaded.

What opened before opens afterwards, and what did not is refused in the same words; readelf and eu-elflint
find nothing in what perennial wrote that they did not find before; and it is smaller than patchelf's.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from perennial.elf.edit import ElfChanges
from tests.loading.editing import edited
from tests.loading.grafting import Grafts, Library, graft, libraries_in
from tests.roots.make import skip_unless_ci

OPEN_EACH: Final = Path(__file__).with_name("open_each.py")
FOLDERS: Final = [Path(above, f"{platform.machine()}-linux-gnu") for above in ("/usr/lib", "/lib")]

pytestmark = [
    pytest.mark.loading,
    pytest.mark.skipif(not FOLDERS[0].is_dir(), reason="there is no Debian with its multiarch folders here"),
]


@pytest.fixture(scope="module")
def libraries() -> list[Library]:
    found = libraries_in(FOLDERS)
    assert len(found) > 50
    return found


@pytest.fixture(scope="module")
def grafts(libraries: list[Library]) -> Grafts:
    return graft(libraries, edited)


def open_all(paths: list[Path]) -> dict[str, str]:
    """What happened, by file name."""
    command = [sys.executable, str(OPEN_EACH), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    lines = (line.split("\t", 1) for line in done.stdout.splitlines())
    return {path.rpartition("/")[2]: said for path, said in lines}


def by_patchelf(data: bytes, changes: ElfChanges, folder: Path) -> bytes:
    """The same changes by the rival, in one call."""
    path = folder / "library"
    path.write_bytes(data)
    command = ["patchelf", "--set-soname", str(changes.soname)]
    for old, new in changes.rename_needed:
        command += ["--replace-needed", old, new]
    assert changes.search_path is not None
    subprocess.run([*command, "--set-rpath", changes.search_path.text, str(path)], check=True, capture_output=True)
    return path.read_bytes()


def written(contents: Mapping[str, bytes], folder: Path) -> list[Path]:
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


def test_what_opened_opens(libraries: list[Library], grafts: Grafts, tmp_path: Path) -> None:
    raw = open_all([library.path for library in libraries])
    before = {library.soname: raw[library.path.name] for library in libraries}
    after = open_all(written(grafts.contents, tmp_path / "grafts"))
    # By the old names, and without folders.
    for library in libraries:
        said = after[grafts.names[library.soname]]
        for old, new in grafts.names.items():
            said = said.replace(new, old)
        assert in_general(said) == in_general(before[library.soname]), library.soname
    assert sum(said == "opened" for said in after.values()) > len(libraries) * 0.9


def in_general(said: str) -> str:
    """Without the folders and the file names, which are not the sonames."""
    return re.sub(r"\S*/|[\w.+-]+\.so[\w.]*", "", said)


def test_they_are_smaller_than_what_patchelf_writes(libraries: list[Library], grafts: Grafts, tmp_path: Path) -> None:
    if shutil.which("patchelf") is None:
        skip_unless_ci("patchelf is not installed")
    ours, theirs = 0, 0
    for library in libraries:
        name = grafts.names[library.soname]
        size = library.path.stat().st_size
        ours += len(grafts.contents[name]) - size
        theirs += len(by_patchelf(library.path.read_bytes(), grafts.changes[name], tmp_path)) - size
    assert ours < theirs


def warnings_of(command: list[str], path: Path) -> Counter[str]:
    """The lines of a checker, without the numbers in them: offsets and indices may change."""
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False, env=environment)
    lines = done.stderr.splitlines() if command[0] == "readelf" else done.stdout.splitlines()
    return Counter(re.sub(r"0x[0-9a-f]+|\d+|'[^']*'", "#", line.replace(str(path), "")) for line in lines)


@pytest.mark.parametrize("command", [["readelf", "-aW"], ["eu-elflint", "--gnu-ld"]], ids=lambda words: words[0])
def test_checkers_find_nothing_new(
    libraries: list[Library], grafts: Grafts, tmp_path: Path, command: list[str]
) -> None:
    if shutil.which(command[0]) is None:
        skip_unless_ci(f"{command[0]} is not installed")
    written(grafts.contents, tmp_path / "grafts")
    for library in libraries[::3]:
        before = warnings_of(command, library.path)
        after = warnings_of(command, tmp_path / "grafts" / grafts.names[library.soname])
        assert not after - before, library.soname
