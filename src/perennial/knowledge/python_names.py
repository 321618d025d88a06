"""Which names CPython exports to extension modules, by its minor release.

A module is linked without its interpreter: it leaves the interpreter's names undefined, and the
process that imports it has them, from the program or from libpython. CPython takes no public name
back within a minor release and adds none (PEP 387, and the devguide's "maintenance" branches); of
the others, which begin with an underscore, a later patch release may bring some.

The table was read from one build of each release: what options bring (debugging, tracing, no GIL)
is not in it, and PyPy has names of its own. So a name that is nowhere in it may exist all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from perennial.knowledge.tables import NONE, pair, read_table
from perennial.lean_typing import Final

Minor = tuple[int, int]

_TABLE: Final = "python_names.tsv"
_INTERPRETER: Final = ("Py", "_Py", "PyPy", "_PyPy")


def is_of_interpreter(name: str) -> bool:
    """Whether only an interpreter has names like this one."""
    return name.startswith(_INTERPRETER)


class PythonNames:
    """`by_name` has the minor releases whose build exports a name, oldest first. `others` are names that do not look
    like an interpreter's and are visible by chance (`main`, `_edata`), in the program or in libpython.
    """

    def __init__(self, by_name: Mapping[str, tuple[Minor, ...]], others: frozenset[str]) -> None:
        self.by_name: Final = by_name
        self.others: Final = others
        self.versions: Final = tuple(sorted({version for having in set(by_name.values()) for version in having}))
        self._gone: dict[Minor, frozenset[str]] = {}

    def gone_from(self, version: Minor) -> frozenset[str]:
        """The names that are certainly not in a minor release: only earlier ones have them, or, if they are public,
        only later ones do. Of a release that is not in the table nothing is certain.
        """
        if version not in self._gone:
            known = self.by_name.items() if version in self.versions else ()
            self._gone[version] = frozenset(
                name
                for name, having in known
                if having[-1] < version or (having[0] > version and not name.startswith("_"))
            )
        return self._gone[version]


@cache
def load_python_names() -> PythonNames:
    """The table that ships with perennial."""
    by_name: dict[str, tuple[Minor, ...]] = {}
    others: frozenset[str] = frozenset()
    for versions, names in read_table(_TABLE, ("versions", "names")):
        if versions == NONE:
            others = frozenset(names.split(" "))
            continue
        having = tuple(map(pair, versions.split(" ")))
        by_name.update(dict.fromkeys(names.split(" "), having))
    return PythonNames(by_name, others)
