"""From the library files that were found to one snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from perennial.arch import Architecture
from perennial.errors import UnreadableError
from perennial.knowledge.snapshot import ProvidedLibrary, Snapshot, absent_library, canonical
from perennial.lean_typing import Final
from perennial.learn.libraries import Found, expected_sonames, wanted_libraries
from perennial.platform_tag import Libc

# glibc, elf/dl-load.c and sysdeps/*/shlib-versions: multiarch folders come first where they are
# compiled in, then the plain ones.
_PLAIN_FOLDERS: Final = ("lib64", "usr/lib64", "lib64/lp64d", "usr/lib64/lp64d", "lib", "usr/lib")


def assemble(
    found: Iterable[Found],
    *,
    release: str,
    architecture: Architecture | None,
    date: str,
    kind: str,
    source: str,
    tiers: Mapping[str, str] | None = None,
    complete: bool = False,
) -> Snapshot:
    """The snapshot of what was found; `source` is for messages.

    `architecture` None takes the one that most libraries are of. `tiers` maps packages to
    tiers. With `complete`, a library that was looked for and not found is known to be absent.
    """
    libraries = list(found)
    chosen = architecture or _most_common(libraries, source)
    own = [each for each in libraries if each.file.architecture is chosen]
    if not own:
        there = ", ".join(sorted({each.file.architecture.value for each in libraries})) or "none at all"
        raise UnreadableError(f"{source} has no libraries for {chosen.value} (it has: {there})")
    libc = Libc.GLIBC if any(each.file.soname == "libc.so.6" for each in own) else Libc.MUSL
    best: dict[str, Found] = {}
    for each in sorted(own, key=lambda each: (_rank(each.path), each.path)):
        if each.file.soname in wanted_libraries(libc):
            best.setdefault(each.file.soname, each)
    if not best:
        raise UnreadableError(f"{source} has none of the libraries that a wheel may take from the platform")
    provided = [
        ProvidedLibrary(
            soname,
            each.package,
            None if tiers is None else tiers.get(each.package),
            each.file.build_id,
            each.file.nodes,
            each.file.exports,
            each.file.versioned_only,
        )
        for soname, each in best.items()
    ]
    if complete:
        provided += [absent_library(soname) for soname in expected_sonames(libc, chosen) - best.keys()]
    packages = {each.package: each.version for each in best.values() if each.package}
    return canonical(Snapshot(release, chosen.value, date, kind, packages, tuple(provided)))


def _most_common(libraries: Iterable[Found], source: str) -> Architecture:
    counted = Counter(each.file.architecture for each in libraries)
    if not counted:
        raise UnreadableError(
            f"{source} has no libraries where a loader looks for them: it must be the root of an installed system"
        )
    return max(sorted(counted), key=lambda architecture: counted[architecture])


def _rank(path: str) -> int:
    """Which of two copies the loader takes: that in the multiarch folder, then that in the plain ones."""
    folder = path.rpartition("/")[0]
    if "-linux-" in folder:
        return 0
    return 1 + _PLAIN_FOLDERS.index(folder) if folder in _PLAIN_FOLDERS else 9
