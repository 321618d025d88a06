"""Files made to cost more than they weigh: each ends in seconds and in little memory.

The limits are set on a process of its own, so that nothing here depends on how busy the machine is.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.elf_builder import ElfSpec, build_elf_with_layout, mutate

MIB = 1 << 20
READ = """
import resource, sys
from pathlib import Path
from perennial.elf.read import read_elf
from perennial.errors import ElfFormatError

data = Path(sys.argv[1]).read_bytes()
resource.setrlimit(resource.RLIMIT_AS, (350 << 20,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (6,) * 2)
for exports in (False, True):
    try:
        elf = read_elf(data, exports=exports)
        print("read", len(elf.imports), len(elf.exports or ()))
    except ElfFormatError as error:
        print(str(error)[:500])
"""

SPEC = ElfSpec(layout="tables-last", needed=("a",), extra_dynamic=((0x15, 0), (0x15, 0), (0x15, 0), (0x15, 0)))
DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_HASH, DT_NEEDED, DT_VERNEED, DT_VERDEF = 5, 6, 10, 4, 1, 0x6FFFFFFE, 0x6FFFFFFC
DT_GNU_HASH = 0x6FFFFEF5
ROOMY = b"\0a\0".ljust(MIB, b"\0")  # a string table that may be referred to a million times


def with_tables(tables: dict[int, bytes], values: dict[int, int] | None = None, entries: int = 1) -> bytes:
    """A file whose dynamic table, all its own, points to these tables; they stand behind each other."""
    data, at = build_elf_with_layout(SPEC)
    vaddr, offset = (int.from_bytes(data[at[f"PT_LOAD[3].{name}"] :][:8], "little") for name in ("p_vaddr", "p_offset"))
    blob = bytearray()
    pairs: list[tuple[int, int]] = []
    for tag, content in tables.items():
        pairs.append((tag, vaddr + len(data) - offset + len(blob)))
        blob += content.ljust(-(-len(content) // 8) * 8, b"\0")
    pairs += [*(values or {}).items(), (0, 0)]
    dynamic = vaddr + len(data) - offset + len(blob)
    blob += b"".join(struct.pack("<qQ", *pair) for pair in pairs[:-1]) * entries + bytes(16)
    changes = {"PT_DYNAMIC.p_vaddr": dynamic, "PT_LOAD[3].p_filesz": len(data) - offset + len(blob)}
    return mutate(SPEC, changes) + bytes(blob)


def symbols(count: int, info: int = 0x12, section: int = 0, name: int = 1) -> bytes:
    return struct.pack("<IBBHQQ", name, info, 0, section, 0, 0) * count


def hash_of(count: int) -> bytes:
    return struct.pack("<II", 1, count)


def overlapping_names() -> bytes:
    count = MIB // 2
    strings = b"\0" + b"a" * (4 * MIB) + b"\0"
    return with_tables(
        {DT_STRTAB: strings, DT_SYMTAB: symbols(count), DT_HASH: hash_of(count)}, {DT_STRSZ: len(strings)}
    )


def names_in_a_large_table() -> bytes:
    count = MIB // 2
    strings = b"\0" + b"a" * (12 * MIB) + b"\0"  # asked name by name
    return with_tables(
        {DT_STRTAB: strings, DT_SYMTAB: symbols(count), DT_HASH: hash_of(count)}, {DT_STRSZ: len(strings)}
    )


def needed_again_and_again() -> bytes:
    strings = b"\0" + b"a" * 60_000 + b"\0"
    return with_tables({DT_STRTAB: strings}, {DT_STRSZ: len(strings), DT_NEEDED: 1}, entries=20_000)


def a_dynamic_table_without_end() -> bytes:
    return with_tables({}, {DT_NEEDED: 0}, entries=4 * MIB)


def local_symbols() -> bytes:
    count = 4 * MIB
    return with_tables({DT_STRTAB: b"\0a\0", DT_SYMTAB: symbols(count, 0x02), DT_HASH: hash_of(count)}, {DT_STRSZ: 3})


def symbols_of(info: int, section: int) -> Callable[[], bytes]:
    def make() -> bytes:
        count = 2 * MIB
        table = symbols(count, info, section)
        return with_tables({DT_STRTAB: ROOMY, DT_SYMTAB: table, DT_HASH: hash_of(count)}, {DT_STRSZ: len(ROOMY)})

    return make


def version_chain() -> bytes:
    """Needs whose auxiliary chains are one and the same: a quadratic number of versions."""
    needs, aux = 4000, 4000
    records = b"".join(
        struct.pack("<HHIII", 1, 1, 1, 16 * (needs - n), 16 if n + 1 < needs else 0) for n in range(needs)
    )
    chain = struct.pack("<IHHII", 0, 0, 2, 1, 16) * (aux - 1) + struct.pack("<IHHII", 0, 0, 2, 1, 0)
    return with_tables({DT_STRTAB: b"\0a\0", DT_VERNEED: records + chain}, {DT_STRSZ: 3})


def definition_chain() -> bytes:
    count, parents = 30_000, 64
    records = b"".join(
        struct.pack("<HHHHIII", 1, 0, 2, 0xFFFF, 0, 20 * (count - n), 20 if n + 1 < count else 0) for n in range(count)
    )
    return with_tables({DT_STRTAB: b"\0a\0", DT_VERDEF: records + struct.pack("<II", 1, 8) * parents}, {DT_STRSZ: 3})


def segments(kind: int, count: int, size: int, tail: int) -> bytes:
    """As many program headers of one kind as are read, which all cover the same bytes."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    return header + struct.pack("<IIQQQQQQ", kind, 4, 0, 0, 0, size, size, 4) * count + bytes(tail)


def notes_of_a_megabyte() -> bytes:
    return segments(4, 1170, MIB, MIB)


def many_loads() -> bytes:
    """1168 segments in which nothing is, in front of the one in which everything is."""
    count = MIB
    tables = {DT_STRTAB: ROOMY, DT_SYMTAB: symbols(count), DT_HASH: hash_of(count)}
    data = bytearray(with_tables(tables, {DT_STRSZ: len(ROOMY)}))
    loads = struct.pack("<IIQQQQQQ", 1, 4, 0, 1 << 50, 0, 1, 1, 4) * 1160
    number, start = struct.unpack_from("<H", data, 56)[0], 64
    headers = data[start : start + 56 * number]
    struct.pack_into("<Q", data, 32, len(data))  # e_phoff
    struct.pack_into("<H", data, 56, number + 1160)
    return bytes(data) + bytes(headers) + loads


def gnu_hash_buckets() -> bytes:
    table = struct.pack("<IIII", 8 * MIB, 1, 0, 0) + bytes(32 * MIB)
    return with_tables({DT_STRTAB: b"\0", DT_GNU_HASH: table, DT_SYMTAB: symbols(1)}, {DT_STRSZ: 1})


def gnu_hash_chain() -> bytes:
    table = struct.pack("<IIIII", 1, 1, 0, 0, 1) + bytes(32 * MIB)
    return with_tables({DT_STRTAB: b"\0", DT_GNU_HASH: table, DT_SYMTAB: symbols(1)}, {DT_STRSZ: 1})


OVERLAP = "names overlap so much"
CASES: dict[Callable[[], bytes], str] = {
    overlapping_names: OVERLAP,
    names_in_a_large_table: OVERLAP,
    needed_again_and_again: OVERLAP,
    a_dynamic_table_without_end: "more than 65536 entries and no DT_NULL",
    local_symbols: "read 0 0",
    symbols_of(0x12, 0): "more than 1048576 symbols of one kind",
    version_chain: "more than 32767 versions are needed",
    definition_chain: "more than 32767 versions are defined",
    notes_of_a_megabyte: "more than 1048576 bytes of notes",
    many_loads: "read 1048575 0",
    gnu_hash_buckets: "read 0 0",
    gnu_hash_chain: "nothing ends the chain",
}


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__qualname__.partition(".")[0])
def test_it_ends_soon_and_in_little_memory(tmp_path: Path, make: Callable[[], bytes]) -> None:
    path = tmp_path / "hostile.so"
    path.write_bytes(make())
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    assert CASES[make] in done.stdout.splitlines()[0]


def test_too_many_exports(tmp_path: Path) -> None:
    path = tmp_path / "hostile.so"
    path.write_bytes(symbols_of(0x12, 1)())
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    first, second = done.stdout.splitlines()
    assert first == "read 0 0"
    assert "more than 1048576 symbols of one kind" in second
