"""Platform tags that no installer ever matches."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.arch import architecture_of_tag
from perennial.audit.context import Judgement
from perennial.finding import Finding, Rule, Severity
from perennial.lean_typing import Final
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy import Policies

RULE = Rule(
    "dead-tag",
    "Claims a tag that no installer can match",
    "Nobody will ever install the wheel by this tag, and indexes accept it without a word.",
)


# Names of an architecture for which installers make no manylinux tags (packaging, `_have_compatible_abi`
# in _manylinux.py: "armv7l" and "i686" have to be among the names of the system's own).
_WITHOUT_MANYLINUX: Final = frozenset({"armv6l", "i386", "i586"})
_LOWEST_MUSL: Final = (1, 0)  # packaging, _musllinux.py: from the system's minor version down to 0


def check_claims(judgement: Judgement) -> Iterator[Finding]:
    policies = judgement.content.policies
    for tag in judgement.judged:
        reason = why_dead(tag, policies)
        if reason is not None:
            yield Finding(
                RULE.id,
                Severity.ERROR,
                None,
                f"no installer can match {tag}: {reason}",
                requires=tag.text,
                remedy=f"Tag it {'.'.join(str(spelling) for spelling in judgement.lowest.with_legacy_alias)}.",
            )


def why_dead(tag: PlatformTag, policies: Policies | None) -> str | None:
    """Why no system has this tag among those that it accepts; None where one may."""
    if tag.libc is None or tag.version is None or tag.arch is None:
        return _misspelt(tag)
    architecture = architecture_of_tag(tag.arch)
    written = (tag.canonical.text, tag.legacy_alias and tag.legacy_alias.text)
    if tag.text not in written:
        return f"installers spell it {tag.canonical}"
    if tag.libc is Libc.GLIBC:
        if architecture is None or tag.arch in _WITHOUT_MANYLINUX:
            return f"manylinux has no architecture {tag.arch!r}"
        lowest = architecture.lowest_glibc
        if tag.version < lowest:
            return f"on {tag.arch} manylinux tags begin at {lowest[0]}.{lowest[1]}"
    elif tag.version < _LOWEST_MUSL:
        return f"musllinux tags begin at {_LOWEST_MUSL[0]}.{_LOWEST_MUSL[1]}"
    newest = None if policies is None or policies.libc is not tag.libc else policies.newest
    if newest is not None and tag.version > newest:
        return f"no {tag.libc} has that version; the newest known is {newest[0]}.{newest[1]}"
    return None


def _misspelt(tag: PlatformTag) -> str | None:
    if tag.text.startswith(("manylinux", "musllinux")):
        return "it is not of the form manylinux_X_Y_arch or musllinux_X_Y_arch"
    return None
