"""Other Pythons and other roots, looked at from outside: built file by file, and this machine's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, Final

import pytest

from perennial.errors import UnreadableError
from perennial.platform_tag import Libc
from perennial.tags import Installer, accepted_tags, platform_tags
from perennial.tags.ask import ask_interpreter
from perennial.tags.here import this_system
from perennial.tags.inspect import inspect_interpreter, inspect_root
from perennial.tags.libc_files import libc_version, version_pair
from perennial.tags.overrides import read_override
from perennial.tags.root import Root
from tests.support.elf_builder import Verdef, elf

LOADERS: Final = {
    "x86_64": "/lib64/ld-linux-x86-64.so.2",
    "aarch64": "/lib/ld-linux-aarch64.so.1",
    "s390x": "/lib/ld64.so.1",
}
GLIBC_LINE: Final = b"GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\nCopyright"


class Tree:
    """A root that is being built."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, path: str, data: bytes = b"") -> Tree:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return self

    def link(self, path: str, target: str) -> Tree:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
        return self

    def glibc(self, line: bytes = GLIBC_LINE, arch: str = "x86_64", folder: str | None = None) -> Tree:
        self.file(LOADERS[arch].lstrip("/"), elf(arch=arch, soname=LOADERS[arch].rpartition("/")[2]))
        return self.file(f"{folder or 'lib/some-linux-gnu'}/libc.so.6", elf(arch=arch, soname="libc.so.6", rodata=line))

    def python(self, path: str = "usr/bin/python3.11", arch: str = "x86_64", **fields: Any) -> Tree:
        return self.file(path, elf(arch=arch, **{"interpreter": LOADERS[arch], "needed": ("libc.so.6",)} | fields))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "root")


def text(target: Any, part: str) -> str:
    return "".join(detail.text for detail in target.details if detail.part == part)


# ----- roots


def test_a_root(tree: Tree) -> None:
    tree.glibc().python().link("usr/bin/python3", "python3.11").file("etc/os-release", b'PRETTY_NAME="Some 12"\n')
    target = inspect_root(os.fspath(tree.folder))
    assert (target.name, target.libc, target.libc_version, target.arch) == ("Some 12", Libc.GLIBC, (2, 36), "x86_64")
    assert target.python.abis == ("cp311",)
    assert text(target, "libc") == (
        "glibc 2.36: /lib/some-linux-gnu/libc.so.6: its release line says 2.36; "
        "/usr/bin/python3.11 asks for /lib64/ld-linux-x86-64.so.2"
    )
    assert text(target, "python") == "CPython 3.11: the program is /usr/bin/python3.11"


def test_links_stay_inside(tree: Tree) -> None:
    """Absolute ones begin at the root, and `..` does not lead out of it."""
    tree.glibc().python("usr/bin/python3.9").link("opt/python", "/usr/bin/python3.9")
    tree.link("usr/bin/python3", "../../../../../../../opt/python")
    assert inspect_root(os.fspath(tree.folder)).python.version == (3, 9)
    tree.link("a", "b").link("b", "a")
    assert Root(os.fspath(tree.folder)).real("a") is None


def test_of_several_architectures_the_pythons_own_libc_counts(tree: Tree) -> None:
    tree.glibc(GLIBC_LINE.replace(b"2.36", b"2.28"), "aarch64", "lib/aarch64-linux-gnu")
    tree.glibc(arch="x86_64", folder="lib/x86_64-linux-gnu").python("usr/bin/python3.11")
    target = inspect_interpreter("/usr/bin/python3.11", os.fspath(tree.folder))
    assert (target.arch, target.libc_version) == ("x86_64", (2, 36))


def test_the_libc_beside_the_loader_comes_first(tree: Tree) -> None:
    """A store of packages (NixOS, Guix): no /lib, and each program has its own libc."""
    folder = "nix/store/abc-glibc-2.40/lib"
    tree.glibc().file(f"{folder}/ld-linux-x86-64.so.2", elf(arch="x86_64"))
    tree.file(
        f"{folder}/libc.so.6", elf(arch="x86_64", rodata=b"GNU C Library (GNU libc) stable release version 2.40.\n")
    )
    tree.python("nix/store/def/bin/python3.12", interpreter=f"/{folder}/ld-linux-x86-64.so.2")
    assert inspect_interpreter("nix/store/def/bin/python3.12", os.fspath(tree.folder)).libc_version == (2, 40)


def test_a_root_without_python(tree: Tree) -> None:
    tree.glibc().python("bin/sh")
    target = inspect_root(os.fspath(tree.folder))
    assert target.libc_version == (2, 36)
    assert "there is none at the usual places" in text(target, "python")


def test_a_root_without_any_program(tree: Tree) -> None:
    """What an image of one static program and a C library looks like."""
    tree.glibc(arch="s390x")
    target = inspect_root(os.fspath(tree.folder))
    assert (target.arch, target.libc_version) == ("s390x", (2, 36))


def test_a_folder_that_is_no_root(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="is it the root of a file system"):
        inspect_root(os.fspath(tmp_path))
    with pytest.raises(UnreadableError, match="no such folder"):
        inspect_root(os.fspath(tmp_path / "nowhere"))


def test_musl(tree: Tree) -> None:
    loader = "/lib/ld-musl-x86_64.so.1"
    data = b"musl libc (x86_64)\nVersion %s\n\0" + b"\0" + b"1.2.5" + b"\0" + b"127.0.0.1\0"
    tree.file(loader[1:], elf(arch="x86_64", rodata=data)).python("usr/bin/python3.12", interpreter=loader)
    target = inspect_interpreter("usr/bin/python3.12", os.fspath(tree.folder))
    assert platform_tags(target) == (
        *("linux_x86_64", "musllinux_1_2_x86_64", "musllinux_1_1_x86_64", "musllinux_1_0_x86_64"),
    )
    assert "it holds its version, 1.2.5" in text(target, "libc")


def test_a_loader_that_is_not_there(tree: Tree) -> None:
    tree.python("usr/bin/python3.12", interpreter="/lib/ld-musl-x86_64.so.1")
    with pytest.raises(UnreadableError, match=r"asks for the loader /lib/ld-musl-x86_64\.so\.1, and that is not there"):
        inspect_interpreter("usr/bin/python3.12", os.fspath(tree.folder))


def test_a_static_python(tree: Tree) -> None:
    tree.python("usr/bin/python3.12", interpreter=None, static=True, needed=())
    target = inspect_interpreter("usr/bin/python3.12", os.fspath(tree.folder))
    assert target.libc is None
    assert "static" in text(target, "libc")


def test_what_is_no_program(tree: Tree) -> None:
    tree.file("usr/bin/python3.12", b"#!/bin/sh\n").file("usr/bin/python3.11", b"no").file("usr/bin/python3.10")
    with pytest.raises(UnreadableError, match="a script, not a program"):
        inspect_interpreter("usr/bin/python3.12", os.fspath(tree.folder))
    for name in ("python3.11", "python3.10"):
        with pytest.raises(UnreadableError, match="not an ELF file"):
            inspect_interpreter(f"usr/bin/{name}", os.fspath(tree.folder))
    tree.glibc().python("usr/bin/cat").file("usr/lib/python3.11/os.py")
    with pytest.raises(UnreadableError, match="nothing says which Python this is"):
        inspect_interpreter("usr/bin/cat", os.fspath(tree.folder))


# ----- which Python


@pytest.mark.parametrize(
    ("path", "files", "needed", "abis", "sentence"),
    [
        ("usr/bin/python3.13t", (), (), ("cp313t",), "the program is /usr/bin/python3.13t"),
        ("usr/bin/python3.11d", (), (), ("cp311d", "cp311"), "the program is /usr/bin/python3.11d"),
        ("usr/bin/pypy3.10", (), (), ("pypy310_pp73",), "the program is /usr/bin/pypy3.10"),
        ("usr/bin/python3", (), ("libpython3.12.so.1.0",), ("cp312",), "it needs libpython3.12.so.1.0"),
        ("usr/bin/pypy3", (), ("libpypy3.11-c.so",), ("pypy311_pp73",), "it needs libpypy3.11-c.so"),
        ("opt/x/bin/python", ("opt/x/lib/python3.10/os.py",), (), ("cp310",), "its library is /opt/x/lib/python3.10"),
        (
            "opt/x/bin/python",
            ("opt/x/lib/python3.14t/os.py",),
            (),
            ("cp314t",),
            "its library is /opt/x/lib/python3.14t",
        ),
        (
            "usr/bin/python3.13",
            ("usr/lib/python3.13/os.py", "usr/lib/python3.13/_sysconfigdata_t_linux_x86_64-linux-gnu.py"),
            (),
            ("cp313t",),
            "the program is /usr/bin/python3.13; its build data is _sysconfigdata_t_linux_x86_64-linux-gnu.py",
        ),
        (  # Debian's python3-dbg leaves its build data beside the ordinary one
            "usr/bin/python3.11",
            (
                "usr/lib/python3.11/os.py",
                "usr/lib/python3.11/_sysconfigdata__linux_x86_64-linux-gnu.py",
                "usr/lib/python3.11/_sysconfigdata_d_linux_x86_64-linux-gnu.py",
            ),
            (),
            ("cp311",),
            "the program is /usr/bin/python3.11",
        ),
    ],
)
def test_what_says_which_python(
    tree: Tree, path: str, files: tuple[str, ...], needed: tuple[str, ...], abis: tuple[str, ...], sentence: str
) -> None:
    tree.glibc().python(path, needed=(*needed, "libc.so.6"))
    for file in files:
        tree.file(file)
    target = inspect_interpreter(path, os.fspath(tree.folder))
    assert target.python.abis == abis
    assert text(target, "python") == f"{target.python}: {sentence}"


def test_a_virtual_environment(tree: Tree) -> None:
    tree.glibc().python("opt/store/python").link("srv/app/.venv/bin/python", "/opt/store/python")
    tree.file("srv/app/.venv/pyvenv.cfg", b"home = /opt/store\nversion = 3.12.7\n")
    target = inspect_interpreter("srv/app/.venv/bin/python", os.fspath(tree.folder))
    assert str(target.python) == "CPython 3.12.7"
    assert "its pyvenv.cfg says so" in text(target, "python")


# ----- overrides


@pytest.mark.parametrize(
    ("source", "answer", "legacy"),
    [
        (b"manylinux1_compatible = False\nmanylinux2010_compatible = False\n", "no function", 2),
        (b'"""Ours."""\ndef manylinux_compatible(a, b, c):\n    return False\n', False, 0),
        (b"def manylinux_compatible(a, b, c):\n    '''x'''\n    return None\n", None, 0),
        (b"def manylinux_compatible(a, b, c):\n    pass\n", None, 0),
        (b"import sys\nmanylinux2014_compatible = True\n", "no function", 1),
    ],
)
def test_simple_overrides_are_read(source: bytes, answer: object, legacy: int) -> None:
    override = read_override(source, "/x")
    assert override is not None
    assert len(override.legacy) == legacy
    if answer == "no function":
        assert override.compatible is None
    else:
        assert override.compatible is not None
        assert override.compatible(2, 17, "x86_64") is answer


@pytest.mark.parametrize(
    "source",
    [
        b"def manylinux_compatible(a, b, c):\n    return b < 17\n",
        b"manylinux1_compatible = bool(1)\n",
        b"if True:\n    manylinux1_compatible = False\n",
        b"syntax error(",
        b"\0",
    ],
)
def test_others_are_not_guessed(source: bytes) -> None:
    assert read_override(source, "/x") is None


def test_an_override_of_a_root(tree: Tree) -> None:
    tree.glibc().python().file("usr/lib/python3.11/os.py")
    tree.file("usr/lib/python3.11/_manylinux.py", b"manylinux2014_compatible = False\n")
    target = inspect_interpreter("usr/bin/python3.11", os.fspath(tree.folder))
    assert "manylinux_2_17_x86_64" not in platform_tags(target)
    assert "/usr/lib/python3.11/_manylinux.py: manylinux2014_compatible = False" in text(target, "override")
    tree.file("usr/lib/python3.11/_manylinux.py", b"import secrets\nmanylinux2014_compatible = secrets.randbelow(2)\n")
    target = inspect_interpreter("usr/bin/python3.11", os.fspath(tree.folder))
    assert target.override is None
    assert "only running it tells how; not counted here" in text(target, "override")


# ----- versions of C libraries


@pytest.mark.parametrize(
    ("line", "version"),
    [
        (b"GNU C Library stable release version 2.17, by Roland McGrath et al.\n", (2, 17)),
        (b"GNU C Library (Ubuntu GLIBC 2.31-0ubuntu9.9) stable release version 2.31.\n", (2, 31)),
        (b"GNU C Library (GNU libc) development release version 2.27.9000.\n", (2, 27)),
        (b"GNU C Library (crosstool-NG linaro) stable release version 2.20-2014.11, by R.\n", (2, 20)),
        (b"ld.so (Debian GLIBC 2.36-9) stable release version 2.36.\n", (2, 36)),
    ],
)
def test_release_lines(line: bytes, version: tuple[int, int]) -> None:
    found = libc_version(Libc.GLIBC, elf(rodata=line))
    assert found is not None
    assert found.version == version


def test_nodes_tell_where_there_is_no_line() -> None:
    names = ("GLIBC_2.2.5", "GLIBC_2.9", "GLIBC_2.28", "GLIBC_PRIVATE")
    data = elf(verdefs=(Verdef("libc.so.6"), *(Verdef(name) for name in names)))
    found = libc_version(Libc.GLIBC, data)
    assert found is not None
    assert (found.version, found.how) == ((2, 28), "its highest version node is GLIBC_2.28")
    assert libc_version(Libc.GLIBC, elf()) is None
    assert libc_version(Libc.GLIBC, b"no ELF file") is None


def test_musls_version_is_read_only_where_it_is_the_only_one() -> None:
    assert libc_version(Libc.MUSL, elf(rodata=b"\x001.2.5\0")) is None, "not musl"
    assert libc_version(Libc.MUSL, elf(rodata=b"musl libc\x001.2.5\0x\x001.2.4\0")) is None
    found = libc_version(Libc.MUSL, elf(rodata=b"musl libc\x001.2.5-git-12-gabc\0"))
    assert found is not None
    assert found.version == (1, 2)


def test_version_pairs() -> None:
    assert version_pair("2.36") == (2, 36)
    assert version_pair("2") is None
    assert version_pair("glibc-2.4") is None


# ----- this machine


def test_this_python_from_outside_is_what_it_says_itself() -> None:
    own = this_system()
    if own.libc is None or own.override is not None:
        pytest.skip("this system is not an ordinary one")
    for other in (inspect_interpreter(sys.executable), ask_interpreter(sys.executable)):
        assert other[:3] == own[:3]
        assert other.python.abis == own.python.abis
        assert accepted_tags(other, Installer.PIP) == accepted_tags(own, Installer.PIP)


def test_relative_paths_are_of_this_folder(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree.folder / "bin").mkdir(parents=True)
    (tree.folder / "bin/python").symlink_to(os.path.realpath(sys.executable))
    monkeypatch.chdir(tree.folder)
    assert inspect_interpreter("bin/python").arch == inspect_interpreter(sys.executable).arch
    assert inspect_interpreter("./bin/../bin/python").arch == inspect_interpreter(sys.executable).arch


def test_the_root_that_is_this_system() -> None:
    target = inspect_root("/")
    assert target[:3] == this_system()[:3]


def test_pipes_do_not_block(tree: Tree) -> None:
    tree.glibc().python()
    os.mkfifo(tree.folder / "usr/bin/python3")
    with pytest.raises(UnreadableError, match="not a regular file"):
        inspect_root(os.fspath(tree.folder))
    (tree.folder / "lib/some-linux-gnu/libc.so.6").unlink()
    os.mkfifo(tree.folder / "lib/some-linux-gnu/libc.so.6")
    with pytest.raises(UnreadableError, match="no file of glibc there says its version"):
        inspect_interpreter("usr/bin/python3.11", os.fspath(tree.folder))


def test_a_library_that_claims_nonsense_costs_nothing(tree: Tree) -> None:
    tree.glibc(b"GNU C Library stable release version 9999.9999.\n").python()
    with pytest.raises(UnreadableError, match="no file of glibc there says its version"):
        inspect_interpreter("usr/bin/python3.11", os.fspath(tree.folder))


def test_nothing_of_the_interpreter_is_run(tree: Tree) -> None:
    """A Python whose start would leave a trace is inspected without one, and asked with one."""
    trace = tree.folder / "trace"
    environment = tree.folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", os.fspath(environment)], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": os.fspath(environment)}))
    (site / "trace.pth").write_text(f"import pathlib; pathlib.Path({os.fspath(trace)!r}).touch()\n", encoding="utf-8")
    python = os.fspath(environment / "bin/python")
    inspected = inspect_interpreter(python)
    assert not trace.exists()
    asked = ask_interpreter(python)
    assert trace.exists()
    assert inspected.python.version == asked.python.version


def test_asking_what_is_no_python(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"is no Python that answers \(exit code 0"):
        ask_interpreter("/bin/true")
    with pytest.raises(UnreadableError, match="cannot be run: No such file or directory"):
        ask_interpreter(os.fspath(tmp_path / "nowhere"))
    liar = tmp_path / "liar"
    liar.write_text(f"#!/bin/sh\necho '{json.dumps({'platform': 'linux-x86_64'})}'\n", encoding="utf-8")
    liar.chmod(0o755)
    with pytest.raises(UnreadableError, match="answered something else"):
        ask_interpreter(os.fspath(liar))
