"""What is learned from packages, databases and images that rpm, umoci and skopeo made, against what they were made of.

The libraries of a Debian root are packed as other distributions pack theirs: into RPMs by rpmbuild,
with each payload compressor; installed from them by rpm, into its own database; as layers of an OCI
image by umoci, and from that, by skopeo, into what `docker save` writes. The unpacked root is the
oracle; test_learned_against_roots.py holds it against readelf.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from perennial.arch import Architecture
from perennial.knowledge.snapshot import ProvidedLibrary, Snapshot
from perennial.learn import Request, learn_path
from tests.roots.learned import SUITES, Suite
from tests.roots.make import obtain_or_skip

SUITE: Final[Suite] = next(each for each in SUITES if each.architecture is Architecture.X86_64)
REQUEST: Final = Request("demo:1", Architecture.X86_64, "2026-11-20", "updates")
PACKED: Final = ("libc.so.6", "libstdc++.so.6", "libz.so.1", "libexpat.so.1")
LOADER_FOLDER: Final = "usr/lib64"  # where Fedora and its like have them

ZSTD: Final = b"\x28\xb5\x2f\xfd"  # RFC 8878, 3.1.1

pytestmark = pytest.mark.roots


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


@cache
def root() -> Path:
    return obtain_or_skip(SUITE.recipe).folder


@cache
def learned_root() -> Snapshot:
    return learn_path(root(), REQUEST)


def facts(libraries: Iterable[ProvidedLibrary]) -> dict[str, ProvidedLibrary]:
    """What the files themselves say, without the package that they came in."""
    return {each.soname: each._replace(package="", tier=None) for each in libraries}


def expected() -> dict[str, ProvidedLibrary]:
    return {soname: each for soname, each in facts(learned_root().libraries).items() if soname in PACKED}


def file_of(soname: str) -> Path:
    (path,) = {
        found.resolve() for folder in ("lib", "usr/lib") for found in root().glob(f"{folder}/x86_64-linux-gnu/{soname}")
    }
    return path


SPEC: Final = """\
Name: demo-libs
Version: 2.3
Release: 4
Epoch: 1
Summary: libraries
License: none
%define _binary_payload {payload}
%define __os_install_post %{{nil}}
%define debug_package %{{nil}}
AutoReqProv: no
%description
Libraries.
%install
mkdir -p %{{buildroot}}/{folder}
{copies}
%files
/{folder}
"""


def build_rpm(place: Path, payload: str) -> Path:
    copies = "\n".join(f"cp {file_of(soname)} %{{buildroot}}/{LOADER_FOLDER}/{soname}" for soname in PACKED)
    spec = place / "demo.spec"
    spec.write_text(SPEC.format(payload=payload, folder=LOADER_FOLDER, copies=copies), encoding="utf-8")
    run(tool("rpmbuild"), "-bb", "--define", f"_topdir {place}/top", "--target", "x86_64", spec)
    (package,) = (place / "top/RPMS").rglob("*.rpm")
    return package


@pytest.mark.parametrize("payload", ["w6.gzdio", "w3.xzdio", "w3.lzdio", "w3.zstdio", "w6.bzdio"])
def test_an_rpm_of_rpmbuild(payload: str, tmp_path: Path) -> None:
    package = build_rpm(tmp_path, payload)
    compressor = run(tool("rpm"), "-qp", "--queryformat", "%{PAYLOADCOMPRESSOR}", package)
    assert compressor == {"gz": "gzip", "xz": "xz", "lz": "lzma", "zst": "zstd", "bz": "bzip2"}[payload[3:-3]]
    snapshot = learn_path(package, REQUEST)
    assert facts(snapshot.libraries) == expected()
    assert snapshot.packages == {"demo-libs": "1:2.3-4"}
    assert {each.package for each in snapshot.libraries} == {"demo-libs"}


@pytest.mark.parametrize("database", ["/var/lib/rpm", "/usr/lib/sysimage/rpm"])
def test_a_system_installed_by_rpm(database: str, tmp_path: Path) -> None:
    """rpm's own database says which package a library is from; it is where RHEL and Fedora have it."""
    package = build_rpm(tmp_path, "w3.zstdio")
    system = tmp_path / "system"
    run(tool("rpm"), "--root", system, "--dbpath", database, "--nodeps", "--noscripts", "-i", package)
    snapshot = learn_path(system, REQUEST)
    assert facts(snapshot.libraries) == expected()
    assert snapshot.packages == {"demo-libs": "1:2.3-4"}


def part_of_root(place: Path) -> Path:
    """The root without what says nothing of its libraries: links at the top, the libraries, dpkg's records."""
    part = place / "part"
    part.mkdir()
    for path in (*root().glob("lib*"), *root().glob("usr/lib/os-release"), *root().glob("etc/os-release")):
        if path.is_symlink() or path.is_file():
            copy(path, part)
    for soname in {each.soname for each in learned_root().libraries}:
        for path in {*root().glob(f"usr/lib/*/{soname}"), *root().glob(f"usr/lib64/{soname}")}:
            copy(path, part)
            if path.is_symlink() and not path.readlink().is_absolute():
                copy(path.parent / path.readlink(), part)
    shutil.copytree(root() / "var/lib/dpkg", part / "var/lib/dpkg", symlinks=True)
    return part


def copy(path: Path, part: Path) -> None:
    target = part / path.relative_to(root())
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_symlink() and not target.exists():
        shutil.copy2(path, target, follow_symlinks=False)


def image(place: Path) -> Path:
    """An OCI layout of two layers: an old file in a library's place, and the root on top of it."""
    layout = place / "image"
    old = place / "old"
    (old / "usr/lib/x86_64-linux-gnu").mkdir(parents=True)
    shutil.copyfile(file_of("libz.so.1"), old / "usr/lib/x86_64-linux-gnu/libexpat.so.1")
    umoci = tool("umoci")
    run(umoci, "init", "--layout", layout)
    run(umoci, "new", "--image", f"{layout}:demo")
    run(umoci, "config", "--image", f"{layout}:demo", "--architecture", "amd64", "--os", "linux")
    run(umoci, "insert", "--rootless", "--image", f"{layout}:demo", old, "/")
    run(umoci, "insert", "--rootless", "--image", f"{layout}:demo", part_of_root(place), "/")
    return layout


def test_an_image_of_umoci_and_what_skopeo_makes_of_it(tmp_path: Path) -> None:
    layout = image(tmp_path)
    assert learn_path(layout, REQUEST) == learned_root()
    saved = tmp_path / "saved.tar"
    run(tool("skopeo"), "--insecure-policy", "copy", f"oci:{layout}:demo", f"docker-archive:{saved}:demo:latest")
    assert learn_path(saved, REQUEST) == learned_root()
    archive = tmp_path / "oci.tar"
    run(tool("skopeo"), "--insecure-policy", "copy", f"oci:{layout}:demo", f"oci-archive:{archive}:demo")
    assert learn_path(archive, REQUEST) == learned_root()
    compressed = tmp_path / "compressed"
    how = ("--dest-compress", "--dest-compress-format", "zstd")
    run(tool("skopeo"), "--insecure-policy", "copy", *how, f"oci:{layout}:demo", f"oci:{compressed}:demo")
    assert any(blob.read_bytes().startswith(ZSTD) for blob in compressed.glob("blobs/sha256/*"))
    assert learn_path(compressed, REQUEST) == learned_root()


def test_a_whiteout_of_umoci_takes_a_library_away(tmp_path: Path) -> None:
    layout = image(tmp_path)
    file = file_of("libexpat.so.1")
    folder = file.parent.relative_to(root().resolve())
    for name in (file.name, "libexpat.so.1"):
        run(tool("umoci"), "insert", "--image", f"{layout}:demo", "--whiteout", f"/{folder}/{name}")
    without = {each.soname for each in learn_path(layout, REQUEST).libraries}
    assert without == {each.soname for each in learned_root().libraries} - {"libexpat.so.1"}
