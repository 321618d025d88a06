"""What `perennial lower` writes, as people and machines see it, against the files in `lowered/`.

As in test_reports.py, `pytest tests/golden --update-golden` keeps what is better. Sizes, and the hashes in the names of
shims, are left out: they change with each build of the shim, and with what compresses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from jsonschema import Draft202012Validator

import perennial
from perennial.cli.main import main
from tests.golden.conftest import wants_update
from tests.golden.test_reports import GOLDENS, compare
from tests.support.audits import LIBC
from tests.support.elf_builder import Import
from tests.support.example_wheels import LIBM, LINUX_TAG, SETS, demo, module

FORMATS: Final = {"txt": [], "verbose.txt": ["--dry-run", "-v"], "quiet.txt": ["-q"], "json": ["--json"]}
# Each of them came after 2.17, with no older version, or with one that means something else.
NEW: Final = tuple(f"{name}f128" for name in ("sin", "cos", "tan", "exp", "log", "pow", "atan2", "hypot", "fma"))
TRAPPED: Final = Import("logf128", "GLIBC_2.26", LIBM)


def many(folder: Path) -> None:
    """Many symbols for the same reason, in many files; and some for other reasons."""
    quad = tuple(Import(name, "GLIBC_2.26", LIBM) for name in NEW)
    many = tuple(Import(f"canonicalize{kind}", "GLIBC_2.25", LIBM) for kind in ("", "f", "l"))
    one = Import("fmemopen", "GLIBC_2.22", LIBC)
    members = {
        f"demo/_{number}.cpython-312-x86_64-linux-gnu.so": module(*quad, TRAPPED, needed=(LIBM, LIBC))
        for number in range(4)
    }
    demo(folder, module(*many, one, needed=(LIBM, LIBC)), tags=LINUX_TAG, members=members)


def trapped(folder: Path) -> None:
    """What there is only a trap for, and a weak reference."""
    imports = (TRAPPED, Import("gettid", "GLIBC_2.30", LIBC, weak=True))
    demo(folder, module(*imports, needed=(LIBM, LIBC), relr=True), tags=LINUX_TAG)


CASES: Final[dict[str, tuple[Callable[[Path], None], list[str]]]] = {
    "demo": (SETS["to-lower"], ["demo-1.0-cp312-cp312-linux_x86_64.whl"]),
    "stuck": (SETS["to-lower"], ["stuck-1.0-cp312-cp312-linux_x86_64.whl"]),
    "many": (many, ["demo-1.0-cp312-cp312-linux_x86_64.whl"]),
    "trapped": (trapped, ["--allow-trap", "demo-1.0-cp312-cp312-linux_x86_64.whl"]),
    "private": (
        SETS["to-lower-cxx"],
        ["--cxx", "private", "--sysroot", "sysroot", "demo-1.0-cp312-cp312-linux_x86_64.whl"],
    ),
    "refused_cxx": (SETS["to-lower-cxx"], ["--cxx", "refuse", "demo-1.0-cp312-cp312-linux_x86_64.whl"]),
}


def without_sizes(text: str) -> str:
    text = re.sub(r"(libperennial-shim\w*-\w+)-[0-9a-f]{8}\.so", r"\1-<hash>.so", text)
    text = re.sub(r"(  +size  +).*", r"\1<size>", text)
    text = re.sub(r'("(?:source_size|size)": )\d+', r"\1<size>", text)
    text = re.sub(r'("source_sha256": )"[0-9a-f]+"', r'\1"<hash>"', text)
    return re.sub(r"[0-9,]+ bytes", "<size> bytes", text)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", CASES)
def test_lowering(
    name: str,
    format_: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    build, arguments = CASES[name]
    build(tmp_path)
    monkeypatch.chdir(tmp_path)
    code = main(["lower", "--to", "manylinux_2_17", *FORMATS[format_], *arguments])
    written = capsys.readouterr()
    assert written.err == ""
    if format_ == "json":
        schema = Path(perennial.__file__).parent / "schema" / "repair-1.json"
        Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(json.loads(written.out))
    found = without_sizes(written.out) + f"[exit code {code}]\n"
    compare(GOLDENS / "lowered" / f"{name}.{format_}", found, update=wants_update(request.config))


def test_no_golden_is_left_over() -> None:
    kept = {path.name for path in (GOLDENS / "lowered").iterdir()}
    assert kept == {f"{name}.{format_}" for name in CASES for format_ in FORMATS}
