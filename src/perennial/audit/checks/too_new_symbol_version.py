"""Symbol versions that the promised systems need not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from perennial.audit.context import Judgement
from perennial.audit.verdict import Need
from perennial.finding import Finding, Rule, Severity
from perennial.platform_tag import PlatformTag
from perennial.policy import Limit, Policies
from perennial.symbol_version import SymbolVersion

RULE = Rule(
    "too-new-symbol-version",
    "Needs a newer symbol version than its tag allows",
    "On systems that the tag promises, importing the file fails with 'version `GLIBC_2.34' not found'.",
)


def check_claims(judgement: Judgement) -> Iterator[Finding]:
    content = judgement.content
    tag = judgement.strictest
    if content.policies is None:
        return
    symbols = {(need.member, need.library, need.version): need.symbols for need in content.requirements}
    for need in content.ladder.unmet:
        if need.symbol is None:
            yield from _unmet(need, tag, content.policies, symbols)
    if tag is None or tag.version is None:
        return
    for step in content.ladder.steps:
        for need in step.needs:
            since = need.provision.since
            if need.version is not None and need.symbol is None and since is not None and since > tag.version:
                yield from _too_new(need, tag, judgement.lowest, content.policies, symbols)


# The symbols for which a member needs a version of a library.
_Symbols = Mapping[tuple[str, str, str], tuple[str, ...]]


def _too_new(
    need: Need, tag: PlatformTag, honest: PlatformTag, policies: Policies, symbols: _Symbols
) -> Iterator[Finding]:
    for member in need.members:
        what = _subject(need, symbols.get((member, need.library, need.version or ""), ()))
        yield Finding(
            RULE.id,
            Severity.ERROR,
            member,
            f"{member} needs {what} from {need.library}; {tag} {_ends_at(need, tag, policies)}",
            requires=need.version,
            remedy=f"Build against an older {_whose(need)}{_or_tagged(honest)}.",
            witnesses=_witnesses(need, tag),
        )


def _unmet(need: Need, tag: PlatformTag | None, policies: Policies, symbols: _Symbols) -> Iterator[Finding]:
    for member in need.members:
        what = _subject(need, symbols.get((member, need.library, need.version or ""), ()))
        yield Finding(
            RULE.id,
            Severity.ERROR if tag is not None else Severity.WARNING,
            member,
            f"{member} needs {what} from {need.library}, which no known release is sure to provide "
            f"(the newest {policies.libc} known is {policies.newest[0]}.{policies.newest[1]})",
            requires=need.version or need.library,
            remedy=_remedy_for_unmet(need),
            witnesses=_witnesses(need, tag),
        )


def _remedy_for_unmet(need: Need) -> str:
    if need.version == "GLIBC_PRIVATE":
        return "Do not bundle parts of glibc: they fit the glibc that they were built with, and no other."
    return "Build on an older distribution; if this version is real, a newer perennial may know it."


def _or_tagged(honest: PlatformTag) -> str:
    return f", or tag it {honest}" if honest.version is not None else ""


def _subject(need: Need, symbols: tuple[str, ...]) -> str:
    """What is needed, with a symbol that explains it: `memcpy@GLIBC_2.14 (and 3 more symbols)`."""
    if not symbols:
        return need.version or need.library
    more = f" (and {len(symbols) - 1} more symbol{'s' if len(symbols) > 2 else ''})" if len(symbols) > 1 else ""
    return f"{symbols[0]}@{need.version}{more}"


def _ends_at(need: Need, tag: PlatformTag, policies: Policies) -> str:
    """Where the promised tag's policy ends in the need's family of versions."""
    wanted = SymbolVersion.parse(need.version or "")
    allowed = policies.policy(tag.version or (0, 0)).versions.get(need.library, frozenset())
    family = [version for version in map(SymbolVersion.parse, allowed) if version.family == wanted.family]
    if not family:
        return f"allows no {wanted.family} version of it"
    highest = max(family)
    name = ".".join(map(str, highest.numbers))
    return f"ends at {highest.family}_{name}" if name else f"allows only {highest.family}"


def _whose(need: Need) -> str:
    """What has to be older."""
    return (
        "toolchain"
        if need.library.startswith(("libstdc++", "libgcc_s", "libatomic"))
        else (
            "glibc"
            if need.provision.limit is Limit.UPSTREAM or (need.version or "").startswith("GLIBC_")
            else need.library
        )
    )


def _witnesses(need: Need, tag: PlatformTag | None) -> tuple[str, ...]:
    lowest = (0, 0) if tag is None or tag.version is None else tag.version
    return tuple(release.name for release in need.provision.witnesses if release.libc_version >= lowest)
