"""How the pieces of a built ELF file become a file.

A file is a row of pieces (a string table, the symbols, ...) dealt out to LOAD segments. Pieces
have their sizes before any address is known; then addresses are assigned, and only then are the
pieces written that hold addresses: symbols, relocations, the dynamic section, the headers.

As gABI chapter 5 demands, a segment's file offset is congruent to its address modulo
p_align. Segments follow each other without padding (as lld has it) unless `pad_segments`.
"""

from __future__ import annotations

from typing import assert_never

from tests.support.elf_dynamic import (
    GOT_HEADER,
    RELR_WORDS,
    VERSYM_HIDDEN,
    dynamic_entries,
    padded,
    write_addresses,
)
from tests.support.elf_spec import ET_EXEC, ET_REL, ElfSpec, Export, Import, Need, Verdef
from tests.support.elf_tables import (
    Format,
    GnuHash,
    StringTable,
    SysvHash,
    build_id_note,
    exports_in_order,
    format_of,
    gnu_hash_table,
    property_note,
    sysv_hash_table,
    verdef_table,
    verneed_table,
    version_indexes,
)

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS = 1, 2, 3, 4, 6, 7
PT_GNU_STACK, PT_GNU_PROPERTY = 0x6474E551, 0x6474E553
R, RW, RX, RWX = 4, 6, 5, 7

SHT_PROGBITS, SHT_STRTAB, SHT_RELA, SHT_HASH, SHT_DYNAMIC, SHT_NOTE, SHT_NOBITS = 1, 3, 4, 5, 6, 7, 8
SHT_REL, SHT_DYNSYM, SHT_RELR, SHT_GNU_HASH = 9, 11, 19, 0x6FFFFFF6
SHT_VERDEF, SHT_VERNEED, SHT_VERSYM = 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400

Phdr = tuple[int, int, int, int, int, int, int]
"""p_type, p_flags, p_offset, p_vaddr (and p_paddr), p_filesz, p_memsz, p_align."""


class Piece:
    """A run of bytes that is a section where there are section headers."""

    __slots__ = ("address", "align", "data", "link", "name", "offset", "section", "size")

    def __init__(
        self,
        name: str,
        data: bytes | int,
        align: int,
        section: tuple[int, int, int, int] = (SHT_PROGBITS, SHF_ALLOC, 0, 0),
        link: str = "",
    ) -> None:
        """`data` may be the size of what is written later; `section` is type, flags, entsize, info."""
        self.name = name
        self.data = b"" if isinstance(data, int) else data
        self.size = data if isinstance(data, int) else len(data)
        self.align = align
        self.section = section
        self.link = link
        self.offset = self.address = 0


class Image:
    """One file under construction, and afterwards the record of how it was laid out."""

    def __init__(self, spec: ElfSpec) -> None:
        self.spec = spec
        self.form: Format = format_of(spec.bits, little_endian=spec.little_endian)
        self.pieces: dict[str, Piece] = {}
        self.phdrs: list[Phdr] = []
        self.dynamic: list[tuple[int, int]] = []
        self.strings = StringTable()
        self.imports: tuple[Import, ...] = ()
        self.exports: tuple[Export, ...] = ()
        self.verdefs: tuple[Verdef, ...] = ()
        self.needs: tuple[Need, ...] = ()
        self.sysv: SysvHash | None = None
        self.gnu: GnuHash | None = None
        self.shoff = 0

    def build(self) -> bytes:
        """The file; to be called once."""
        spec = self.spec
        dynamic = not spec.static and spec.type != ET_REL
        if dynamic:
            self.imports, self.verdefs, self.needs = spec.imports, spec.all_verdefs, spec.all_verneeds
            self.exports = exports_in_order(spec)
        segments = self._segments(dynamic=dynamic)
        # every piece has its size, and none an address
        end = self._place(segments)
        # every piece has its place
        if dynamic:
            write_addresses(self)
        return self._join(end)

    # ----- pieces and segments

    def _segments(self, *, dynamic: bool) -> list[tuple[int, list[Piece]]]:
        spec = self.spec
        tables = self._tables() if dynamic else []
        writable = self._thread_locals() + (self._linkage(tables) if dynamic else [])
        if spec.bss_size:
            writable.append(Piece(".bss", 0, 1, (SHT_NOBITS, SHF_WRITE | SHF_ALLOC, 0, 0)))
        notes = self._notes()
        code = (SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0, 0)
        text = [Piece(".text", spec.text + bytes(spec.text_size), 16, code)]
        rodata = [Piece(".rodata", spec.rodata, 16)] if spec.rodata else []
        segments: list[tuple[int, list[Piece]]]
        match spec.layout:
            case "gnu-new":
                segments = [(R, notes + tables), (RX, text), (R, rodata), (RW, writable)]
            case "gnu-old":
                segments = [(RX, notes + tables + text + rodata), (RW, writable)]
            case "tables-last":
                segments = [(R, notes), (RX, text), (R, rodata), (RW, writable), (RW, tables)]
            case unknown:
                assert_never(unknown)
        kept = segments[:1] + [
            segment for segment in segments[1:] if any(p.size or p.name == ".bss" for p in segment[1])
        ]
        self.pieces = {piece.name: piece for _, pieces in kept for piece in pieces}
        return kept

    def _notes(self) -> list[Piece]:
        spec, form = self.spec, self.form
        pieces = []
        if spec.interpreter is not None:
            pieces.append(Piece(".interp", spec.interpreter.encode() + b"\0", 1))
        note = (SHT_NOTE, SHF_ALLOC, 0, 0)
        if spec.x86_isa_needed is not None or spec.x86_isa_used is not None:
            data = property_note(form, spec.x86_isa_needed, spec.x86_isa_used)
            pieces.append(Piece(".note.gnu.property", data, form.word_size, note))
        if spec.build_id is not None:
            pieces.append(Piece(".note.gnu.build-id", build_id_note(form, spec.build_id), 4, note))
        return pieces

    def _tables(self) -> list[Piece]:
        """What the dynamic section leads to, in ld's order."""
        spec, form, add = self.spec, self.form, self.strings.add
        names = ["", *(s.name for s in self.imports), *(s.name for s in self.exports)]
        for name in (*names, *spec.needed, spec.soname, spec.rpath, spec.runpath):
            add(name or "")
        for _, value in spec.extra_dynamic:
            if isinstance(value, str):
                add(value)
        word = form.word_size
        pieces = []
        if spec.hash_style in ("sysv", "both"):
            self.sysv = sysv_hash_table(form, spec, names)
            pieces.append(
                Piece(".hash", self.sysv.data, word, (SHT_HASH, SHF_ALLOC, self.sysv.entry_size, 0), ".dynsym")
            )
        if spec.hash_style in ("gnu", "both"):
            self.gnu = gnu_hash_table(form, self.exports, 1 + len(self.imports))
            pieces.append(Piece(".gnu.hash", self.gnu.data, word, (SHT_GNU_HASH, SHF_ALLOC, 0, 0), ".dynsym"))
        symbol_size = form.sym.size
        pieces.append(
            Piece(".dynsym", symbol_size * len(names), word, (SHT_DYNSYM, SHF_ALLOC, symbol_size, 1), ".dynstr")
        )
        versions = self._versions()
        pieces.append(Piece(".dynstr", self.strings.build(), 1, (SHT_STRTAB, SHF_ALLOC, 0, 0)))
        return pieces + versions + self._relocation_pieces()

    def _versions(self) -> list[Piece]:
        if not self.verdefs and not self.needs:
            return []
        form, spec = self.form, self.spec
        defined, needed = version_indexes(self.verdefs, self.needs)
        versym = [0]
        for symbol in self.imports:
            pair = (symbol.library or "", symbol.version or "")
            versym.append(1 if symbol.version is None else needed[pair])
        for export in self.exports:
            index = 1 if export.version is None else defined[export.version]
            versym.append(index | VERSYM_HIDDEN if export.hidden_version else index)
        pieces = [Piece(".gnu.version", form.array("H", versym), 2, (SHT_VERSYM, SHF_ALLOC, 2, 0), ".dynsym")]
        if self.verdefs:
            data = verdef_table(form, self.strings, self.verdefs, spec.soname or "")
            section = (SHT_VERDEF, SHF_ALLOC, 0, 1 + len(self.verdefs))
            pieces.append(Piece(".gnu.version_d", data, form.word_size, section, ".dynstr"))
        if self.needs:
            data = verneed_table(form, self.strings, self.needs, 2 + len(self.verdefs))
            section = (SHT_VERNEED, SHF_ALLOC, 0, len(self.needs))
            pieces.append(Piece(".gnu.version_r", data, form.word_size, section, ".dynstr"))
        return pieces

    def _relocation_pieces(self) -> list[Piece]:
        form, spec = self.form, self.spec
        pieces = []
        if spec.relocations and self.imports:
            rela = spec.relocation_types.has_addend
            size = (form.rela if rela else form.rel).size
            section = (SHT_RELA if rela else SHT_REL, SHF_ALLOC, size, 0)
            calls = sum(symbol.kind == "func" for symbol in self.imports)
            for suffix, count in ((".dyn", len(self.imports) - calls), (".plt", calls)):
                if count:
                    name = (".rela" if rela else ".rel") + suffix
                    pieces.append(Piece(name, size * count, form.word_size, section, ".dynsym"))
        if spec.relr:
            section = (SHT_RELR, SHF_ALLOC, form.word_size, 0)
            pieces.append(Piece(".relr.dyn", 2 * form.word_size, form.word_size, section))
        return pieces

    def _thread_locals(self) -> list[Piece]:
        spec = self.spec
        if spec.tls is None:
            return []
        align = min(max(spec.tls[1], 1), spec.page_size)
        return [Piece(".tbss", 0, align, (SHT_NOBITS, SHF_WRITE | SHF_ALLOC | SHF_TLS, 0, 0))]

    def _linkage(self, tables: list[Piece]) -> list[Piece]:
        """What the loader and the program write to."""
        spec, form = self.spec, self.form
        section = (SHT_PROGBITS, SHF_WRITE | SHF_ALLOC, 0, 0)
        pieces = []
        if spec.relocations and self.imports:
            size = form.word_size * (GOT_HEADER + len(self.imports))
            pieces.append(Piece(".got", bytes(size), form.word_size, section))
        chunks = [bytes(form.word_size * RELR_WORDS if spec.relr else 0)]
        chunks += [padded(e) for e in self.exports if e.kind in ("object", "notype") and e.value is None]
        data = b"".join(chunks)
        if data:
            pieces.append(Piece(".data", data, 8, section))
        self.pieces = {piece.name: piece for piece in tables + pieces}
        entry = form.dyn.size
        size = entry * len(dynamic_entries(self))  # its values come later; which there are is known now
        return [
            Piece(".dynamic", size, form.word_size, (SHT_DYNAMIC, section[1], entry, 0), ".dynstr"),
            *pieces,
        ]

    # ----- places

    def _place(self, segments: list[tuple[int, list[Piece]]]) -> int:
        spec, form = self.spec, self.form
        page = spec.page_size
        relocatable = spec.type == ET_REL
        extra = self._phdr_count()
        count = 0 if relocatable else len(segments) + extra
        offset = form.ehdr.size + 16 + form.phdr.size * count
        loads = []
        start, bias, end = 0, spec.base, 0
        for number, (flags, pieces) in enumerate(segments):
            if number:
                start = offset = -(-offset // page) * page if spec.pad_segments else (offset + 15) & ~15
                bias = -(-end // page) * page + offset % page - offset
            for piece in pieces:
                offset = (offset + piece.align - 1) & -piece.align
                piece.offset, piece.address = offset, offset + bias
                offset += piece.size
            size = offset - start
            memory = size + (spec.bss_size if any(piece.name == ".bss" for piece in pieces) else 0)
            end = start + bias + memory
            loads.append((PT_LOAD, flags, start, start + bias, size, memory, page))
        if not relocatable:
            self.phdrs = self._program_headers(loads, count)
        return offset

    def _phdr_count(self) -> int:
        """All program headers but the LOADs."""
        spec, pieces = self.spec, self.pieces
        each = {".dynamic": 1, ".note.gnu.build-id": 1, ".interp": 2, ".note.gnu.property": 2}
        count = sum(number for name, number in each.items() if name in pieces)
        return count + (spec.tls is not None) + (spec.stack is not None)

    def _program_headers(self, loads: list[Phdr], count: int) -> list[Phdr]:
        spec, form = self.spec, self.form
        out = []

        def add(kind: int, name: str, flags: int = R) -> None:
            piece = self.pieces.get(name)
            if piece is not None:
                out.append((kind, flags, piece.offset, piece.address, piece.size, piece.size, piece.align))

        if ".interp" in self.pieces:
            offset, size = form.ehdr.size + 16, form.phdr.size * count
            out.append((PT_PHDR, R, offset, spec.base + offset, size, size, 8))
        add(PT_INTERP, ".interp")
        out += loads
        add(PT_DYNAMIC, ".dynamic", RW)
        add(PT_NOTE, ".note.gnu.property")
        add(PT_NOTE, ".note.gnu.build-id")
        if spec.tls is not None:
            memory, align = spec.tls
            piece = self.pieces.get(".tbss")
            where = (piece.offset, piece.address) if piece else (0, spec.base)
            out.append((PT_TLS, R, *where, 0, memory, align))
        add(PT_GNU_PROPERTY, ".note.gnu.property")
        if spec.stack is not None:
            out.append((PT_GNU_STACK, RWX if spec.stack == "rwx" else RW, 0, 0, 0, 0, 16))
        return out

    # ----- the file

    def _join(self, end: int) -> bytes:
        spec, form = self.spec, self.form
        tail = self._section_headers(end) if spec.section_headers else b""
        sections = (form.shdr.size, len(self.pieces) + 2, len(self.pieces) + 1) if tail else (0, 0, 0)
        text = self.pieces.get(".text")
        runs = spec.type == ET_EXEC or spec.interpreter is not None
        ident = bytes((0x7F, 69, 76, 70, spec.bits // 32, 1 if spec.little_endian else 2, 1, spec.os_abi)) + bytes(8)
        header = form.ehdr.pack(
            spec.type,
            spec.machine,
            1,
            text.address if text and runs else 0,
            len(ident) + form.ehdr.size if self.phdrs else 0,
            self.shoff,
            spec.flags,
            len(ident) + form.ehdr.size,
            form.phdr.size if self.phdrs else 0,
            len(self.phdrs),
            *sections,
        )
        out = bytearray(ident + header)
        pack, wide = form.phdr.pack, spec.bits == 64
        for kind, flags, offset, address, size, memory, align in self.phdrs:
            if wide:
                out += pack(kind, flags, offset, address, address, size, memory, align)
            else:
                out += pack(kind, offset, address, address, size, memory, flags, align)
        for piece in self.pieces.values():
            out += bytes(piece.offset - len(out))
            out += piece.data
        return bytes(out + tail)

    def _section_headers(self, end: int) -> bytes:
        """.shstrtab and the section header table, which go to the end of the file."""
        spec, form = self.spec, self.form
        names = StringTable()
        index = {name: number for number, name in enumerate(self.pieces, 1)}
        pack = form.shdr.pack
        out = [bytes(form.shdr.size)]
        for piece in self.pieces.values():
            kind, flags, entry, info = piece.section
            sizes = {".bss": spec.bss_size, ".tbss": spec.tls[0] if spec.tls else 0}
            size = sizes.get(piece.name, piece.size)
            link = index.get(piece.link, 0)
            address = 0 if spec.type == ET_REL else piece.address
            out.append(
                pack(
                    names.add(piece.name),
                    kind,
                    flags,
                    address,
                    piece.offset,
                    size,
                    link,
                    info,
                    piece.align,
                    entry,
                )
            )
        name = names.add(".shstrtab")
        table = names.build()
        out.append(pack(name, SHT_STRTAB, 0, 0, end, len(table), 0, 0, 1, 0))
        padding = bytes(-(end + len(table)) % 8)
        self.shoff = end + len(table) + len(padding)
        return table + padding + b"".join(out)
