"""What the caller wants of single libraries: patterns and names, and which of them came to anything."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from perennial.lean_typing import Final
from perennial.platform_tag import Libc
from perennial.repair.options import RepairOptions
from perennial.repair.providers import ProvidedLibrary, Provider
from perennial.repair.sonames import why_not_grafted


class Wishes:
    """Answers what is wished for a soname or path, and remembers what was asked for."""

    def __init__(self, options: RepairOptions, providers: Iterable[Provider], libc: Libc | None) -> None:
        self._libc: Final = libc
        self._exclude: Final = options.exclude
        self._no_mangle: Final = options.no_mangle
        self.included_paths: Final = tuple(each for each in options.include if _is_path(each))
        self.included_names: Final = tuple(each for each in options.include if not _is_path(each))
        self.providers: Final = tuple(providers)
        self._used: Final[set[str]] = set()
        self._kept: Final[set[str]] = set()
        self.excluded: Final[set[str]] = set()
        self.provided: Final[dict[str, tuple[Provider, ProvidedLibrary]]] = {}

    def excludes(self, soname: str) -> bool:
        """Whether a pattern of `--exclude` matches a soname."""
        return self._matches(soname, soname)

    def excludes_path(self, soname: str, *paths: str) -> bool:
        """Whether one matches the path at which it was found; once it did, the soname stays excluded."""
        found = [path for path in paths if self._matches(soname, path)]
        return bool(found)

    def _matches(self, soname: str, text: str) -> bool:
        found = [pattern for pattern in self._exclude if fnmatchcase(text, pattern)]
        self._used.update(found)
        if found:
            self.excluded.add(soname)
        return bool(found)

    def includes(self, soname: str) -> bool:
        """Whether a soname was asked for by name."""
        return soname in self.included_names

    def forbids(self, soname: str) -> bool:
        """Whether a library does harm as a copy, and nobody has asked for it all the same."""
        return why_not_grafted(soname, self._libc) is not None and not self.includes(soname)

    def provider_folder(self, soname: str) -> str | None:
        """Where another wheel brings a soname: its folder, "" where that is not known; None where none does."""
        for provider in self.providers:
            library = provider.libraries.get(soname)
            if library is not None:
                self.provided[soname] = (provider, library)
                return "" if library.folder is None else f"/{library.folder}"
        return None

    def keeps_name(self, soname: str) -> bool:
        """Whether a library is to keep its name."""
        found = [pattern for pattern in self._no_mangle if fnmatchcase(soname, pattern)]
        self._kept.update(found)
        return bool(found)

    @property
    def unused_excludes(self) -> tuple[str, ...]:
        return tuple(pattern for pattern in self._exclude if pattern not in self._used)

    @property
    def unused_no_mangle(self) -> tuple[str, ...]:
        return tuple(pattern for pattern in self._no_mangle if pattern not in self._kept)

    @property
    def unused_providers(self) -> tuple[Provider, ...]:
        used = {provider.source for provider, _ in self.provided.values()}
        return tuple(provider for provider in self.providers if provider.source not in used)


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text
