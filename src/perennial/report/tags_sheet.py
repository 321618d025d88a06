"""The tags of a target for people: factored, since thirty platforms times twenty pairs is no reading matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from perennial.platform_tag import PlatformTag
from perennial.report.sheet import BLANK, Row, Sheet, Span, row
from perennial.tags.compute import TagList
from perennial.tags.installers import Installer, rules_of
from perennial.tags.pythons import Pair
from perennial.tags.target import Target


def tags_sheet(target: Target, installer: Installer | None, found: TagList) -> Sheet:
    rows = [row(headline(target), indent=0)]
    rows += [row(detail.part, detail.text) for detail in target.details]
    if installer is not None:
        rows.append(row("list", f"as {installer} {rules_of(installer).measured} computes it"))
    rows += [BLANK, *_pairs_rows("Python, ABI", (pair for group in found.pairs.native for pair in group))]
    platforms = (*found.platforms, "any") if found.pairs.any_with_native else found.platforms
    rows += _labelled("platform", list(_runs(platforms)))
    if found.pairs.pure:
        rows += [BLANK, *_pairs_rows("Python, ABI", found.pairs.pure), row("platform", "any")]
    count = sum(1 for _ in found.tags())
    rows += [BLANK, row("in all", f"{count} tags: each pair with each platform, the best first")]
    return tuple(rows)


def headline(target: Target) -> str:
    """The target in one line: `Debian 12: CPython 3.11, glibc 2.36, x86_64`."""
    place = "" if target.name is None else f"{target.name}: "
    return f"{place}{target.python}, {target.libc_text}, {target.arch}"


def _labelled(label: str, lines: Sequence[str]) -> list[Row]:
    return [row(label if index == 0 else "", Span(line)) for index, line in enumerate(lines)]


def _pairs_rows(label: str, pairs: Iterable[Pair]) -> list[Row]:
    lines = []
    for (abi, kind), group in groupby(pairs, key=lambda pair: (pair[1], pair[0].rstrip("0123456789"))):
        names = [python for python, _ in group]
        lines.append(f"{names[0]}-{abi}" if len(names) == 1 else f"{names[0]}-{abi} … {names[-1]}-{abi}")
        if kind == "py":
            lines[-1] = ", ".join(f"{name}-{abi}" for name in names[:2])
            if len(names) > 2:
                lines[-1] += f", {names[2]}-{abi}" + (f" … {names[-1]}-{abi}" if len(names) > 3 else "")
    return _labelled(label, lines)


def _runs(platforms: Iterable[str]) -> Iterator[str]:
    """manylinux_2_36_x86_64 … manylinux_2_18_x86_64; legacy aliases and others stand for themselves."""
    run: list[PlatformTag] = []
    for tag in map(PlatformTag.parse, platforms):
        if run and not _follows(run[-1], tag):
            yield _run(run)
            run = []
        run.append(tag)
    if run:
        yield _run(run)


def _follows(one: PlatformTag, other: PlatformTag) -> bool:
    """Whether two neighbours are of one series: perennial tags of one libc, architecture and major version."""
    if one.version is None or other.version is None or one.canonical != one or other.canonical != other:
        return False
    return (one.libc, one.arch) == (other.libc, other.arch) and abs(one.version[1] - other.version[1]) == 1


def _run(run: Sequence[PlatformTag]) -> str:
    return run[0].text if len(run) == 1 else f"{run[0]} … {run[-1]}"
