#!/usr/bin/env python3
"""Builds the shims of `perennial lower`: `build_shims.py ZIGLANG [ARCHIVE]`.

ZIGLANG is the folder of the ziglang package (0.17.0: clang and LLD 22), ARCHIVE where the libraries go (default: where
they belong). The same sources and the same ziglang give the same bytes, on any machine.

Objects are compiled by `zig cc` with its headers. They are linked by LLD, against stub libraries that are made here:
of each library of glibc, what the release has that a shim is to run on, each symbol with the version that was the
default then. So the needs of a shim end there, whatever ziglang has (which offers no glibc 2.17 for ppc64le).
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from perennial.knowledge.glibc_history import GlibcHistory, Release, load_glibc_history

LOWER = Path(__file__).parents[1] / "src" / "perennial" / "lower"


class Port(NamedTuple):
    """An architecture: what zig calls it, the pages that its kernels may have, and the glibc that is built for."""

    target: str
    loader: str
    page: int = 0x1000
    glibc: Release = (2, 17)
    flags: tuple[str, ...] = ()


# The targets' versions of glibc choose among ziglang's headers, and nothing else.
PORTS = {
    "aarch64": Port("aarch64-linux-gnu.2.17", "ld-linux-aarch64.so.1", page=0x10000),
    "armv7l": Port("arm-linux-gnueabihf.2.17", "ld-linux-armhf.so.3", flags=("-mcpu=baseline-neon",)),
    # No SSE, which Debian's i386 does not have either.
    "i686": Port("x86-linux-gnu.2.17", "ld-linux.so.2", flags=("-mcpu=i686",)),
    # With IBM's long double, as glibc had it alone before 2.32: otherwise the headers redirect printf.
    "ppc64le": Port("powerpc64le-linux-gnu.2.19", "ld64.so.2", page=0x10000, flags=("-mabi=ibmlongdouble",)),
    "riscv64": Port("riscv64-linux-gnu.2.27", "ld-linux-riscv64-lp64d.so.1", glibc=(2, 27)),
    "s390x": Port("s390x-linux-gnu.2.17", "ld64.so.1"),
    "x86_64": Port("x86_64-linux-gnu.2.17", "ld-linux-x86-64.so.2"),
}

COMPILE = (
    *("-std=gnu17", "-Os", "-g0", "-fPIC", "-fvisibility=hidden", "-fno-ident"),
    # Tables, since exceptions and cancellation pass through what calls back or can be cancelled.
    *("-fasynchronous-unwind-tables", "-fno-stack-protector", "-fno-sanitize=all"),
    *("-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations"),
)
LINK = (
    *("-shared", "--strip-all", "--build-id=none", "--hash-style=gnu", "--eh-frame-hdr", "--no-undefined"),
    # nodelete: destructors that are registered may outlive whoever asked for the shim.
    *("-z", "now", "-z", "relro", "-z", "noexecstack", "-z", "nodelete", "--no-rosegment"),
)


class Shim(NamedTuple):
    """One of the shims: the beginning of its name, and the patterns of its sources."""

    name: str
    sources: tuple[str, ...]

    def file(self, arch: str) -> str:
        return f"{self.name}-{arch}.so"


SHIMS = {
    "c": Shim("libperennial-shim", ("*.c",)),
    "cxx": Shim("libperennial-shimxx", ("arm.c", "cxx/*.c")),
}

# What the C++ shim needs of libstdc++, by the nodes that these symbols have on every architecture; ~ is size_t,
# mangled. That of GCC 5 has them all.
STRING = "_ZNSt7__cxx1112basic_stringI{0}St11char_traitsI{0}ESaI{0}EE"
STREAMS = ("15basic_stringbuf", "18basic_stringstream", "19basic_istringstream", "19basic_ostringstream")
LIBSTDCXX = {
    "CXXABI_1.3": ("__cxa_begin_catch",),
    "CXXABI_1.3.3": (
        "_ZNSt15__exception_ptr13exception_ptrC1ERKS0_",
        "_ZNSt15__exception_ptr13exception_ptrD1Ev",
    ),
    "CXXABI_1.3.8": ("__cxa_throw_bad_array_new_length",),
    "GLIBCXX_3.4": (
        *("_ZNSt8ios_base4InitC1Ev", "_ZNSt8ios_base4InitD1Ev", "_ZSt13set_terminatePFvvE", "_ZSt17__throw_bad_allocv"),
        *("_ZSt7nothrow", "_ZSt9terminatev", "_ZdlPv", "_Znw~", "_Znw~RKSt9nothrow_t"),
    ),
    "GLIBCXX_3.4.21": (
        *(f"{STRING.format(letter)}9_M_createER~~" for letter in "cw"),
        *(
            f"_ZNSt7__cxx11{stream}I{letter}St11char_traitsI{letter}ESaI{letter}EE{which}ESt13_Ios_Openmode"
            for stream in STREAMS
            for letter in "cw"
            for which in ("C1", "C2")
        ),
    ),
}


def build(zig: Path, shim: Shim, arch: str, work: Path, defines: Sequence[str] = ()) -> bytes:
    """A shim's bytes. `work` is an empty folder."""
    port = PORTS[arch]
    compiler = [str(zig), "cc", "-target", port.target, *port.flags, *COMPILE, *(f"-D{name}" for name in defines)]
    objects = []
    for source in sorted(path for pattern in shim.sources for path in (LOWER / "shim").glob(pattern)):
        objects.append(work / f"{source.stem}.o")
        run([*compiler, "-c", str(source), "-o", str(objects[-1])])
    libraries = [*glibc_stubs(arch, port)]
    if shim == SHIMS["cxx"]:
        libraries.append(("libstdc++.so.6", libstdcxx(arch)))
    stubs = [make_stub(zig, port, work, *library) for library in libraries]
    output = work / shim.file(arch)
    command = [str(zig), "ld.lld", *LINK, "-z", f"max-page-size={port.page:#x}", "-soname", output.name]
    run([*command, "-o", str(output), *map(str, objects), "--as-needed", *map(str, stubs)])
    return output.read_bytes()


def glibc_stubs(arch: str, port: Port) -> Iterable[tuple[str, Mapping[str, str]]]:
    """The libraries of glibc, in the order in which a symbol is looked for: soname, symbols with versions."""
    history = load_glibc_history(arch)
    for library in ("libc.so.6", "libpthread.so.0", port.loader):
        yield library, dict(sorted(defaults(history, library, port.glibc)))


def defaults(history: GlibcHistory, library: str, release: Release) -> Iterable[tuple[str, str]]:
    """What a linker would have bound each symbol to, that a library has in a release."""
    for symbol in history.symbols(library):
        there = [export.version for export in history.exports(library, symbol) if export.at(release)]
        if there:
            yield symbol, there[-1]


def libstdcxx(arch: str) -> Mapping[str, str]:
    """The symbols of libstdc++, with versions."""
    size_type = "j" if arch in {"armv7l", "i686"} else "m"
    return {symbol.replace("~", size_type): node for node, symbols in LIBSTDCXX.items() for symbol in symbols}


def make_stub(zig: Path, port: Port, work: Path, soname: str, symbols: Mapping[str, str]) -> Path:
    """A library to link with, which has names and nothing behind them."""
    nodes: dict[str, list[str]] = {}
    for symbol, version in symbols.items():
        nodes.setdefault(version, []).append(symbol)
    script = work / f"{soname}.map"
    script.write_text("".join(f"{node} {{ {'; '.join(names)}; }};\n" for node, names in sorted(nodes.items())))
    assembly = work / f"{soname}.s"
    assembly.write_text(".text\n" + "".join(f".globl {symbol}\n{symbol}:\n" for symbol in symbols) + ".long 0\n")
    run([str(zig), "cc", "-target", port.target, "-c", str(assembly), "-o", f"{assembly}.o"])
    output = work / soname
    run(
        [
            str(zig),
            "ld.lld",
            "-shared",
            f"--version-script={script}",
            "-soname",
            soname,
            "-o",
            str(output),
            f"{assembly}.o",
        ]
    )
    return output


def run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def main(arguments: Sequence[str]) -> None:
    if len(arguments) not in (1, 2):
        sys.exit(__doc__)
    zig, archive = Path(arguments[0], "zig"), Path(*arguments[1:] or (LOWER / "data/shims.zip",))
    contents = {}
    for arch in PORTS:
        for shim in SHIMS.values():
            with tempfile.TemporaryDirectory() as work:
                contents[shim.file(arch)] = build(zig, shim, arch, Path(work))
            print(f"{shim.file(arch)}\t{len(contents[shim.file(arch)])}")
    archive.write_bytes(packed(contents))


def packed(contents: Mapping[str, bytes]) -> bytes:
    """The archive that is shipped. Nothing in it is compressed: what compresses it is whatever it is part of."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(contents.items()):
            archive.writestr(zipfile.ZipInfo(name), content)  # of 1980
    return output.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
