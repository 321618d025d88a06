"""Package indexes: the only part of perennial that speaks to one.

    requirement  "numpy==2.4.6" -> name and specifier; or is it a path?
    settings     pip's environment variables and configuration files -> IndexSettings
    client       HTTP: retries, redirects, credentials, certificates
    local        the same for file:// indexes and find-links folders
    simple_page  a page of the simple repository API -> WheelLinks (pure)
    choose       WheelLinks and a WheelChoice -> one WheelLink, or why_not (pure)
    cache        a folder of verified wheels
    fetch        all of these in a row

Specifications: PEP 503 (HTML), 629 (versions of the API), 691 (JSON), 592 (yanked) and
700 (size, upload time). Every capability of an index is optional, as indexes differ.

Importing this package costs a few milliseconds: httpx, packaging and platformdirs are
imported by the functions that need them.
"""

from __future__ import annotations

from perennial.index.fetch import Catalogue, fetch_link, fetch_wheel, list_files, list_wheels
from perennial.index.links import SourceLink, WheelChoice, WheelLink
from perennial.index.requirement import looks_like_requirement
from perennial.index.settings import IndexSettings, settings_from_pip
from perennial.progress import Progress

__all__ = [
    "Catalogue",
    "IndexSettings",
    "Progress",
    "SourceLink",
    "WheelChoice",
    "WheelLink",
    "fetch_link",
    "fetch_wheel",
    "list_files",
    "list_wheels",
    "looks_like_requirement",
    "settings_from_pip",
]
