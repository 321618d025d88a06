"""The architectures that programs can be run of: on this kernel where it runs them, else by qemu-user.

A row says what each tool calls the architecture: Debian, the multiarch folders, clang, binutils, qemu,
and where the loaders lie (glibc: each port's shlib-versions; musl: its manual's `ld-musl-$ARCH.so.1`).
"""

from __future__ import annotations

import platform
from typing import Final, NamedTuple

from perennial.arch import Architecture

# Kernels that run programs of other architectures by themselves.
_RUN_BY_KERNEL: Final = {
    "x86_64": frozenset({Architecture.X86_64, Architecture.I686}),
    "aarch64": frozenset({Architecture.AARCH64}),
}


class Machine(NamedTuple):
    """An architecture, and its names."""

    architecture: Architecture
    debian: str
    triplet: str  # Debian's multiarch folder with glibc's libraries; binutils' prefix
    musl_triplet: str
    clang: str  # the target, with {libc} for "gnu" or "musl"
    loader: str  # glibc's, as PT_INTERP says it
    musl_loader: str
    qemu: str
    linker: str  # binutils' prefix where it is not the triplet
    suites: tuple[str, ...]  # of Debian, oldest first, in which today's mirrors have it
    processor: str | None = None  # what qemu emulates; None for its choice

    def __str__(self) -> str:
        return self.architecture.value

    @property
    def new_suite(self) -> str:
        """The suite that stands for a new system: trixie, or sid where mirrors have no trixie."""
        return "trixie" if "trixie" in self.suites else "sid"

    @property
    def runs_natively(self) -> bool:
        """Does this machine's kernel run its programs? Otherwise qemu-user does."""
        own = _RUN_BY_KERNEL.get(platform.machine(), frozenset())
        return platform.system() == "Linux" and self.architecture in own

    def target(self, *, musl: bool) -> str:
        """What clang calls it."""
        return self.clang.format(libc="musl" if musl else "gnu")


_ALL: Final = ("bullseye", "bookworm", "trixie", "sid")

MACHINES: Final = {
    row.architecture: row
    for row in (
        Machine(
            architecture=Architecture.X86_64,
            debian="amd64",
            triplet="x86_64-linux-gnu",
            musl_triplet="x86_64-linux-musl",
            clang="x86_64-linux-{libc}",
            loader="/lib64/ld-linux-x86-64.so.2",
            musl_loader="/lib/ld-musl-x86_64.so.1",
            qemu="qemu-x86_64",
            linker="x86_64-linux-gnu",
            suites=_ALL,
        ),
        Machine(
            architecture=Architecture.I686,
            debian="i386",
            triplet="i386-linux-gnu",
            musl_triplet="i386-linux-musl",
            clang="x86-linux-{libc}",
            loader="/lib/ld-linux.so.2",
            musl_loader="/lib/ld-musl-i386.so.1",
            qemu="qemu-i386",
            linker="i686-linux-gnu",
            suites=_ALL,
        ),
        Machine(
            architecture=Architecture.AARCH64,
            debian="arm64",
            triplet="aarch64-linux-gnu",
            musl_triplet="aarch64-linux-musl",
            clang="aarch64-linux-{libc}",
            loader="/lib/ld-linux-aarch64.so.1",
            musl_loader="/lib/ld-musl-aarch64.so.1",
            qemu="qemu-aarch64",
            linker="aarch64-linux-gnu",
            suites=_ALL,
            # Pointers signed by any function will do: by the architecture's own, Python takes four times as long.
            processor="max,pauth-impdef=on",
        ),
        Machine(
            architecture=Architecture.ARMV7L,
            debian="armhf",
            triplet="arm-linux-gnueabihf",
            musl_triplet="arm-linux-musleabihf",
            clang="arm-linux-{libc}eabihf",
            loader="/lib/ld-linux-armhf.so.3",
            musl_loader="/lib/ld-musl-armhf.so.1",
            qemu="qemu-arm",
            linker="arm-linux-gnueabihf",
            suites=_ALL,
        ),
        Machine(
            architecture=Architecture.PPC64LE,
            debian="ppc64el",
            triplet="powerpc64le-linux-gnu",
            musl_triplet="powerpc64le-linux-musl",
            clang="powerpc64le-linux-{libc}",
            loader="/lib64/ld64.so.2",
            musl_loader="/lib/ld-musl-powerpc64le.so.1",
            qemu="qemu-ppc64le",
            linker="powerpc64le-linux-gnu",
            # bullseye's long-term support has neither ppc64el nor s390x; of trixie's latest point release, mirrors list
            # packages for these two that they do not have (404 on every fetch, 2026-11-29)
            suites=("bookworm", "sid"),
        ),
        Machine(
            architecture=Architecture.S390X,
            debian="s390x",
            triplet="s390x-linux-gnu",
            musl_triplet="s390x-linux-musl",
            clang="s390x-linux-{libc}",
            loader="/lib/ld64.so.1",
            musl_loader="/lib/ld-musl-s390x.so.1",
            qemu="qemu-s390x",
            linker="s390x-linux-gnu",
            suites=("bookworm", "sid"),
        ),
        Machine(
            architecture=Architecture.RISCV64,
            debian="riscv64",
            triplet="riscv64-linux-gnu",
            musl_triplet="riscv64-linux-musl",
            clang="riscv64-linux-{libc}",
            loader="/lib/ld-linux-riscv64-lp64d.so.1",
            musl_loader="/lib/ld-musl-riscv64.so.1",
            qemu="qemu-riscv64",
            linker="riscv64-linux-gnu",
            suites=_ALL[2:],  # trixie was its first release
        ),
    )
}
