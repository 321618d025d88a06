"""The knowledge that a command judges by: the shipped one, or an organisation's own list of what counts."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable

from perennial.arch import Architecture, architecture_of_tag
from perennial.errors import UnreadableError, UsageError, printable
from perennial.knowledge import Knowledge, load_knowledge
from perennial.lean_typing import TYPE_CHECKING, Final, NamedTuple
from perennial.platform_tag import Libc, PlatformTag

if TYPE_CHECKING:
    from perennial.knowledge import DistributionRelease
    from perennial.knowledge.snapshot import Snapshot
    from perennial.policy import Policies

_DATE: Final = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_LARGEST: Final = 1 << 20  # bytes of a list that somebody wrote


def add_fact_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to judge by")
    group.add_argument(
        "--as-of", metavar="DATE", help="the day that counts, YYYY-MM-DD (default: that of the knowledge)"
    )
    add_mainstream_argument(group)


def add_mainstream_argument(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--mainstream", metavar="FILE", help="a list of the releases that count, instead of perennial's own"
    )


def read_date(text: str | None) -> str | None:
    """Raises `UsageError` for what is no ISO date."""
    if text is None:
        return None
    from datetime import date

    try:
        if re.fullmatch(_DATE, text):
            return date.fromisoformat(text).isoformat()
    except ValueError as error:  # the 31st of February
        raise UsageError(f"--as-of {text}: {error}") from error
    raise UsageError(f"--as-of {printable(text)}: a date is YYYY-MM-DD")


class MainstreamList(NamedTuple):
    """An organisation's own list, read once: it may come from a pipe."""

    name: str  # as it was given
    sha256: str  # of its bytes
    text: str


def read_mainstream(path: str) -> MainstreamList:
    """Raises `UnreadableError`."""
    from hashlib import sha256

    data = _read(path)
    try:
        return MainstreamList(path, sha256(data).hexdigest(), data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{path}: not UTF-8 ({error.reason})") from error


def knowledge_of(mainstream: str | None) -> Knowledge:
    """`knowledge_by` for the path of a list."""
    return knowledge_by(None if mainstream is None else read_mainstream(mainstream))


def knowledge_by(mainstream: MainstreamList | None) -> Knowledge:
    """The shipped knowledge with what was learned on this machine; with a list, the knowledge in which just
    what is listed counts, releases that only this machine has learned among it.
    """
    releases = load_knowledge().releases
    if mainstream is None:
        return Knowledge(releases, _learned_here, keeps_promises=True)
    from perennial.knowledge.knowledge import load_releases
    from perennial.knowledge.mainstream import judged, parse_mainstream

    own = own_releases()
    listed = parse_mainstream(mainstream.text, mainstream.name, (*releases, *own))
    return Knowledge((*load_releases(listed), *judged(own, listed)), _learned_here)


def own_releases() -> tuple[DistributionRelease, ...]:
    """The releases that only this machine has learned."""
    from perennial.knowledge.learned_release import learned_releases
    from perennial.learn.user_data import data_folder, own_snapshots

    known = (release.id for release in load_knowledge().releases)
    return learned_releases(own_snapshots(data_folder(os.environ)), known)


def _learned_here(arch: str) -> Iterable[Snapshot]:
    from perennial.learn.user_data import data_folder, own_snapshots

    return own_snapshots(data_folder(os.environ), arch)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise UnreadableError(f"{path}: larger than {_LARGEST} bytes, and no list of releases")
    return data


def architecture(name: str) -> Architecture:
    found = architecture_of_tag(name)
    if found is None:
        raise UsageError(f"--arch {printable(name)}: no tag names it; there are {', '.join(Architecture)}")
    return found


def read_tag(text: str, default_arch: str | None) -> tuple[PlatformTag, Architecture]:
    """`manylinux_2_28_aarch64`, `manylinux2014_x86_64`, or, with `--arch` or for x86_64, `manylinux_2_28`.

    Raises `UsageError` for anything else.
    """
    tag = PlatformTag.parse(text)
    if tag.libc is None:
        tag = PlatformTag.parse(f"{text}_{default_arch or Architecture.X86_64.value}")
    found = architecture_of_tag(tag.arch or "")
    if tag.libc is None or tag.version is None or found is None:
        raise UsageError(f"{printable(text)}: not a manylinux or musllinux tag such as manylinux_2_28_x86_64")
    if default_arch is not None and architecture(default_arch) is not found:
        raise UsageError(f"{printable(text)} is for {found}, and --arch says {default_arch}")
    make = PlatformTag.manylinux if tag.libc is Libc.GLIBC else PlatformTag.musllinux
    return make(tag.version, found.value), found


def check_known(tag: PlatformTag, policies: Policies) -> tuple[int, int]:
    """The X.Y of a tag that some system may accept; `UsageError` for others."""
    version = tag.version or (0, 0)
    lowest, newest = ("{}.{}".format(*each) for each in (policies.lowest, policies.newest))
    if version < policies.lowest:
        raise UsageError(f"{tag}: no installer has such a tag; on {tag.arch} they begin at {lowest}")
    if version > policies.newest:
        raise UsageError(f"{tag}: no {tag.libc} has that version; the newest known is {newest}")
    if not policies.policy(version).libraries:
        raise UsageError(f"{tag}: nothing is known of {tag.libc} on {tag.arch}")
    return version
