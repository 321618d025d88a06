#!/usr/bin/env python3
"""Rebuilds `knowledge/data/musl/symbols.tsv`: `make_musl_history.py LIBC_S [FILE]`.

LIBC_S is the file `ziglang/lib/libc/musl/libc.S` of the ziglang wheel (0.17.0: musl 1.2.5): assembly
text that defines every symbol of libc.so for the linker to see, with `#if` around what only some
architectures have. Of it, only the names are read. FILE is where the table goes (default: where it
belongs).

How other releases differ from 1.2.5 is written out below, with where each fact comes from; SOURCES.md
says with which real libraries the result was compared, and what was found.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from perennial.knowledge.musl_history import FIRST_RELEASES

DATA = Path(__file__).parents[1] / "src" / "perennial" / "knowledge" / "data" / "musl" / "symbols.tsv"

ARCHES = tuple(FIRST_RELEASES)
TIME32 = ("armv7l", "i686")  # whose time_t had 32 bits before 1.2.0
EVERYWHERE = "*"
NONE = "-"

# How libc.S asks for architectures; big-endian, x32 and others have no tags.
CONDITIONS = {
    "ARCH_i386": ("i686",),
    "ARCH_x86_64": ("x86_64",),
    "FAMILY_x86": ("i686", "x86_64"),
    "ARCH_arm": ("armv7l",),
    "ARCH_aarch64": ("aarch64",),
    "ARCH_s390x": ("s390x",),
    "ARCH_riscv64": ("riscv64",),
    "FAMILY_riscv": ("riscv64",),
    "ARCH_loongarch64": ("loongarch64",),
    "TIME32": TIME32,
}
OTHERS = ("ARCH_hexagon", "ARCH_mips64", "ARCH_mipsn32", "ARCH_riscv32", "FAMILY_mips")

# Release -> what it was the first to export, on every architecture. Up to 1.1.24: libraries built
# from musl's tags; 1.2.2 to 1.2.5: those, and WHATSNEW; 1.2.6: Debian's package.
ADDED = {
    "1.1.21": "__dls2b name_to_handle_at open_by_handle_at",
    "1.1.22": "membarrier",
    "1.1.24": "copy_file_range posix_spawn_file_actions_addchdir_np posix_spawn_file_actions_addfchdir_np"
    " secure_getenv",
    "1.2.2": "_Fork gettid reallocarray tcgetwinsize tcsetwinsize",
    "1.2.3": "pthread_getname_np qsort_r",
    "1.2.5": "preadv2 pwritev2 statx",
    "1.2.6": "__getauxval posix_getdents renameat2",
}
TIME64_SINCE = "1.2.0"  # the names behind the 64-bit time_t of 32-bit ports
# On 32-bit ports, left out when struct stat changed, and back when the names ending in 64 became
# aliases for the dynamic linker.
STAT_NAMES = "__fxstat __fxstatat __lxstat __xstat"
STAT_RANGES = "..1.1.24,1.2.4.."
# What libc.S leaves out, or what came and went on one port: seen in Debian's packages.
RISCV_ONLY = {"__restore": "1.2.4..1.2.5", "__restore_rt": "1.2.4..1.2.5"}
S390X_ONLY = {"__tls_get_addr": ".."}

# The names of the large-file interfaces. To 1.2.3 they are aliases in the symbol table. Since 1.2.4
# they are none, and the dynamic linker strips the 64 where a relocation asks for one (get_lfs64 in
# ldso/dynlink.c), unless the name does not fit its buffer of 16 characters, which was put right in 1.2.6.
LARGE_FILES = (
    "__fxstat64 __fxstatat64 __lxstat64 __xstat64 aio_cancel64 aio_error64 aio_fsync64 aio_read64 aio_return64"
    " aio_suspend64 aio_write64 alphasort64 creat64 fallocate64 fgetpos64 fopen64 freopen64 fseeko64 fsetpos64"
    " fstat64 fstatat64 fstatfs64 fstatvfs64 ftello64 ftruncate64 ftw64 getdents64 getrlimit64 glob64"
    " globfree64 lio_listio64 lockf64 lseek64 lstat64 mkostemp64 mkostemps64 mkstemp64 mkstemps64 mmap64 nftw64"
    " open64 openat64 posix_fadvise64 posix_fallocate64 pread64 preadv64 prlimit64 pwrite64 pwritev64 readdir64"
    " readdir64_r scandir64 sendfile64 setrlimit64 stat64 statfs64 statvfs64 tmpfile64 truncate64 versionsort64"
)
LARGE_FILES_EXPORTED = "..1.2.3"
LARGE_FILES_RELOCATED = {"posix_fallocate64": "1.2.6.."}
LARGE_FILES_RELOCATED_ELSE = "1.2.4.."

HEADER = """\
# What musl's libc.so provides; written by scripts/make_musl_history.py, do not edit. Format: SOURCES.md
# ports:{ports}
exported\trelocated\tarchitectures\tsymbols
"""


def symbols_by_architecture(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The names that an assembly file defines, each with the architectures that see it."""
    stack: list[frozenset[str]] = []
    defining = re.compile(r"(?:\.(?:globl|weak)|WEAK64|WEAKTIME64)\s+(\S+)")
    for line in text.splitlines():
        directive = line.strip()
        if directive.startswith("#if"):
            stack.append(condition(directive))
        elif directive.startswith("#else"):
            stack[-1] = frozenset(ARCHES) - stack[-1]
        elif directive.startswith("#endif"):
            stack.pop()
        elif found := defining.match(directive):
            yield found[1], frozenset(ARCHES).intersection(*stack)


def condition(directive: str) -> frozenset[str]:
    """The architectures on which `#if…` holds: one name, or several negated ones joined by &&."""
    names = re.findall(r"\b(?:ARCH|FAMILY)_\w+|\bTIME32\b", directive)
    told = {arch for name in names if name not in OTHERS for arch in CONDITIONS[name]}
    negated = directive.startswith("#ifndef") or "!defined" in directive
    return frozenset(set(ARCHES) - told if negated else told)


Row = tuple[str, str]  # ranges of releases: exported, and found by relocations only


def build(text: str) -> dict[tuple[str, str], Row]:
    """(architecture, symbol) -> in which releases; an open end is the port's first, or the newest."""
    table: dict[tuple[str, str], Row] = {}
    first = {symbol: release for release, symbols in ADDED.items() for symbol in symbols.split(" ")}
    for symbol, arches in symbols_by_architecture(text):
        for arch in arches:
            since = first.get(symbol, TIME64_SINCE if is_time64(symbol, arches) else "")
            table[arch, symbol] = (f"{since}..", "")
    for symbol, since in first.items():
        for arch in ARCHES:
            table[arch, symbol] = (f"{since}..", "")
    for symbol in STAT_NAMES.split(" "):
        for arch in TIME32:
            table[arch, symbol] = (STAT_RANGES, "")
    for arch, only in (("riscv64", RISCV_ONLY), ("s390x", S390X_ONLY)):
        table.update({(arch, symbol): (ranges, "") for symbol, ranges in only.items()})
    for symbol in LARGE_FILES.split(" "):
        for arch in ARCHES:
            relocated = LARGE_FILES_RELOCATED.get(symbol, LARGE_FILES_RELOCATED_ELSE)
            table[arch, symbol] = (LARGE_FILES_EXPORTED, relocated)
    return table


def is_time64(symbol: str, arches: Iterable[str]) -> bool:
    return set(arches) == set(TIME32) and "64" in symbol


def render(table: dict[tuple[str, str], Row]) -> str:
    """One row for all symbols with the same history on the same architectures."""
    arches: dict[tuple[str, Row], list[str]] = {}
    for (arch, symbol), row in sorted(table.items()):
        arches.setdefault((symbol, row), []).append(arch)
    rows: dict[tuple[str, str, str], list[str]] = {}
    for (symbol, (exported, relocated)), names in sorted(arches.items()):
        of = EVERYWHERE if tuple(names) == ARCHES else " ".join(names)
        rows.setdefault((exported, relocated or NONE, of), []).append(symbol)
    ports = "".join(f" {arch} {release}" for arch, release in FIRST_RELEASES.items())
    lines = ["\t".join((*key, " ".join(symbols))) + "\n" for key, symbols in sorted(rows.items())]
    return HEADER.format(ports=ports) + "".join(lines)


def main() -> int:
    if not 2 <= len(sys.argv) <= 3:
        print("usage: make_musl_history.py LIBC_S [FILE]", file=sys.stderr)
        return 2
    target = Path(sys.argv[2]) if len(sys.argv) == 3 else DATA
    target.write_text(render(build(Path(sys.argv[1]).read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
