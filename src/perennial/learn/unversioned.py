"""Which symbols a reference without a version finds.

An executable or library that was linked without a library on its command line refers to
symbols without versions. ld.so meets such a reference with the base definition (index up to 2 in
DT_VERSYM: the first version that the library defines), or else with the only one that is not
hidden, that is the default (glibc, elf/dl-lookup.c: `check_match`). A symbol of which there are
only superseded versions after the first, such as libm's `__exp_finite@GLIBC_2.15` since 2.31,
is found by nobody who does not name its version.
"""

from __future__ import annotations

from array import array
from sys import byteorder

from perennial.elf.constants import DT_SYMTAB, DT_VERSYM, SHN_UNDEF, VERSYM_VERSION
from perennial.elf.dynamic import read_dynamic
from perennial.elf.image import Image
from perennial.elf.source import WholeFile
from perennial.elf.symbol_count import count_symbols
from perennial.elf.visibility import without_hidden
from perennial.lean_typing import Final

_HIDDEN: Final = 0x8000
_LAST_BASE: Final = 2
_LAST_LOCAL: Final = 0x0F  # of st_info: a binding of 0


def versioned_only(data: bytes) -> tuple[str, ...]:
    """The exported symbols that only a reference with a version finds, sorted.

    `data` is a file that `read_elf` has read with its exports.
    """
    image = Image(WholeFile(data))
    dynamic = read_dynamic(image)
    if dynamic is None or dynamic.get(DT_SYMTAB) is None:
        return ()
    table, versym = dynamic.span(DT_SYMTAB, "DT_SYMTAB"), dynamic.span(DT_VERSYM, "DT_VERSYM")
    if table is None or versym is None:
        return ()
    count = count_symbols(image, dynamic)
    first, record = count.first_hashed or 1, image.layout.sym
    length = max(count.total - first, 0)
    symbols = image.source.read(table[0] + first * record.size, length * record.size, "DT_SYMTAB")
    numbers = array("H", image.source.read(versym[0] + 2 * first, 2 * length, "DT_VERSYM"))
    if image.layout.little_endian != (byteorder == "little"):
        numbers.byteswap()
    hidden: list[int] = []
    found: list[int] = []
    for (name, info, section), number in zip(
        record.iter_unpack(without_hidden(symbols, image.layout)), numbers, strict=True
    ):
        if name and section != SHN_UNDEF and info > _LAST_LOCAL:
            is_found = number & VERSYM_VERSION <= _LAST_BASE or not number & _HIDDEN
            (found if is_found else hidden).append(name)
    strings = dynamic.string_table()
    return tuple(sorted(set(strings.get_all(hidden)) - set(strings.get_all(found))))
