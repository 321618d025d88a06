#!/usr/bin/env python3
"""Rebuilds `knowledge/data/glibc/*.tsv`: `make_glibc_history.py ABILISTS [FOLDER]`.

ABILISTS is the file `ziglang/lib/libc/glibc/abilists` of the ziglang wheel (0.17.0: glibc 2.0 to
2.44), FOLDER where the tables go (default: where they belong). The file says, for 31 targets, which
symbol versions each of glibc's libraries has; it is read here as ziglang/libc-abi-tools' README
describes it, all integers little-endian:

    u8 count, then NUL-terminated names of libraries
    u8 count, then versions, three bytes each
    u8 count, then NUL-terminated target triples
    twice (functions, objects): u16 count, then inclusions
        a NUL-terminated symbol, unless the inclusion before it was not its symbol's last
        ULEB128: bit n set for target n
        ULEB128: size (not for functions)
        u8: library; bit 7: the last inclusion of this symbol
        u8 each: versions; bit 7: the last one
    u16, which the README does not have yet; 0 in this file

What it does not say, and glibc's own `*.abilist` files and real libraries do (SOURCES.md), is
written out below: when a symbol went from one library to another, what was removed, and what the
big-endian ppc64 port has, which is no target of zig's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from perennial.knowledge.glibc_history import FIRST_NODES

DATA = Path(__file__).parents[1] / "src" / "perennial" / "knowledge" / "data" / "glibc"

TARGETS = {
    "aarch64": "aarch64-linux-gnu",
    "armv7l": "arm-linux-gnueabihf",
    "i686": "x86-linux-gnu",
    "loongarch64": "loongarch64-linux-gnu",
    "ppc64le": "powerpc64le-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
    "s390x": "s390x-linux-gnu",
    "x86_64": "x86_64-linux-gnu",
}
ARCHES = tuple(FIRST_NODES)
LIBRARIES = ("c", "m", "ld", "resolv", "pthread", "dl", "rt", "util", "anl")

EVERYTHING = "*"

# Library, first release without them, symbols. They moved to libc.so.6, which has them from that
# release on under every version that they had; some it had all along.
MOVED = (
    ("pthread", 30, "__vfork vfork"),
    (
        "pthread",
        31,
        "__nanosleep __wait nanosleep pthread_attr_destroy pthread_attr_getdetachstate pthread_attr_getinheritsched"
        " pthread_attr_getschedparam pthread_attr_init pthread_attr_setdetachstate pthread_attr_setinheritsched"
        " pthread_attr_setschedparam pthread_equal pthread_self wait waitpid",
    ),
    (
        "pthread",
        32,
        "pthread_attr_getschedpolicy pthread_attr_getscope pthread_attr_setaffinity_np pthread_attr_setschedpolicy"
        " pthread_attr_setscope pthread_cond_destroy pthread_cond_init pthread_condattr_destroy"
        " pthread_condattr_init pthread_getaffinity_np pthread_getattr_np pthread_getschedparam"
        " pthread_setschedparam pthread_sigmask",
    ),
    ("rt", 31, "clock_getcpuclockid clock_getres clock_gettime clock_nanosleep clock_settime"),
    ("pthread", 34, EVERYTHING),
    ("dl", 34, EVERYTHING),
    ("rt", 34, EVERYTHING),
    ("util", 34, EVERYTHING),
    ("anl", 34, EVERYTHING),
    ("m", 34, "__isnanf128"),
    (
        "resolv",
        34,
        "__dn_comp __dn_expand __dn_skipname __res_dnok __res_hnok __res_mailok __res_mkquery __res_nmkquery"
        " __res_nquery __res_nquerydomain __res_nsearch __res_nsend __res_ownok __res_query __res_querydomain"
        " __res_search __res_send dn_expand ns_name_compress ns_name_ntop ns_name_pack ns_name_pton ns_name_skip"
        " ns_name_uncompress ns_name_unpack res_mkquery res_query res_querydomain res_search",
    ),
)
# Library, first release without them, symbols. The dynamic linker's own malloc was for itself
# (libc's is meant); malloc_get_state and malloc_set_state went with the malloc hooks (NEWS, 2.34).
REMOVED = (
    ("ld", 25, "__libc_memalign"),
    ("ld", 32, "calloc free malloc realloc"),
    ("c", 34, "malloc_get_state malloc_set_state"),
)
# Library, node, first release, first release without it (0: none), architectures, symbols.
ADDED = (
    # zig knows no libanl
    ("anl", "2.2.3", 0, 0, "*", "gai_cancel gai_error gai_suspend getaddrinfo_a"),
    # zig reads only versions that begin with GLIBC_; glibc 2.3 has these (elf/Versions), 2.2 had not
    (
        *("c", "GCC_3.0", 3, 0, "i686 s390x"),
        "_Unwind_Find_FDE __deregister_frame_info_bases __register_frame_info_bases __register_frame_info_table_bases",
    ),
    # in one release only
    ("c", "2.19", 0, 20, "s390x", "__setjmp"),
    ("pthread", "2.17", 0, 18, "aarch64", "pthread_atfork"),
    ("pthread", "2.4", 17, 18, "armv7l", "pthread_atfork"),
)

# ppc64 is much like s390x, whose port is about as old (64 bits, big-endian, a second long double since
# 2.4), with other symbols for its hardware, and without the types of which its long double is none.
PPC64_MODEL = "s390x"
PPC64_LACKS_TYPES = ("f128", "f64x")
PPC64_LACKS = {
    "c": "___brk_addr __ctype32_b __ctype32_tolower __ctype32_toupper __ctype_b __ctype_tolower __ctype_toupper"
    " __deregister_frame __deregister_frame_info __fentry__ __frame_state_for __register_frame"
    " __register_frame_info __register_frame_info_table __register_frame_table atexit mcount pthread_atfork"
    " re_max_failures",
    "pthread": "pthread_atfork",
    "ld": "__tls_get_offset",
}
PPC64_LACKS_2_19 = ("jmp", "context")  # s390x's jmp_buf and ucontext_t changed in 2.19, and back in 2.20
PPC64_HAS = {
    "c": "__ppc_get_timebase_freq@2.17 __sigsetjmp@2.3.4 _longjmp@2.3.4 _setjmp@2.3.4 getcontext@2.3.4 longjmp@2.3.4"
    " setcontext@2.3.4 setjmp@2.3.4 siglongjmp@2.3.4 swapcontext@2.3.4",
    "pthread": "longjmp@2.3.4 pthread_attr_setstack@2.6 pthread_attr_setstacksize@2.6 siglongjmp@2.3.4",
    "m": "__fe_dfl_env@2.3 __fe_dfl_mode@2.25 __fe_enabled_env@2.3 __fe_nomask_env@2.3 __fe_nonieee_env@2.3"
    " __iscanonicall@2.25",
    "ld": "__parse_hwcap_3_4_and_convert_at_platform@2.39 __parse_hwcap_and_convert_at_platform@2.23"
    " __tls_get_addr@2.3 __tls_get_addr_opt@2.22",
}

HEADER = """\
# What {name} of glibc exports; written by scripts/make_glibc_history.py, do not edit. Format: SOURCES.md
versions\tsymbols
"""


class Export(NamedTuple):
    """One symbol version in one library: 2.14, or a full name where it is no GLIBC_ node."""

    node: str
    since: int  # the first minor release of glibc 2 that exports it
    until: int  # the last one; ENDLESS: it still does


ENDLESS = 9999
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
WORTH_FOLDING = 4
Exports = dict[str, Export]  # by node
Table = dict[tuple[str, str, str], Exports]  # architecture, library, symbol


def numbers(node: str) -> tuple[int, ...]:
    return tuple(map(int, node.split(".")))


def order(node: str) -> tuple[tuple[int, ...], str]:
    return (numbers(node) if node[0] == "2" else (), node)


class Reader:
    """A cursor over the bytes of the file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def u8(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def u16(self) -> int:
        return self.u8() | self.u8() << 8

    def text(self) -> str:
        end = self.data.index(0, self.at)
        start, self.at = self.at, end + 1
        return self.data[start:end].decode("ascii")

    def uleb128(self) -> int:
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def listed(self) -> Iterator[int]:
        """Bytes up to the one whose bit 7 is set, without that bit."""
        while True:
            byte = self.u8()
            yield byte & 0x7F
            if byte & 0x80:
                return


def inclusions(data: bytes) -> Iterator[tuple[str, str, str, str]]:
    """(architecture, library, symbol, node), for the architectures that we have."""
    reader = Reader(data)
    libraries = [reader.text() for _ in range(reader.u8())]
    versions = [(reader.u8(), reader.u8(), reader.u8()) for _ in range(reader.u8())]
    nodes = [f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}" for major, minor, patch in versions]
    bits = {reader.text(): 1 << index for index in range(reader.u8())}
    masks = [(arch, bits[triple]) for arch, triple in TARGETS.items()]
    for kind in ("function", "object"):
        symbol, last = "", True
        for _ in range(reader.u16()):
            if last:
                symbol = reader.text()
            targets = reader.uleb128()
            if kind != "function":
                reader.uleb128()
            byte = reader.u8()
            library, last = libraries[byte & 0x7F], bool(byte & 0x80)
            for version in reader.listed():
                for arch, mask in masks:
                    if targets & mask:
                        yield arch, library, symbol, nodes[version]
    if data[reader.at :] != b"\0\0":
        raise SystemExit(f"the file has another format: {len(data) - reader.at} bytes are left over")


def lift(node: str, arch: str) -> str:
    """The node that stands for another port's node on an architecture."""
    first = FIRST_NODES[arch]
    return first if node[0] == "2" and numbers(node) < numbers(first) else node


def add(table: Table, key: tuple[str, str, str], node: str, since: int = 0, until: int = ENDLESS) -> None:
    """Adds an export, or widens the one that is there."""
    node = lift(node, key[0])
    if node[0] == "2":
        since = max(since, numbers(node)[1])
    if since <= until:
        known = table.setdefault(key, {}).get(node, Export(node, since, until))
        table[key][node] = Export(node, min(known.since, since), max(known.until, until))


def build(data: bytes) -> Table:
    """All exports of all architectures."""
    table: Table = {}
    for arch, library, symbol, node in inclusions(data):
        add(table, (arch, library, symbol), node)
    for library, node, since, gone, arches, symbols in ADDED:
        for arch in ARCHES if arches == "*" else arches.split(" "):
            for symbol in symbols.split(" "):
                add(table, (arch, library, symbol), node, since, gone - 1 if gone else ENDLESS)
    add_ppc64(table)
    for library, release, symbols in MOVED:
        for key, exports in end(table, library, release, symbols):
            for export in exports:
                if export.node not in table.get((key[0], "c", key[2]), {}):
                    add(table, (key[0], "c", key[2]), export.node, release)
    for library, release, symbols in REMOVED:
        end(table, library, release, symbols)
    return {key: exports for key, exports in table.items() if exports}


def end(table: Table, library: str, release: int, symbols: str) -> list[tuple[tuple[str, str, str], list[Export]]]:
    """Lets exports end before a release, and returns which."""
    wanted = set(symbols.split(" "))
    ended = []
    for key, exports in table.items():
        if key[1] == library and (symbols == EVERYTHING or key[2] in wanted):
            open_ones = [export for export in exports.values() if export.until == ENDLESS]
            ended.append((key, open_ones))
            for export in open_ones:
                if export.since < release:
                    exports[export.node] = export._replace(until=release - 1)
                else:  # the port is younger than the move
                    del exports[export.node]
    return ended


def add_ppc64(table: Table) -> None:
    for (arch, library, symbol), exports in list(table.items()):
        lacks = PPC64_LACKS.get(library, "").split(" ")
        if arch == PPC64_MODEL and symbol not in lacks and not any(kind in symbol for kind in PPC64_LACKS_TYPES):
            for node in exports:
                if node != "GCC_3.0" and not (node == "2.19" and any(name in symbol for name in PPC64_LACKS_2_19)):
                    add(table, ("ppc64", library, symbol), node)
    for library, text in PPC64_HAS.items():
        for entry in text.split(" "):
            symbol, _, node = entry.partition("@")
            add(table, ("ppc64", library, symbol), node)


def token(export: Export) -> str:
    first = numbers(export.node)[1] if export.node[0] == "2" else 0
    since = f"+{export.since}" if export.since > first else ""
    until = f"-{export.until}" if export.until != ENDLESS else ""
    return export.node + since + until


def applied(tokens: Iterable[Export], arch: str) -> Exports:
    """What a row's general nodes come to on an architecture."""
    table: Table = {}
    for node, since, until in tokens:
        add(table, (arch, "", ""), node, since, until)
    return table.get((arch, "", ""), {})


def written(exports: Iterable[Export]) -> str:
    return ",".join(token(export) for export in sorted(exports, key=lambda export: order(export.node))) or "-"


def spell(by_arch: Mapping[str, Exports]) -> str:
    """The shortest text for what the architectures have of one symbol."""
    candidates = set()
    general: list[tuple[Export, ...]] = [(), *(tuple(exports.values()) for exports in by_arch.values())]
    for tokens in general:
        exceptions: dict[str, list[str]] = {}
        for arch in ARCHES:
            own = by_arch.get(arch, {})
            if applied(tokens, arch) != own:
                exceptions.setdefault(written(own.values()), []).append(arch)
        words = [written(tokens), *sorted(f"{','.join(arches)}={nodes}" for nodes, arches in exceptions.items())]
        candidates.add(" ".join(words))
    return min(candidates, key=lambda text: (len(text), text))


def fold(symbols: Iterable[str]) -> str:
    """Front coding of sorted symbols: ~, how much of the last symbol to keep (0-9a-z), and the rest."""
    words, last = [], ""
    for symbol in symbols:
        same = [one == other for one, other in zip(symbol[:35], last, strict=False)]
        shared = same.index(False) if False in same else len(same)
        words.append(f"~{DIGITS[shared]}{symbol[shared:]}" if shared >= WORTH_FOLDING else symbol)
        last = symbol
    return " ".join(words)


def rows(table: Table, library: str) -> dict[str, list[str]]:
    """Versions as they are written -> the symbols that have them."""
    by_symbol: dict[str, dict[str, Exports]] = {}
    for (arch, of_library, symbol), exports in table.items():
        if of_library == library:
            by_symbol.setdefault(symbol, {})[arch] = exports
    found: dict[str, list[str]] = {}
    for symbol in sorted(by_symbol):
        found.setdefault(spell(by_symbol[symbol]), []).append(symbol)
    return found


def render(table: Table) -> dict[str, str]:
    """File name -> contents."""
    files = {}
    for library in LIBRARIES:
        name = library if library == "ld" else f"lib{library}"
        lines = [f"{versions}\t{fold(symbols)}\n" for versions, symbols in sorted(rows(table, library).items())]
        files[f"{name}.tsv"] = HEADER.format(name=name) + "".join(lines)
    return files


def main() -> int:
    if not 2 <= len(sys.argv) <= 3:
        print("usage: make_glibc_history.py ABILISTS [FOLDER]", file=sys.stderr)
        return 2
    folder = Path(sys.argv[2]) if len(sys.argv) == 3 else DATA
    for name, text in render(build(Path(sys.argv[1]).read_bytes())).items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
