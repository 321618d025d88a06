"""Which tag to build for, for people."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.knowledge.release import LARGE
from perennial.platform_tag import Libc
from perennial.policy.recommend import RULE, Candidate, Change, Recommendation
from perennial.report.policy_words import dotted, families
from perennial.report.sheet import BLANK, Row, Sheet, Span, row
from perennial.report.text import plural

_TABLE = "{:30}{:9}{:7}{:8}{:11}{}".format


def recommendation_sheet(recommendation: Recommendation, arch: str) -> Sheet:
    return tuple(_rows(recommendation, arch))


def rule_text(recommendation: Recommendation) -> str:
    return RULE.format(support=recommendation.support.value)


def _rows(recommendation: Recommendation, arch: str) -> Iterator[Row]:
    chosen = recommendation.chosen
    yield row(f"{arch} on {recommendation.as_of}", indent=0)
    yield row("rule", rule_text(recommendation))
    if chosen is None:
        yield row("build for", Span("no answer", "bad"), f": no release of tier 1 is in support for {arch}")
    else:
        yield from _choice(recommendation, chosen)
    yield from _changes(recommendation.changes)
    if recommendation.candidates:
        yield BLANK
        yield from _candidates(recommendation)


def _choice(recommendation: Recommendation, chosen: Candidate) -> Iterator[Row]:
    names = ".".join(tag.text for tag in (chosen.legacy, chosen.tag) if tag is not None)
    yield row("build for", Span(names, "good"))
    libc, version = chosen.tag.libc or Libc.GLIBC, chosen.tag.version or (0, 0)
    have = "has" if len(recommendation.decided_by) == 1 else "have"
    yield row("because", f"{families(recommendation.decided_by)} {have} {libc.value} {dotted(version)}")
    yield row("reaches", f"{plural(len(chosen.reaches), 'release')} in support: {families(chosen.reaches)}")
    if chosen.loses:
        yield row("loses", f"{len(chosen.loses)}, none of tier 1: {families(chosen.loses)}")
    else:
        yield row("loses", "no release in support")
    if chosen.provisional:
        yield row("provisional", Span("the policy of this tag may still shrink", "warning"))
    legacy = "" if chosen.legacy is None else f", by the name {chosen.legacy}"
    yield row("pip", f"{chosen.pip} and later read it{legacy}")
    if chosen.compiler is not None:
        yield row(
            "toolchain",
            f"libstdc++ up to GLIBCXX_{chosen.libstdcxx}, all that GCC {chosen.compiler} has; what a newer GCC adds "
            "has to be linked statically, as the compilers of the manylinux images do",
        )


def _changes(changes: tuple[Change, ...]) -> Iterator[Row]:
    label, remark = "changes", "  by what is known today"
    for change in changes:
        left = families(change.releases)
        verb = "leaves" if len(change.releases) == 1 else "leave"
        if change.tag is None:
            text = f"after {change.after} ({left} {verb} support) no release of tier 1 is left"
        else:
            text = f"after {change.after} ({left} {verb} support) to {change.tag}"
        yield row(label, text, Span(remark, "dim"))
        label = remark = ""


def _candidates(recommendation: Recommendation) -> Iterator[Row]:
    header = _TABLE("  candidate", "reaches", "loses", "pip", "libstdc++", "of tier 1, it loses besides")
    yield row(header, indent=0)
    lost: set[str] = set()
    for candidate in recommendation.candidates:
        besides = [release for release in candidate.loses if release.mainstream == LARGE and release.id not in lost]
        lost |= {release.id for release in besides}
        is_chosen = candidate == recommendation.chosen
        text = _TABLE(
            f"{'>' if is_chosen else ' '} {candidate.tag}{'*' if candidate.provisional else ''}",
            str(len(candidate.reaches)),
            str(len(candidate.loses)),
            f"≥{candidate.pip}",
            candidate.libstdcxx or "-",
            families(besides) if besides else "",
        )
        yield Row("", (Span(text.rstrip(), "good" if is_chosen else ""),), 0)
    if any(candidate.provisional for candidate in recommendation.candidates):
        yield Row("", (Span("  * provisional", "dim"),), 0)
