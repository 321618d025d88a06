"""Where each field of a built ELF file lies, by name, so that tests can corrupt exactly one.

Names are those of the gABI and of LSB's symbol versioning:

    EI_CLASS EI_DATA EI_VERSION EI_OSABI, e_type ... e_shstrndx
    phdr[3].p_offset, and by type: PT_DYNAMIC.p_offset (the first), PT_LOAD[1].p_vaddr
    dynamic[0].d_tag, dynamic[0].d_val, and by tag: DT_STRSZ (the value), DT_STRSZ.d_tag, DT_NEEDED[1]
    hash.nbucket hash.nchain hash.bucket[0] hash.chain[0]
    gnu_hash.nbuckets .symoffset .bloom_size .bloom_shift .bloom[0] .bucket[0] .chain[0]
    dynsym[1].st_name, versym[1], rel[0].r_info, jmprel[0].r_info
    verneed[0].vn_next, verneed[0].vna[0].vna_next, verdef[0].vd_aux, verdef[0].vda[0].vda_name
    note[0].n_namesz, relr[0], shdr[1].sh_offset, .dynsym.sh_offset
    section starts: .dynstr .interp .text .rodata .data ...
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.support import elf_dynamic
from tests.support.elf_image import Image
from tests.support.elf_tables import Record

Fields = dict[str, tuple[int, int]]  # name: (offset in the file, width)

_PT_NAMES = {
    1: "PT_LOAD",
    2: "PT_DYNAMIC",
    3: "PT_INTERP",
    4: "PT_NOTE",
    6: "PT_PHDR",
    7: "PT_TLS",
    0x6474E551: "PT_GNU_STACK",
    0x6474E553: "PT_GNU_PROPERTY",
}
_DT_NAMES = {0: "DT_NULL"} | {
    value: name for name, value in vars(elf_dynamic).items() if name.startswith("DT_") and isinstance(value, int)
}


def fields_of(image: Image, data: bytes) -> Fields:
    """All fields of a file that `image` has built; `data` are its bytes."""
    form = image.form
    fields: Fields = {"EI_CLASS": (4, 1), "EI_DATA": (5, 1), "EI_VERSION": (6, 1), "EI_OSABI": (7, 1)}
    _record(fields, "", form.ehdr, 16)
    _program_headers(fields, image)
    _dynamic(fields, image)
    _hashes(fields, image)
    _symbols(fields, image)
    _versions(fields, image)
    for number, name in enumerate(n for n in image.pieces if n.startswith(".note")):
        _record(fields, f"note[{number}].", form.note, image.pieces[name].offset)
    for index, name in enumerate(("", *image.pieces, ".shstrtab")) if image.shoff else ():
        at = image.shoff + index * form.shdr.size
        _record(fields, f"shdr[{index}].", form.shdr, at)
        _record(fields, f"{name}.", form.shdr, at)
    for name, piece in image.pieces.items():
        fields[name] = (piece.offset, 1)
    return {name: where for name, where in fields.items() if sum(where) <= len(data)}


def _record(fields: Fields, prefix: str, record: Record, at: int) -> None:
    for name, (offset, width) in record.fields.items():
        fields[prefix + name] = (at + offset, width)


def _array(fields: Fields, name: str, at: int, width: int, count: int) -> int:
    """Names `count` words from `at`; returns what follows them."""
    for index in range(count):
        fields[f"{name}[{index}]"] = (at + index * width, width)
    return at + count * width


def _aliases(names: Iterable[str]) -> Iterable[tuple[str, ...]]:
    """For each name what it may be called: `X[0]` and, where it is the first, `X`."""
    seen: dict[str, int] = {}
    for name in names:
        number = seen[name] = seen.get(name, -1) + 1
        yield (f"{name}[{number}]",) if number else (f"{name}[0]", name)


def _program_headers(fields: Fields, image: Image) -> None:
    record = image.form.phdr
    names = (_PT_NAMES[phdr[0]] for phdr in image.phdrs)
    for index, aliases in enumerate(_aliases(names)):
        at = 16 + image.form.ehdr.size + index * record.size
        for alias in (f"phdr[{index}]", *aliases):
            _record(fields, f"{alias}.", record, at)


def _dynamic(fields: Fields, image: Image) -> None:
    record = image.form.dyn
    if ".dynamic" not in image.pieces:
        return
    start = image.pieces[".dynamic"].offset
    names = (_DT_NAMES.get(tag, f"DT_{tag:#x}") for tag, _ in image.dynamic)
    for index, aliases in enumerate(_aliases(names)):
        at = start + index * record.size
        _record(fields, f"dynamic[{index}].", record, at)
        for alias in aliases:
            _record(fields, f"{alias}.", record, at)
            fields[alias] = fields[f"{alias}.d_val"]


def _hashes(fields: Fields, image: Image) -> None:
    if image.sysv is not None:
        at, width = image.pieces[".hash"].offset, image.sysv.entry_size
        fields["hash.nbucket"], fields["hash.nchain"] = (at, width), (at + width, width)
        at = _array(fields, "hash.bucket", at + 2 * width, width, image.sysv.buckets)
        _array(fields, "hash.chain", at, width, image.sysv.chains)
    if image.gnu is not None:
        at = image.pieces[".gnu.hash"].offset
        for index, name in enumerate(("nbuckets", "symoffset", "bloom_size", "bloom_shift")):
            fields[f"gnu_hash.{name}"] = (at + 4 * index, 4)
        at = _array(fields, "gnu_hash.bloom", at + 16, image.form.word_size, image.gnu.blooms)
        at = _array(fields, "gnu_hash.bucket", at, 4, image.gnu.buckets)
        _array(fields, "gnu_hash.chain", at, 4, image.gnu.chains)


def _symbols(fields: Fields, image: Image) -> None:
    form = image.form
    rela = form.rela if image.spec.relocation_types.has_addend else form.rel
    tables = {
        ".dynsym": ("dynsym", form.sym),
        ".rela.dyn": ("rel", rela),
        ".rel.dyn": ("rel", rela),
        ".rela.plt": ("jmprel", rela),
        ".rel.plt": ("jmprel", rela),
    }
    for section, (name, record) in tables.items():
        piece = image.pieces.get(section)
        for index in range(piece.size // record.size if piece else 0):
            _record(fields, f"{name}[{index}].", record, (piece.offset if piece else 0) + index * record.size)
    for section, name, width in ((".gnu.version", "versym", 2), (".relr.dyn", "relr", form.word_size)):
        piece = image.pieces.get(section)
        if piece is not None:
            _array(fields, name, piece.offset, width, piece.size // width)


def _versions(fields: Fields, image: Image) -> None:
    form = image.form
    if image.needs:
        at = image.pieces[".gnu.version_r"].offset
        for index, need in enumerate(image.needs):
            _record(fields, f"verneed[{index}].", form.verneed, at)
            at += form.verneed.size
            for position in range(len(need.versions)):
                _record(fields, f"verneed[{index}].vna[{position}].", form.vernaux, at)
                at += form.vernaux.size
    if image.verdefs:
        at = image.pieces[".gnu.version_d"].offset
        for index, parents in enumerate([0, *(len(verdef.parents) for verdef in image.verdefs)]):
            _record(fields, f"verdef[{index}].", form.verdef, at)
            at += form.verdef.size
            for position in range(1 + parents):
                _record(fields, f"verdef[{index}].vda[{position}].", form.verdaux, at)
                at += form.verdaux.size
