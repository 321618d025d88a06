"""perennial repair against auditwheel repair, on wheels built here from PyPI's sdists; part of `make bench`.

Prints Markdown tables. Figures are CPU seconds (user + system, children included) of whole processes, medians of
runs that alternate, and sizes of what was written; compare ratios, not seconds of different days.
"""

from __future__ import annotations

import math
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.measure import Cost, alternate, machine
from tests.repair.unrepaired import SDISTS, obtain
from tests.roots.make import UnavailableError
from tests.support.elf_builder import Import, elf
from tests.support.wheel_builder import wheel

BIN = Path(sys.executable).parent
ROUNDS = 5

HEADINGS = ("wheel", "MB", "auditwheel", "MB", "perennial", "MB", "ratio", "one process", "size")


def main() -> None:
    print(f"{machine()}; CPU seconds\n")
    print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for sdist in SDISTS:
            try:
                source = obtain(sdist)
            except UnavailableError as error:
                print(f"\n{sdist} is left out: {error}", file=sys.stderr)
                continue
            ratios.append(compare(source, Path(folder) / str(sdist)))
        if ratios:
            mean = math.prod(ratios) ** (1 / len(ratios))
            print(f"\ngeometric mean of the CPU ratio: {mean:.1f}, least {min(ratios):.1f}\n")
        large(Path(folder))


def compare(source: Path, folder: Path) -> float:
    """One row; returns how many times as long auditwheel takes."""
    theirs, ours = folder / "auditwheel", folder / "perennial"
    auditwheel, perennial, alone = alternate(
        [
            [str(BIN / "auditwheel"), "repair", "-w", str(theirs), str(source)],
            [str(BIN / "perennial"), "repair", "-q", "-w", str(ours), str(source)],
            [str(BIN / "perennial"), "repair", "-q", "-j", "1", "-w", str(ours), str(source)],
        ],
        ROUNDS,
    )
    before, after, own = size(source), size(only(theirs)), size(only(ours))
    ratio = auditwheel.cpu / perennial.cpu
    cells = (
        source.name.partition("-")[0],
        f"{before / 1e6:.2f}",
        f"{auditwheel.cpu:.2f}",
        f"{after / 1e6:.3f}",
        f"{perennial.cpu:.3f}",
        f"{own / 1e6:.3f}",
        f"**{ratio:.1f}×**",
        f"{auditwheel.cpu / alone.cpu:.1f}×",
        f"{own / after:.4f}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)
    return ratio


def large(folder: Path) -> None:
    """One small member changes in a wheel of 100 MB: everything else ought to be read for the audit, and copied."""
    source = one_small_change(folder)
    audit, repair = alternate(
        [
            [str(BIN / "perennial"), "show", "-q", str(source)],
            [str(BIN / "perennial"), "repair", "-q", "-w", str(folder / "large"), str(source)],
        ],
        ROUNDS,
    )
    written = size(only(folder / "large"))
    print(f"a wheel of {written / 1e6:.0f} MB in which one small library is grafted and one small module changes:")
    print(f"audit {shown(audit)}, repair {shown(repair)}: {repair.cpu / audit.cpu:.2f} times the audit")


def shown(cost: Cost) -> str:
    return f"{cost.cpu:.3f} s, {cost.peak:.0f} MiB"


def one_small_change(folder: Path) -> Path:
    """A module that needs libz's neighbour liblzma, beside 100 MB of data and libraries that need nothing."""
    noise = random.Random(600).randbytes(1 << 20)  # noqa: S311 - it has to be the same each time
    members = {f"demo/data{number:03}.bin": noise[number:] + noise[:number] for number in range(90)}
    symbols = (Import("memcpy", "GLIBC_2.14", "libc.so.6"),)
    big = elf(soname="libbig.so.1", needed=("libc.so.6",), imports=symbols)
    members |= {f"demo/lib{number}.so": big + noise for number in range(6)}
    members["demo/small.abi3.so"] = elf(soname=None, needed=("liblzma.so.5", "libc.so.6"), imports=symbols)
    return wheel(folder, members=members, tags="cp311-abi3-linux_x86_64")


def only(folder: Path) -> Path:
    """What a repair has written; ValueError where it has failed."""
    (found,) = folder.glob("*.whl")
    return found


def size(path: Path) -> int:
    return path.stat().st_size


if __name__ == "__main__":
    main()
