"""A root with Python and hardly anything else: what no wheel may count on is taken away.

The suite is the one whose Python is the version that runs the tests, since wheels that are built here are run there.
Python's own dependencies bring along a good part of what psycopg2, pillow, lxml and shapely link to: libssl,
liblzma, libsqlite3 and others are removed again, and the standard library does without them.
"""

from __future__ import annotations

import platform
import sys
from typing import Final

from perennial.arch import Architecture
from tests.roots.machines import MACHINES
from tests.roots.make import Contents, Recipe

# Debian's suites by their Python.
SUITES: Final = {(3, 11): "bookworm", (3, 13): "trixie"}

# PEP 600's "allowed libraries", by the beginnings of their names: glibc's, the compiler's, libz; and libexpat,
# which Debian's Python is linked with. libpython would be there for programs that embed it.
STAYS: Final = (
    *("ld-", "libBrokenLocale", "libanl", "libc.", "libc_", "libdl.", "libm.", "libmvec.", "libnsl.", "libnss_compat"),
    *("libnss_dns", "libnss_files", "libpthread.", "libresolv.", "librt.", "libthread_db", "libutil."),
    *("libgcc_s.", "libstdc++.", "libz.", "libexpat."),
)

_REMOVE: Final = (
    r'find "$1"/usr/lib/*-linux-gnu* "$1"/lib/*-linux-gnu* -maxdepth 1 -name "lib*.so*" '
    + " ".join(f"! -name '{name}*'" for name in STAYS)
    + " -delete"
)

RECIPES: Final = tuple(
    Recipe(
        name=f"bare-{suite}",
        suite=suite,
        machine=MACHINES[Architecture(platform.machine())],
        packages=("base-files", "libc6", "libgcc-s1", "libstdc++6", "python3", "zlib1g"),
        contents=Contents.UNPACKED,
        hooks=(f"set -e\n{_REMOVE}",),
    )
    for version, suite in SUITES.items()
    if version == sys.version_info[:2] and platform.machine() in {each.value for each in MACHINES}
)
