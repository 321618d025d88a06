"""Builds the libraries of tests/loading/sources for a system, and loads them there.

A system is a root and one of its two C libraries. Objects are compiled once for an architecture; every
layout links them in its own way, as what an editor may do depends on where a linker left room.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests.roots import loading
from tests.roots.machines import MACHINES, Machine
from tests.roots.make import Root, UnavailableError, obtain, skip_unless_ci
from tests.roots.run import Place, emulator_of
from tests.roots.toolchain import Libc, Linker, binutil, compile_object, link_library, link_program, zig

SOURCES: Final = Path(__file__).parent / "sources"
OPEN_EACH: Final = SOURCES / "open_each.py"  # for the Python of a root
# The musl of each suite; sid's moves on.
MUSL: Final[dict[str, tuple[int, ...]]] = {
    "bullseye": (1, 2, 2),
    "bookworm": (1, 2, 3),
    "trixie": (1, 2, 5),
    "sid": (1, 2, 6),
}


class System(NamedTuple):
    """A Debian suite on an architecture, and which of its C libraries loads."""

    machine: Machine
    suite: str
    libc: Libc

    def __str__(self) -> str:
        return f"{self.machine}-{self.suite}-{self.libc.value}"

    @property
    def musl(self) -> bool:
        return self.libc is Libc.MUSL

    @property
    def glibc(self) -> tuple[int, ...]:
        """Its version, which says what its loader does."""
        assert not self.musl
        return tuple(map(int, loading.GLIBC[self.suite].split(".")))

    @property
    def knows_relr(self) -> bool:
        """DT_RELR: glibc 2.36's NEWS, musl 1.2.4's WHATSNEW."""
        return MUSL[self.suite] >= (1, 2, 4) if self.musl else self.glibc >= (2, 36)


SYSTEMS: Final = tuple(
    System(machine, suite, libc) for machine in MACHINES.values() for suite in machine.suites for libc in Libc
)
GLIBC_SYSTEMS: Final = tuple(system for system in SYSTEMS if not system.musl)


class Layout(NamedTuple):
    """One way to link a shared library."""

    name: str
    linker: Linker
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


LAYOUTS: Final = (
    Layout("gnu", Linker.GNU),
    Layout("gnu-64KiB-pages", Linker.GNU, ("-z", "max-page-size=65536", "-z", "relro", "-z", "now")),
    Layout("gnu-2MiB-pages", Linker.GNU, ("-z", "max-page-size=0x200000", "-z", "noseparate-code")),
    Layout("gnu-sysv-hash", Linker.GNU, ("--hash-style=sysv", "-z", "noseparate-code", "-z", "norelro")),
    Layout("lld", Linker.LLD),
    Layout("lld-relr", Linker.LLD, ("-z", "pack-relative-relocs")),
    Layout("lld-2MiB-pages", Linker.LLD, ("-z", "max-page-size=0x200000", "-z", "separate-loadable-segments")),
    Layout("lld-few-segments", Linker.LLD, ("--no-rosegment", "-z", "noseparate-code", "--hash-style=both")),
)
PLAIN: Final = LAYOUTS[0]


@cache
def root_of(system: System) -> Root:
    """The root, with all that running and building for it needs. Skips, or fails in CI, where that is missing."""
    try:
        root = obtain(loading.recipe(system.machine, system.suite))
        zig()
        for name in ("ld", "strip"):
            binutil(system.machine, name)
        if not system.machine.runs_natively:
            emulator_of(system.machine)
    except UnavailableError as error:
        skip_unless_ci(str(error))
    return root


class Workshop:
    """What is built for one system, in a folder of one test."""

    def __init__(self, system: System, place: Place, layout: Layout = PLAIN, *, page_size: int | None = None) -> None:
        """`page_size` is what qemu-user says that the kernel's is; None for the usual one."""
        self.system = system
        self.place = place
        self.layout = layout
        self._environment = {} if page_size is None else {"QEMU_PAGESIZE": str(page_size)}
        self._built = place.outside / "built"
        self._built.mkdir()
        self._load: str | None = None

    def library(
        self,
        source: str,
        soname: str | None = None,
        *,
        needs: Sequence[Path] = (),
        options: Sequence[str] = (),
        flags: Sequence[str] = (),
    ) -> Path:
        """A shared library of one source file; its version script is the .map file of that name."""
        path = SOURCES / source
        if not self.system.musl:
            flags = [*flags, "-DWITH_IFUNC"]
        script = path.with_suffix(".map")
        options = [*self.layout.options, *options, *(["-soname", soname] if soname is not None else [])]
        if script.exists():
            options.append(f"--version-script={script}")
        return link_library(
            self.place.root,
            [compile_object(path, self.system.machine, self.system.libc, flags), *needs],
            self._built / (soname or f"{path.stem}.so"),
            linker=self.layout.linker,
            libc=self.system.libc,
            options=options,
        )

    def program(self, source: str, *, needs: Sequence[Path] = ()) -> Path:
        """A program of one source file, in C. It has no library that only unwinding needs."""
        path = SOURCES / source
        flags = ("-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
        built = compile_object(path, self.system.machine, self.system.libc, flags)
        return link_program(self.place.root, [built, *needs], self._built / path.stem, libc=self.system.libc)

    def load(self, *words: str) -> list[str]:
        """What the program load.c says of its arguments, line by line."""
        if self._load is None:
            self._load = self.place.put("load", self.program("load.c").read_bytes())
        outcome = self.place.run([self._load, *words], environment=self._environment)
        assert outcome.exit_code == 0, outcome
        return outcome.output.splitlines()
