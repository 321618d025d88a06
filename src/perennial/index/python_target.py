"""The Python that a wheel is to be for, and which (interpreter, ABI) pairs it takes.

The order of the pairs is packaging's: a wheel for just this Python, then the stable ABI
(PEP 384, abi3; PEP 803, abi3t), then wheels without an ABI, newest Python first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from perennial.errors import UsageError
from perennial.lean_typing import Final, NamedTuple

_VERSION: Final = re.compile(r"(?:(?:cpython|python)[ -]?)?([23])\.(\d{1,2})(?:\.(\d{1,3}))?(t?)", re.IGNORECASE)
_TAG: Final = re.compile(r"(cp|pp)([23])(\d{1,2})(t?)", re.IGNORECASE)
_PLATFORM: Final = "here"  # a stand-in: platforms are matched elsewhere


class PythonTarget(NamedTuple):
    """An implementation ("cp" or "pp") and version of Python."""

    implementation: str
    version: tuple[int, int]
    threaded: bool = False  # CPython without the GIL (PEP 703)
    micro: int | None = None

    @classmethod
    def parse(cls, text: str) -> PythonTarget:
        """Reads "3.12", "3.12.4", "3.13t", "cp312" and "pp311"."""
        found = _VERSION.fullmatch(text.strip())
        if found is not None:
            micro = None if found[3] is None else int(found[3])
            return cls("cp", (int(found[1]), int(found[2])), bool(found[4]), micro)
        found = _TAG.fullmatch(text.strip())
        if found is None or (found[4] and found[1].lower() == "pp"):
            raise UsageError(f"--python {text!r} is no Python version or tag; write 3.12, 3.13t, cp312 or pp311")
        return cls(found[1].lower(), (int(found[2]), int(found[3])), bool(found[4]))

    def __str__(self) -> str:
        micro = "" if self.micro is None else f".{self.micro}"
        name = "PyPy" if self.implementation == "pp" else "CPython"
        return f"{name} {self.version[0]}.{self.version[1]}{micro}{'t' if self.threaded else ''}"

    @property
    def interpreter(self) -> str:
        return f"{self.implementation}{self.version[0]}{self.version[1]}"

    def pairs(self) -> Mapping[tuple[str, str], int]:
        """The (interpreter, ABI) pairs that this Python takes, with their rank, 0 the best.

        The ABI "*" stands for any: PyPy's names its own version, which nobody asks for.
        """
        return _pairs(self)

    def abis(self) -> list[str]:
        """The ABI tags of this CPython itself, best first."""
        if self.version >= (3, 8):
            return [self.interpreter + ("t" if self.threaded else "")]
        # PEP 3149's flags: m for pymalloc until 3.7, u for wide Unicode before PEP 393 (3.3).
        flags = ("m",) if self.version >= (3, 3) else ("mu", "m")
        return [self.interpreter + flag for flag in flags]

    def accepts(self, requires_python: str | None) -> bool:
        """Whether some release of this Python satisfies it; a malformed one counts as none, as for pip."""
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        if requires_python is None:
            return True
        try:
            wanted = SpecifierSet(requires_python)
        except InvalidSpecifier:
            return True
        micros = (0, 99) if self.micro is None else (self.micro,)
        return any(wanted.contains(f"{self.version[0]}.{self.version[1]}.{m}", prereleases=True) for m in micros)


@cache
def _pairs(target: PythonTarget) -> Mapping[tuple[str, str], int]:
    from packaging.tags import compatible_tags, cpython_tags

    tags = compatible_tags(target.version, target.interpreter, [_PLATFORM])
    ordered = [(tag.interpreter, tag.abi) for tag in tags]
    if target.implementation == "cp":
        own = cpython_tags(target.version, target.abis(), [_PLATFORM])
        # A packaging that is older than PEP 703 does not know that abi3 needs the GIL.
        pairs = [(tag.interpreter, tag.abi) for tag in own if not (target.threaded and tag.abi == "abi3")]
        ordered = pairs + ordered
    else:
        ordered = [(target.interpreter, "*"), *ordered]
    return {pair: rank for rank, pair in reversed(list(enumerate(ordered)))}
