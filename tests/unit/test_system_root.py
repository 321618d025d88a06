"""A folder as a root file system: nothing in it leads outside."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from perennial.errors import ArchiveError
from perennial.system import Root
from tests.support.file_tree import make_tree

LIBRARY = "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    make_tree(tmp_path / "outside", {"etc/passwd": b"secret", "libz.so": b"the machine's"})
    folder = make_tree(tmp_path / "root", {
        "lib": "usr/lib",
        LIBRARY[1:]: b"zlib",
        "usr/lib/x86_64-linux-gnu/libz.so.1": "libz.so.1.2.13",
        "usr/lib/x86_64-linux-gnu/libz.so": "/lib/x86_64-linux-gnu/libz.so.1",
        "usr/lib/circle": "pair",
        "usr/lib/pair": "circle",
        "usr/lib/up": "../../../../../../outside/libz.so",
        "usr/lib/away": str(tmp_path / "outside"),
        "usr/lib/self": ".",
        "usr/lib/empty/nothing": b"",
    })  # fmt: skip
    return Root(str(folder))


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        ("/lib/x86_64-linux-gnu/libz.so", LIBRARY),
        ("lib/x86_64-linux-gnu/libz.so.1", LIBRARY),
        ("/usr/lib/./self/self/../lib/x", "/usr/lib/x"),
        ("/../../usr//lib/", "/usr/lib"),
        ("/not/../there", "/there"),
        ("/", "/"),
    ],
)
def test_links_are_followed_inside(root: Root, path: str, resolved: str) -> None:
    assert root.resolve(path) == resolved


def test_an_absolute_link_does_not_lead_to_the_machine(root: Root, tmp_path: Path) -> None:
    assert root.read("/lib/x86_64-linux-gnu/libz.so") == b"zlib"
    for path in ("/usr/lib/up", "/usr/lib/away/libz.so", "/usr/lib/away/etc/passwd"):
        assert root.read(path) is None
        assert not root.is_file(path)
        assert root.outside(path).startswith(f"{tmp_path}/root/")


def test_circles_end(root: Root) -> None:
    with pytest.raises(OSError, match="circle") as caught:
        root.resolve("/usr/lib/circle")
    assert caught.value.errno == errno.ELOOP
    assert not root.is_file("/usr/lib/circle")
    assert root.read("/usr/lib/circle/x") is None
    assert root.names("/usr/lib/pair") == ()


def test_what_is_no_file(root: Root) -> None:
    assert root.read("/usr/lib") is None
    assert root.read("/usr/lib/nul\0") is None
    assert root.read("/usr/lib/empty/nothing") == b""
    assert root.names("/usr/lib/empty") == ("nothing",)
    assert root.names("/usr/lib/empty/nothing") == root.names("/none") == ()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert Root(str(tmp_path)).read("pipe") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(mode=0)
    with pytest.raises(ArchiveError, match=r"secret.*Permission denied"):
        Root(str(tmp_path)).read("secret")


def test_inside_and_outside(root: Root, tmp_path: Path) -> None:
    library = f"{tmp_path}/root{LIBRARY}"
    assert root.inside(library) == LIBRARY
    assert root.outside(LIBRARY) == library
    assert root.inside(f"{tmp_path}/root") == "/"
    assert root.inside(f"{tmp_path}/rooted/x") is None
    assert root.inside("/usr") is None
    assert Root("/").inside("/usr//lib") == "/usr/lib"
    assert Root("/").outside("/usr/../") == "/"


def test_spellings_of_merged_usr(root: Root) -> None:
    assert root.spellings(LIBRARY) == (LIBRARY, LIBRARY.removeprefix("/usr"))
    assert root.spellings("/opt/x") == ("/opt/x",)
