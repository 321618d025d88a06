"""Why a target does not accept a tag: on which axis, what the tag needs, what there is, and how far off.

The axes in the order in which a person asks: is it for this kind of system, for this processor, for this C
library, for this version of it; and then for this Python. `explain` says the first, and may say all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from perennial.arch import architecture_of_tag
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import LEGACY_ALIASES, Libc, PlatformTag
from perennial.tags.compute import split_tag
from perennial.tags.platforms import accepted_architectures, accepts_platform, floor_of, is_promised
from perennial.tags.pythons import python_pairs, stable_abi
from perennial.tags.target import Python, Target


class Axis(StrEnum):
    """What a tag can fail on, in the order in which that is said."""

    SYSTEM = "system"
    ARCHITECTURE = "architecture"
    LIBC = "libc"
    LIBC_VERSION = "libc version"
    TAG = "tag"  # one that no system has
    OVERRIDE = "override"
    PYTHON_VERSION = "python version"
    ABI = "abi"
    IMPLEMENTATION = "implementation"
    INSTALLER = "installer"  # one that is too old to read the tag


ORDER: Final = tuple(Axis)


class Refusal(NamedTuple):
    """One reason why a tag is not accepted.

    `needs` and `has` are for people ("glibc ≥ 2.28", "glibc 2.17"). `distance` is by how many minor versions
    of the C library or of Python the target falls short; None where versions are not what differs.
    """

    axis: Axis
    needs: str
    has: str
    distance: int | None = None

    def __str__(self) -> str:
        return f"needs {self.needs}; this is {self.has}"


def first_refusal(tag: str, target: Target) -> Refusal | None:
    """The first reason why a target does not accept a tag; None where it does.

    Of a compressed set, that of the tag that comes nearest: which fails on the last axis, by least.
    Raises `UsageError` for what is no tag.
    """
    nearest: Refusal | None = None
    pythons, abis, platforms = split_tag(tag)
    for python in pythons:
        for abi in abis:
            for platform in platforms:
                found = next(refusals(python, abi, platform, target), None)
                if found is None:
                    return None
                if nearest is None or nearness(found) > nearness(nearest):
                    nearest = found
    return nearest


def refusals(python: str, abi: str, platform: str, target: Target) -> Iterator[Refusal]:
    """All reasons why a target does not accept one tag, in the order of the axes."""
    yield from _of_platform(PlatformTag.parse(platform), target)
    yield from _of_python(python, abi, platform, target)


def nearness(refusal: Refusal) -> tuple[int, int]:
    """How near a tag came to being accepted: larger is nearer, by the axis on which it fails and then by how much."""
    return ORDER.index(refusal.axis), -(refusal.distance or 0)


# ----- platform


_SYSTEMS: Final = {"macosx": "macOS", "win32": "Windows", "win": "Windows", "ios": "iOS", "android": "Android"}


def _of_platform(tag: PlatformTag, target: Target) -> Iterator[Refusal]:
    if tag.is_any or accepts_platform(tag, target):
        return
    if tag.arch is None:
        system = tag.text.partition("_")[0]
        yield Refusal(Axis.SYSTEM, _SYSTEMS.get(system, tag.text), "Linux")
        return
    if tag.arch not in accepted_architectures(target):
        yield Refusal(Axis.ARCHITECTURE, tag.arch, target.arch)
    if tag.libc is None or tag.version is None:
        return
    major, minor = tag.version
    needs = f"{tag.libc} ≥ {major}.{minor}"
    if target.libc is not tag.libc or target.libc_version is None:
        yield Refusal(Axis.LIBC, needs, target.libc_text)
    elif target.libc_version < tag.version or (tag.libc is Libc.MUSL and target.libc_version[0] != major):
        distance = minor - target.libc_version[1] if target.libc_version[0] == major else None
        yield Refusal(Axis.LIBC_VERSION, needs, target.libc_text, distance)
    elif tag.libc is Libc.GLIBC and tag.arch in accepted_architectures(target):
        yield from _of_glibc(tag, target)


def _of_glibc(tag: PlatformTag, target: Target) -> Iterator[Refusal]:
    """What is left for a manylinux tag of the target's own architecture, and old enough."""
    arch, version = tag.arch or "", tag.version or (0, 0)
    floor = floor_of(arch)
    alias = tag.text.partition("_")[0]
    if alias in LEGACY_ALIASES and tag.canonical.legacy_alias != tag:
        yield Refusal(Axis.TAG, tag.text, f"{arch}, for which PEP 600 names no {alias}")
    elif floor is None or version < (2, floor):
        yield Refusal(Axis.TAG, tag.text, f"{arch}, whose lowest tag is manylinux_2_{floor}_{arch}")
    elif tag.canonical.text != tag.text and alias not in LEGACY_ALIASES:
        yield Refusal(Axis.TAG, tag.text, f"a system that spells it {tag.canonical}")
    elif not target.loads_tagged:
        known = architecture_of_tag(arch)
        yield Refusal(Axis.ARCHITECTURE, f"{known or arch} as tags mean it", f"{arch} with another ABI")
    elif not is_promised(version, arch, target):
        source = "" if target.override is None else target.override.source
        yield Refusal(Axis.OVERRIDE, tag.text, f"a system whose _manylinux module ({source}) refuses it")


# ----- Python


_PYTHON_TAG: Final = re.compile(r"([a-z]+)(\d)(\d*)")


def _of_python(python: str, abi: str, platform: str, target: Target) -> Iterator[Refusal]:
    pairs = python_pairs(target.python)
    accepted = pairs.pure if platform == "any" else [pair for group in pairs.native for pair in group]
    if (python, abi) in accepted:
        return
    found = _PYTHON_TAG.fullmatch(python)
    own = target.python
    if found is None:
        yield Refusal(Axis.IMPLEMENTATION, python, str(own))
        return
    implementation, version = found[1], (int(found[2]), int(found[3]) if found[3] else None)
    if implementation not in (own.implementation, "py"):
        yield Refusal(Axis.IMPLEMENTATION, Python(implementation, (0, 0), ()).name, str(own))
        return
    at_least = implementation == "py" or abi in ("abi3", "abi3t")
    reasons = []
    if not _version_fits(version, own, at_least=at_least):
        reasons.append(_of_version(version, own, at_least=at_least))
    if abi not in ("none", stable_abi(own), *own.abis) and not (reasons and _is_own_kind(abi, own)):
        reasons.append(_of_abi(abi, own))
    yield from reasons or [Refusal(Axis.TAG, f"{python}-{abi}", f"{own}, which has no such pair")]


def _version_fits(version: tuple[int, int | None], own: Python, *, at_least: bool) -> bool:
    major, minor = version
    if major != own.version[0] or minor is None:
        return major == own.version[0]
    return minor <= own.version[1] if at_least else minor == own.version[1]


def _of_version(version: tuple[int, int | None], own: Python, *, at_least: bool) -> Refusal:
    major, minor = version
    needs = f"Python {major}" if minor is None else f"Python {'≥ ' if at_least else ''}{major}.{minor}"
    distance = minor - own.version[1] if minor is not None and major == own.version[0] else None
    return Refusal(Axis.PYTHON_VERSION, needs, str(own), distance)


def _is_own_kind(abi: str, own: Python) -> bool:
    """Whether an ABI is that of another version of this kind of Python: cp313 to cp312, cp313t to cp314t."""
    found = re.fullmatch(r"cp\d+([a-z]*)", abi)
    return own.implementation == "cp" and found is not None and ("t" in found[1]) is own.free_threaded


def _of_abi(abi: str, own: Python) -> Refusal:
    stable = stable_abi(own)
    if abi == "abi3" and stable == "abi3t":
        return Refusal(Axis.ABI, "a Python with the GIL (abi3)", str(own))
    if abi == "abi3t" and stable == "abi3":
        return Refusal(Axis.ABI, "a free-threaded Python (abi3t)", str(own))
    found = re.fullmatch(r"cp\d+([a-z]*)", abi)
    if found is not None and own.implementation == "cp" and ("t" in found[1]) is not own.free_threaded:
        kind = "a free-threaded Python" if "t" in found[1] else "a Python with the GIL"
        return Refusal(Axis.ABI, f"{kind} ({abi})", str(own))
    has = ", ".join(own.abis) or "another"
    return Refusal(Axis.ABI, f"the ABI {abi}", f"{own}, whose ABI is {has}")
