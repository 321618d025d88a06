"""Which names CPython exports to extension modules, by its minor release.

A module is linked without its interpreter: it leaves the interpreter's names undefined, and the
process that imports it has them, from the program or from libpython. CPython takes no public name
back within a minor release and adds none (PEP 387, and the devguide's "maintenance" branches); of
the others, which begin with an underscore, a later patch release may bring some.

The table was read from one build of each release: what options bring (debugging, tracing, no GIL)
is not in it, and PyPy has names of its own. So a name that is nowhere in it may exist all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property

from perennial.knowledge.tables import NONE, pair, read_table
from perennial.lean_typing import Final

Minor = tuple[int, int]

_TABLE: Final = "python_names.tsv"
_INTERPRETER: Final = ("Py", "_Py", "PyPy", "_PyPy")


def is_of_interpreter(name: str) -> bool:
    """Whether only an interpreter has names like this one."""
    return name.startswith(_INTERPRETER)


class PythonNames:
    """`others` are names that do not look like an interpreter's and are visible by chance (`main`, `_edata`), in the
    program or in libpython.
    """

    def __init__(self, rows: Iterable[tuple[tuple[Minor, ...], Sequence[str]]], others: frozenset[str]) -> None:
        """`rows` have the minor releases whose build exports some names, oldest first, and these names."""
        self._rows: Final = tuple(rows)
        self.others: Final = others
        self.versions: Final = tuple(sorted({version for having, _ in self._rows for version in having}))
        self._gone: dict[Minor, frozenset[str]] = {}

    @cached_property
    def by_name(self) -> Mapping[str, tuple[Minor, ...]]:
        """The minor releases whose build exports a name, oldest first."""
        return {name: having for having, names in self._rows for name in names}

    def gone_from(self, version: Minor) -> frozenset[str]:
        """The names that are certainly not in a minor release: only earlier ones have them, or, if they are public,
        only later ones do. Of a release that is not in the table nothing is certain.
        """
        if version not in self._gone:
            gone: set[str] = set()
            for having, names in self._rows if version in self.versions else ():
                if having[-1] < version:
                    gone.update(names)
                elif having[0] > version:
                    gone.update(name for name in names if not name.startswith("_"))
            self._gone[version] = frozenset(gone)
        return self._gone[version]


@cache
def load_python_names() -> PythonNames:
    """The table that ships with perennial."""
    rows: list[tuple[tuple[Minor, ...], list[str]]] = []
    others: frozenset[str] = frozenset()
    for versions, names in read_table(_TABLE, ("versions", "names")):
        if versions == NONE:
            others = frozenset(names.split(" "))
        else:
            rows.append((tuple(map(pair, versions.split(" "))), names.split(" ")))
    return PythonNames(rows, others)
