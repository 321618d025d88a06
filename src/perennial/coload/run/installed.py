"""What an interpreter has installed, as an environment: it is imported where it is, and nothing is unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from perennial.coload.environment import InstalledSource
from perennial.coload.run.environment import Environment, Installed, modules_of, normalized, owners_of


def installed_environment(
    sources: Iterable[InstalledSource], folders: Sequence[str], modules: Mapping[str, Sequence[str]]
) -> Environment:
    """`folders` are those from which the interpreter imports, in its order; `modules` as in `make_environment`.

    A package of which nothing can be imported has no modules. Of files below two folders, such as those of a
    project that lies in another, the innermost counts.
    """
    sites = tuple(sorted(folders, key=len, reverse=True))
    bare = Environment(None, sites, (), {}, own=sites)
    packages = []
    for source in sources:
        name = normalized(source.project)
        files = tuple(file for path in source.files if not os.path.isabs(file := bare.name(path)))
        wanted = tuple(modules.get(name, ())) or modules_of(name, [file.removeprefix("src/") for file in files], "")
        packages.append(Installed(name, source.name, wanted, files))
    return bare._replace(packages=tuple(packages), owners=owners_of(packages))
