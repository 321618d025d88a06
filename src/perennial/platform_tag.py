"""Platform tags of wheels: PEP 425, 513, 571, 599, 600 (manylinux) and 656 (musllinux).

A tag is parsed once, here, and is a value from then on. The spelling is kept beside the
meaning, because `manylinux2014_x86_64` and `manylinux_2_17_x86_64` mean the same (PEP 600,
"Legacy manylinux tags") and yet not every installer reads both.
"""

from __future__ import annotations

from enum import StrEnum

from perennial.lean_typing import Final, NamedTuple


class Libc(StrEnum):
    """The C libraries that platform tags of Linux wheels name."""

    GLIBC = "glibc"
    MUSL = "musl"


LEGACY_ALIASES: Final = {
    "manylinux1": (2, 5),
    "manylinux2010": (2, 12),
    "manylinux2014": (2, 17),
}

# PEP 513 and 571 were written for the two PC architectures, PEP 599 for five more.
_PC: Final = frozenset({"x86_64", "i686"})
_LEGACY_ARCHES: Final = {
    "manylinux1": _PC,
    "manylinux2010": _PC,
    "manylinux2014": _PC | {"aarch64", "armv7l", "ppc64", "ppc64le", "s390x"},
}
_MOST_DIGITS: Final = 9
_PREFIXES: Final = {"manylinux": Libc.GLIBC, "musllinux": Libc.MUSL}


class PlatformTag(NamedTuple):
    """One platform tag.

    `text` is the tag as written. `arch` is its last part for Linux tags and None for
    `any` and for other systems' tags; `libc` and `version` are those of the C library that
    a manylinux or musllinux tag asks for, and None for `linux_*` and for all others.
    """

    text: str
    arch: str | None = None
    libc: Libc | None = None
    version: tuple[int, int] | None = None

    @classmethod
    def parse(cls, text: str) -> PlatformTag:
        """Reads any platform tag; never fails, for a tag that nobody knows is still a tag."""
        head, _, arch = text.partition("_")
        if head == "linux" and arch:
            return cls(text, arch)
        if head in LEGACY_ALIASES and arch:
            return cls(text, arch, Libc.GLIBC, LEGACY_ALIASES[head])
        if head in _PREFIXES:
            parts = text.split("_", 3)
            if len(parts) == 4 and parts[3] and _is_number(parts[1]) and _is_number(parts[2]):
                return cls(text, parts[3], _PREFIXES[head], (int(parts[1]), int(parts[2])))
        return cls(text)

    @classmethod
    def manylinux(cls, version: tuple[int, int], arch: str) -> PlatformTag:
        return cls(f"manylinux_{version[0]}_{version[1]}_{arch}", arch, Libc.GLIBC, version)

    @classmethod
    def musllinux(cls, version: tuple[int, int], arch: str) -> PlatformTag:
        return cls(f"musllinux_{version[0]}_{version[1]}_{arch}", arch, Libc.MUSL, version)

    @classmethod
    def linux(cls, arch: str) -> PlatformTag:
        return cls(f"linux_{arch}", arch)

    def __str__(self) -> str:
        return self.text

    @property
    def is_any(self) -> bool:
        return self.text == "any"

    @property
    def is_linux(self) -> bool:
        """Whether the tag is for Linux systems: manylinux, musllinux or plain linux."""
        return self.arch is not None

    @property
    def canonical(self) -> PlatformTag:
        """The tag in PEP 600's spelling: manylinux2014_x86_64 becomes manylinux_2_17_x86_64."""
        if self.libc is None or self.version is None or self.arch is None:
            return self
        make = PlatformTag.manylinux if self.libc is Libc.GLIBC else PlatformTag.musllinux
        return make(self.version, self.arch)

    @property
    def legacy_alias(self) -> PlatformTag | None:
        """The tag of PEP 513, 571 or 599 that means the same, where there is one."""
        if self.libc is Libc.GLIBC and self.arch is not None:
            for alias, version in LEGACY_ALIASES.items():
                if version == self.version and self.arch in _LEGACY_ARCHES[alias]:
                    return PlatformTag(f"{alias}_{self.arch}", self.arch, self.libc, version)
        return None

    @property
    def with_legacy_alias(self) -> tuple[PlatformTag, ...]:
        """The tag, and the lowest legacy alias that promises no more than it keeps, in the order of
        file names: manylinux_2_14 comes with manylinux2014, manylinux_2_28 alone.
        """
        if self.libc is Libc.GLIBC and self.arch is not None and self.version is not None:
            for alias, version in LEGACY_ALIASES.items():
                if version >= self.version and self.arch in _LEGACY_ARCHES[alias]:
                    return (PlatformTag(f"{alias}_{self.arch}", self.arch, self.libc, version), self.canonical)
        return (self.canonical,)


def _is_number(text: str) -> bool:
    """Whether a part of a tag is a version number; one of hundreds of digits is none."""
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
