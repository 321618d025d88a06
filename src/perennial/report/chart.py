"""Releases along the glibc clock, as an SVG: x is the glibc, a row is a family, a card is a release.

A manylinux tag is a place on this clock: it reaches what stands right of it. So each wheel is a
line with a flag, at the left edge of its X.Y. Cards say from when to when a release is supported,
and their looks, whether it is on the day that counts. Written by hand, without a library; the same
input gives the same bytes; colours follow the reader's light or dark scheme; every card has a title,
which browsers show and screen readers say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from perennial.knowledge import DistributionRelease
from perennial.knowledge.release import LARGE
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import PlatformTag
from perennial.policy.recommend import Support
from perennial.report.policy_words import dotted

Version = tuple[int, int]


class Mark(NamedTuple):
    """A wheel on the clock."""

    label: str
    tag: PlatformTag


_GUTTER: Final = 132
_COLUMN: Final = 58
_MARGIN: Final = 24
_CARD: Final = (54, 28)  # width, height
_GAP: Final = 5
_HEAD: Final = 84  # title, subtitle and legend
_FLAG: Final = 24
_AXIS: Final = 40
_FEWEST_COLUMNS: Final = 12
_COLOURS: Final = 5  # of wheels, then again from the first

# The families that most people look for first; then the others by name.
_FIRST: Final = (
    *("debian", "ubuntu", "rhel", "centos", "almalinux", "rockylinux", "oraclelinux"),
    *("amazonlinux", "fedora", "opensuse"),
)

_STYLE: Final = """\
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-size:12px;fill:#1f2430}
.page{fill:#fff}.title{font-size:19px;font-weight:600}.muted,.past text{fill:#6b7280}.small{font-size:11px}
.band{fill:#f6f7f9}.grid{stroke:#e5e7eb;stroke-width:1}.tick{font-weight:600}.family{font-weight:600}
.card text{font-size:11.5px;font-weight:600;text-anchor:middle}.card .years{font-size:9px;font-weight:400}
.card .long{font-size:9.5px}.card .longer{font-size:7.7px}.general rect{fill:#0f766e}.general text{fill:#fff}
.extended rect{fill:#99e2d8}.extended text{fill:#0b3b37}
.past rect{fill:#fff;stroke:#c5cad3;stroke-width:1}.rolling rect{stroke:#0b4f4a;stroke-width:1.5;stroke-dasharray:3 2}
.flag{font-weight:600;fill:#fff}.reach{opacity:.07}
.c0{fill:#c2410c;stroke:#c2410c}.c1{fill:#6d28d9;stroke:#6d28d9}.c2{fill:#1d4ed8;stroke:#1d4ed8}
.c3{fill:#be185d;stroke:#be185d}.c4{fill:#4d7c0f;stroke:#4d7c0f}.pole{stroke-width:2}
"""
_DARK: Final = """\
text{fill:#e6e8ee}.page{fill:#12151c}.muted,.past text{fill:#98a1b1}.band{fill:#191d26}.grid{stroke:#2a303c}
.general rect{fill:#2dd4bf}.general text{fill:#06231f}.extended rect{fill:#155e56}.extended text{fill:#c9f5ee}
.past rect{fill:#12151c;stroke:#3c4452}.rolling rect{stroke:#99f6e4}.flag{fill:#14110f}.reach{opacity:.10}
.c0{fill:#fb923c;stroke:#fb923c}.c1{fill:#a78bfa;stroke:#a78bfa}.c2{fill:#60a5fa;stroke:#60a5fa}
.c3{fill:#f472b6;stroke:#f472b6}.c4{fill:#a3e635;stroke:#a3e635}
"""


class _Layout(NamedTuple):
    """Where things stand."""

    start: Version
    end: Version
    top: float  # of the axis above the rows
    rows: tuple[tuple[str, float, float], ...]  # family, y, height
    bottom: float

    def left(self, version: Version) -> int:
        """The left edge of a glibc's column; what is before the first stands there."""
        return _GUTTER + _COLUMN * max(0, version[1] - self.start[1])

    @property
    def right(self) -> int:
        return self.left(self.end) + _COLUMN

    @property
    def width(self) -> int:
        return self.right + _MARGIN


def chart(
    releases: Iterable[DistributionRelease],
    arch: str,
    as_of: str,
    marks: Sequence[Mark] = (),
    *,
    start: Version = (2, 17),
) -> str:
    """The SVG. `releases` are glibc ones; what is older than `start` is counted, not drawn."""
    known = tuple(releases)
    shown = [release for release in known if release.libc_version >= start]
    cells = _cells(shown)
    layout = _layout(cells, start, shown, marks)
    described = _description(known, shown, as_of, marks)
    height = layout.bottom + 30
    size = f'viewBox="0 0 {layout.width} {height:g}" width="{layout.width}" height="{height:g}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">',
        f'<title id="title">Linux releases for {escape(arch)} along the glibc clock</title>',
        f'<desc id="description">{escape(described)}</desc>',
        f"<style>\n{_STYLE}@media (prefers-color-scheme:dark){{\n{_DARK}}}\n</style>",
        f'<rect class="page" width="{layout.width}" height="{height:g}"/>',
        *_heading(arch, as_of, layout),
        *_grid(layout),
        *_reach(marks, layout),
    ]
    for family, y, row_height in layout.rows:
        lines += _row(cells[family], y, row_height, layout, as_of)
    lines += _flags(marks, shown, layout, as_of)
    left_out = len(known) - len(shown)
    if left_out:
        count = "1 release" if left_out == 1 else f"{left_out} releases"
        lines.append(
            _text(_MARGIN, layout.bottom + 14, f"{count} with a glibc before {dotted(start)} not shown", "muted small")
        )
    return "\n".join([*lines, "</svg>", ""])


# ----- where things stand

_Cells = Mapping[str, Mapping[Version, list[DistributionRelease]]]


def _cells(releases: Iterable[DistributionRelease]) -> _Cells:
    """Family -> glibc -> releases, in the order of the rows; oldest first in a cell."""
    families: dict[str, dict[Version, list[DistributionRelease]]] = {}
    for release in sorted(releases, key=_order):
        families.setdefault(release.family, {}).setdefault(release.libc_version, []).append(release)
    return families


def _order(release: DistributionRelease) -> tuple[int, str, bool, str, tuple[int, ...], str]:
    parts = release.version.split(".")
    number = tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()
    rank = _FIRST.index(release.family) if release.family in _FIRST else len(_FIRST)
    return (rank, release.family, release.rolling, release.released or "", number, release.id)


def _layout(cells: _Cells, start: Version, shown: list[DistributionRelease], marks: Sequence[Mark]) -> _Layout:
    newest = max((release.libc_version for release in shown), default=start)
    versions = [newest, *(mark.tag.version for mark in marks if mark.tag.version is not None)]
    end = max(*versions, (start[0], start[1] + _FEWEST_COLUMNS))
    top = _HEAD + _FLAG * len(marks)
    y = top + _AXIS
    rows: list[tuple[str, float, float]] = []
    for family, columns in cells.items():
        tallest = max(len(releases) for releases in columns.values())
        height = tallest * (_CARD[1] + _GAP) + _GAP
        rows.append((family, y, height))
        y += height
    return _Layout(start, end, top, tuple(rows), y)


# ----- drawing


def _heading(arch: str, as_of: str, layout: _Layout) -> Iterator[str]:
    yield _text(_MARGIN, 36, f"Linux releases for {arch} along the glibc clock", "title")
    yield _text(_MARGIN, 58, f"A manylinux tag reaches what stands right of its line. Support as of {as_of}.", "muted")
    x = layout.right
    legend = (
        ("past", "past support, or not known", 178),
        ("extended", "long-term or paid support only", 200),
        ("general", "in support", 84),
    )
    for style, text, width in legend:
        x -= width
        yield f'<g class="card {style}"><rect x="{x}" y="26" width="14" height="12" rx="3"/></g>'
        yield _text(x + 19, 36, text, "small")
        x -= 12


def _grid(layout: _Layout) -> Iterator[str]:
    for number, (_, y, height) in enumerate(layout.rows):
        if number % 2 == 0:
            yield f'<rect class="band" x="0" y="{y:g}" width="{layout.width}" height="{height:g}"/>'
    yield _text(_MARGIN, layout.top + 26, "glibc", "muted")
    for minor in range(layout.start[1], layout.end[1] + 1):
        x = layout.left((2, minor))
        yield f'<line class="grid" x1="{x}" y1="{layout.top + _AXIS - 6:g}" x2="{x}" y2="{layout.bottom:g}"/>'
        yield _text(x + _COLUMN / 2, layout.top + 26, f"2.{minor}", "tick", anchor="middle")


def _row(
    columns: Mapping[Version, list[DistributionRelease]], y: float, height: float, layout: _Layout, as_of: str
) -> Iterator[str]:
    newest = [release for releases in columns.values() for release in releases]
    yield _text(_MARGIN, y + height / 2 + 4, _family_name(newest), "family")
    for version, releases in columns.items():
        x = layout.left(version) + (_COLUMN - _CARD[0]) / 2
        top = y + (height - len(releases) * (_CARD[1] + _GAP) + _GAP) / 2
        for number, release in enumerate(releases):
            yield from _card(release, x, top + number * (_CARD[1] + _GAP), as_of)


def _card(release: DistributionRelease, x: float, y: float, as_of: str) -> Iterator[str]:
    label = _label(release)
    size = ' class="longer"' if len(label) > 8 else ' class="long"' if len(label) > 6 else ""
    middle = x + _CARD[0] / 2
    rolling = " rolling" if release.rolling else ""
    yield f'<g class="card {_state(release, as_of)}{rolling}"><title>{escape(_facts(release))}</title>'
    yield f'<rect x="{x:g}" y="{y:g}" width="{_CARD[0]}" height="{_CARD[1]}" rx="5"/>'
    yield f'<text{size} x="{middle:g}" y="{y + 12:g}">{escape(label)}</text>'
    yield f'<text class="years" x="{middle:g}" y="{y + 23:g}">{escape(_years(release))}</text></g>'


def _reach(marks: Sequence[Mark], layout: _Layout) -> Iterator[str]:
    """A tint over what the lowest of the wheels reaches; more than one would mix to mud."""
    if marks:
        number, mark = min(enumerate(marks), key=lambda item: (item[1].tag.version or layout.start, item[0]))
        x = layout.left(mark.tag.version or layout.start)
        yield (
            f'<rect class="reach c{number % _COLOURS}" stroke="none" x="{x}" y="{layout.top + _AXIS:g}" '
            f'width="{layout.right - x}" height="{layout.bottom - layout.top - _AXIS:g}"/>'
        )


def _flags(marks: Sequence[Mark], shown: Sequence[DistributionRelease], layout: _Layout, as_of: str) -> Iterator[str]:
    supported = [release for release in shown if release.supported_on(as_of)]
    for number, mark in enumerate(marks):
        version = mark.tag.version or layout.start
        x, y = layout.left(version), _HEAD + _FLAG * number
        reached = sum(release.libc_version >= version for release in supported)
        text = f"{mark.label}: {mark.tag}"
        width = round(len(text) * 8.1) + 16
        left = x if x + width <= layout.right else x - width
        colour = f"c{number % _COLOURS}"
        title = f"{text}; reaches {reached} of {len(supported)} releases in support"
        yield f"<g><title>{escape(title)}</title>"
        yield f'<line class="pole {colour}" x1="{x}" y1="{y + 2}" x2="{x}" y2="{layout.bottom:g}"/>'
        yield f'<rect class="{colour}" x="{left}" y="{y + 1}" width="{width}" height="19" rx="3"/>'
        yield _text(left + 8, y + 15, text, "flag") + "</g>"


def _text(x: float, y: float, text: str, style: str, *, anchor: str | None = None) -> str:
    anchored = "" if anchor is None else f' text-anchor="{anchor}"'
    return f'<text class={quoteattr(style)} x="{x:g}" y="{y:g}"{anchored}>{escape(text)}</text>'


# ----- words


def _state(release: DistributionRelease, as_of: str) -> str:
    if Support.GENERAL.covers(release, as_of):
        return "general"
    return "extended" if release.supported_on(as_of) else "past"


def _years(release: DistributionRelease) -> str:
    """`2019–2029`, the support of everybody."""
    if release.rolling:
        return "rolling"
    begin, end = (release.released or "")[:4], (release.end_of_life or "")[:4]
    return f"{begin}–{end}" if begin or end else "no dates"


def _facts(release: DistributionRelease) -> str:
    parts = [f"{release.name}: glibc {release.libc_release}"]
    if release.rolling:
        parts.append("rolling")
    if release.released is not None:
        parts.append(f"released {release.released}")
    if release.end_of_life is not None:
        parts.append(f"supported until {release.end_of_life}")
    if release.extended_end_of_life is not None:
        parts.append(f"long-term or paid support until {release.extended_end_of_life}")
    parts.append(f"tier {release.mainstream}")
    return ", ".join(parts)


def _label(release: DistributionRelease) -> str:
    """What tells a release from its family: 22.04, Stream 9, Rawhide."""
    stem, _, last = release.name.rpartition(" ")
    if release.family == "centos" and stem.endswith("Stream"):
        return f"Stream {last}"
    if last == "Linux":  # a name, and no version
        return release.version
    return last if stem else release.name.rpartition("-")[2]


def _family_name(releases: Sequence[DistributionRelease]) -> str:
    """What a family's releases are called but for their versions: `openSUSE`, `Arch Linux`."""
    words = [release.name.replace("-", " ").split(" ") for release in releases]
    if len(words) == 1:
        return " ".join(words[0] if words[0][-1] == "Linux" else words[0][:-1])
    common = [each[0] for each in zip(*words, strict=False) if len(set(each)) == 1]
    return " ".join(common) or releases[0].family


def _description(
    known: Sequence[DistributionRelease], shown: Sequence[DistributionRelease], as_of: str, marks: Sequence[Mark]
) -> str:
    supported = sum(release.supported_on(as_of) for release in known)
    large = sum(release.mainstream == LARGE for release in known)
    parts = [
        f"{len(shown)} releases, each in the column of its glibc and the row of its family.",
        f"Of {len(known)} that count, {large} are of tier 1, and {supported} in support on {as_of}.",
    ]
    parts += [f"{mark.label} is {mark.tag}." for mark in marks]
    return " ".join(parts)
