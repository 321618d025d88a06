"""Policies as plain data; the schemas are described in docs/reference/json.md."""

from __future__ import annotations

from collections.abc import Iterable

from perennial.knowledge import DistributionRelease
from perennial.lean_typing import TYPE_CHECKING, Any
from perennial.platform_tag import PlatformTag
from perennial.policy import Policy
from perennial.policy.compare import Comparison
from perennial.policy.heights import Height
from perennial.policy.recommend import Candidate, Recommendation
from perennial.policy.why import Answer
from perennial.report.policy_recommendation import rule_text
from perennial.report.policy_sheets import is_allowed
from perennial.report.policy_words import dotted
from perennial.symbol_version import version_sort_key

if TYPE_CHECKING:
    from perennial.audit.report import AuditReport


def policy_json(policy: Policy, heights: Iterable[Height], as_of: str) -> dict[str, Any]:
    alias = policy.tag.legacy_alias
    return {
        "schema": "perennial.policy/1",
        "tag": policy.tag.text,
        "legacy_alias": None if alias is None else alias.text,
        "provisional": policy.provisional,
        "as_of": as_of,
        "libraries": [
            {
                "soname": soname,
                "nodes": None
                if soname not in policy.versions
                else sorted(policy.versions[soname], key=version_sort_key),
            }
            for soname in sorted(policy.libraries)
        ],
        "limits": [
            {
                "family": height.family,
                "sonames": list(height.sonames),
                "highest": height.highest,
                "unnumbered": list(height.unnumbered),
                "missing": height.missing,
                "since": _version(height.since),
                "limit": None if height.limit is None else height.limit.value,
                "witnesses": _ids(height.lacking),
            }
            for height in heights
        ],
        "floor": [_release(release, as_of) for release in policy.derived_from],
    }


def diff_json(comparison: Comparison, as_of: str) -> dict[str, Any]:
    return {
        "schema": "perennial.policy-diff/1",
        "earlier": comparison.earlier.tag.text,
        "later": comparison.later.tag.text,
        "as_of": as_of,
        "libraries": list(comparison.libraries),
        "nodes": [
            {"soname": soname, "nodes": list(gain.nodes)} for gain in comparison.gains for soname in gain.sonames
        ],
        "lost": [_release(release, as_of) for release in comparison.lost],
    }


def why_json(policy: Policy, name: str, answers: Iterable[Answer], as_of: str) -> dict[str, Any]:
    return {
        "schema": "perennial.policy-why/1",
        "tag": policy.tag.text,
        "name": name,
        "as_of": as_of,
        "answers": [
            {
                "kind": answer.kind.value,
                "name": answer.name,
                "version": answer.version,
                "libraries": list(answer.libraries),
                "allowed": is_allowed(policy, answer),
                "since": _version(answer.since),
                "limit": answer.limit.value,
                "has": _ids(answer.has),
                "lacks": _ids(answer.lacks),
                "unknown": _ids(answer.unknown),
                "despite": _ids(answer.despite),
                "published": answer.published,
            }
            for answer in answers
        ],
    }


def recommendation_json(recommendation: Recommendation, arch: str) -> dict[str, Any]:
    return {
        "schema": "perennial.policy-recommendation/1",
        "architecture": arch,
        "as_of": recommendation.as_of,
        "support": recommendation.support.value,
        "rule": rule_text(recommendation),
        "tag": None if recommendation.chosen is None else recommendation.chosen.tag.text,
        "decided_by": _ids(recommendation.decided_by),
        "changes": [
            {"after": change.after, "releases": _ids(change.releases), "tag": _tag(change.tag)}
            for change in recommendation.changes
        ],
        "candidates": [_candidate(candidate) for candidate in recommendation.candidates],
    }


def coverage_json(reports: Iterable[AuditReport], as_of: str) -> dict[str, Any]:
    return {
        "schema": "perennial.policy-coverage/1",
        "as_of": as_of,
        "wheels": [
            {
                "filename": report.wheel.filename.text,
                "lowest_tag": report.lowest.text,
                "architecture": None if report.architecture is None else report.architecture.value,
                "runs_on": [_release(release, as_of) for release in report.coverage.runs],
                "fails_on": [
                    {**_release(lack.release, as_of), "lacks": None if lack.need is None else lack.need.name}
                    for lack in report.coverage.fails
                ],
            }
            for report in reports
        ],
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "tag": candidate.tag.text,
        "legacy_alias": _tag(candidate.legacy),
        "pip": candidate.pip,
        "gcc": candidate.compiler,
        "libstdcxx": candidate.libstdcxx,
        "provisional": candidate.provisional,
        "keeps_tier_1": candidate.keeps_all,
        "reaches": _ids(candidate.reaches),
        "loses": _ids(candidate.loses),
    }


def _release(release: DistributionRelease, as_of: str) -> dict[str, Any]:
    return {
        "id": release.id,
        "name": release.name,
        "libc_version": release.libc_release,
        "tier": release.mainstream,
        "released": release.released,
        "end_of_life": release.end_of_life,
        "extended_end_of_life": release.extended_end_of_life,
        "rolling": release.rolling,
        "supported": release.supported_on(as_of),
    }


def _ids(releases: Iterable[DistributionRelease]) -> list[str]:
    return [release.id for release in releases]


def _tag(tag: PlatformTag | None) -> str | None:
    return None if tag is None else tag.text


def _version(version: tuple[int, int] | None) -> str | None:
    return None if version is None else dotted(version)
