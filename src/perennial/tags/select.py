"""Which of a version's wheels an installer takes."""

from __future__ import annotations

from collections.abc import Iterable

from perennial.errors import UsageError
from perennial.tags.compute import accepted_tags
from perennial.tags.installers import Installer
from perennial.tags.target import Target
from perennial.wheel.filename import WheelFilename


def best(wheels: Iterable[str], target: Target, installer: Installer | None = None) -> str | None:
    """The wheel that fits a target best, of file names of one version of one project; None where none fits.

    As all installers do it: the wheel with the best of its tags, then the highest build number; among
    equals, the first by name. Raises `WheelFilenameError` for what is no wheel's name, and
    `UsageError` where they are of several versions.
    """
    names = sorted(map(WheelFilename.parse, wheels))
    if len({(name.distribution.lower(), name.version) for name in names}) > 1:
        raise UsageError("best() compares the wheels of one version: choose the version first, the newest that fits")
    ranks = {tag: rank for rank, tag in reversed(list(enumerate(accepted_tags(target, installer))))}
    fitting = []
    for name in names:
        own = [rank for tag in name.tags if (rank := ranks.get("-".join(tag))) is not None]
        if own:
            number, suffix = _build(name.build)
            fitting.append(((-min(own), number, suffix), name.text))
    highest = max((key for key, _ in fitting), default=None)
    return next((text for key, text in fitting if key == highest), None)


def _build(build: str | None) -> tuple[int, str]:
    """PyPA "Binary distribution format": a build tag sorts by its number, then by the rest; none at all comes first."""
    if build is None:
        return (-1, "")
    digits = len(build) - len(build.lstrip("0123456789"))
    return int(build[:digits]), build[digits:]
