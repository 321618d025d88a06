"""The pieces of a built ELF file that hold addresses: symbols, relocations, the dynamic section.

Sources: gABI chapter 4 (symbol table, relocation) and chapter 5 (dynamic section), DT_RELR's
encoding from the gABI too, and LSB Core chapter 10 for the tags of symbol versioning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.elf_spec import Export

if TYPE_CHECKING:
    from tests.support.elf_image import Image

DT_NEEDED, DT_PLTRELSZ, DT_PLTGOT, DT_HASH, DT_STRTAB, DT_SYMTAB = 1, 2, 3, 4, 5, 6
DT_RELA, DT_RELASZ, DT_RELAENT, DT_STRSZ, DT_SYMENT, DT_SONAME, DT_RPATH = 7, 8, 9, 10, 11, 14, 15
DT_REL, DT_RELSZ, DT_RELENT, DT_PLTREL, DT_TEXTREL, DT_JMPREL = 17, 18, 19, 20, 22, 23
DT_RUNPATH, DT_FLAGS, DT_RELRSZ, DT_RELR, DT_RELRENT = 29, 30, 35, 36, 37
DT_GNU_HASH, DT_VERSYM, DT_FLAGS_1 = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFB
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF

SYMBOL_TYPES: Final = {"notype": 0, "object": 1, "func": 2, "tls": 6}
VISIBILITIES: Final = {"default": 0, "internal": 1, "hidden": 2, "protected": 3}
VERSYM_HIDDEN: Final = 0x8000
GOT_HEADER: Final = 3  # words that the loader owns: _DYNAMIC, link_map, resolver
RELR_WORDS: Final = 3  # what the RELR table relocates: one address entry, two bits of a bitmap


def padded(export: Export) -> bytes:
    """An exported object's initial content, up to the next multiple of eight."""
    size = max(len(export.data), 8) + 7 & -8
    return export.data.ljust(size, b"\0")


def write_addresses(image: Image) -> None:
    """Fills the pieces whose size was known before; every piece has its address by now."""
    pieces = image.pieces
    pieces[".dynsym"].data = symbols(image)
    if ".got" in pieces:
        write_relocations(image)
    if ".relr.dyn" in pieces:
        entries = [pieces[".data"].address, 0b111]  # the word itself, and the two after it
        pieces[".relr.dyn"].data = image.form.array(image.form.word_code, entries)
    pack = image.form.dyn.pack
    image.dynamic = dynamic_entries(image)
    pieces[".dynamic"].data = b"".join([pack(tag, value) for tag, value in image.dynamic])


def symbols(image: Image) -> bytes:
    """The dynamic symbol table: null symbol, imports, exports."""
    spec, form, add = image.spec, image.form, image.strings.add
    section = {name: index for index, name in enumerate(image.pieces, 1)}
    text, tls = image.pieces.get(".text"), section.get(".tbss", 1)
    at_data = image.pieces[".data"].address if ".data" in image.pieces else 0
    at_data += form.word_size * RELR_WORDS if spec.relr else 0
    pack = form.sym.pack

    def entry(name: str, info: int, other: int, shndx: int, value: int, size: int) -> bytes:
        if spec.bits == 64:
            return pack(add(name), info, other, shndx, value, size)
        return pack(add(name), value, size, info, other, shndx)

    out = [bytes(form.sym.size)]
    for symbol in image.imports:
        out.append(entry(symbol.name, (2 if symbol.weak else 1) << 4 | SYMBOL_TYPES[symbol.kind], 0, 0, 0, 0))
    for export in image.exports:
        binding = 10 if export.unique else 2 if export.weak else 1
        value = export.value
        if export.kind == "func":
            index = section.get(".text", 1)
            value = text.address if value is None and text else value or 0
        elif export.kind == "tls":
            index, value = tls, value or 0
        else:
            index = section.get(".data", 1)
            if value is None:
                value = at_data
                at_data += len(padded(export))
        info = binding << 4 | SYMBOL_TYPES[export.kind]
        out.append(entry(export.name, info, VISIBILITIES[export.visibility], index, value, export.effective_size))
    return b"".join(out)


def write_relocations(image: Image) -> None:
    """Calls go to DT_JMPREL, all else to DT_RELA or DT_REL: one GOT slot for each import."""
    spec, form = image.spec, image.form
    types = spec.relocation_types
    shift = 32 if spec.bits == 64 else 8
    slot = image.pieces[".got"].address + form.word_size * GOT_HEADER
    plain: list[bytes] = []
    calls: list[bytes] = []
    for index, symbol in enumerate(image.imports, 1):
        kind = {"func": types.jump_slot, "tls": types.tls_module}.get(symbol.kind, types.word)
        target = calls if symbol.kind == "func" else plain
        info = index << shift | kind
        target.append(form.rela.pack(slot, info, 0) if types.has_addend else form.rel.pack(slot, info))
        slot += form.word_size
    prefix = ".rela" if types.has_addend else ".rel"
    for suffix, entries in ((".dyn", plain), (".plt", calls)):
        if entries:
            image.pieces[prefix + suffix].data = b"".join(entries)


def dynamic_entries(image: Image) -> list[tuple[int, int]]:
    """(d_tag, d_un) of each entry, in ld's order. Which there are depends on which pieces there are."""
    spec, pieces, add, form = image.spec, image.pieces, image.strings.add, image.form
    out = [(DT_NEEDED, add(name)) for name in spec.needed]

    def text(tag: int, value: str | None) -> None:
        if value is not None:
            out.append((tag, add(value)))

    def address(tag: int, name: str, *rest: tuple[int, int]) -> None:
        if name in pieces:
            out.append((tag, pieces[name].address))
            out.extend(rest)

    text(DT_SONAME, spec.soname)
    text(DT_RPATH, spec.rpath)
    text(DT_RUNPATH, spec.runpath)
    address(DT_HASH, ".hash")
    address(DT_GNU_HASH, ".gnu.hash")
    address(DT_STRTAB, ".dynstr")
    address(DT_SYMTAB, ".dynsym")
    out += [(DT_STRSZ, image.strings.size), (DT_SYMENT, form.sym.size)]
    if spec.relocation_types.has_addend:
        prefix, start, size, entry = ".rela", DT_RELA, DT_RELASZ, (DT_RELAENT, form.rela.size)
    else:
        prefix, start, size, entry = ".rel", DT_REL, DT_RELSZ, (DT_RELENT, form.rel.size)
    if prefix + ".plt" in pieces:
        address(DT_PLTGOT, ".got", (DT_PLTRELSZ, pieces[prefix + ".plt"].size), (DT_PLTREL, start))
        address(DT_JMPREL, prefix + ".plt")
    if prefix + ".dyn" in pieces:
        address(start, prefix + ".dyn", (size, pieces[prefix + ".dyn"].size), entry)
    if spec.textrel:
        out.append((DT_TEXTREL, 0))
    if spec.dt_flags is not None:
        out.append((DT_FLAGS, spec.dt_flags))
    address(DT_VERDEF, ".gnu.version_d", (DT_VERDEFNUM, 1 + len(image.verdefs)))
    if spec.dt_flags_1 is not None:
        out.append((DT_FLAGS_1, spec.dt_flags_1))
    address(DT_VERNEED, ".gnu.version_r", (DT_VERNEEDNUM, len(image.needs)))
    address(DT_VERSYM, ".gnu.version")
    address(DT_RELR, ".relr.dyn", (DT_RELRSZ, 2 * form.word_size), (DT_RELRENT, form.word_size))
    out += [(tag, add(value) if isinstance(value, str) else value) for tag, value in spec.extra_dynamic]
    out.append((0, 0))
    return out
