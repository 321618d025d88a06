"""The table of CPython's names against the interpreter that runs the tests."""

from __future__ import annotations

import ctypes
import runpy
import sys
from pathlib import Path

import pytest

from perennial.knowledge.python_names import is_of_interpreter, load_python_names

ROOT = Path(__file__).parents[2]
THIS = sys.version_info[:2]
NAMES = load_python_names()

pytestmark = [
    pytest.mark.skipif(sys.implementation.name != "cpython", reason="the table is of CPython"),
    pytest.mark.skipif(THIS not in NAMES.versions, reason="this Python is newer than the table"),
]


def is_exported(name: str) -> bool:
    return hasattr(ctypes.pythonapi, name)


def test_this_interpreter_exports_the_public_names_of_its_release() -> None:
    """Private ones come and go with patch releases and options."""
    listed = [name for name, having in NAMES.by_name.items() if THIS in having and not name.startswith("_")]
    assert len(listed) > 900
    assert [name for name in listed if not is_exported(name)] == []


def test_what_is_gone_is_not_there() -> None:
    gone = NAMES.gone_from(THIS)
    assert len(gone) > 200
    assert [name for name in sorted(gone) if is_exported(name)] == []


def test_no_release_lacks_what_is_in_it() -> None:
    for version in NAMES.versions:
        assert not {name for name, having in NAMES.by_name.items() if version in having} & NAMES.gone_from(version)
    assert NAMES.gone_from((9, 9)) == frozenset()
    assert all(map(is_of_interpreter, NAMES.by_name))


def test_the_script_reads_an_installation_as_the_table_has_it(tmp_path: Path) -> None:
    """One installation gives one column; this one may be of another patch release, which adds private names at most."""
    prefix = Path(sys.base_prefix)
    if not any(prefix.glob("bin/python3*")):
        pytest.skip("this Python is not laid out as an installation below one folder")
    (tmp_path / f"{THIS[0]}.{THIS[1]}.0").symlink_to(prefix)
    script = runpy.run_path(str(ROOT / "scripts" / "make_python_names.py"))
    script["main"](str(tmp_path), str(tmp_path / "names.tsv"))
    rows = (tmp_path / "names.tsv").read_text(encoding="utf-8").splitlines()
    (names,) = (row.split("\t")[1].split(" ") for row in rows if row.startswith(f"{THIS[0]}.{THIS[1]}\t"))
    public = {name for name in names if not name.startswith("_")}
    assert public == {name for name, having in NAMES.by_name.items() if THIS in having and not name.startswith("_")}
