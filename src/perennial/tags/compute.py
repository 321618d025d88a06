"""All tags of a target, the best first, and whether one of them is accepted."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.errors import UsageError, printable
from perennial.lean_typing import NamedTuple
from perennial.platform_tag import PlatformTag
from perennial.tags.installers import Installer
from perennial.tags.platforms import accepts_platform, platform_tags
from perennial.tags.pythons import Pairs, python_pairs
from perennial.tags.target import Target


class TagList(NamedTuple):
    """The tags of a target in their order, still factored: each group of pairs × platforms, then pure pairs × any."""

    platforms: tuple[str, ...]
    pairs: Pairs

    def tags(self) -> Iterator[str]:
        platforms = (*self.platforms, "any") if self.pairs.any_with_native else self.platforms
        for group in self.pairs.native:
            for platform in platforms:
                for python, abi in group:
                    yield f"{python}-{abi}-{platform}"
        for python, abi in self.pairs.pure:
            yield f"{python}-{abi}-any"


def tag_list(target: Target, installer: Installer | None = None) -> TagList:
    """The tags that a target accepts, factored; see `accepted_tags`."""
    return TagList(platform_tags(target, installer), python_pairs(target.python, installer))


def accepted_tags(target: Target, installer: Installer | None = None) -> tuple[str, ...]:
    """The tags that a target accepts, the best first: PEP 600, 656 and 425 to the letter, or as an installer has them.

    Raises `UsageError` where the installer refuses such a target.
    """
    return tuple(tag_list(target, installer).tags())


def compatible(tag: str, target: Target, installer: Installer | None = None) -> bool:
    """Whether a target accepts a tag such as "cp312-abi3-manylinux_2_28_x86_64".

    Of a compressed set ("py2.py3-none-any", PEP 425), one accepted tag suffices. Raises `UsageError` for
    what has not three parts.
    """
    pythons, abis, platforms = split_tag(tag)
    if installer is not None:
        accepted = set(accepted_tags(target, installer))
        return any(f"{p}-{a}-{each}" in accepted for p in pythons for a in abis for each in platforms)
    pairs = python_pairs(target.python)
    native = {pair for group in pairs.native for pair in group}
    wanted = [(python, abi) for python in pythons for abi in abis]
    if "any" in platforms and not set(pairs.pure).isdisjoint(wanted):
        return True
    return not native.isdisjoint(wanted) and any(
        accepts_platform(PlatformTag.parse(each), target) for each in platforms
    )


def split_tag(tag: str) -> tuple[list[str], list[str], list[str]]:
    """The Python, ABI and platform tags of a (compressed) tag, in lower case."""
    parts = tag.lower().split("-")
    if len(parts) != 3 or not all(parts):
        raise UsageError(f"{printable(tag)}: a tag is python-abi-platform, such as cp312-abi3-manylinux_2_28_x86_64")
    python, abi, platform = (part.split(".") for part in parts)
    return python, abi, platform
