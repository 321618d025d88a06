"""Wheels that pip builds in a workshop, with the compiler of its suite, from source distributions.

Nothing is downloaded in there. Sdists are fetched by this machine (sdists.py), and so are build backends (tools.txt),
which are put into the root once. The interpreter is the one of tests/roots/cpython.py.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.lowering.sdists import Sdist, obtain_sdist
from tests.roots.cpython import PYTHON
from tests.roots.make import Root, UnavailableError, alone, testing_cache
from tests.roots.run import place_in

_TOOLS: Final = Path(__file__).with_name("tools.txt")
_TIMEOUT: Final = 900  # seconds for one wheel
_ENVIRONMENT: Final = {
    "CC": "gcc",
    "CXX": "g++",
    "CFLAGS": "-O2 -g0",
    "CXXFLAGS": "-O2 -g0",
    "LDSHARED": "gcc -shared",
    "LDCXXSHARED": "g++ -shared",
    "PYTHONPATH": "/opt/tools",
    "SOURCE_DATE_EPOCH": "1600000000",
}


def build_wheel(sdist: Sdist, workshop: Root, folder: Path) -> Path:
    """Builds the wheel of an sdist in the workshop, which has the Python, into a folder.

    UnavailableError where the sdist or the backends cannot be had; AssertionError where the build fails.
    """
    source = obtain_sdist(sdist)
    _put_tools(workshop)
    with place_in(workshop) as place:
        path = place.put(sdist.filename, source.read_bytes())
        pip = [PYTHON, "-m", "pip", "--no-cache-dir", "--disable-pip-version-check", "wheel", "--no-index", "--no-deps"]
        command = [*pip, "--no-build-isolation", "--wheel-dir", f"{place.inside}/built", path]
        done = place.run(command, timeout=_TIMEOUT, environment=_ENVIRONMENT, with_devices=True)
        assert done.exit_code == 0, f"{sdist} cannot be built: {str(done)[-3000:]}"
        (built,) = (place.outside / "built").glob("*.whl")
        return Path(shutil.copy(built, folder))


def _put_tools(root: Root) -> None:
    """Build backends into /opt/tools of a root, where they are not there."""
    digest = hashlib.sha256(_TOOLS.read_bytes()).hexdigest()[:12]
    kept = testing_cache() / "lowering" / f"tools-{digest}"
    with alone(kept.with_suffix(".lock")):
        if not kept.is_dir():
            partial = kept.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
            wanted = ["--only-binary=:all:", "--python-version=3.13", "--platform=any", "--requirement", str(_TOOLS)]
            done = subprocess.run(
                [*pip, "--target", str(partial), *wanted],
                capture_output=True,
                text=True,
                check=False,
                # The file's versions are meant, whatever a machine's constraints say of other installations.
                env={**os.environ, "PIP_CONSTRAINT": os.devnull},
            )
            if done.returncode != 0:
                raise UnavailableError(f"the build backends cannot be had: {done.stderr.strip()[-300:]}")
            partial.replace(kept)
        if not (root.folder / "opt/tools").is_dir():
            shutil.copytree(kept, root.folder / "opt/tools")
