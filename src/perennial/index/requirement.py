"""Requirements as people type them: `numpy`, `numpy==2.4.6`, `scipy>=1.11,<2`.

The grammar is that of the PyPA specification "Dependency specifiers" (PEP 508), read by
packaging. Markers and URLs make no sense where one wheel is asked for, and are refused.
"""

from __future__ import annotations

import os
import re

from perennial.errors import UsageError
from perennial.lean_typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

# A name, perhaps extras, and then nothing or what can start a version or a marker.
_SHAPE: Final = re.compile(r"\s*[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\s*(?:\[[^]]*\]\s*)?(?:$|[<>=!~;@(])", re.IGNORECASE)


class ProjectRequirement(NamedTuple):
    """A project and the versions of it that will do. `name` is normalized (PEP 503)."""

    name: str
    specifier: SpecifierSet

    def __str__(self) -> str:
        return f"{self.name}{self.specifier}"

    @property
    def is_pinned(self) -> bool:
        """Whether it names one version: == or === and no wildcard (PEP 592's condition)."""
        return any(s.operator in ("==", "===") and not s.version.endswith(".*") for s in self.specifier)


def looks_like_requirement(text: str) -> bool:
    """Whether an argument is a requirement and not a path.

    What exists, has a separator or ends in `.whl` is a path; so is all that has not the shape
    of a requirement. Needs no packaging, and so costs nothing.
    """
    separators = tuple(s for s in ("/", "\\", os.sep, os.altsep) if s)
    if text.lower().endswith(".whl") or any(s in text for s in separators) or os.path.lexists(text):
        return False
    return _SHAPE.match(text) is not None


def parse_requirement(text: str) -> ProjectRequirement:
    """Reads a requirement; UsageError where it is none, or asks for what cannot be chosen by."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{text!r} is not a requirement: {reason}; write numpy or numpy==2.4.6") from error
    if requirement.url is not None:
        raise UsageError(f"{requirement.name} @ URL: download the wheel and give its path instead")
    if requirement.marker is not None:
        raise UsageError(f"{text!r} has a marker; leave it out, and choose by --python, --arch and --libc")
    return ProjectRequirement(canonicalize_name(requirement.name), requirement.specifier)
