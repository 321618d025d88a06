"""What musl does with DT_RELR, asked of musl itself: the reason for `relr-undeclared` in musllinux wheels.

musl's WHATSNEW for 1.2.4 announces support; an older loader does not know the tag, skips the
relocations and says nothing. Debian 12 has musl 1.2.3, Debian 13 has 1.2.5.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from perennial.elf.edit import ElfChanges, edit_elf

MUSL_GCC = shutil.which("musl-gcc")
# A table of pointers is what needs relative relocations.
LIBRARY = 'static const char *names[] = {"alpha", "beta"}; const char *name(int i) { return names[i]; }'
PROGRAM = "extern const char *name(int); int puts(const char *); int main(void) { return puts(name(1)) < 0; }"


def _musl_version() -> tuple[int, ...] | None:
    """What the loader says of itself when it is run without arguments."""
    found = sorted(Path("/lib").glob("ld-musl-*.so.1"))
    if not found:
        return None
    said = subprocess.run([str(found[0])], capture_output=True, text=True, check=False).stderr
    match = re.search(r"^Version (\d+)\.(\d+)\.(\d+)", said, re.MULTILINE)
    return None if match is None else tuple(map(int, match.groups()))


@pytest.mark.skipif(MUSL_GCC is None, reason="needs musl-gcc (Debian's musl-tools)")
@pytest.mark.parametrize(
    ("relr", "expanded"), [(False, False), (True, False), (True, True)], ids=["RELA", "RELR", "RELR-written-out"]
)
def test_old_musl_leaves_relr_undone(tmp_path: Path, *, relr: bool, expanded: bool) -> None:
    version = _musl_version()
    if version is None:
        pytest.skip("musl's loader is not in /lib")
    (tmp_path / "x.c").write_text(LIBRARY, encoding="utf-8")
    (tmp_path / "main.c").write_text(PROGRAM, encoding="utf-8")
    option = ["-Wl,-z,pack-relative-relocs"] if relr else []
    compiler = str(MUSL_GCC)
    subprocess.run([compiler, "-shared", "-fPIC", *option, "x.c", "-o", "libx.so"], cwd=tmp_path, check=True)
    table = subprocess.run(
        ["readelf", "-dW", "libx.so"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert ("(RELR)" in table) is relr
    if expanded:
        path = tmp_path / "libx.so"
        path.write_bytes(edit_elf(path.read_bytes(), ElfChanges(expand_relr=True)))
    subprocess.run([compiler, "main.c", "-L.", "-lx", "-Wl,-rpath,$ORIGIN", "-o", "main"], cwd=tmp_path, check=True)
    done = subprocess.run(["./main"], cwd=tmp_path, capture_output=True, text=True, check=False)
    works = not relr or expanded or version >= (1, 2, 4)
    assert (done.returncode == 0) is works, (version, done)
    assert (done.stdout == "beta\n") is works
