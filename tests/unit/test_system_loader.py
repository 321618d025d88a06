"""Where a system's loader looks: ld.so.conf as ldconfig reads it, the cache that ldconfig writes, musl's paths."""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from perennial.arch import Architecture
from perennial.errors import ArchiveError
from perennial.platform_tag import Libc
from perennial.system import Root, loader_search
from perennial.system.loader_cache import read_loader_cache
from tests.support.elf_builder import elf
from tests.support.file_tree import make_tree

X86_64 = Architecture.X86_64
# musl has a script of that name in Alpine, and macOS nothing
LDCONFIG = shutil.which("ldconfig", path="/sbin:/usr/sbin") if platform.libc_ver()[0] == "glibc" else None
needs_ldconfig = pytest.mark.skipif(LDCONFIG is None, reason="there is no ldconfig of glibc")
BUILT_IN = ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"]


def folders(root: Path, libc: Libc = Libc.GLIBC, architecture: Architecture = X86_64) -> list[tuple[str, str]]:
    return [(each.path, each.origin) for each in loader_search(Root(str(root)), libc, architecture).folders]


CONFIGURED: dict[str, bytes | str] = {
    "etc/ld.so.conf": (
        b"# a comment\n  /opt/first/lib/ # and why\ninclude ld.so.conf.d/*.conf /etc/more.conf\n"
        b"hwcap 1 nosegneg\n\nrelative/lib\n/opt/last/lib=libc6\n/lib64/\n"
    ),
    "etc/ld.so.conf.d/20-b.conf": b"/opt/b\n/opt/first/lib\n",
    "etc/ld.so.conf.d/10-a.conf": b"\t/opt/a with a blank\ninclude 10-a.conf\n",
    "etc/ld.so.conf.d/README": b"/opt/readme\n",
    "etc/ld.so.conf.d/.hidden.conf": b"/opt/hidden\n",
    "etc/more.conf": "/etc/ld.so.conf.d/moved",
    "etc/ld.so.conf.d/moved": b"INCLUDE /etc/none.conf\n/opt/more",
}


def test_configuration(tmp_path: Path) -> None:
    make_tree(tmp_path, CONFIGURED)
    search = loader_search(Root(str(tmp_path)), Libc.GLIBC, X86_64)
    assert search.cache is None
    assert [(each.path, each.origin) for each in search.folders] == [
        ("/opt/first/lib", "/etc/ld.so.conf:2"),
        ("/opt/a with a blank", "/etc/ld.so.conf.d/10-a.conf:1"),
        ("/opt/b", "/etc/ld.so.conf.d/20-b.conf:1"),
        ("/opt/more", "/etc/more.conf:2"),
        ("/opt/last/lib", "/etc/ld.so.conf:7"),
        ("/lib64", "/etc/ld.so.conf:8"),
        *((path, "built into glibc") for path in BUILT_IN if path != "/lib64"),
    ]
    assert search.problems == (
        "/etc/ld.so.conf.d/10-a.conf includes itself",
        "/etc/more.conf:1: 'INCLUDE /etc/none.conf' is not an absolute path, and means nothing",
        "/etc/ld.so.conf:6: 'relative/lib' is not an absolute path, and means nothing",
    )
    assert next(search.candidates("libz.so.1")) == ("/opt/first/lib/libz.so.1", "/etc/ld.so.conf:2")


@needs_ldconfig
def test_configuration_as_ldconfig_reads_it(tmp_path: Path) -> None:
    """`ldconfig -v` prints each folder that it looks into, and which line of which file has it."""
    make_tree(tmp_path, CONFIGURED)
    for path, _ in folders(tmp_path):
        (tmp_path / path[1:]).mkdir(parents=True, exist_ok=True)
    assert LDCONFIG is not None
    done = subprocess.run([LDCONFIG, "-r", str(tmp_path), "-vNX"], capture_output=True, text=True, check=False)
    theirs = [line.partition(":")[0] for line in done.stdout.splitlines() if line.startswith("/")]
    ours = [path for path, origin in folders(tmp_path) if origin.startswith("/")]
    assert [path for path in theirs if path.startswith("/opt")] == [path for path in ours if path.startswith("/opt")]
    assert "/opt/hidden" not in theirs
    assert "/opt/readme" not in theirs


@needs_ldconfig
@pytest.mark.skipif(platform.machine() != "x86_64", reason="ldconfig of another architecture passes by x86's libraries")
@pytest.mark.parametrize("form", ["new", "compat"])
def test_a_cache_that_ldconfig_wrote(tmp_path: Path, form: str) -> None:
    make_tree(tmp_path, {
        "etc/ld.so.conf": b"/opt/lib\n/usr/other\n",
        "opt/lib/libdemo.so.1": elf(soname="libdemo.so.1", needed=("libc.so.6",)),
        "opt/lib/libold.so.1": elf(soname="libold.so.1", arch="i686", needed=("libc.so.6",)),
        "opt/lib/glibc-hwcaps/x86-64-v3/libdemo.so.1": elf(soname="libdemo.so.1", needed=("libc.so.6",)),
        "usr/other/libdemo.so.1": elf(soname="libdemo.so.1", needed=("libc.so.6",)),
        "usr/other/libother.so.2": elf(soname="libother.so.2", needed=("libc.so.6",)),
    })  # fmt: skip
    assert LDCONFIG is not None
    done = subprocess.run([LDCONFIG, "-r", str(tmp_path), "-c", form], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this ldconfig cannot: {done.stderr.strip()}")
    search = loader_search(Root(str(tmp_path)), Libc.GLIBC, X86_64)
    assert search.cache is not None
    assert search.cache.find("libdemo.so.1", X86_64) == ("/opt/lib/libdemo.so.1", "/usr/other/libdemo.so.1")
    assert search.cache.find("libold.so.1", X86_64) == ()
    assert search.cache.find("libold.so.1", Architecture.I686) == ("/opt/lib/libold.so.1",)
    first, second, third = list(search.candidates("libother.so.2"))[:3]
    assert first == ("/usr/other/libother.so.2", "/etc/ld.so.cache")
    assert (second, third) == (
        ("/opt/lib/libother.so.2", "/etc/ld.so.conf:1"),
        ("/usr/other/libother.so.2", "/etc/ld.so.conf:2"),
    )


@needs_ldconfig
def test_the_cache_of_this_machine() -> None:
    """`ldconfig -p` prints the whole cache."""
    cache = loader_search(Root("/"), Libc.GLIBC, X86_64).cache
    if cache is None:
        pytest.skip("this machine has no cache")
    assert LDCONFIG is not None
    printed = subprocess.run([LDCONFIG, "-p"], capture_output=True, text=True, check=True).stdout
    lines = [line.strip().partition(" => ") for line in printed.splitlines() if " => " in line]
    theirs = {(name.partition(" ")[0], path) for name, _, path in lines if "hwcap" not in name}
    assert {(soname, path) for (_, soname), paths in cache.entries.items() for path in paths} == theirs


def big_endian_cache() -> bytes:
    """One entry, as dl-cache.h lays it out, for s390x."""
    texts = b"libz.so.1\0/lib64/libz.so.1\0"
    head = b"glibc-ld.so.cache1.1" + struct.pack(">II", 1, len(texts)) + b"\3" + bytes(3) + bytes(16)
    return head + struct.pack(">iIIIQ", 0x0403, 72, 82, 0, 0) + texts


def test_a_cache_of_the_other_byte_order() -> None:
    data = big_endian_cache()
    assert read_loader_cache(data, "demo").find("libz.so.1", Architecture.S390X) == ("/lib64/libz.so.1",)
    older = data[:28] + b"\0" + data[29:]  # glibc < 2.33 does not say which order
    assert read_loader_cache(older, "demo").find("libz.so.1", Architecture.S390X) == ("/lib64/libz.so.1",)


@pytest.mark.parametrize("length", range(99))
def test_a_cache_that_is_cut_short(length: int) -> None:
    with pytest.raises(ArchiveError, match=r"demo: is (no cache|a cache of ld.so that is damaged)"):
        read_loader_cache(big_endian_cache()[:length], "demo")


def test_a_damaged_cache_is_a_problem_and_no_more(tmp_path: Path) -> None:
    make_tree(tmp_path, {"etc/ld.so.cache": b"nonsense", "etc/ld.so.conf": b"/opt/lib\n"})
    search = loader_search(Root(str(tmp_path)), Libc.GLIBC, X86_64)
    assert search.problems == ("/etc/ld.so.cache: is no cache of ld.so, or of a format that is not known",)
    assert search.folders[0].path == "/opt/lib"


def test_musl(tmp_path: Path) -> None:
    assert folders(tmp_path, Libc.MUSL) == [
        (path, "built into musl") for path in ("/lib", "/usr/local/lib", "/usr/lib")
    ]
    make_tree(tmp_path, {"etc/ld-musl-armhf.path": b"/lib:/opt/lib\n\n/usr/lib\n", "etc/ld.so.conf": b"/glibc\n"})
    assert folders(tmp_path, Libc.MUSL, Architecture.ARMV7L) == [
        (path, "/etc/ld-musl-armhf.path") for path in ("/lib", "/opt/lib", "/usr/lib")
    ]


@pytest.mark.parametrize("architecture", Architecture)
def test_every_architecture_has_folders(tmp_path: Path, architecture: Architecture) -> None:
    found = [path for path, _ in folders(tmp_path, architecture=architecture)]
    assert found[-2:] == ["/lib", "/usr/lib"]
    assert len(found) == len(set(found)) >= 4
