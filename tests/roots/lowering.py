"""The roots in which wheels are built on new systems, and run on old ones.

A *workshop* has a compiler, what packages are built with, and Debian's own Python packages, from which wheels are made
as Debian has built them. The roots where wheels *run* have what a tag lets a wheel count on and nothing else: a C
library, libstdc++, libz. Their Python comes from outside, the same in each (tests/roots/cpython.py).
"""

from __future__ import annotations

from typing import Final

from perennial.arch import Architecture
from tests.roots.machines import MACHINES
from tests.roots.make import Contents, Recipe

_MACHINE: Final = MACHINES[Architecture.X86_64]

# What configure scripts and make call; mawk is awk by an alternative, which only an installation sets up.
_SHELL: Final = ("base-files", "coreutils", "dash", "diffutils", "findutils", "grep", "make", "mawk", "sed")
_AWK: Final = 'ln -sf mawk "$1/usr/bin/awk"'

# The source of the suite's CPython, as its maintainers got it, into /usr/src.
_SOURCE: Final = r"""
set -e
sed 's/^deb /deb-src /' "$1/etc/apt/sources.list" > "$1/etc/apt/sources.list.d/sources.list"
mkdir -p "$1/usr/src"
cd "$1/usr/src"
export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG
apt-get update -qq
apt-get source -qq --download-only python3.13
rm "$1/etc/apt/sources.list.d/sources.list"
"""

# numpy's linear algebra is an alternative as well, in a folder that the loader does not look into.
_LINEAR_ALGEBRA: Final = r"""
set -e
cd "$1/usr/lib/x86_64-linux-gnu"
ln -sf blas/libblas.so.3 lapack/liblapack.so.3 .
"""

_COMPILERS: Final = (*_SHELL, "g++", "gcc", "libc6-dev", "libyaml-dev")

# Those whose files become wheels (tests/lowering/as_built.py); what they link to comes along.
_PYTHON_PACKAGES: Final = (
    *("python3-bcrypt", "python3-brotli", "python3-cffi", "python3-contourpy", "python3-cryptography"),
    *("python3-gevent", "python3-greenlet", "python3-kiwisolver", "python3-levenshtein", "python3-lxml"),
    *("python3-msgspec", "python3-nacl", "python3-numpy", "python3-orjson", "python3-pil", "python3-psycopg2"),
    *("python3-pydantic-core", "python3-rapidfuzz", "python3-rpds-py", "python3-scipy", "python3-shapely"),
    *("python3-uvloop", "python3-zmq", "python3-zstandard"),
    *("python3-hypothesis", "python3-openssl", "python3-pytest"),  # to exercise others with
)

OLDEST: Final = "bullseye"  # glibc 2.31: the oldest that today's mirrors have
NEWEST: Final = "trixie"


def runs(suite: str) -> Recipe:
    """Where wheels run."""
    return Recipe(
        name=f"lowering-{suite}",
        suite=suite,
        machine=_MACHINE,
        packages=("base-files", "libc6", "libgcc-s1", "libstdc++6", "zlib1g"),
        contents=Contents.UNPACKED,
    )


# Where the Python is built that runs in all roots: on the oldest, with static libraries.
PYTHONS_WORKSHOP: Final = Recipe(
    name="lowering-python",
    suite=OLDEST,
    machine=_MACHINE,
    packages=(
        *(*_SHELL, "gcc", "libc6-dev", "tar", "xz-utils"),
        *("libbz2-dev", "libffi-dev", "liblzma-dev", "libsqlite3-dev", "libssl-dev", "zlib1g-dev"),
    ),
    contents=Contents.UNPACKED,
    hooks=(_AWK,),
)

# Where wheels are built, or taken from, by suite. trixie's Python is 3.13, as the one that is built here.
WORKSHOPS: Final = {
    "trixie": Recipe(
        name="lowering-trixie-workshop",
        suite="trixie",
        machine=_MACHINE,
        packages=(*_COMPILERS, *_PYTHON_PACKAGES),
        contents=Contents.RECORDED,
        hooks=(_AWK, _SOURCE, _LINEAR_ALGEBRA),
    ),
    # sid's Python is a newer one: of its packages, those for the stable ABI count.
    "sid": Recipe(
        name="lowering-sid-workshop",
        suite="sid",
        machine=_MACHINE,
        packages=(*_COMPILERS, "python3-cryptography", "python3-nacl", "python3-openssl"),
        contents=Contents.RECORDED,
        hooks=(_AWK,),
    ),
}

RECIPES: Final = (*WORKSHOPS.values(), PYTHONS_WORKSHOP, runs(OLDEST), runs(NEWEST))
