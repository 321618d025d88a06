"""A library stands in for another build of itself that was compiled for the other ABI of std::string.

Since GCC 5, libstdc++ has two of std::string and std::list (`_GLIBCXX_USE_CXX11_ABI`); functions that take
them have other mangled names: `__cxx11`, or the tag `B5cxx11`, for the newer ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perennial.coload.conflict import BindingLink, Conflict, name_of
from perennial.coload.imports import Pair, Replaced
from perennial.elf.linkage import Linkage
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "mixed-cxx11-abi",
    "A library is replaced by a build with the other ABI of std::string",
    "Functions that take or return strings are missing under the names that the package was compiled for, or the "
    "members of its objects lie elsewhere.",
)

_NEW: Final = re.compile(r"7__cxx11|B5cxx11")
# A name, nested or not, without templates, and what follows it: the parameters (Itanium C++ ABI, 5.1.2, 5.1.3)
_NESTED: Final = re.compile(r"^_ZN[KVr]*")
_PLAIN: Final = re.compile(r"^_Z(?=\d)")
_LENGTH: Final = re.compile(r"\d+")


def find(pair: Pair) -> Iterator[Conflict]:
    for item in pair.replaced:
        ours, theirs = _is_new(item.alone.library.linkage), _is_new(item.together.library.linkage)
        if ours is not None and theirs is not None and ours is not theirs:
            yield _conflict(pair, item, ours_is_new=ours)


def _is_new(linkage: Linkage) -> bool | None:
    """Which ABI a library's own functions have; None where they take no strings."""
    names = [name for name in linkage.definitions if name.startswith("_Z") and not name.startswith(("_ZNSt", "_ZNKSt"))]
    if any(_NEW.search(name) for name in names):
        return True
    # `Ss` is the older std::string (Itanium C++ ABI, 5.1.10)
    return False if any("Ss" in _parameters(name) for name in names) else None


def _parameters(name: str) -> str:
    """What a mangled name says of the function's parameters; nothing where that is not plain to see."""
    found = _NESTED.match(name) or _PLAIN.match(name)
    if found is None:
        return ""
    position = found.end()
    while length := _LENGTH.match(name, position):
        position = length.end() + int(length[0])
        if found.re is _PLAIN:
            return name[position:]
    return name[position:].partition("E")[2]


def _conflict(pair: Pair, item: Replaced, *, ours_is_new: bool) -> Conflict:
    first, second = pair.first.package.name, pair.second.package.name
    user = item.users[0].partition("/site-packages/")[2] or item.users[0]
    wanted, got = ("new", "old") if ours_is_new else ("old", "new")
    return Conflict(
        rule=RULE.id,
        severity=Severity.ERROR,
        order=(first, second),
        symbol=None,
        bindings=(
            BindingLink(
                user, item.soname, None, name_of(item.together), name_of(item.alone),
                "a process loads one object for each soname, and this one was there already",
            ),
        ),
        message=(
            f"{user} was compiled for the {wanted} ABI of std::string and gets {name_of(item.together)}, whose "
            f"functions have the {got} one"
        ),
        remedy=(
            f"{first} and {second}: compile both with the same -D_GLIBCXX_USE_CXX11_ABI, or give the bundled library a "
            "unique soname, as perennial repair does"
        ),
    )  # fmt: skip
