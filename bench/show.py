"""perennial show against auditwheel show, on real wheels; `make bench`, or BENCH=all for tensorflow too.

Prints Markdown tables. Figures are CPU seconds (user + system) and peak memory of whole
processes, medians of runs that alternate; compare ratios, not seconds of different days.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.measure import Cost, alternate, machine
from tests.support.elf_builder import Import, elf
from tests.support.wheel_builder import wheel

FOLDER = Path(os.environ.get("PERENNIAL_BENCH_CACHE", ".cache/bench"))
WHEELS = (
    "numpy==2.4.6",
    "scipy==1.17.1",
    "pyarrow==26.0.1",
    "opencv-python-headless==5.0.0.93",
    "scikit-learn==1.9.1",
)
LARGE = ("tensorflow==2.21.0",)
LARGE_SIZE = 200e6
BIN = Path(sys.executable).parent
INFLATE = Path(__file__).absolute().with_name("inflate.py")


class Row(NamedTuple):
    """What one wheel cost each command."""

    name: str
    megabytes: float
    theirs: Cost
    ours: Cost
    unhashed: Cost  # perennial show --skip-hashes
    floor: Cost
    hashed_floor: Cost


def main() -> None:
    print(f"{machine()}; CPU seconds\n")
    projects = WHEELS + (LARGE if os.environ.get("BENCH") == "all" else ())
    rows = [measure(project) for project in projects]
    print("As it is run:\n")
    _table(
        ("wheel", "MB", "auditwheel", "MiB", "perennial", "MiB", "ratio", "floor", "÷", "floor with hashes", "÷"),
        [
            (
                row.name,
                f"{row.megabytes:.0f}",
                f"{row.theirs.cpu:.2f}",
                f"{row.theirs.peak:.0f}",
                f"{row.ours.cpu:.3f}",
                f"{row.ours.peak:.0f}",
                f"**{row.theirs.cpu / row.ours.cpu:.1f}×**",
                *_held_against(row.floor, row.ours),
                *_held_against(row.hashed_floor, row.ours),
            )
            for row in rows
        ],
    )
    print(f"geometric mean of the ratio: **{mean([row.theirs.cpu / row.ours.cpu for row in rows]):.1f}**\n")
    print("Without hashes (`--skip-hashes`), which auditwheel does not verify:\n")
    _table(
        ("wheel", "auditwheel", "perennial", "MiB", "ratio", "floor", "÷"),
        [
            (
                row.name,
                f"{row.theirs.cpu:.2f}",
                f"{row.unhashed.cpu:.3f}",
                f"{row.unhashed.peak:.0f}",
                f"**{row.theirs.cpu / row.unhashed.cpu:.1f}×**",
                *_held_against(row.floor, row.unhashed),
            )
            for row in rows
        ],
    )
    print(f"geometric mean of the ratio: **{mean([row.theirs.cpu / row.unhashed.cpu for row in rows]):.1f}**\n")
    small()
    growth()


def measure(project: str) -> Row:
    path = download(project).absolute()
    size = path.stat().st_size
    inflate = [sys.executable, str(INFLATE)]
    commands = [
        [str(BIN / "auditwheel"), "show"],
        [str(BIN / "perennial"), "show"],
        [str(BIN / "perennial"), "show", "--skip-hashes"],
        inflate,
        [*inflate, "--sha256"],
    ]
    costs = alternate([[*command, str(path)] for command in commands], 1 if size > LARGE_SIZE else 5)
    return Row(project.partition("==")[0], size / 1e6, *costs)


def _held_against(floor: Cost, ours: Cost) -> tuple[str, str]:
    return f"{floor.cpu:.3f}", f"{ours.cpu / floor.cpu:.2f}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print(f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def mean(ratios: list[float]) -> float:
    """The geometric mean."""
    return math.prod(ratios) ** (1 / len(ratios))


def small() -> None:
    path = download("pyyaml==6.0.3")
    (cost,) = alternate([[str(BIN / "perennial"), "show", str(path.absolute())]], 9)
    print(f"a wheel of {path.stat().st_size / 1e3:.0f} kB (pyyaml): {cost.cpu:.3f} CPU s, {cost.peak:.0f} MiB\n")


def growth() -> None:
    """Synthetic wheels, to see that cost grows with what is in them and not with its square."""
    print("| synthetic wheel | perennial CPU s | MiB |")
    print("|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for members in (100, 1_000, 10_000):
            _print(f"{members:,} members", many_members(Path(folder) / str(members), members))
        for extensions, chain in ((10, 10), (40, 10), (10, 40), (40, 40), (80, 40), (1000, 1), (1000, 40)):
            _print(f"{extensions} extensions × chain of {chain}", chained(Path(folder), extensions, chain))


def _print(name: str, path: Path) -> None:
    (cost,) = alternate([[str(BIN / "perennial"), "show", "-q", str(path)]], 3)
    print(f"| {name} | {cost.cpu:.3f} | {cost.peak:.0f} |", flush=True)


def many_members(folder: Path, count: int) -> Path:
    members = {f"demo/data_{number:05}.txt": b"%d\n" % number for number in range(count)}
    folder.mkdir()
    return wheel(folder, members=members | {"demo/x.so": library("x.so", ())}, tags="py3-none-manylinux_2_17_x86_64")


def chained(folder: Path, extensions: int, chain: int) -> Path:
    """Extension modules that each need the first of a chain of libraries, without RUNPATH in the libraries."""
    members = {
        f"demo.libs/lib{number}.so": library(f"lib{number}.so", (f"lib{number + 1}.so",) if number + 1 < chain else ())
        for number in range(chain)
    }
    for number in range(extensions):
        data = library(None, tuple(f"lib{at}.so" for at in range(chain)), runpath="$ORIGIN/../demo.libs")
        members[f"demo/ext{number}.cpython-311-x86_64-linux-gnu.so"] = data
    target = folder / f"{extensions}-{chain}"
    target.mkdir()
    return wheel(target, members=members, tags="cp311-cp311-manylinux_2_17_x86_64")


def library(soname: str | None, needed: tuple[str, ...], runpath: str | None = None) -> bytes:
    symbols = (Import("memcpy", "GLIBC_2.14", "libc.so.6"), Import("PyModule_Create2"))
    return elf(soname=soname, needed=(*needed, "libc.so.6"), imports=symbols, runpath=runpath)


def download(requirement: str) -> Path:
    """A wheel of the configured index for CPython 3.11 on x86_64, downloaded once."""
    project = requirement.partition("==")[0].replace("-", "_")
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = sorted(FOLDER.glob(f"{project}-{requirement.partition('==')[2]}-*.whl"))
    if not found:
        options = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--implementation=cp"]
        platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in (28, 27, 17)]
        platforms.append("--platform=manylinux2014_x86_64")
        command = [sys.executable, "-m", "pip", "download", "-q", *options, *platforms]
        subprocess.run([*command, "-d", str(FOLDER), requirement], check=True)
        found = sorted(FOLDER.glob(f"{project}-{requirement.partition('==')[2]}-*.whl"))
    return found[0]


if __name__ == "__main__":
    main()
