"""WHEEL files that claim other tags than the file name."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity

RULE = Rule(
    "wheel-tags-differ",
    "The tags in WHEEL are not those of the file name",
    "Somebody has renamed the file: installers go by its name, and tools that rebuild or publish wheels by WHEEL.",
)


def check(content: Content) -> Iterator[Finding]:
    metadata = content.wheel.metadata
    if metadata is None:
        yield Finding(
            RULE.id,
            Severity.ERROR,
            None,
            "the wheel has no WHEEL file, and installers refuse it",
            remedy="Build it again.",
        )
        return
    named = {"-".join(tag) for tag in content.wheel.filename.tags}
    inside = set(_expanded(metadata.tags))
    if named == inside:
        return
    parts = [
        f"{what} {', '.join(sorted(tags))}"
        for what, tags in (("only in the file name:", named - inside), ("only in WHEEL:", inside - named))
        if tags
    ]
    yield Finding(
        RULE.id,
        Severity.ERROR,
        metadata.path,
        f"WHEEL and the file name disagree about the tags; {'; '.join(parts)}",
        remedy="Change tags with perennial retag, which rewrites both; renaming the file is not enough.",
    )


def _expanded(tags: tuple[str, ...]) -> Iterator[str]:
    """A Tag line may itself be a compressed set."""
    for tag in tags:
        parts = tag.split("-")
        if len(parts) != 3:
            yield tag
            continue
        for python in parts[0].split("."):
            for abi in parts[1].split("."):
                for platform in parts[2].split("."):
                    yield f"{python}-{abi}-{platform}"
