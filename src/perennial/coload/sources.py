"""Where packages and systems come from."""

from __future__ import annotations

import hashlib
from collections.abc import Container

from perennial.coload.package import Package, read_package
from perennial.coload.profile import Profile
from perennial.errors import UnreadableError
from perennial.lean_typing import Final
from perennial.wheel.filename import WheelFilename
from perennial.wheel.limits import ArchiveLimits


class WheelSource:
    """A wheel on disk."""

    def __init__(self, path: str, limits: ArchiveLimits | None = None) -> None:
        self.path: Final = path
        self._limits: Final = limits
        self._digest = ""
        self.name: Final = WheelFilename.parse(path.rpartition("/")[2]).text

    def digest(self) -> str:
        if not self._digest:
            try:
                with open(self.path, "rb") as file:
                    self._digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise UnreadableError(f"{self.path}: {error.strerror}") from error
        return self._digest

    def read(self, names: Container[str] | None) -> Package:
        return read_package(self.path, names, self._limits)


class ShippedSystem:
    """A system that is known as a whole."""

    def __init__(self, profile: Profile) -> None:
        self._profile: Final = profile

    def profile(self, needed: frozenset[str]) -> Profile:
        return self._profile
