"""Architectures, as platform tags name them and as ELF headers state them.

The names are those of PEP 600 and PEP 656, that is `uname -m` of a Linux whose processes
are of that kind. The ELF side is the gABI's `e_ident` and `e_machine`, with the processor
supplements' `e_flags` where one machine number covers several incompatible ABIs.
"""

from __future__ import annotations

from enum import StrEnum

from perennial.lean_typing import Final, NamedTuple


class Architecture(StrEnum):
    """An architecture that has manylinux or musllinux tags."""

    X86_64 = "x86_64"
    I686 = "i686"
    AARCH64 = "aarch64"
    ARMV7L = "armv7l"
    PPC64LE = "ppc64le"
    PPC64 = "ppc64"
    S390X = "s390x"
    RISCV64 = "riscv64"
    LOONGARCH64 = "loongarch64"

    @property
    def lowest_glibc(self) -> tuple[int, int]:
        """The glibc of the lowest manylinux tag that any installer accepts here.

        PEP 600 defines the aliases `manylinux1` and `manylinux2010` for x86_64 and i686 only,
        and installers follow: everywhere else they stop at 2.17. Where the port itself came
        later (riscv64 in glibc 2.27, loongarch64 in 2.36), so does the first tag that can be
        matched by a real system.
        """
        return _LOWEST_GLIBC.get(self, (2, 17))


_LOWEST_GLIBC: Final = {
    Architecture.X86_64: (2, 5),
    Architecture.I686: (2, 5),
    # glibc 2.27's NEWS: "Support for the RISC-V ISA running on Linux"
    Architecture.RISCV64: (2, 27),
    # glibc 2.36's NEWS: "Support for LoongArch running on Linux"
    Architecture.LOONGARCH64: (2, 36),
}


class ElfAbi(NamedTuple):
    """What an ELF header says about the kind of process that can load the file."""

    bits: int  # 32 or 64
    little_endian: bool
    machine: int  # e_machine
    flags: int  # e_flags

    @property
    def architecture(self) -> Architecture | None:
        """The architecture whose processes load such a file; None where no tag names one."""
        return _ARCHITECTURES.get((self.bits, self.little_endian, self.machine)) if self._abi_fits else None

    @property
    def _abi_fits(self) -> bool:
        if self.machine == EM_ARM:
            # PEP 599 left ARM out; packaging and every distribution's armhf port mean EABI 5
            # with hard-float argument passing (ARM IHI 0044, "ELF for the Arm Architecture").
            # A library that passes no floats at all may leave the float bits unset.
            return self.flags & EF_ARM_EABIMASK == EF_ARM_EABI_VER5 and not self.flags & EF_ARM_ABI_FLOAT_SOFT
        if self.machine == EM_PPC64:
            # ELFv2 is 2, ELFv1 is 1, 0 means "unspecified" (64-bit PowerPC ELF ABI, 2.3.1).
            abi = self.flags & EF_PPC64_ABI
            return abi in ((0, 2) if self.little_endian else (0, 1))
        return True

    @property
    def machine_name(self) -> str:
        """A name for people, also for machines that no tag names."""
        architecture = self.architecture
        if architecture is not None:
            return architecture.value
        name = _MACHINE_NAMES.get(self.machine, f"ELF machine {self.machine}")
        return f"{name} ({self.bits}-bit, {'little' if self.little_endian else 'big'}-endian)"


# e_machine, gABI chapter 4
EM_386: Final = 3
EM_PPC64: Final = 21
EM_S390: Final = 22
EM_ARM: Final = 40
EM_X86_64: Final = 62
EM_AARCH64: Final = 183
EM_RISCV: Final = 243
EM_LOONGARCH: Final = 258

EF_ARM_EABIMASK: Final = 0xFF000000
EF_ARM_EABI_VER5: Final = 0x05000000
EF_ARM_ABI_FLOAT_SOFT: Final = 0x200
EF_PPC64_ABI: Final = 3

_ARCHITECTURES: Final = {
    (64, True, EM_X86_64): Architecture.X86_64,
    (32, True, EM_386): Architecture.I686,
    (64, True, EM_AARCH64): Architecture.AARCH64,
    (32, True, EM_ARM): Architecture.ARMV7L,
    (64, True, EM_PPC64): Architecture.PPC64LE,
    (64, False, EM_PPC64): Architecture.PPC64,
    (64, False, EM_S390): Architecture.S390X,
    (64, True, EM_RISCV): Architecture.RISCV64,
    (64, True, EM_LOONGARCH): Architecture.LOONGARCH64,
}

_MACHINE_NAMES: Final = {
    2: "sparc",
    EM_386: "i386",
    8: "mips",
    20: "powerpc",
    EM_PPC64: "ppc64",
    EM_S390: "s390",
    EM_ARM: "arm with another ABI than EABI5 hard-float",
    43: "sparc64",
    EM_X86_64: "x86_64 with x32 ABI",
    EM_AARCH64: "aarch64",
    EM_RISCV: "riscv",
    247: "bpf",
    EM_LOONGARCH: "loongarch",
}

# Tags that are spelled with another name for processes of the same ELF ABI: a Raspberry Pi's
# wheels say armv6l, a 32-bit userland on an ARMv8 kernel says armv8l, old 32-bit x86 i386.
_SAME_ABI: Final = {
    "armv6l": Architecture.ARMV7L,
    "armv8l": Architecture.ARMV7L,
    "i386": Architecture.I686,
    "i586": Architecture.I686,
}


def architecture_of_tag(name: str) -> Architecture | None:
    """The architecture that the last part of a platform tag means; None where we know none."""
    try:
        return Architecture(name)
    except ValueError:
        return _SAME_ABI.get(name)
