"""The facts about one ELF file, as values.

These are the facts on which a dynamic loader acts: they come from the file header, the
program headers and PT_DYNAMIC, never from section headers, which the gABI makes optional
at run time (chapter 4, "Sections") and which anybody may strip or forge.
"""

from __future__ import annotations

from enum import Enum, IntEnum

from perennial.arch import Architecture, ElfAbi
from perennial.elf.constants import DF_1_PIE
from perennial.elf.dynamic_symbols import DynamicSymbol, SymbolColumns
from perennial.lean_typing import NamedTuple


class ElfType(IntEnum):
    """e_type. Only the middle two are ever loaded."""

    RELOCATABLE = 1
    EXECUTABLE = 2
    SHARED = 3  # shared objects and position-independent executables alike
    CORE = 4


class StackPermission(Enum):
    """What PT_GNU_STACK asks for."""

    UNSTATED = "unstated"  # no PT_GNU_STACK: the loader falls back on the ABI's default
    NOT_EXECUTABLE = "not executable"
    EXECUTABLE = "executable"


class Vernaux(NamedTuple):
    """A version that is needed from a library (LSB, figure "Version Needed Auxiliary Entries").

    `weak` is VER_FLG_WEAK: the loader goes on without it. `number` is the index that versym
    entries refer to.
    """

    name: str
    weak: bool
    number: int


class Verneed(NamedTuple):
    """The versions needed from one library; `file` (vn_file) is the soname that must define them."""

    file: str
    versions: tuple[Vernaux, ...]


class Verdef(NamedTuple):
    """A version that this file defines; `is_base` marks the entry that names the file itself."""

    name: str
    number: int
    is_base: bool
    weak: bool
    parents: tuple[str, ...]


class TlsSegment(NamedTuple):
    """PT_TLS: bytes of thread-local storage, and their alignment."""

    size: int
    alignment: int


class ElfFile(NamedTuple):
    """What the loader would learn from one file; see the module's docstring.

    Absent entries are None or empty. `undefined` holds every undefined symbol that the loader
    may look up; `exports` every defined one that others can rely on to find, without those of hidden
    visibility, which glibc passes over (see `perennial.elf.visibility`); None unless it was asked for.
    `export_hashes` tells what a library does not export (see `perennial.elf.export_hashes`); None where nothing does.
    """

    abi: ElfAbi
    os_abi: int
    type: ElfType
    is_dynamic: bool
    interpreter: str | None
    soname: str | None
    needed: tuple[str, ...]
    rpath: str | None
    runpath: str | None
    verneeds: tuple[Verneed, ...]
    verdefs: tuple[Verdef, ...]
    undefined: SymbolColumns
    exports: tuple[DynamicSymbol, ...] | None
    export_hashes: bytes | None
    flags: int
    flags_1: int
    has_text_relocations: bool
    has_relr: bool
    stack: StackPermission
    tls: TlsSegment | None
    build_id: str | None
    x86_isa_needed: int
    x86_isa_used: int

    @property
    def imports(self) -> tuple[DynamicSymbol, ...]:
        """The undefined symbols, one by one, in table order."""
        return self.undefined.symbols

    @property
    def architecture(self) -> Architecture | None:
        return self.abi.architecture

    @property
    def is_program(self) -> bool:
        """Whether the file is run, and not loaded by others: some libraries have an interpreter all the same."""
        if self.type is ElfType.EXECUTABLE or self.flags_1 & DF_1_PIE:
            return True
        return self.interpreter is not None and self.soname is None

    @property
    def is_loadable(self) -> bool:
        """Whether a kernel or a loader could map the file: not an object file or a core dump."""
        return self.type in (ElfType.EXECUTABLE, ElfType.SHARED)
