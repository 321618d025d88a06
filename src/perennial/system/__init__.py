"""What a root file system says about itself: its libraries' search path, packages and licences.

    root                      a folder as a root file system: links lead nowhere outside
    os_release                which distribution it is
    loader_search, cache      where its dynamic linker looks, and what ldconfig has found there
    package                   an installed package, with its package URL
    dpkg, apk, pacman, rpm    each package manager's records -> which package claims which path
    owners                    all of them -> the package of a file, and the texts of its licence

Everything is read through a root that the caller names, `/` or a sysroot; nothing asks which machine
this is, and no process is started: a package manager's records are files like any other, and
reading them once costs less than asking the manager once.
"""

from __future__ import annotations

from perennial.system.loader_search import Candidate, LoaderSearch, SearchFolder, loader_search
from perennial.system.owners import Owners
from perennial.system.package import Package
from perennial.system.root import Root

__all__ = ["Candidate", "LoaderSearch", "Owners", "Package", "Root", "SearchFolder", "loader_search"]
