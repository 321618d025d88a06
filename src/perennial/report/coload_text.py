"""Conflicts for people: the worst first, with the chain of bindings that explains each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from perennial.coload.analysis import Analysis
from perennial.coload.conflict import BindingLink, Conflict
from perennial.finding import Severity
from perennial.lean_typing import NamedTuple
from perennial.report.demangle import demangle
from perennial.report.sheet import BLANK, Row, Sheet, Span, row
from perennial.report.text import listed, plural

_MANGLED = re.compile(r"\b_Z\w+")
_MOST_LINKS = 3
_MOST_NAMES = 4
_ONE_OTHER = "the other package"


class Group(NamedTuple):
    """Conflicts that differ only in the package that is imported second: `seconds` are those."""

    conflict: Conflict
    seconds: tuple[str, ...]


def coload_summary(analysis: Analysis, conflicts: Iterable[Conflict], unread: int = 0) -> Sheet:
    """One line, for -q. `unread` is how many inputs could not be read."""
    profile = analysis.profile
    where = f"{profile.name}, {profile.architecture}, glibc {'{}.{}'.format(*profile.glibc)}"
    what = f"{plural(len(analysis.packages), 'package')}, {plural(analysis.pairs, 'ordered pair')}"
    without = f"; {plural(unread, 'input')} could not be read" if unread else ""
    return (row(f"{where}: {what}: {_counts(tuple(conflicts))}{without}", indent=0),)


def coload_report(analysis: Analysis, conflicts: tuple[Conflict, ...], unread: int = 0, *, verbose: bool) -> Sheet:
    """The whole report; `verbose` adds what is only worth knowing, whole chains, and symbols as they are."""
    return tuple(_rows(analysis, conflicts, unread, verbose=verbose))


def _rows(analysis: Analysis, conflicts: tuple[Conflict, ...], unread: int, *, verbose: bool) -> Iterator[Row]:
    yield from coload_summary(analysis, conflicts, unread)
    shown = [conflict for conflict in conflicts if verbose or conflict.severity is not Severity.INFO]
    for group in group_conflicts(shown):
        yield BLANK
        yield from _group(group, verbose=verbose)
    left_out = len(conflicts) - len(shown)
    if left_out:
        yield BLANK
        yield row(
            "", Span(f"{plural(left_out, 'finding')} of severity info not shown (-v shows them)", "dim"), indent=0
        )


def _counts(conflicts: tuple[Conflict, ...]) -> str:
    counts = [
        plural(count, severity.value, "infos" if severity is Severity.INFO else None)
        for severity in Severity
        if (count := sum(1 for conflict in conflicts if conflict.severity is severity))
    ]
    return ", ".join(counts) or "no conflict"


def group_conflicts(conflicts: Iterable[Conflict]) -> list[Group]:
    """One group for conflicts that say the same of one first package and several second ones."""
    groups: dict[tuple[object, ...], Group] = {}
    for conflict in conflicts:
        second = conflict.order[-1] if len(conflict.order) > 1 else ""
        message = _without(second, conflict.message) if second else conflict.message
        key = (conflict.severity, conflict.rule, conflict.order[:-1] if second else conflict.order, message)
        group = groups.get(key) or Group(conflict, ())
        groups[key] = group._replace(seconds=(*group.seconds, second) if second else ())
    return list(groups.values())


def _without(name: str, message: str) -> str:
    """A message about any package. What is installed may have a short name, which is a part of other words."""
    return re.sub(rf"(?<![\w./-]){re.escape(name)}(?![\w/-]|\.\w)", _ONE_OTHER, message)


def _group(group: Group, *, verbose: bool) -> Iterator[Row]:
    conflict = group.conflict
    yield row(conflict.severity.value, Span(conflict.rule, conflict.severity.value))
    names = [project(name) for name in conflict.order]
    if len(group.seconds) > 1:
        others = listed([project(name) for name in group.seconds], 1_000_000 if verbose else _MOST_NAMES)
        yield row("import", Span(", ".join(names[:-1]), "name"), Span(", then one of "), Span(others, "name"))
    elif len(names) > 1:
        yield row("import", Span(", ".join(names[:-1]), "name"), Span(", then "), Span(names[-1], "name"))
    else:
        yield row("import", Span(names[0], "name"))
    message = conflict.message
    if len(group.seconds) > 1:
        message = _without(conflict.order[-1], message)
    yield row("what", _readable(message, verbose=verbose))
    label = "bindings"
    links = conflict.bindings if verbose else conflict.bindings[:_MOST_LINKS]
    for link in links:
        yield from _link(label, link, verbose=verbose)
        label = ""
    if len(conflict.bindings) > len(links):
        yield row("", Span(f"and {len(conflict.bindings) - len(links)} more (-v shows them)", "dim"))
    yield row("remedy", _readable(conflict.remedy, verbose=verbose))


def _link(label: str, link: BindingLink, *, verbose: bool) -> Iterator[Row]:
    symbol = link.symbol if verbose else demangle(link.symbol)
    version = f" ({link.version})" if link.version else ""
    if link.got is None and link.expected is None:
        yield row(label, Span(link.asks, "name"), f": {symbol}, {link.why}")
        return
    yield row(label, Span(link.asks, "name"), f" asks for {symbol}{version}")
    instead = "" if link.expected in (None, link.got) else f" instead of {link.expected}"
    yield row("", "  and gets that of ", Span(link.got or "nobody", "bad" if instead else "good"), instead)
    yield row("", Span(f"  because {_readable(link.why, verbose=verbose)}", "dim"))


def _readable(text: str, *, verbose: bool) -> str:
    text = re.sub(r"([A-Za-z0-9_.]+-[^\s,:]+)\.whl\b", lambda found: project(found.group()), text)
    return text if verbose else _MANGLED.sub(lambda found: demangle(found.group()), text)


def project(name: str) -> str:
    """`numpy 2.4.6` of a wheel's file name; other names as they are."""
    if not name.endswith(".whl"):
        return name
    parts = name.split("-")
    return f"{parts[0]} {parts[1]}"
