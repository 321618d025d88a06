"""The ways in which installers differ when they list what a system accepts.

Each was measured against the installer itself, in the version that stands beside it
(tests/differential/test_tags_against_installers.py); docs/explanation/how-installers-compute-tags.md
has the same as prose, with what it means to a maintainer.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from types import MappingProxyType

from perennial.arch import Architecture
from perennial.lean_typing import Final, NamedTuple


class Installer(StrEnum):
    """Whose list is asked for."""

    PACKAGING = "packaging"
    PIP = "pip"
    UV = "uv"
    POETRY = "poetry"
    PDM = "pdm"


class Overriding(Enum):
    """What becomes of a `_manylinux` module."""

    PER_TAG = "asked for each tag, as PEP 600 says"
    ONCE = "asked once, for the system's own glibc; what it says holds for all tags"
    IGNORED = "not looked for"


class Rules(NamedTuple):
    """How one list is computed. The defaults are PEP 600 and PEP 656 as perennial reads them."""

    measured: str  # the version that was looked at
    linux_first: bool = True  # the plain linux tag before manylinux ones; else after them
    linux_first_on_musl: bool = True
    floors: Mapping[str, int | None] = MappingProxyType({})  # lowest Y of manylinux_2_Y; None: no such tags
    default_floor: int | None = 17  # of architectures that have none of their own; None: no such tags
    aliases_everywhere: bool = False  # manylinux2014 also where PEP 600 names no such tag
    crosses_majors: bool = True  # glibc 3.x takes manylinux_2_y
    # Architectures that have no manylinux tags where the interpreter's ELF header is of another kind; None: all
    checks_header: frozenset[str] | None = None
    believes_get_platform: bool = True
    armv8l: tuple[str, ...] | None = ("armv8l", "armv7l")  # None: refused
    names: Mapping[str, str] = MappingProxyType({})  # how it misspells an architecture
    architectures: frozenset[str] | None = None  # that it knows at all; None: any
    overriding: Overriding = Overriding.PER_TAG
    lowest_musl: int = 0
    musl_ascending: bool = False
    needs_libc: bool = False  # refuses an interpreter with neither glibc nor musl
    abi3t: bool = True  # PEP 803


_TO_LINUX: Final = frozenset({"x86_64", "aarch64", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64"})

PEP: Final = Rules(
    measured="PEP 600, 656, 425",
    floors={arch.value: arch.lowest_glibc[1] for arch in Architecture},
    believes_get_platform=False,
)
_PACKAGING: Final = Rules(
    measured="26.4",
    floors=dict.fromkeys(("x86_64", "i686"), 5) | dict.fromkeys((*_TO_LINUX - {"x86_64"}, "armv7l", "armv8l"), 17),
    default_floor=None,
    aliases_everywhere=True,
    checks_header=frozenset({"armv7l", "armv8l", "i686"}),
)
RULES: Final[Mapping[Installer, Rules]] = {
    Installer.PACKAGING: _PACKAGING,
    Installer.PIP: _PACKAGING._replace(measured="26.3"),
    Installer.POETRY: _PACKAGING._replace(measured="2.5.1"),
    Installer.UV: Rules(
        measured="0.13.8",
        linux_first=False,
        linux_first_on_musl=False,
        floors={
            **dict.fromkeys(("x86_64", "i686"), 5),
            **dict.fromkeys(("aarch64", "armv7l", "ppc64", "ppc64le", "s390x"), 17),
            "riscv64": 31,
            "loongarch64": 36,
        },
        default_floor=None,
        aliases_everywhere=True,
        crosses_majors=False,
        checks_header=frozenset(),
        armv8l=("armv7l",),
        architectures=_TO_LINUX | {"armv5tel", "armv6l", "armv7l", "armv8l", "ppc", "i686"},
        overriding=Overriding.ONCE,
        needs_libc=True,
    ),
    Installer.PDM: Rules(
        measured="2.29.3 (dep-logic 0.7.2)",
        linux_first=False,
        floors={
            **dict.fromkeys(("x86_64", "x86"), 5),
            **dict.fromkeys(("aarch64", "armv7l", "ppc64", "ppc64le", "s390x", "riscv64"), 17),
        },
        default_floor=None,
        aliases_everywhere=True,
        crosses_majors=False,
        checks_header=frozenset(),
        armv8l=None,
        names={"i686": "x86"},
        architectures=_TO_LINUX | {"armv6l", "armv7l", "i686"},
        overriding=Overriding.IGNORED,
        lowest_musl=1,
        musl_ascending=True,
        abi3t=False,
    ),
}


def rules_of(installer: Installer | None) -> Rules:
    """The rules of an installer, or, for None, of the PEPs."""
    return PEP if installer is None else RULES[installer]
