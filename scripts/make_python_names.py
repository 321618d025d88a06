#!/usr/bin/env python3
"""Rebuilds `knowledge/data/python_names.tsv`: `make_python_names.py FOLDER [FILE]`.

FOLDER has one installation of CPython for each minor release, as pyenv lays them out: `3.12.1/bin/python3.12`, and
`3.12.1/lib/libpython3.12.so.1.0` where it was built with --enable-shared. FILE is where the table goes (default: where
it belongs).

Of a program with position-independent addresses the C library's own symbols are listed too, where the linker copied
them; they have a version, and are left out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from perennial.elf.read import read_elf
from perennial.elf.stream import is_elf
from perennial.knowledge.python_names import is_of_interpreter

DATA = Path(__file__).parents[1] / "src" / "perennial" / "knowledge" / "data" / "python_names.tsv"
INSTALLED = re.compile(r"(\d+)\.(\d+)\.\d+")
# What a build's options decide, and other rules are about: ucs2-symbols, pyfpe-symbols.
OPTIONAL = re.compile(r"_?PyUnicodeUCS[24]_|PyFPE_")
HEADER = """\
# Names that CPython exports, by the minor releases whose build has them; written by scripts/make_python_names.py from
# {builds}. In the last row, -: what the program and libpython export beside.
versions\tnames
"""


def exported(folder: Path) -> set[str]:
    """The names that the program and its libpython export."""
    names: set[str] = set()
    for path in sorted({*folder.glob("bin/python*"), *folder.glob("lib/libpython*.so.*")}):
        data = b"" if path.is_symlink() or not path.is_file() else path.read_bytes()
        if is_elf(data):
            names |= {symbol.name for symbol in read_elf(data, exports=True).exports or () if symbol.version is None}
    return names


def table(folder: Path) -> Iterator[str]:
    builds = {}
    for path in folder.iterdir():
        match = INSTALLED.fullmatch(path.name)
        if match:
            builds[int(match[1]), int(match[2])] = path
    by_name: dict[str, list[tuple[int, int]]] = {}
    for version in sorted(builds):
        for name in exported(builds[version]):
            if not OPTIONAL.match(name):
                by_name.setdefault(name, []).append(version)
    yield HEADER.format(builds=", ".join(builds[version].name for version in sorted(builds)))
    rows: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for name, versions in by_name.items():
        if is_of_interpreter(name):
            rows.setdefault(tuple(versions), []).append(name)
    for versions, names in sorted(rows.items()):
        yield f"{' '.join(f'{major}.{minor}' for major, minor in versions)}\t{' '.join(sorted(names))}\n"
    yield f"-\t{' '.join(sorted(name for name in by_name if not is_of_interpreter(name)))}\n"


def main(folder: str, target: str = str(DATA)) -> None:
    Path(target).write_text("".join(table(Path(folder))), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
