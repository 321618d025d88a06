"""How `perennial distro` shows releases: rows for people, documents for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from perennial.knowledge import DistributionRelease
from perennial.knowledge.learned_release import REASON as LEARNED_HERE
from perennial.knowledge.snapshot import ABSENT, TIERS
from perennial.knowledge.symbol_store import SymbolStore
from perennial.lean_typing import Any, Final
from perennial.report.sheet import BLANK, Row, Sheet, Span, row
from perennial.symbol_version import SymbolVersion

Stores = Mapping[str, SymbolStore]
SHIPPED: Final = "shipped with perennial"

# Where each fact comes from, as data/SOURCES.md has it.
_SOURCES: Final = {
    "libc_release": "measured on container images (mayeut/pep600_compliance); musl recalled",
    "tops": "measured on container images (mayeut/pep600_compliance)",
    "architectures": "measured on container images (mayeut/pep600_compliance); musl recalled",
    "released": "endoflife.date",
    "end_of_life": "endoflife.date",
    "extended_end_of_life": "endoflife.date",
    "x86_64_level": "recalled",
    "python": "recalled",
    "kernel": "recalled",
    "learned": "read from the packages or the file system itself",
}


def list_json(releases: Sequence[DistributionRelease], stores: Stores) -> dict[str, Any]:
    return {"schema": "perennial.distro-list/1", "releases": [_facts(each, stores) for each in releases]}


def list_sheet(releases: Sequence[DistributionRelease], stores: Stores) -> Sheet:
    rows = [row("", Span(_columns("release", "libc", "libstdc++", "support ends", "learned"), "title"), indent=0)]
    for each in sorted(releases, key=lambda each: (each.libc.value, each.libc_version, each.id)):
        learned = [arch for arch, store in stores.items() if any(info.release == each.id for info in store.snapshots)]
        libc = f"{each.libc.value} {each.libc_release}"
        columns = _columns(each.id, libc, each.tops.get("GLIBCXX", "-"), _end(each), " ".join(learned))
        rows.append(row("", columns, indent=0))
    return tuple(rows)


def show_json(identity: str, release: DistributionRelease | None, stores: Stores, arch: str | None) -> dict[str, Any]:
    facts = {"id": identity} if release is None else _facts(release, stores)
    learned = [
        {
            **info._asdict(),
            "libraries": [
                {
                    "soname": soname,
                    "package": library.package or None,
                    "tier": library.tier,
                    "build_id": library.build_id,
                    "nodes": _nodes(store, soname, number),
                    "source": _source(store, soname, number),
                }
                for soname in store.sonames
                if (library := store.library(soname, number)) is not None
            ],
        }
        for store, number, info in _snapshots(identity, stores, arch)
    ]
    return {"schema": "perennial.distro/1", **facts, "sources": _sources(release), "learned": learned}


def show_sheet(identity: str, release: DistributionRelease | None, stores: Stores, arch: str | None) -> Sheet:
    rows: list[Row] = [row(identity if release is None else release.name, indent=0)]
    if release is not None:
        rows += _release_rows(release)
    for store, number, info in _snapshots(identity, stores, arch):
        rows += [BLANK, row(info.architecture, f" {info.date}, {info.kind}", indent=0)]
        rows += _tier_rows(store, number) if arch is None else _library_rows(store, number)
    return tuple(rows)


def _sources(release: DistributionRelease | None) -> Mapping[str, str]:
    if release is None or release.mainstream_reason != LEARNED_HERE:
        return _SOURCES
    return dict.fromkeys(_SOURCES, "as it was learned here")


def _release_rows(release: DistributionRelease) -> Iterator[Row]:
    sources = _sources(release)

    def fact(label: str, text: str, source: str) -> Row:
        return row(label, text, Span(f"  ({sources[source]})", "dim"))

    tops = ", ".join(f"{name} {top}" for name, top in release.tops.items() if name != "GLIBC")
    yield fact("libc", f"{release.libc.value} {release.libc_release}", "libc_release")
    if tops:
        yield fact("nodes up to", tops, "tops")
    yield fact("released", release.released or "not known", "released")
    yield fact("support ends", _end(release), "end_of_life")
    yield fact("on", " ".join(sorted(release.architectures)), "architectures")
    if release.x86_64_level is not None:
        yield fact("x86-64 level", f"v{release.x86_64_level}", "x86_64_level")
    if release.python is not None:
        yield fact("Python", release.python, "python")
    if release.kernel is not None:
        yield fact("kernel", release.kernel, "kernel")
    yield row(
        "counts", f"tier {release.mainstream}: {release.mainstream_reason}" if release.counts else _no_policy(release)
    )


def _no_policy(release: DistributionRelease) -> str:
    if release.mainstream_reason == LEARNED_HERE:
        return "for no policy but those of a list that names it (--mainstream)"
    return "for no policy"


def _tier_rows(store: SymbolStore, number: int) -> Iterator[Row]:
    for tier in (*TIERS, None):
        names = [soname for soname in store.sonames if number in _having(store, soname, tier)]
        if names:
            yield row(tier or "tier unknown", " ".join(names))


def _library_rows(store: SymbolStore, number: int) -> Iterator[Row]:
    for soname in store.sonames:
        library = store.library(soname, number)
        if library is None:
            continue
        if library.tier == ABSENT:
            yield row("", f"{soname:30}", Span(ABSENT, "warning"))
            continue
        version = store.source(soname, number).packages.get(library.package, "")
        package = f"{library.package} {version}" if library.package else "package unknown"
        highest = ", ".join(_highest(_nodes(store, soname, number)))
        source = _source(store, soname, number)
        mark = "" if source == SHIPPED else f"  ({source})"
        yield row("", f"{soname:30}{library.tier or '?':11}{package:40}{highest}".rstrip(), Span(mark, "dim"))


def _source(store: SymbolStore, soname: str, number: int) -> str:
    """Where what is known of a library comes from."""
    return f"learned here, {store.source(soname, number).date}" if store.is_own(soname, number) else SHIPPED


def _having(store: SymbolStore, soname: str, tier: str | None) -> frozenset[int]:
    numbers = range(len(store.snapshots))
    return frozenset(
        number for number in numbers if (library := store.library(soname, number)) is not None and library.tier == tier
    )


def _nodes(store: SymbolStore, soname: str, number: int) -> list[str]:
    return [node for node, members in store.nodes(soname).items() if number in members]


def _highest(nodes: Sequence[str]) -> Iterator[str]:
    """The highest node of each family; names without a number are no part of a ladder."""
    best: dict[str, tuple[tuple[int, ...], str]] = {}
    for node in nodes:
        family, numbers = SymbolVersion.parse(node)
        if numbers:
            best[family] = max(best.get(family, ((), "")), (numbers, node))
    return (node for _, node in best.values())


def _snapshots(identity: str, stores: Stores, arch: str | None) -> Iterator[tuple[SymbolStore, int, Any]]:
    for name, store in stores.items():
        if arch in (None, name):
            for number, info in enumerate(store.snapshots):
                if info.release == identity:
                    yield store, number, info


def _facts(release: DistributionRelease, stores: Stores) -> dict[str, Any]:
    document = release._asdict()
    del document["libc_version"]
    return {
        **document,
        "libc": release.libc.value,
        "architectures": sorted(release.architectures),
        "tops": dict(release.tops),
        "learned_on": {
            arch: [info.date for info in store.snapshots if info.release == release.id]
            for arch, store in stores.items()
            if any(info.release == release.id for info in store.snapshots)
        },
    }


def _end(release: DistributionRelease) -> str:
    if release.rolling and release.mainstream_reason != LEARNED_HERE:
        return "rolling"
    end = max(release.end_of_life or "", release.extended_end_of_life or "")
    return end or "not known"


def _columns(identity: str, libc: str, libstdcxx: str, end: str, learned: str) -> str:
    return f"{identity:24}{libc:14}{libstdcxx:12}{end:15}{learned}".rstrip()
