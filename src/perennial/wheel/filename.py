"""Wheel file names (PyPA specification "Binary distribution format", PEP 427 and PEP 425).

Reading one costs nothing here: `packaging.utils.parse_wheel_filename` says the same (a
differential test holds the two together), but importing it takes 20 ms, a third of an
audit's start-up. Names that packaging refuses and that exist on indexes nevertheless are read
too, because their tags are what is to be judged.
"""

from __future__ import annotations

from perennial.errors import WheelFilenameError, printable
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import PlatformTag

# NAME_MAX of Linux counts bytes, and that of some other systems UTF-16 units.
_LONGEST: Final = 255 * 4


class WheelFilename(NamedTuple):
    """`name-version(-build)?-python-abi-platform.whl`; each of the last three is a set of tags,
    in lower case, as installers compare them.
    """

    text: str
    distribution: str
    version: str
    build: str | None
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[PlatformTag, ...]

    @classmethod
    def parse(cls, text: str) -> WheelFilename:
        """Takes a file name, without folders, apart.

        Raises `WheelFilenameError`.
        """
        shown = printable(text)
        if len(text) > _LONGEST:
            raise WheelFilenameError(f"{shown[:60]}...: longer than a file name can be")
        stem, dot, extension = text.rpartition(".")
        if not dot or extension != "whl":
            raise WheelFilenameError(f"{shown}: a wheel's file name ends in .whl")
        parts = stem.split("-")
        if len(parts) not in (5, 6) or not all(parts):
            raise WheelFilenameError(
                f"{shown}: a wheel's file name is name-version(-build)-python-abi-platform.whl, "
                f"five or six parts joined by '-'; this one has {len(parts)}"
            )
        build = parts[2] if len(parts) == 6 else None
        if build is not None and not build[0].isdecimal():
            raise WheelFilenameError(f"{shown}: the build tag {build!r} does not begin with a digit")
        pythons, abis, platforms = (tuple(part.lower().split(".")) for part in parts[-3:])
        return cls(text, parts[0], parts[1], build, pythons, abis, tuple(map(PlatformTag.parse, platforms)))

    @property
    def tags(self) -> frozenset[tuple[str, str, str]]:
        """The expanded tag set, (python, abi, platform) each (PEP 425, "Compressed Tag Sets")."""
        return frozenset(
            (python, abi, platform.text) for python in self.pythons for abi in self.abis for platform in self.platforms
        )
