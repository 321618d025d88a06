"""What can be changed in an ELF file, as a value; and what makes no sense together."""

from __future__ import annotations

from collections import Counter
from enum import Enum

from perennial.errors import UsageError
from perennial.lean_typing import NamedTuple


class StripLevel(Enum):
    """What is left out of what no loader reads, in the sense of GNU strip's options."""

    NOTHING = "nothing"
    DEBUG = "debug"  # --strip-debug: debug sections, names of source files
    ALL = "all"  # --strip-all: the symbol table of linkers and debuggers as well


class SearchPath(NamedTuple):
    """DT_RUNPATH, or DT_RPATH; either replaces both. An empty `text` removes both."""

    text: str
    runpath: bool


class VersionRename(NamedTuple):
    """A symbol version that gets another name.

    `library` is the soname of the library that it is needed from, as the file says it before any
    change; None where the file itself defines the version.
    """

    old: str
    new: str
    library: str | None = None


class VersionChange(NamedTuple):
    """Of references, which are undefined symbols: what one needs now, by the names of the file before any change, and
    what it is to need. None for both `to_library` and `to_version`: no version, which weak references can do without.
    """

    symbol: str
    library: str
    version: str
    to_symbol: str
    to_library: str | None
    to_version: str | None


class ElfChanges(NamedTuple):
    """What is wanted of one file. What a file has already is no change, nor is the removal of what it lacks."""

    soname: str | None = None  # None keeps
    # (old, new): DT_NEEDED, and the version needs (vn_file) that name the library
    rename_needed: tuple[tuple[str, str], ...] = ()
    add_needed: tuple[str, ...] = ()  # at the end
    remove_needed: tuple[str, ...] = ()  # with the versions needed from them
    search_path: SearchPath | None = None  # None keeps
    rename_versions: tuple[VersionRename, ...] = ()
    hide_symbols: tuple[str, ...] = ()  # defined symbols, all versions: they become STV_HIDDEN
    # defined symbols, all versions: STV_HIDDEN, no value, and zeros for the bytes that they cover. Undefined: no change
    blank_symbols: tuple[str, ...] = ()
    # before all other changes; what nothing needs any more goes, and DT_NEEDED stays
    rebind: tuple[VersionChange, ...] = ()
    # DT_RELR into DT_RELA or DT_REL, for loaders that do not know it; with the need of GLIBC_ABI_DT_RELR
    expand_relr: bool = False
    # STB_GNU_UNIQUE becomes STB_GLOBAL: then each copy of a library has variables of its own
    unique_to_global: bool = False
    # what ld -z mark-plt adds for x86_64, and old loaders take for addends; with the need of GLIBC_ABI_DT_X86_64_PLT
    clear_plt_marks: bool = False
    clear_executable_stack: bool = False
    strip: StripLevel = StripLevel.NOTHING


def check_changes(changes: ElfChanges) -> None:
    """Refuses changes of which the result would depend on their order, and names that ELF cannot hold."""
    olds = [old for old, _ in changes.rename_needed]
    rebound = [(change.symbol, change.library, change.version) for change in changes.rebind]
    renames = [(rename.library, rename.old) for rename in changes.rename_versions]
    for what, count in (*Counter(olds).items(), *Counter(renames).items(), *Counter(rebound).items()):
        if count > 1:
            raise UsageError(f"{what!r} is to be renamed twice")
    moved = {old for old, new in changes.rename_needed if old != new}
    chained = {
        (change.to_symbol, change.to_library, change.to_version) for change in changes.rebind if not _is_same(change)
    }
    chained &= set(rebound)
    for change in changes.rebind:
        if (change.to_library is None) != (change.to_version is None):
            raise UsageError(f"{change.symbol!r} is to need a version and a library, or neither")
    clashes = (
        ({str(each[0]) for each in chained}, "bound to what is to be bound again"),
        (moved & {new for old, new in changes.rename_needed if old != new}, "the old and the new name of a library"),
        (moved & set(changes.add_needed), "both renamed and added"),
        (set(olds) & set(changes.remove_needed), "both renamed and removed"),
        ({new for _, new in changes.rename_needed} & set(changes.remove_needed), "both a new name and removed"),
        (
            {rename.library or "" for rename in changes.rename_versions}
            & {new for old, new in changes.rename_needed if old != new},
            "a new name: versions are renamed by the old one",
        ),
        (set(changes.add_needed) & set(changes.remove_needed), "both added and removed"),
        (_renamed_again(changes.rename_versions), "the old and the new name of a version"),
    )
    for clashing, why in clashes:
        if clashing:
            raise UsageError(f"{min(clashing)!r} is {why}")
    for field, name in _names(changes):
        if not name:
            raise UsageError(f"{field}: a name is empty")
        if "\0" in name:
            raise UsageError(f"{field}: a NUL byte in {name!r}")
        if not name.isascii():
            try:
                name.encode()
            except UnicodeEncodeError:
                raise UsageError(f"{field}: {name!r} cannot be written as UTF-8") from None


def _is_same(change: VersionChange) -> bool:
    return change[:3] == change[3:]


def _renamed_again(renames: tuple[VersionRename, ...]) -> set[str]:
    olds = {(rename.library, rename.old) for rename in renames if rename.old != rename.new}
    return {rename.new for rename in renames if rename.old != rename.new and (rename.library, rename.new) in olds}


def _names(changes: ElfChanges) -> list[tuple[str, str]]:
    """Every string that may get into a file, with the field that it stands in."""
    named = [("soname", changes.soname)] if changes.soname is not None else []
    named += [("rename_needed", name) for pair in changes.rename_needed for name in pair]
    named += [("add_needed", name) for name in changes.add_needed]
    named += [("rebind", name) for change in changes.rebind for name in change if name is not None]
    named += [("hide_symbols", name) for name in changes.hide_symbols]
    named += [("blank_symbols", name) for name in changes.blank_symbols]
    named += [("rename_versions", name) for rename in changes.rename_versions for name in (rename.old, rename.new)]
    if changes.search_path is not None and changes.search_path.text:
        named.append(("search_path", changes.search_path.text))
    return named
