"""Which package a file belongs to, by the records of dpkg, apk and pacman; rpm has its own tests."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from packageurl import PackageURL

from perennial.system import Owners, Package, Root
from perennial.system.os_release import OsRelease
from perennial.system.package import Manager
from tests.support.file_tree import make_tree

GNU = "x86_64-linux-gnu"
STATUS = b"""\
Package: libz
Status: install ok installed
Architecture: all
Version: 0

Package: zlib1g
Status: install ok installed
Architecture: i386
Source: zlib
Version: 1:1.2.12-9

Package: zlib1g
Status: install ok installed
Maintainer: somebody
Architecture: amd64
Multi-Arch: same
Source: zlib (1:1.2.13.dfsg)
Version: 1:1.2.13.dfsg-1+b1
Description: compression library
 Package: of nothing
 .
 with an empty line

Package: fast
Status: install ok installed
Architecture: amd64
Version: 2~rc1

Package: libplain
Status: install ok installed
Architecture: amd64
Version: 7
"""
DEBIAN: dict[str, bytes | str] = {
    "lib": "usr/lib",
    "etc/os-release": "../usr/lib/os-release",
    "usr/lib/os-release": b'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
    f"usr/lib/{GNU}/libz.so.1.2.13": b"of fast",
    f"usr/lib/{GNU}/libz.so.1.2.13.slow": b"of zlib1g, moved away",
    f"usr/lib/{GNU}/libz.so.1": "libz.so.1.2.13",
    "usr/lib/i386-linux-gnu/libz.so.1.2.13": b"",
    f"usr/lib/{GNU}/libblas.so.3": "/etc/alternatives/libblas.so.3",
    "etc/alternatives/libblas.so.3": f"/usr/lib/{GNU}/blas/libblas.so.3",
    f"usr/lib/{GNU}/blas/libblas.so.3": b"",
    "usr/local/lib/libz.so.1.2.13": b"built here",
    "var/lib/dpkg/status": STATUS,
    "var/lib/dpkg/info/zlib1g:amd64.list": f"/.\n/lib\n/lib/{GNU}/libz.so.1.2.13\n/lib/{GNU}/libz.so.1\n".encode(),
    "var/lib/dpkg/info/zlib1g:i386.list": b"/.\n/lib/i386-linux-gnu/libz.so.1.2.13\n",
    "var/lib/dpkg/info/fast.list": f"/usr/lib/{GNU}/libz.so.1.2.13\n".encode(),
    "var/lib/dpkg/info/libplain.list": f"/usr/lib/{GNU}/blas/libblas.so.3\n".encode(),
    "var/lib/dpkg/info/libz.list": b"/usr/share/doc/libz.so.1.2.13\n",
    "var/lib/dpkg/info/libz.md5sums": b"",
    "var/lib/dpkg/diversions": f"/lib/{GNU}/libz.so.1.2.13\n/lib/{GNU}/libz.so.1.2.13.slow\nfast\n".encode(),
    "usr/share/doc/zlib1g/copyright": b"zlib",
    "usr/share/doc/fast": "zlib1g",
}


def owners_of(folder: Path) -> Owners:
    return Owners(Root(str(folder)))


def described(package: Package | None) -> str | None:
    return None if package is None else f"{package.name}:{package.architecture} {package.version} of {package.source}"


@pytest.mark.parametrize(
    ("path", "package"),
    [
        (f"/usr/lib/{GNU}/libz.so.1", "fast:amd64 2~rc1 of fast"),
        (f"/lib/{GNU}/libz.so.1.2.13", "fast:amd64 2~rc1 of fast"),
        ("/lib/i386-linux-gnu/libz.so.1.2.13", "zlib1g:i386 1:1.2.12-9 of zlib"),
        (f"/lib/{GNU}/libblas.so.3", "libplain:amd64 7 of libplain"),
        ("/usr/local/lib/libz.so.1.2.13", None),
        ("/usr/lib/none.so", None),
        ("/", None),
    ],
)
def test_dpkg(tmp_path: Path, path: str, package: str | None) -> None:
    owners = owners_of(make_tree(tmp_path, DEBIAN))
    assert described(owners.owner(path)) == package
    assert described(owners.owner(path)) == package  # from memory
    assert owners.problems == ()


def test_a_diverted_file(tmp_path: Path) -> None:
    """dpkg-divert(1): the file of every package but the one that asked goes to another name."""
    moved = f"/usr/lib/{GNU}/libz.so.1.2.13.slow"
    diverted = owners_of(make_tree(tmp_path, DEBIAN)).owner(f"/lib/{GNU}/libz.so.1.2.13")
    assert diverted is not None
    assert diverted.name == "fast"
    assert described(owners_of(tmp_path).owner(moved)) == "zlib1g:amd64 1:1.2.13.dfsg-1+b1 of zlib"


def test_many_at_once(tmp_path: Path) -> None:
    owners = owners_of(make_tree(tmp_path, DEBIAN))
    paths = [f"/usr/lib/{GNU}/libz.so.1", "/usr/lib/none.so", f"/lib/{GNU}/libblas.so.3"]
    assert {path: each.name for path, each in owners.owners(paths).items()} == {
        f"/usr/lib/{GNU}/libz.so.1": "fast",
        f"/lib/{GNU}/libblas.so.3": "libplain",
    }
    assert owners.owners([]) == {}


def test_licences_of_debian(tmp_path: Path) -> None:
    owners = owners_of(make_tree(tmp_path, DEBIAN))
    fast, plain = owners.owner(f"/lib/{GNU}/libz.so.1"), owners.owner(f"/lib/{GNU}/libblas.so.3")
    assert fast is not None
    assert plain is not None
    assert owners.licences(fast) == ("/usr/share/doc/zlib1g/copyright",)
    assert owners.licences(plain) == ()


def test_an_image_without_dpkg(tmp_path: Path) -> None:
    make_tree(tmp_path, {
        "usr/lib/libz.so.1": b"",
        "var/lib/dpkg/status.d/zlib1g": b"Package: zlib1g\nVersion: 1\nArchitecture: amd64\n",
        "var/lib/dpkg/status.d/zlib1g.md5sums": b"0123  usr/lib/libz.so.1\n",
    })  # fmt: skip
    assert described(owners_of(tmp_path).owner("/usr/lib/libz.so.1")) == "zlib1g:amd64 1 of zlib1g"


INSTALLED = b"""\
C:Q1abc=
P:musl
V:1.2.5-r1
A:x86_64
L:MIT
o:musl
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755

P:zlib
V:1.3.1-r2
A:x86_64
o:zlib-src
L:Zlib
F:usr
F:usr/share
R:libz.so.1
F:lib
R:libz.so.1.3.1
"""


@pytest.mark.parametrize("place", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
def test_apk(tmp_path: Path, place: str) -> None:
    make_tree(tmp_path, {
        "etc/os-release": b"ID=alpine\nVERSION_ID=3.22.1\n",
        "lib/libz.so.1": "libz.so.1.3.1",
        "lib/libz.so.1.3.1": b"",
        "lib/libother.so": b"",
        place: INSTALLED,
    })  # fmt: skip
    owners = owners_of(tmp_path)
    zlib = owners.owner("/lib/libz.so.1")
    assert zlib is not None
    assert zlib.purl == "pkg:apk/alpine/zlib@1.3.1-r2?arch=x86_64&distro=alpine-3.22.1"
    assert (zlib.source, zlib.licence) == ("zlib-src", "Zlib")
    assert owners.owner("/lib/libother.so") is None
    assert owners.licences(zlib) == ()


def test_pacman(tmp_path: Path) -> None:
    make_tree(tmp_path, {
        "etc/os-release": b"ID=arch\n",
        "lib": "usr/lib",
        "usr/lib/libz.so.1": b"",
        "usr/share/licenses/zlib/LICENSE": b"Zlib",
        "usr/share/licenses/zlib/more/LICENSE": b"",
        "var/lib/pacman/local/ALPM_DB_VERSION": b"9\n",
        "var/lib/pacman/local/zlib-1:1.3.1-2/desc": (
            b"%NAME%\nzlib\n\n%VERSION%\n1:1.3.1-2\n\n%BASE%\nzlib-base\n\n%ARCH%\nx86_64\n\n%LICENSE%\nZlib\nMIT\n\n"
        ),
        "var/lib/pacman/local/zlib-1:1.3.1-2/files": b"%FILES%\nusr/\nusr/lib/\nusr/lib/libz.so.1",
    })  # fmt: skip
    owners = owners_of(tmp_path)
    zlib = owners.owner("/lib/libz.so.1")
    assert zlib is not None
    assert zlib.purl == "pkg:alpm/arch/zlib@1:1.3.1-2?arch=x86_64&distro=arch"
    assert (zlib.source, zlib.licence) == ("zlib-base", "Zlib AND MIT")
    assert owners.licences(zlib) == ("/usr/share/licenses/zlib/LICENSE",)


@pytest.mark.parametrize(
    ("package", "purl"),
    [
        # the examples of the types' definitions
        (Package("curl", "7.50.3-1", "i386", Manager.DPKG, "", "", OsRelease("debian", "jessie")),
         "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=debian-jessie"),
        (Package("attr", "1:2.4.47-2+b1", "amd64", Manager.DPKG, "", "", OsRelease("debian", "")),
         "pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64&distro=debian"),
        (Package("libstdc++6", "14~rc1", "", Manager.DPKG, "", "", OsRelease("Debian", "13")),
         "pkg:deb/debian/libstdc%2B%2B6@14~rc1?distro=Debian-13"),
        (Package("ImageMagick", "1:7.1-1", "x86_64", Manager.RPM, "", "", OsRelease("opensuse-leap", "16.0")),
         "pkg:rpm/opensuse-leap/ImageMagick@7.1-1?arch=x86_64&distro=opensuse-leap-16.0&epoch=1"),
        (Package("Demo", "1", "", Manager.APK, "", "", OsRelease("alpine", "3")),
         "pkg:apk/alpine/demo@1?distro=alpine-3"),
    ],
)  # fmt: skip
def test_package_urls(package: Package, purl: str) -> None:
    assert package.purl == purl
    read = PackageURL.from_string(purl)
    assert read.version == package.version.removeprefix("1:") if package.manager is Manager.RPM else package.version
    assert (read.type, read.namespace) == (package.manager.value, package.distribution.id.lower())
    # packageurl-python differs in one thing: it encodes the colon, which the standard forbids since
    assert read.to_string().replace("%3A", ":") == purl


def test_no_package_url_without_a_distribution() -> None:
    assert Package("zlib1g", "1").purl is None
    assert Package("", "", "", Manager.DPKG, "", "", OsRelease("debian", "12")).purl is None


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="there is no dpkg to ask")
def test_the_libraries_of_this_machine_as_dpkg_knows_them() -> None:
    """dpkg itself prints the files of all packages; paths are held against each other behind links."""
    show = ["dpkg-query", "--show", "--showformat", "${binary:Package}\\t${Version}\\t${source:Package}\\n"]
    listed = subprocess.run(show, capture_output=True, text=True, check=True).stdout.splitlines()
    known = {line.split("\t")[0]: line.split("\t")[1:] for line in listed}
    root = Root("/")
    theirs: dict[str, list[str]] = {}
    claims = Counter[str]()
    done = subprocess.run(["dpkg-query", "--listfiles", *known], capture_output=True, text=True, check=True)
    # an empty line between two packages, as the manual page has it
    for (name, about), paths in zip(known.items(), done.stdout.split("\n\n"), strict=True):
        for path in paths.splitlines():
            if ".so." in path and path.startswith(("/lib", "/usr/lib")) and root.is_file(path):
                place = root.resolve(path)
                if place.rpartition("/")[2] == path.rpartition("/")[2]:  # links have the owner of what they lead to
                    theirs[place] = [name.partition(":")[0], *about]
                    claims[place] += 1
    theirs = {path: each for path, each in theirs.items() if claims[path] == 1}  # not what several architectures share
    assert len(theirs) > 20
    ours = Owners(root).owners(theirs)
    assert {path: [each.name, each.version, each.source] for path, each in ours.items()} == theirs
