"""Policies for people: one tag, two tags, and one thing that a wheel may need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perennial.knowledge import DistributionRelease
from perennial.platform_tag import Libc
from perennial.policy import Limit, Policy
from perennial.policy.compare import Comparison
from perennial.policy.heights import Height
from perennial.policy.why import Answer, Kind
from perennial.report.policy_words import dotted, families, limit_words, tag_name, why_no_more
from perennial.report.sheet import BLANK, Row, Sheet, Span, row
from perennial.report.text import listed, plural
from perennial.symbol_version import version_sort_key

_MOST_SONAMES = 4


# ----- show


def policy_sheet(policy: Policy, heights: Iterable[Height], as_of: str, *, verbose: bool) -> Sheet:
    """One policy; `verbose` lists every node and every release."""
    libc, version = policy.tag.libc or Libc.GLIBC, policy.tag.version or (0, 0)
    known = tuple(heights)
    rows = [
        row(policy.tag.text, indent=0),
        row("promises", f"runs on every release that counts, is for {policy.tag.arch} and has {libc.value} "
            f"{dotted(version)} or later"),
    ]  # fmt: skip
    names = [tag.text for tag in policy.tag.with_legacy_alias if tag.text != policy.tag.text]
    if policy.tag.legacy_alias is not None:
        rows.append(row("also called", names[0]))
    if policy.provisional:
        rows.append(row("provisional", Span(_provisional(policy), "warning")))
    rows += [BLANK, *_libraries(policy), *_nodes(known)]
    if verbose:
        rows += _all_nodes(policy)
    label = "limits"
    for height in known:
        rows.append(row(label, why_no_more(height, libc)))
        label = ""
    rows += [BLANK, *_floor(policy, as_of)]
    if verbose:
        rows += [BLANK, *_release_table(policy.derived_from, as_of)]
    return tuple(rows)


def _provisional(policy: Policy) -> str:
    if not policy.derived_from:
        return "no release that counts has this C library or a later one; what it provides is inferred"
    exactly = any(release.libc_version == policy.tag.version for release in policy.derived_from)
    if exactly:
        return "this C library is younger than a year: releases that come may lack what these have"
    return f"no release has exactly this C library on {policy.tag.arch}"


def _libraries(policy: Policy) -> Iterator[Row]:
    plain = sorted(soname for soname in policy.libraries if soname not in policy.versions)
    versioned = sorted(soname for soname in policy.libraries if soname in policy.versions)
    if versioned:
        yield row("libraries", ", ".join(versioned), Span("  (with versions)", "dim"))
    if plain:
        note = "  (without versions: what they export is judged symbol by symbol)"
        yield row("" if versioned else "libraries", ", ".join(plain), Span(note, "dim"))


def _nodes(heights: tuple[Height, ...]) -> Iterator[Row]:
    label = "up to"
    for height in heights:
        names = [name for name in (height.highest, *height.unnumbered) if name is not None]
        if names:
            yield row(label, Span(", ".join(names), "name"), f" of {listed(height.sonames, _MOST_SONAMES)}")
            label = ""


def _all_nodes(policy: Policy) -> Iterator[Row]:
    grouped: dict[tuple[str, ...], list[str]] = {}
    for soname, nodes in policy.versions.items():
        grouped.setdefault(tuple(sorted(nodes, key=version_sort_key)), []).append(soname)
    label = "all nodes"
    for names, sonames in grouped.items():
        if names:
            yield row(label, Span(", ".join(sonames), "name"), f": {', '.join(names)}")
            label = ""


def _floor(policy: Policy, as_of: str) -> Iterator[Row]:
    total = len(policy.derived_from)
    supported = sum(release.supported_on(as_of) for release in policy.derived_from)
    if not total:
        return
    yield row("floor", f"{plural(total, 'release')}, {supported} of them in support on {as_of}")
    for tier in sorted({release.mainstream for release in policy.derived_from}):
        of_tier = [release for release in policy.derived_from if release.mainstream == tier]
        yield from _by_support(f"tier {tier}", of_tier, as_of)


def _by_support(label: str, releases: list[DistributionRelease], as_of: str) -> Iterator[Row]:
    for title, is_in in (("in support: ", True), ("past it: ", False)):
        those = [release for release in releases if release.supported_on(as_of) is is_in]
        if those:
            yield row(label, Span(title, "dim"), Span(families(those, releases), "" if is_in else "dim"))
            label = ""


def _release_table(releases: Iterable[DistributionRelease], as_of: str) -> Iterator[Row]:
    layout = "{:26}{:9}{:6}{:12}{:12}{:12}".format
    yield row("", Span(layout("release", "libc", "tier", "released", "support", "extended").rstrip(), "title"))
    for release in releases:
        end = "rolling" if release.rolling else release.end_of_life or "-"
        text = layout(
            release.name,
            release.libc_release,
            str(release.mainstream),
            release.released or "-",
            end,
            release.extended_end_of_life or "-",
        )
        yield row("", Span(text.rstrip(), "" if release.supported_on(as_of) else "dim"))


# ----- diff


def diff_sheet(comparison: Comparison, as_of: str) -> Sheet:
    return tuple(_diff_rows(comparison, as_of))


def _diff_rows(comparison: Comparison, as_of: str) -> Iterator[Row]:
    earlier, later = comparison.earlier.tag, comparison.later.tag
    yield row(f"{earlier} → {later}", indent=0)
    if earlier == later:
        yield row("", "the same tag")
        return
    if comparison.later.provisional:
        yield row("provisional", Span(f"{later}: {_provisional(comparison.later)}", "warning"))
    if comparison.libraries:
        yield row("libraries", ", ".join(comparison.libraries))
    label = "adds"
    for gain in comparison.gains:
        yield row(label, Span(", ".join(gain.nodes), "name"), f" of {', '.join(gain.sonames)}")
        label = ""
    if not comparison.gains and not comparison.libraries:
        yield row("adds", "nothing")
    if not comparison.lost:
        yield row("loses", "no release")
        return
    supported = sum(release.supported_on(as_of) for release in comparison.lost)
    yield row("loses", f"{plural(len(comparison.lost), 'release')}, {supported} of them in support on {as_of}")
    for tier in sorted({release.mainstream for release in comparison.lost}):
        yield from _by_support(f"tier {tier}", [r for r in comparison.lost if r.mainstream == tier], as_of)


# ----- why


def why_sheet(policy: Policy, name: str, answers: Iterable[Answer], as_of: str) -> Sheet:
    found = tuple(answers)
    rows = [row(f"{name} in {policy.tag}", indent=0)]
    for answer in found:
        if len(found) > 1:
            rows += [BLANK, row("as", Span(answer_name(answer), "name"))]
        rows += _why_rows(policy, answer, as_of)
    return tuple(rows)


def answer_name(answer: Answer) -> str:
    """`memcpy@GLIBC_2.14`, `GLIBC_2.17 of libgcc_s.so.1`"""
    if answer.kind is Kind.SYMBOL:
        return answer.name if answer.version is None else f"{answer.name}@{answer.version}"
    return answer.name if not answer.libraries else f"{answer.name} of {listed(answer.libraries, _MOST_SONAMES)}"


def is_allowed(policy: Policy, answer: Answer) -> bool:
    """Whether the policy's tag lets a wheel rely on it."""
    return answer.since is not None and answer.since <= (policy.tag.version or (0, 0))


def _why_rows(policy: Policy, answer: Answer, as_of: str) -> Iterator[Row]:
    libc = policy.tag.libc or Libc.GLIBC
    allowed = is_allowed(policy, answer)
    yield row("allowed", Span("yes", "good") if allowed else Span("no", "bad"), _since(answer, libc))
    if answer.libraries and answer.kind is not Kind.LIBRARY:
        verb = "defines" if answer.kind is Kind.VERSION else "exports"
        yield row(verb, ", ".join(answer.libraries))
    everyone = (*answer.has, *answer.lacks, *answer.unknown)
    lacking = {release.id for release in answer.lacks}
    in_floor = [release for release in policy.derived_from if release.id in lacking]
    if allowed and answer.despite:
        lackers = families(answer.despite, everyone)
        yield row("although", Span(lackers, "warning"), f" {_lack(answer)} it: {_promise(answer)}")
    elif in_floor:
        yield row(
            "in the way", Span(families(in_floor, everyone), "bad"), Span(f"  ({_support(in_floor, as_of)})", "dim")
        )
    if not answer.libraries:
        return
    for label, releases in (("have it", answer.has), ("lack it", answer.lacks)):
        yield row(label, f"{len(releases)}: {families(releases, everyone)}" if releases else "no release that counts")
    if answer.unknown:
        yield row("not known", _unknown(answer))


def _lack(answer: Answer) -> str:
    return "lacks" if len(answer.despite) == 1 else "lack"


def _promise(answer: Answer) -> str:
    if answer.kind is Kind.LIBRARY:
        return "what needs it does not run there"
    if answer.published is None:
        return "the PEP of a legacy tag says so"
    return f"frozen since perennial {answer.published}, which published this policy with it"


def _support(releases: list[DistributionRelease], as_of: str) -> str:
    supported = sum(release.supported_on(as_of) for release in releases)
    return f"{supported} of {len(releases)} in support on {as_of}"


def _since(answer: Answer, libc: Libc) -> str:
    if answer.since is None:
        return f": no tag allows it; {_no_tag(answer)}"
    return f": from {tag_name(libc, answer.since)} on; {limit_words(answer.limit, libc)}"


def _no_tag(answer: Answer) -> str:
    if answer.kind is Kind.LIBRARY and not answer.libraries:
        return "the library is on no list of what wheels may take from the system, and has to be bundled"
    if answer.limit is Limit.UNKNOWN and answer.kind is Kind.SYMBOL:
        return "no library that tags allow is known to export it"
    if answer.kind is Kind.SYMBOL and answer.has and answer.lacks and answer.limit is Limit.RELEASES:
        newest = max(release.libc_version for release in answer.lacks)
        if newest > max(release.libc_version for release in answer.has):
            return "it was removed: later releases lack it"
        if answer.lacks[0].libc is Libc.MUSL:
            with_it = sorted({release.libc_release for release in answer.has})
            return f"a tag does not tell {with_it[0]} from other releases of musl, and some of those lack it"
    return {
        Limit.RELEASES: "releases with the newest C library lack it",
        Limit.FORECAST: "it is so new that distributions are to be expected that lack it",
    }.get(answer.limit, "no release is known to have it")


def _unknown(answer: Answer) -> str:
    count = plural(len(answer.unknown), "release")
    return (
        f"of {count}: nobody has learned their symbols yet (perennial distro learn); the tag is by those that are known"
    )
