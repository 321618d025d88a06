"""One CPython for all roots: built on the oldest glibc, of which all newer ones have what it needs.

Tests that compare systems want the same interpreter on each, and its minor version is that of a suite whose packages
are taken as they were built. The source is what apt has of it (tests/roots/lowering.py). It is built once, without
optimization by profile, which takes a minute or two on two cores; the result is kept in the test cache.

The interpreter gets in the way of nothing that is loaded into it. All modules are inside of the program, and so are
OpenSSL, SQLite, libffi and the compressors, hidden: of shared libraries it has the C library alone.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path
from typing import Final

from tests.roots.make import Root, alone, testing_cache
from tests.roots.run import place_in

PYTHON: Final = "/opt/python/bin/python3.13"
_TIMEOUT: Final = 1800  # seconds

# Debian's static libraries, alone in a folder, are what the linker finds first. Some need libraries that configure
# does not name when it tries them, which a linker script does.
_BUILD: Final = r"""
set -e
mkdir static python
for name in bz2 crypto ffi lzma sqlite3 ssl z; do
  cp /usr/lib/*/lib$name.a static/lib${name}_static.a
  echo "INPUT(-l${name}_static -lpthread -ldl -lm)" > static/lib$name.so
done
hidden=$(cd static; echo *.a | tr ' ' :)
tar --extract --file source.tar.xz --strip-components=1 --directory python
cd python
./configure --quiet --prefix=/opt/python --disable-test-modules MODULE_BUILDTYPE=static py_cv_module__tkinter=n/a \
  CFLAGS=-O1 LDFLAGS="-L$OLDPWD/static -Wl,--exclude-libs,$hidden"
make --silent -j2
make --silent altinstall
# Headers, pip and the library stay; what only embedding programs link to goes.
rm -r /opt/python/lib/python3.13/config-3.13-* /opt/python/lib/libpython3.13.a
"""
_MODULES: Final = "ssl, ctypes, sqlite3, zlib, lzma, bz2, hashlib, socket, decimal"


def obtain_python(workshop: Root, source: Path) -> Path:
    """The archive of /opt/python, built in the workshop from CPython's source archive where it is not there.

    AssertionError where it cannot be built.
    """
    digest = hashlib.sha256(f"{source.name} {_BUILD}".encode()).hexdigest()[:12]
    path = testing_cache() / "lowering" / f"python-{digest}.tar"
    with alone(path.with_suffix(".lock")):
        if not path.is_file():
            partial = path.with_suffix(".partial")
            _build(workshop, source, partial)
            partial.replace(path)
    return path


def _build(workshop: Root, source: Path, archive: Path) -> None:
    with place_in(workshop) as place:
        place.put("source.tar.xz", source.read_bytes())
        script = place.put("build.sh", f"cd {place.inside}\n{_BUILD}".encode())
        done = place.run(["/bin/sh", script], timeout=_TIMEOUT, with_devices=True)
        assert done.exit_code == 0, str(done)[-3000:]
        # A module that could not be built would be missed much later.
        done = place.run([PYTHON, "-c", f"import {_MODULES}"])
        assert done.exit_code == 0, done
    pack = ["tar", "--create", "--file", str(archive), "--directory", str(workshop.folder), "opt/python"]
    subprocess.run(pack, check=True)


def put_python(archive: Path, root: Root) -> None:
    """Unpacks it in a root, where it is not there."""
    marker = root.folder / "opt" / f".{archive.stem}"
    with alone(root.folder / ".python.lock"):
        if not marker.exists():
            subprocess.run(["tar", "--extract", "--file", str(archive), "--directory", str(root.folder)], check=True)
            marker.touch()


def source_in(root: Root) -> Path:
    """The archive of CPython's source that lies in a root's /usr/src."""
    found = [path for path in (root.folder / "usr/src").iterdir() if re.search(r"\.orig\.tar\.\w+$", path.name)]
    assert len(found) == 1, found
    return found[0]
