"""References of the second package that lead into the first package's files, by the library they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from perennial.coload.conflict import BindingLink, link, name_of
from perennial.coload.imports import Change, Pair
from perennial.elf.dynamic_symbols import Binding
from perennial.finding import Severity


def crossing_changes(pair: Pair, belongs: Callable[[str], bool], *, same_build_counts: bool = False) -> list[Change]:
    """Changed references to some symbols that lead to another build than the second package's own.

    With `same_build_counts` also to another copy of the same build, where the second package's own is loaded
    and initialized all the same: for libraries that must not be initialized twice.
    """
    found = []
    loaded = {one.library.path for one in pair.process.objects}
    for change in pair.changes:
        provider, own = change.together.provider, change.alone.provider
        if provider is None or provider.library.package is None or change.together.asker.library.package is None:
            continue
        if _is_the_same_unique(change):
            continue
        same_build = own is not None and own.library.elf.build_id == provider.library.elf.build_id is not None
        if same_build and same_build_counts and own is not None:
            same_build = own.library.path not in loaded
        if not same_build and belongs(change.together.reference.name):
            found.append(change)
    return sorted(found, key=lambda change: (change.together.reference.name, change.together.asker.library.path))


def _is_the_same_unique(change: Change) -> bool:
    """Unique symbols are shared on purpose: inline variables and what templates keep. `unique-symbol-differs` has
    those that are not of one size.
    """
    ours, theirs = change.alone.definition, change.together.definition
    if ours is None or theirs is None or theirs.binding is not Binding.UNIQUE:
        return False
    return ours.size == theirs.size


def severity_of(pair: Pair, changes: list[Change]) -> Severity:
    """An error; a warning where all depends on Python code that may never run."""
    certain: set[str] = set()
    uncertain: set[str] = set()
    for root in pair.first.package.roots:
        if root.visible_to_all:
            loaded = next((one for one in pair.process.objects if one.library.path == root.path), None)
            if loaded is not None:
                (certain if root.certain else uncertain).update(
                    one.library.path for one in pair.process.search_list(loaded)
                )
    providers = {change.together.provider.library.path for change in changes if change.together.provider is not None}
    return Severity.WARNING if providers <= uncertain - certain else Severity.ERROR


def links_of(pair: Pair, changes: list[Change]) -> Iterator[BindingLink]:
    """The first few as links of the chain, each saying why the other package is visible."""
    visible = {loaded.library.path for loaded in pair.process.global_scope}
    for change in changes[:5]:
        provider = change.together.provider
        if provider is not None and provider.library.path in visible:
            why = f"{name_of(provider)} was loaded with RTLD_GLOBAL"
        else:
            why = "a process loads one object for each soname, and this one was there already"
        yield link(change, why)
