"""Numbers of the ELF format, by the names that its specifications give them.

Sources: System V gABI chapters 4 and 5; the GNU extensions as in glibc's `elf/elf.h`;
LSB Core, "Symbol Versioning".
"""

from __future__ import annotations

from typing import Final

ELF_MAGIC: Final = b"\x7fELF"
EI_NIDENT: Final = 16

# e_type
ET_REL: Final = 1
ET_CORE: Final = 4

# p_type
PT_LOAD: Final = 1
PT_DYNAMIC: Final = 2
PT_INTERP: Final = 3
PT_NOTE: Final = 4
PT_TLS: Final = 7
PT_GNU_STACK: Final = 0x6474E551
PT_GNU_RELRO: Final = 0x6474E552
PT_GNU_PROPERTY: Final = 0x6474E553

# p_flags
PF_X: Final = 1

# d_tag
DT_NULL: Final = 0
DT_NEEDED: Final = 1
DT_PLTRELSZ: Final = 2
DT_HASH: Final = 4
DT_STRTAB: Final = 5
DT_SYMTAB: Final = 6
DT_RELA: Final = 7
DT_RELASZ: Final = 8
DT_STRSZ: Final = 10
DT_SONAME: Final = 14
DT_RPATH: Final = 15
DT_SYMBOLIC: Final = 16
DT_REL: Final = 17
DT_RELSZ: Final = 18
DT_PLTREL: Final = 20
DT_TEXTREL: Final = 22
DT_JMPREL: Final = 23
DT_RUNPATH: Final = 29
DT_FLAGS: Final = 30
DT_RELR: Final = 36
DT_GNU_HASH: Final = 0x6FFFFEF5
DT_VERSYM: Final = 0x6FFFFFF0
DT_FLAGS_1: Final = 0x6FFFFFFB
DT_VERDEF: Final = 0x6FFFFFFC
DT_VERNEED: Final = 0x6FFFFFFE

DF_SYMBOLIC: Final = 0x2
DF_TEXTREL: Final = 0x4
DF_1_PIE: Final = 0x08000000

# st_shndx, st_info
SHN_UNDEF: Final = 0

# symbol versioning
VERSYM_VERSION: Final = 0x7FFF
VER_FLG_BASE: Final = 0x1
VER_FLG_WEAK: Final = 0x2

# notes
NT_GNU_BUILD_ID: Final = 3
NT_GNU_PROPERTY_TYPE_0: Final = 5
GNU_PROPERTY_X86_ISA_1_NEEDED: Final = 0xC0008002
GNU_PROPERTY_X86_ISA_1_USED: Final = 0xC0010002
