"""Wheels are repaired and lowered on systems that are no Linux: nothing is used that only Linux's Python has.

There is no macOS here. What stands in for it is this Python without the modules and functions that are missing there or
on Windows, and with an interpreter that is no ELF file: whatever of them is reached for fails.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.audits import LIBC, MODULE
from tests.support.elf_builder import ElfSpec, Export, Import, build_elf
from tests.support.repairs import facts
from tests.support.wheel_builder import wheel

# Not on Windows: the first four and fork; not on macOS: the rest.
_ELSEWHERE: Final = """
import builtins, os, platform, sys

missing = frozenset("fcntl resource pwd grp spwd ossaudiodev".split())
real = builtins.__import__

def elsewhere(name, *arguments, **keywords):
    if name.partition(".")[0] in missing:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return real(name, *arguments, **keywords)

builtins.__import__ = elsewhere
for name in missing:
    sys.modules.pop(name, None)
for name in ("fork", "sched_getaffinity", "copy_file_range", "sendfile", "memfd_create", "posix_fallocate", "confstr"):
    if hasattr(os, name):
        delattr(os, name)
sys.platform = "darwin"
sys.executable = EXECUTABLE

from perennial.cli.main import main

raise SystemExit(main(ARGUMENTS))
"""


@pytest.mark.parametrize("arch", ["x86_64", "aarch64", "s390x"])
@pytest.mark.parametrize("options", [(), ("--lower-to", "manylinux_2_17")], ids=["repaired", "lowered"])
def test_a_wheel_is_repaired(arch: str, options: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    late = (Import("pthread_create", "GLIBC_2.34", LIBC),)
    one = ElfSpec.for_arch(arch, soname="libone.so.1", needed=(LIBC,), imports=late, exports=(Export("one"),))
    (folder / "libone.so.1").write_bytes(build_elf(one))
    module = build_elf(ElfSpec.for_arch(arch, needed=("libone.so.1", LIBC), exports=(Export("PyInit__core"),)))
    source = wheel(tmp_path, tags=f"cp312-cp312-linux_{arch}", members={"demo/__init__.py": b"", MODULE: module})
    no_elf = tmp_path / "python"
    no_elf.write_bytes(b"\xcf\xfa\xed\xfe")  # Mach-O's magic number
    arguments = ["repair", "--lib-path", str(folder), "-w", str(tmp_path / "out"), *options, str(source)]
    code = _ELSEWHERE.replace("EXECUTABLE", repr(str(no_elf))).replace("ARGUMENTS", repr(arguments))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done
    (written,) = (tmp_path / "out").iterdir()
    assert f"manylinux_2_{17 if options else 34}_{arch}" in written.name
    assert len(facts(written)) == 2


def test_this_systems_folders_are_not_looked_into(tmp_path: Path) -> None:
    module = build_elf(ElfSpec.for_arch("x86_64", needed=("libz.so.1", "libbz2.so.1.0", LIBC)))
    source = wheel(tmp_path, tags="cp312-cp312-linux_x86_64", members={MODULE: module})
    no_elf = tmp_path / "python"
    no_elf.write_bytes(b"MZ")
    arguments = ["repair", "-w", str(tmp_path / "out"), str(source)]
    code = _ELSEWHERE.replace("EXECUTABLE", repr(str(no_elf))).replace("ARGUMENTS", repr(arguments))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1, done
    assert "needs libbz2.so.1.0, which was not found; this machine's own folders are not looked into" in done.stdout
