"""Why no wheel was chosen: one line, along the first axis on which nothing fits.

The axes in order: the version, yanking, the system, the architecture, the libc, the Python.
Each is said with what there is on it ("numpy 2.4.6 has no wheel for ppc64le; it has aarch64,
x86_64"), and then the versions next to that one that do have such a wheel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from perennial.arch import architecture_of_tag
from perennial.index.choose import (
    Candidate,
    WheelTag,
    allowed_versions,
    best,
    by_version,
    candidates,
    fits_architecture,
    python_rank,
)
from perennial.index.links import WheelChoice, WheelLink
from perennial.index.python_target import PythonTarget
from perennial.index.requirement import ProjectRequirement
from perennial.lean_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from packaging.version import Version

_SHOWN = 3  # versions named on each side before "and n more"


def why_not(links: Sequence[WheelLink], requirement: ProjectRequirement, choice: WheelChoice) -> str:
    """One line on why `choose` found nothing; the links are the project's wheels, at least one."""
    versions = by_version(links)
    allowed = allowed_versions(versions, requirement)
    if not allowed:
        return _no_version(versions, requirement)
    newest = allowed[0]
    offered = candidates(versions[newest], requirement)
    wanted, there_is = _first_empty_axis(offered, choice)
    settled = by_version(link for link in links if link.yanked is None)
    near = _versions_with_one(settled, newest, requirement, choice)
    if len(allowed) == 1:
        return f"{requirement.name} {newest} has no wheel for {wanted}; it has {there_is}{near}"
    matching = str(requirement.specifier) and f" that matches {requirement.specifier}"
    return (
        f"no version of {requirement.name}{matching} has a wheel for {wanted}; "
        f"the newest, {newest}, has {there_is}{near}"
    )


def _no_version(versions: Mapping[Version, Sequence[WheelLink]], requirement: ProjectRequirement) -> str:
    withdrawn = sorted(requirement.specifier.filter(versions), reverse=True)
    if withdrawn:
        return (
            f"{requirement.name}: all that matches {requirement.specifier or 'any version'} is yanked "
            f"({_listed(map(str, withdrawn))}); to look at one all the same, pin it: "
            f"{requirement.name}=={withdrawn[0]}"
        )
    there = _listed(map(str, sorted(versions, reverse=True)))
    return f"no version of {requirement.name} with a wheel matches {requirement.specifier}; there are {there}"


class _Axis(NamedTuple):
    wanted: str  # what is asked for up to here
    keep: Callable[[Candidate, WheelTag], bool]
    name: Callable[[Candidate, WheelTag], str]  # what a wheel has on this axis


def _first_empty_axis(offered: Sequence[Candidate], choice: WheelChoice) -> tuple[str, str]:
    """What is asked for, up to the axis that nothing fits; and what there is on that axis."""
    left = [(candidate, tag) for candidate in offered for tag in candidate.tags]
    axis = None
    for axis in _axes(choice):
        kept = [entry for entry in left if axis.keep(*entry)]
        if not kept:
            break
        left = kept
    if axis is None or not left:
        return "this choice", "none that can be read"
    return axis.wanted, ", ".join(sorted({axis.name(*entry) for entry in left}, key=_natural)) or "none"


def _axes(choice: WheelChoice) -> list[_Axis]:
    axes = [
        _Axis("Linux", lambda _, t: t.platform.is_linux or t.platform.is_any, lambda _, t: _system(t)),
        _Axis(
            choice.architecture,
            lambda _, t: t.platform.is_any or fits_architecture(t.platform, choice.architecture),
            lambda _, t: _architecture(t),
        ),
    ]
    place = choice.architecture
    if choice.libc is not None:
        place = f"{choice.libc} on {choice.architecture}"
        axes.append(
            _Axis(
                place,
                lambda _, t: t.platform.is_any or t.platform.libc in (choice.libc, None),
                lambda _, t: "pure wheels" if t.platform.is_any else str(t.platform.libc or "plain linux"),
            )
        )
    if choice.python is not None:
        target = PythonTarget.parse(choice.python)
        wanted = f"{target} with {place}" if choice.libc is not None else f"{target} on {place}"
        axes.append(_Axis(wanted, lambda _, t: python_rank(t, target) is not None, lambda _, t: _python(t)))
        axes.append(
            _Axis(
                wanted,
                lambda c, _: target.accepts(c.link.requires_python),
                lambda c, _: f"Requires-Python {c.link.requires_python}",
            )
        )
    return axes


def _system(tag: WheelTag) -> str:
    head = tag.platform.text.partition("_")[0]
    known = {"macosx": "macOS", "win32": "Windows", "win": "Windows", "ios": "iOS", "android": "Android"}
    return known.get(head, head)


def _architecture(tag: WheelTag) -> str:
    if tag.platform.arch is None:
        return "pure wheels"
    known = architecture_of_tag(tag.platform.arch)
    return tag.platform.arch if known is None else known.value


def _python(tag: WheelTag) -> str:
    kind, digits = tag.interpreter[:2], tag.interpreter[2:]
    if kind not in ("cp", "pp", "py") or not digits.isdigit():
        return tag.interpreter
    version = f"{digits[0]}.{digits[1:]}" if digits[1:] else digits
    if tag.abi in ("abi3", "abi3t"):
        return f"{version}{tag.abi[4:]}+"
    if kind == "pp":
        return f"PyPy {version}"
    return f"{version}t" if tag.abi == f"{tag.interpreter}t" else version


def _versions_with_one(
    versions: Mapping[Version, Sequence[WheelLink]],
    around: Version,
    requirement: ProjectRequirement,
    choice: WheelChoice,
) -> str:
    """The versions next to `around`, on both sides, that have a wheel such as is asked for."""

    def first(ordered: Iterable[Version]) -> str | None:
        for version in ordered:
            if best(candidates(versions[version], requirement), choice) is not None:
                return str(version)
        return None

    usual = sorted(v for v in versions if not v.is_prerelease or around.is_prerelease)
    older = first(v for v in reversed(usual) if v < around)
    newer = first(v for v in usual if v > around)
    near = [version for version in (older, newer) if version is not None]
    if not near:
        return "; no other version has one either"
    return f"; {' and '.join(near)} {'has' if len(near) == 1 else 'have'} one"


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = len(shown) - _SHOWN
    return ", ".join(shown[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _natural(text: str) -> list[tuple[int, str]]:
    """3.9 before 3.10; words after numbers."""
    parts = text.replace("+", ".").replace("t", ".t").split(".") if text[:1].isdigit() else [text]
    return [(int(part), "") if part.isdigit() else (10**6, part) for part in parts]
