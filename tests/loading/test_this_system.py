"""All libraries of this machine, grafted at once: hundreds, of many compilers and languages.

What opened before opens afterwards, and what did not is refused in the same words.
"""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Final

import pytest

from tests.loading.editing import edited
from tests.loading.grafting import graft, libraries_in
from tests.support.loading import load_each

FOLDERS: Final = [Path(above, f"{platform.machine()}-linux-gnu") for above in ("/usr/lib", "/lib")]

pytestmark = [
    pytest.mark.loading,
    pytest.mark.skipif(not FOLDERS[0].is_dir(), reason="there is no Debian with its multiarch folders here"),
]


def in_general(said: str) -> str:
    """Without the folders, and the names of files, which are not the sonames."""
    return re.sub(r"\S*/|[\w.+-]+\.so[\w.]*", "", said)


def test_what_opened_opens(tmp_path: Path) -> None:
    libraries = libraries_in(FOLDERS)
    assert len(libraries) > 50
    grafts = graft(libraries, edited)
    for name, content in grafts.contents.items():
        (tmp_path / name).write_bytes(content)
    before = load_each(library.path for library in libraries)
    after = load_each(tmp_path / name for name in grafts.contents)
    for library in libraries:
        said = after[tmp_path / grafts.names[library.soname]]
        assert in_general(said) == in_general(before[library.path]), library.soname
    assert sum(said == "ok" for said in after.values()) > len(libraries) * 0.9
    # The control: they need each other under the new names.
    (tmp_path / grafts.names["libz.so.1"]).unlink()
    user = next(library.soname for library in libraries if "libz.so.1" in library.needed)
    path = tmp_path / grafts.names[user]
    assert grafts.names["libz.so.1"] in load_each([path])[path]
