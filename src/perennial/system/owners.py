"""Which package each file of a root file system belongs to, by the package managers' own records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from perennial.errors import UnreadableError
from perennial.system.apk import Apk
from perennial.system.dpkg import Dpkg
from perennial.system.os_release import OsRelease, read_os_release
from perennial.system.package import Claim, Database, Manager, Package
from perennial.system.pacman import Pacman
from perennial.system.root import Files, Root
from perennial.system.rpm import RpmDatabase


def databases(files: Files) -> dict[Manager, Database]:
    """All package managers' records, in the order in which they are asked; nothing is read before they are."""
    distribution = read_os_release(files)
    return {
        Manager.DPKG: Dpkg(files, distribution),
        Manager.APK: Apk(files, distribution),
        Manager.PACMAN: Pacman(files, distribution),
        Manager.RPM: RpmDatabase(files, distribution),
    }


class Owners:
    """The owners of files of one root; each database is read at most once, and only when it is needed.

    A database that cannot be read answers nothing; `problems` has the reason.
    """

    def __init__(self, root: Root) -> None:
        self._root = root
        self._databases = databases(root)
        self._known: dict[str, Package | None] = {}
        self.problems: tuple[str, ...] = ()

    @property
    def distribution(self) -> OsRelease:
        """What os-release says; empty texts where there is none."""
        return read_os_release(self._root)

    def owner(self, path: str) -> Package | None:
        """The package of a file, behind links; None where no record has it. Asking for many at once costs less."""
        return self.owners([path]).get(path)

    def owners(self, paths: Iterable[str]) -> dict[str, Package]:
        """The packages of files, by the paths that were asked for; without those that no record has."""
        places: dict[str, str] = {}
        for path in paths:
            try:
                places[path] = self._root.resolve(path)
            except OSError:  # links in a circle: nothing can be there
                continue
        self._find({place for place in places.values() if place not in self._known})
        return {path: package for path, place in places.items() if (package := self._known[place]) is not None}

    def licences(self, package: Package) -> tuple[str, ...]:
        """The texts of a package's licence: paths in the root, without links, sorted; often there are none."""
        found = set()
        for place in self._databases[package.manager].licences(package):
            for path in (place, *(f"{place}/{name}" for name in self._root.names(place))):
                if self._root.is_file(path):
                    found.add(self._root.resolve(path))
        return tuple(sorted(found))

    def _find(self, places: Collection[str]) -> None:
        spelled = {spelling[1:]: place for place in places for spelling in self._root.spellings(place)}
        self._known.update(dict.fromkeys(places))
        missing = set(places)
        names = {place.rpartition("/")[2] for place in places}
        for claim in self._claims(names) if names else ():
            place = spelled.get(claim.path)
            if place is not None and self._known[place] is None:
                self._known[place] = claim.package
                missing.discard(place)
                if not missing:
                    return

    def _claims(self, names: Collection[str]) -> Iterator[Claim]:
        for database in self._databases.values():
            try:
                yield from database.claims(names)
            except (UnreadableError, ImportError) as error:  # ImportError: a Python without sqlite3
                self.problems = tuple(dict.fromkeys((*self.problems, str(error))))
