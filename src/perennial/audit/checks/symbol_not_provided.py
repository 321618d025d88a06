"""Symbols that the promised systems need not have, though they have the library and its versions."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Judgement
from perennial.audit.verdict import Need
from perennial.finding import Finding, Rule, Severity
from perennial.platform_tag import Libc, PlatformTag

RULE = Rule(
    "symbol-not-provided",
    "Needs a symbol that systems need not have",
    "No version says that the library is new enough, so that it loads, and importing the file fails with "
    "'undefined symbol', or its first call does.",
)


def check_claims(judgement: Judgement) -> Iterator[Finding]:
    tag = judgement.strictest
    ladder = judgement.content.ladder
    for need in (*ladder.unmet, *(need for step in ladder.steps for need in step.needs)):
        since = need.provision.since
        if need.symbol is None or (since is not None and (tag is None or since <= (tag.version or since))):
            continue
        for member in need.members:
            yield Finding(
                RULE.id,
                Severity.ERROR if tag is not None else Severity.WARNING,
                member,
                f"{member} needs {need.name} from {need.library}, {_since(need, judgement)}",
                requires=need.name,
                remedy=_remedy(need, judgement.lowest),
                witnesses=_witnesses(need, tag),
            )


def _since(need: Need, judgement: Judgement) -> str:
    since = need.provision.since
    policies = judgement.content.policies
    if since is not None and policies is not None:
        return f"which releases are sure to export from {policies.libc} {since[0]}.{since[1]} on"
    names = [release.name for release in need.provision.witnesses[:1]]
    return f"which {names[0]} does not export" if names else "which no known release exports"


def _remedy(need: Need, lowest: PlatformTag) -> str:
    tagged = f", or tag it {lowest}" if lowest.version is not None else ""
    if need.version is not None:
        return f"Build on a newer system, where {need.symbol} is no longer offered to the linker."
    if lowest.libc is Libc.MUSL or need.library == "libc.so":
        return f"Build on the oldest Alpine that should run it, so that configure does without {need.symbol}."
    if need.library == "libc.so.6":
        return f"Build against an older glibc{tagged}; link with -lc, so that references name their version."
    return f"Build against an older {need.library}, graft it into the wheel{tagged}."


def _witnesses(need: Need, tag: PlatformTag | None) -> tuple[str, ...]:
    lowest = (0, 0) if tag is None or tag.version is None else tag.version
    return tuple(release.name for release in need.provision.witnesses if release.libc_version >= lowest)
