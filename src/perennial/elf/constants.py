"""Numbers of the ELF format, by the names that its specifications give them.

Sources: System V gABI chapters 4 and 5; the GNU extensions as in glibc's `elf/elf.h`;
LSB Core, "Symbol Versioning".
"""

from __future__ import annotations

from perennial.lean_typing import Final

ELF_MAGIC: Final = b"\x7fELF"
EI_NIDENT: Final = 16

# e_type
ET_REL: Final = 1
ET_CORE: Final = 4

# p_type
PT_NULL: Final = 0
PT_LOAD: Final = 1
PT_DYNAMIC: Final = 2
PT_INTERP: Final = 3
PT_NOTE: Final = 4
PT_PHDR: Final = 6
PT_TLS: Final = 7
PT_GNU_STACK: Final = 0x6474E551
PT_GNU_RELRO: Final = 0x6474E552
PT_GNU_PROPERTY: Final = 0x6474E553

# p_flags
PF_X: Final = 1
PF_W: Final = 2
PF_R: Final = 4

# d_tag
DT_NULL: Final = 0
DT_NEEDED: Final = 1
DT_PLTRELSZ: Final = 2
DT_PLTGOT: Final = 3
DT_HASH: Final = 4
DT_STRTAB: Final = 5
DT_SYMTAB: Final = 6
DT_RELA: Final = 7
DT_RELASZ: Final = 8
DT_RELAENT: Final = 9
DT_STRSZ: Final = 10
DT_INIT: Final = 12
DT_FINI: Final = 13
DT_SONAME: Final = 14
DT_RPATH: Final = 15
DT_SYMBOLIC: Final = 16
DT_REL: Final = 17
DT_RELSZ: Final = 18
DT_RELENT: Final = 19
DT_PLTREL: Final = 20
DT_TEXTREL: Final = 22
DT_JMPREL: Final = 23
DT_INIT_ARRAY: Final = 25
DT_FINI_ARRAY: Final = 26
DT_INIT_ARRAYSZ: Final = 27
DT_FINI_ARRAYSZ: Final = 28
DT_RUNPATH: Final = 29
DT_FLAGS: Final = 30
DT_PREINIT_ARRAY: Final = 32
DT_SYMTAB_SHNDX: Final = 34
DT_RELRSZ: Final = 35
DT_RELR: Final = 36
DT_RELRENT: Final = 37
DT_GNU_HASH: Final = 0x6FFFFEF5
DT_VERSYM: Final = 0x6FFFFFF0
DT_RELACOUNT: Final = 0x6FFFFFF9
DT_RELCOUNT: Final = 0x6FFFFFFA
DT_FLAGS_1: Final = 0x6FFFFFFB
DT_VERDEF: Final = 0x6FFFFFFC
DT_VERDEFNUM: Final = 0x6FFFFFFD
DT_VERNEED: Final = 0x6FFFFFFE
DT_VERNEEDNUM: Final = 0x6FFFFFFF
DT_MIPS_RLD_MAP_REL: Final = 0x70000035
DT_X86_64_PLT: Final = 0x70000000
DT_X86_64_PLTSZ: Final = 0x70000001
DT_X86_64_PLTENT: Final = 0x70000003

DF_SYMBOLIC: Final = 0x2
DF_TEXTREL: Final = 0x4
DF_1_PIE: Final = 0x08000000

# sh_type
SHT_NULL: Final = 0
SHT_SYMTAB: Final = 2
SHT_STRTAB: Final = 3
SHT_RELA: Final = 4
SHT_HASH: Final = 5
SHT_DYNAMIC: Final = 6
SHT_NOTE: Final = 7
SHT_NOBITS: Final = 8
SHT_REL: Final = 9
SHT_DYNSYM: Final = 11
SHT_SYMTAB_SHNDX: Final = 18
SHT_RELR: Final = 19
SHT_GNU_HASH: Final = 0x6FFFFFF6
SHT_GNU_VERDEF: Final = 0x6FFFFFFD
SHT_GNU_VERNEED: Final = 0x6FFFFFFE
SHT_GNU_VERSYM: Final = 0x6FFFFFFF

# sh_flags
SHF_ALLOC: Final = 0x2
SHF_INFO_LINK: Final = 0x40

# st_shndx, st_info, st_other
SHN_UNDEF: Final = 0
SHN_LORESERVE: Final = 0xFF00
SHN_ABS: Final = 0xFFF1
STB_GLOBAL: Final = 1
STB_WEAK: Final = 2
STB_GNU_UNIQUE: Final = 10
STT_NOTYPE: Final = 0
STT_FUNC: Final = 2
STT_SECTION: Final = 3
STT_FILE: Final = 4
STT_TLS: Final = 6
STT_GNU_IFUNC: Final = 10
STV_INTERNAL: Final = 1
STV_HIDDEN: Final = 2

# symbol versioning
VER_NDX_GLOBAL: Final = 1
VERSYM_HIDDEN: Final = 0x8000
VERSYM_VERSION: Final = 0x7FFF
VER_FLG_BASE: Final = 0x1
VER_FLG_WEAK: Final = 0x2

# notes
NT_GNU_BUILD_ID: Final = 3
NT_GNU_PROPERTY_TYPE_0: Final = 5
GNU_PROPERTY_X86_ISA_1_NEEDED: Final = 0xC0008002
GNU_PROPERTY_X86_ISA_1_USED: Final = 0xC0010002
