"""What an ELF file built for a test shall say, as values.

Nothing here comes from perennial: what a test asks for is the oracle of what perennial reads,
so the numbers are taken again from the gABI (chapters 4 and 5) and the processor supplements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple, Self

ET_REL: Final = 1
ET_EXEC: Final = 2
ET_DYN: Final = 3
ET_CORE: Final = 4

Kind = Literal["func", "object", "notype", "tls"]
Visibility = Literal["default", "internal", "hidden", "protected"]
HashStyle = Literal["gnu", "sysv", "both", "none"]
Layout = Literal["gnu-new", "gnu-old", "tables-last"]


class Abi(NamedTuple):
    """The part of an ELF header that an architecture fixes."""

    bits: int
    little_endian: bool
    machine: int
    flags: int


# e_machine and e_flags of what each port's compiler emits by default
ARCHES: Final[Mapping[str, Abi]] = {
    "x86_64": Abi(64, True, 62, 0),
    "i686": Abi(32, True, 3, 0),
    "aarch64": Abi(64, True, 183, 0),
    "armv7l": Abi(32, True, 40, 0x05000400),  # EABI version 5, hard-float
    "ppc64le": Abi(64, True, 21, 2),  # ELFv2
    "ppc64": Abi(64, False, 21, 1),  # ELFv1
    "s390x": Abi(64, False, 22, 0),
    "riscv64": Abi(64, True, 243, 5),  # RVC, double-float ABI
    "loongarch64": Abi(64, True, 258, 0x43),  # object file ABI v1, double-float
}


class Relocations(NamedTuple):
    """The dynamic relocation types of a processor supplement that a builder needs."""

    word: int  # the symbol's address in a GOT slot: GLOB_DAT, or the plain word type
    jump_slot: int
    tls_module: int
    has_addend: bool


_RELOCATIONS: Final[Mapping[int, Relocations]] = {
    3: Relocations(6, 7, 35, has_addend=False),
    21: Relocations(20, 21, 68, has_addend=True),
    22: Relocations(10, 11, 54, has_addend=True),
    40: Relocations(21, 22, 17, has_addend=False),
    62: Relocations(6, 7, 16, has_addend=True),
    183: Relocations(1025, 1026, 1028, has_addend=True),
    243: Relocations(2, 5, 7, has_addend=True),
    258: Relocations(2, 5, 7, has_addend=True),
}


@dataclass(frozen=True, slots=True)
class Import:
    """An undefined dynamic symbol; `library` is where its version is needed from."""

    name: str
    version: str | None = None
    library: str | None = None
    weak: bool = False
    kind: Kind = "func"


@dataclass(frozen=True, slots=True)
class Export:
    """A defined dynamic symbol.

    `value` None lets the builder choose an address: in the text for functions, in the data
    (holding `data`) for others. `size` None means the length of `data`, or else 8.
    """

    name: str
    version: str | None = None
    weak: bool = False
    unique: bool = False  # STB_GNU_UNIQUE; a linker would set os_abi=3 as well
    hidden_version: bool = False  # the VERSYM_HIDDEN bit: name@version, not name@@version
    kind: Kind = "func"
    value: int | None = None
    size: int | None = None
    visibility: Visibility = "default"
    data: bytes = b""

    @property
    def effective_size(self) -> int:
        """What st_size will say."""
        return self.size if self.size is not None else len(self.data) or 8


@dataclass(frozen=True, slots=True)
class NeedVersion:
    """A vernaux; `weak` is its VER_FLG_WEAK."""

    name: str
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """A verneed: the versions needed from one library."""

    library: str
    versions: tuple[NeedVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdef:
    """A version that the file defines; `parents` are the names of further verdauxes."""

    name: str
    weak: bool = False
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfSpec:
    """Everything that a built file says; the defaults make an empty x86_64 shared object."""

    bits: int = 64
    little_endian: bool = True
    machine: int = 62
    flags: int = 0
    os_abi: int = 0
    type: int = ET_DYN  # ET_REL is written without program headers and dynamic section
    static: bool = False  # no PT_DYNAMIC, and nothing that only it leads to

    soname: str | None = None
    needed: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    interpreter: str | None = None
    dt_flags: int | None = None
    dt_flags_1: int | None = None
    textrel: bool = False
    extra_dynamic: tuple[tuple[int, int | str], ...] = ()  # (d_tag, value, or a text for the string table)

    imports: tuple[Import, ...] = ()
    verneeds: tuple[Need, ...] = ()
    exports: tuple[Export, ...] = ()
    verdefs: tuple[Verdef, ...] = ()
    hash_style: HashStyle = "gnu"
    relocations: bool = False
    relr: bool = False

    stack: Literal["rw", "rwx"] | None = "rw"
    tls: tuple[int, int] | None = None  # p_memsz, p_align
    build_id: bytes | None = None
    x86_isa_needed: int | None = None
    x86_isa_used: int | None = None

    text: bytes = b""
    text_size: int = 16  # filler appended to `text`
    rodata: bytes = b""
    bss_size: int = 0
    base: int = 0
    page_size: int = 0x1000
    layout: Layout = "gnu-new"
    pad_segments: bool = False  # each segment starts a page of the file too, as ld -z separate-code
    section_headers: bool = False

    def __post_init__(self) -> None:
        if self.bits not in (32, 64):
            raise ValueError(f"bits must be 32 or 64, not {self.bits}")
        if self.page_size < 16 or self.page_size & (self.page_size - 1):
            raise ValueError(f"page_size must be a power of two from 16 on, not {self.page_size}")
        if self.base % self.page_size:
            raise ValueError(f"base {self.base:#x} is no multiple of page_size {self.page_size:#x}")

    @classmethod
    def for_arch(cls, arch: str, **fields: Any) -> Self:
        """A spec with the header of one of `ARCHES`."""
        bits, little_endian, machine, flags = ARCHES[arch]
        return cls(**{"bits": bits, "little_endian": little_endian, "machine": machine, "flags": flags} | fields)

    def but(self, **fields: Any) -> Self:
        """The same spec with other values for some fields."""
        return replace(self, **fields)

    @property
    def relocation_types(self) -> Relocations:
        """By e_machine; other machines get x86's numbers, with addends where 64-bit."""
        return _RELOCATIONS.get(self.machine) or Relocations(6, 7, 16, has_addend=self.bits == 64)

    @property
    def all_verneeds(self) -> tuple[Need, ...]:
        """`verneeds`, and what the imports mention beyond them, in order of mention."""
        versions: list[tuple[str, list[NeedVersion]]] = [(need.library, list(need.versions)) for need in self.verneeds]
        for symbol in self.imports:
            if symbol.version is None:
                if symbol.library is not None:
                    raise ValueError(f"ELF cannot say that unversioned {symbol.name} comes from {symbol.library}")
                continue
            if symbol.library is None:
                raise ValueError(f"{symbol.name}@{symbol.version} must say which library defines the version")
            known = [listed for library, listed in versions if library == symbol.library]
            if any(version.name == symbol.version for listed in known for version in listed):
                continue
            if not known:
                versions.append((symbol.library, []))
                known = [versions[-1][1]]
            known[-1].append(NeedVersion(symbol.version))
        return tuple(Need(library, tuple(listed)) for library, listed in versions)

    @property
    def all_verdefs(self) -> tuple[Verdef, ...]:
        """`verdefs`, and what the exports mention beyond them; without the base verdef."""
        names = {verdef.name for verdef in self.verdefs}
        mentioned = dict.fromkeys(export.version for export in self.exports if export.version is not None)
        return self.verdefs + tuple(Verdef(name) for name in mentioned if name not in names)
