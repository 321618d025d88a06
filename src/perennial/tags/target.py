"""What wheels are installed on, as a value: a C library, an architecture and a Python.

PEP 425's three tags are answers to three questions: which Python, which binary interface of it,
which platform. A target holds what the answers follow from, and nothing that depends on the
machine on which they are asked, so that a target can be this system, another one, or one that
exists nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc

# packaging's abbreviations (PEP 425, "Python Tag"); other implementations go by their full name.
SHORT_NAMES: Final = {"cpython": "cp", "pypy": "pp", "ironpython": "ip", "jython": "jy"}
_LONG_NAMES: Final = {"cp": "CPython", "pp": "PyPy", "graalpy": "GraalPy", "ip": "IronPython", "jy": "Jython"}


class Python(NamedTuple):
    """A Python: `implementation` as tags abbreviate it ("cp", "pp"), and (major, minor).

    `abis` are the ABI tags of its own, the best first: ("cp312",), ("cp313t",), or, since a debug
    build of CPython 3.8 and later loads ordinary modules too, ("cp312d", "cp312").
    """

    implementation: str
    version: tuple[int, int]
    abis: tuple[str, ...]
    micro: int | None = None

    @classmethod
    def cpython(
        cls, version: tuple[int, int], *, free_threaded: bool = False, debug: bool = False, micro: int | None = None
    ) -> Python:
        """CPython, with the ABI tags that its builds have."""
        plain = f"cp{version[0]}{version[1]}{'t' if free_threaded else ''}"
        if version >= (3, 8):
            # What's New in Python 3.8: "Release builds and debug builds are now ABI compatible".
            return cls("cp", version, (f"{plain}d", plain) if debug else (plain,), micro)
        # PEP 3149's flags: d, m for pymalloc until 3.7, u for wide Unicode before PEP 393 (3.3).
        flags = f"{'d' if debug else ''}m{'' if version >= (3, 3) else 'u'}"
        return cls("cp", version, (plain + flags,), micro)

    @property
    def interpreter(self) -> str:
        """The Python tag of this very version: cp312, pp311."""
        return f"{self.implementation}{self.version[0]}{self.version[1]}"

    @property
    def name(self) -> str:
        return _LONG_NAMES.get(self.implementation, self.implementation)

    @property
    def flags(self) -> str:
        """What follows the version in CPython's own ABI tag: "", "t", "d", "td", "m"."""
        own = self.abis[0] if self.abis else ""
        return own.removeprefix(self.interpreter) if self.implementation == "cp" else ""

    @property
    def free_threaded(self) -> bool:
        """Whether it is a CPython without the GIL (PEP 703)."""
        return "t" in self.flags

    @property
    def debug(self) -> bool:
        return "d" in self.flags

    def __str__(self) -> str:
        micro = "" if self.micro is None else f".{self.micro}"
        kinds = [kind for kind, is_so in (("free-threaded", self.free_threaded), ("debug", self.debug)) if is_so]
        return f"{self.name} {self.version[0]}.{self.version[1]}{micro}{' ' * bool(kinds)}{', '.join(kinds)}"


class Override(NamedTuple):
    """A `_manylinux` module, with which a distributor overrides what a system accepts (PEP 600, "Package installers").

    `compatible` is its function manylinux_compatible(major, minor, architecture), which answers
    True, False or, for "as usual", None; None where the module has none. `legacy` holds its older
    attributes by their names, such as manylinux2014_compatible. `isolated` says whether `python -I`
    finds the module too: uv looks for it that way.
    """

    source: str  # where it came from, for people
    compatible: Callable[[int, int, str], object] | None = None
    legacy: Mapping[str, bool] = MappingProxyType({})
    isolated: bool = True

    def answer(self, version: tuple[int, int], arch: str) -> bool | None:
        """What it says of manylinux_X_Y_arch; None where it leaves that to the usual rule."""
        if self.compatible is not None:
            said = self.compatible(version[0], version[1], arch)
            return None if said is None else bool(said)
        # "If both the new and old attributes are defined, then manylinux_compatible takes precedence."
        return self.legacy.get(LEGACY_ATTRIBUTES.get(version, ""))


LEGACY_ATTRIBUTES: Final = {
    (2, 5): "manylinux1_compatible",
    (2, 12): "manylinux2010_compatible",
    (2, 17): "manylinux2014_compatible",
}


class Detail(NamedTuple):
    """How a part of a target was found out: "libc", "architecture", "python" or "override", and a sentence."""

    part: str
    text: str


class Target(NamedTuple):
    """A system to install wheels on.

    `libc` is None for an interpreter that is linked with neither glibc nor musl, or statically:
    manylinux and musllinux tags are promises to dynamically linked ones. `arch` is spelled as in
    platform tags. `loads_tagged` says whether the interpreter's own kind of ELF file is the one that
    tags of this architecture mean; it is not for soft-float ARM, which armv7l does not cover.
    `reported_arch` is what Python's sysconfig.get_platform() says where that is not `arch`: installers
    that do not read the interpreter's header believe it.
    """

    libc: Libc | None
    libc_version: tuple[int, int] | None
    arch: str
    python: Python
    loads_tagged: bool = True
    reported_arch: str | None = None
    override: Override | None = None
    name: str | None = None  # of the release or the place: "Debian 12", "/srv/root"
    details: tuple[Detail, ...] = ()
    release: str | None = None  # which release it is, or says it is, as the knowledge calls it: "debian:12"

    @property
    def libc_text(self) -> str:
        """Such as "glibc 2.36", or that there is none."""
        if self.libc is None or self.libc_version is None:
            return "neither glibc nor musl"
        return f"{self.libc} {self.libc_version[0]}.{self.libc_version[1]}"
