"""Root file systems: folders, archives, container images with their layers, and whose files they are."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from perennial.arch import Architecture
from perennial.errors import ArchiveError, PerennialError, UnreadableError, UsageError
from perennial.knowledge.snapshot import Snapshot
from perennial.learn import Request, learn_path
from perennial.learn.limits import Budget
from perennial.learn.streams import ByteReader
from perennial.learn.tar import read_tar
from perennial.learn.tree import Tree
from tests.unit.test_learn_archives import LIBC, LIBC_PATH, Entry, compressed, library, make_deb, make_tar, rpm_header

DATE = "2026-11-20"
AS_DEBIAN = Request("debian:13", None, DATE, "updates")
LIBZ_PATH = "usr/lib/x86_64-linux-gnu/libz.so.1.3.1"
LIBZ = library("libz.so.1", "inflate", "inflateInit2_@ZLIB_1.2.0", build_id=bytes(range(20)))
STATUS = b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 2.41-12\n\n"
ROOT: dict[str, Entry] = {
    "lib": "usr/lib",
    "etc/os-release": b'PRETTY_NAME="Debian"\nID=debian\nVERSION_ID="13"\n',
    LIBC_PATH: LIBC,
    LIBZ_PATH: LIBZ,
    "usr/lib/x86_64-linux-gnu/libz.so.1": "libz.so.1.3.1",
    "var/lib/dpkg/status": STATUS + b"Package: zlib1g\nArchitecture: amd64\nVersion: 1:1.3\n",
    "var/lib/dpkg/info/libc6:amd64.list": b"/.\n/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/libc.so.6\n",
    "var/lib/dpkg/info/zlib1g:amd64.list": f"/{LIBZ_PATH}\n".encode(),
}


def unpack(root: Path, entries: Mapping[str, Entry]) -> Path:
    for name, content in entries.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content is not None:
            path.symlink_to(content)
    return root


def sonames(snapshot: Snapshot) -> dict[str, str]:
    return {each.soname: each.package for each in snapshot.libraries}


def layered(*layers: Mapping[str, Entry]) -> dict[str, str]:
    """Path -> soname, after these layers."""
    budget = Budget("demo")
    tree = Tree(budget)
    for layer in layers:
        tree.add_layer(read_tar(ByteReader([make_tar(layer)], "demo"), budget))
    return {path: each.soname for path, each in tree.libraries.items()}


def blob(folder: Path, data: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    path = folder / "blobs" / "sha256" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def oci_layout(folder: Path, images: Mapping[str, Sequence[bytes]], *, nested: bool = False) -> Path:
    """An image for each GOARCH, of these layers."""
    manifests = []
    for arch, layers in images.items():
        config = blob(folder, json.dumps({"architecture": arch, "rootfs": {}}).encode())
        manifest = {"config": config, "layers": [blob(folder, layer) for layer in layers]}
        manifests.append(blob(folder, json.dumps(manifest).encode()))
    index: dict[str, Any] = {"manifests": manifests}
    if nested:
        index = {"manifests": [blob(folder, json.dumps(index).encode())]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def as_tar(folder: Path) -> bytes:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return make_tar({str(path.relative_to(folder)): path.read_bytes() for path in files})


def docker_save(layers: Sequence[bytes], arch: str = "amd64") -> bytes:
    """As docker wrote it until version 25; a layer that is there already is a link."""
    entries: dict[str, Entry] = {}
    names: dict[bytes, str] = {}
    paths = []
    for number, layer in enumerate(layers):
        name = f"{number:064x}/layer.tar"
        entries[name] = f"../{names[layer]}" if layer in names else layer
        names.setdefault(layer, name)
        paths.append(name)
    entries[f"{'f' * 64}.json"] = json.dumps({"architecture": arch, "rootfs": {}}).encode()
    manifest = [{"Config": f"{'f' * 64}.json", "RepoTags": ["demo:1"], "Layers": paths}]
    entries["manifest.json"] = json.dumps(manifest).encode()
    return make_tar(entries)


def test_a_folder(tmp_path: Path) -> None:
    snapshot = learn_path(unpack(tmp_path, ROOT), Request(None, None, DATE, "updates"))
    assert snapshot[:4] == ("debian:13", "x86_64", DATE, "updates")
    assert snapshot.packages == {"libc6": "2.41-12", "zlib1g": "1:1.3"}
    libc, libz = snapshot.libraries
    assert (libc.soname, libc.package, libc.tier) == ("libc.so.6", "libc6", None)
    assert libc.nodes == ("GLIBC_2.2.5", "GLIBC_2.14", "GLIBC_2.28")
    assert libc.exports == (("memcpy", "GLIBC_2.14"), ("memcpy", "GLIBC_2.2.5"), ("statx", "GLIBC_2.28"))
    assert (libz.soname, libz.package, libz.build_id) == ("libz.so.1", "zlib1g", bytes(range(20)).hex())
    assert libz.exports == (("inflate", None), ("inflateInit2_", "ZLIB_1.2.0"))


@pytest.mark.parametrize("pack", ["", "gz", "xz", "zst"])
def test_an_archive_of_a_root_says_what_the_folder_says(tmp_path: Path, pack: str) -> None:
    archive = tmp_path / "root.tar"
    archive.write_bytes(compressed(make_tar({f"./{name}": content for name, content in ROOT.items()}), pack))
    folder = unpack(tmp_path / "root", ROOT)
    assert learn_path(archive, AS_DEBIAN) == learn_path(folder, AS_DEBIAN)


def test_absolute_links_in_a_folder_stay_in_it(tmp_path: Path) -> None:
    entries: dict[str, Entry] = {"lib": "/elsewhere", "elsewhere/libz.so.1": LIBZ, "usr/x": b""}
    tree = learn_path(unpack(tmp_path, {**entries, LIBC_PATH: LIBC}), AS_DEBIAN)
    assert set(sonames(tree)) == {"libc.so.6"}  # /elsewhere is no loader's folder


def test_links_in_circles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="circles"):
        layered({"lib": "lib2", "lib2": "lib", "lib/libz.so.1": LIBZ})
    unpack(tmp_path, {"lib": "lib2", "lib2": "lib"})
    with pytest.raises(PerennialError):
        learn_path(tmp_path, AS_DEBIAN)


def test_a_pipe_in_a_folder_does_not_block(tmp_path: Path) -> None:
    unpack(tmp_path, ROOT)
    os.mkfifo(tmp_path / "usr/lib/x86_64-linux-gnu/libm.so.6")
    assert "libc.so.6" in sonames(learn_path(tmp_path, AS_DEBIAN))


def test_a_folder_of_packages(tmp_path: Path) -> None:
    (tmp_path / "libc6.deb").write_bytes(make_deb({f"./{LIBC_PATH}": LIBC}))
    (tmp_path / "zlib1g.deb").write_bytes(make_deb({f"./{LIBZ_PATH}": LIBZ}, name="zlib1g", version="1:1.3"))
    (tmp_path / "notes.txt").write_text("not a package")
    assert sonames(learn_path(tmp_path, AS_DEBIAN)) == {"libc.so.6": "libc6", "libz.so.1": "zlib1g"}
    with pytest.raises(UsageError, match="--as"):
        learn_path(tmp_path, AS_DEBIAN._replace(release=None))


def test_two_architectures_in_one_root(tmp_path: Path) -> None:
    other = library("libc.so.6", "memcpy@GLIBC_2.0", arch="i686")
    unpack(tmp_path, {**ROOT, "usr/lib32/libc.so.6": other})
    assert learn_path(tmp_path, AS_DEBIAN).architecture == "x86_64"
    there = learn_path(tmp_path, AS_DEBIAN._replace(architecture=Architecture.I686))
    assert [each.nodes for each in there.libraries] == [("GLIBC_2.0",)]
    with pytest.raises(UnreadableError, match="no libraries for riscv64"):
        learn_path(tmp_path, AS_DEBIAN._replace(architecture=Architecture.RISCV64))


def test_musl_beside_glibc_is_another_c_library(tmp_path: Path) -> None:
    musl = library("libc.musl-x86_64.so.1", "memcpy")
    unpack(tmp_path, {**ROOT, "usr/lib/ld-musl-x86_64.so.1": musl})
    assert set(sonames(learn_path(tmp_path, AS_DEBIAN))) == {"libc.so.6", "libz.so.1"}


def test_what_is_no_root_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="no such file"):
        learn_path(tmp_path / "missing", AS_DEBIAN)
    with pytest.raises(UnreadableError, match="root of an installed system"):
        learn_path(tmp_path, AS_DEBIAN)
    unpack(tmp_path, {LIBC_PATH: LIBC})
    with pytest.raises(UsageError, match="--as"):
        learn_path(tmp_path, AS_DEBIAN._replace(release=None))


def test_a_broken_library_is_named(tmp_path: Path) -> None:
    unpack(tmp_path, {LIBC_PATH: LIBC[:100]})
    with pytest.raises(ArchiveError, match=r"libc\.so\.6"):
        learn_path(tmp_path, AS_DEBIAN)


# Layers (OCI image specification, "Image Layer Filesystem Changeset")


def test_a_later_layer_replaces() -> None:
    newer = library("libz.so.1", "inflate", "crc32")
    assert layered({LIBZ_PATH: LIBZ}, {LIBZ_PATH: newer}) == {LIBZ_PATH: "libz.so.1"}
    assert layered({LIBZ_PATH: LIBZ}, {LIBZ_PATH: b"no library"}) == {}
    assert layered({LIBZ_PATH: LIBZ}, {LIBZ_PATH: "elsewhere"}) == {}


def test_a_whiteout_removes() -> None:
    folder, _, name = LIBZ_PATH.rpartition("/")
    assert layered({LIBZ_PATH: LIBZ, LIBC_PATH: LIBC}, {f"{folder}/.wh.{name}": b""}) == {LIBC_PATH: "libc.so.6"}
    assert layered({LIBZ_PATH: LIBZ, LIBC_PATH: LIBC}, {"usr/.wh.lib": b""}) == {}
    assert layered({LIBZ_PATH: LIBZ}, {".wh.usr": b""}) == {}


def test_an_opaque_folder_hides_what_was_below_it_and_not_its_own() -> None:
    folder = LIBZ_PATH.rpartition("/")[0]
    own = f"{folder}/libz.so.1.9"
    for layer in ({f"{folder}/.wh..wh..opq": b"", own: LIBZ}, {own: LIBZ, f"{folder}/.wh..wh..opq": b""}):
        assert layered({LIBZ_PATH: LIBZ}, layer) == {own: "libz.so.1"}


def test_a_whiteout_does_not_act_on_its_own_layer() -> None:
    folder, _, name = LIBZ_PATH.rpartition("/")
    assert layered({}, {LIBZ_PATH: LIBZ, f"{folder}/.wh.{name}": b""}) == {LIBZ_PATH: "libz.so.1"}


def test_paths_through_merged_usr_are_one() -> None:
    through = "lib/x86_64-linux-gnu/libz.so.1.3.1"
    base: dict[str, Entry] = {"lib": "usr/lib", LIBZ_PATH: LIBZ}
    assert layered(base, {through: LIBZ}) == {LIBZ_PATH: "libz.so.1"}
    assert layered(base, {"lib/x86_64-linux-gnu/.wh.libz.so.1.3.1": b""}) == {}


def test_a_folder_replaces_a_link_and_a_file_a_folder() -> None:
    base: dict[str, Entry] = {"lib": "usr/lib", "usr/lib/libz.so.1": LIBZ}
    assert layered(base, {"lib": None, "lib/libz.so.1": LIBZ}) == {
        "usr/lib/libz.so.1": "libz.so.1", "lib/libz.so.1": "libz.so.1",
    }  # fmt: skip
    assert layered(base, {"usr/lib": b"a file"}) == {}


def test_hard_links_are_the_file() -> None:
    folder = LIBZ_PATH.rpartition("/")[0]
    assert set(layered({LIBZ_PATH: LIBZ, f"{folder}/libz.so.1": f"@{LIBZ_PATH}"})) == {LIBZ_PATH, f"{folder}/libz.so.1"}


@pytest.mark.parametrize("nested", [False, True])
def test_an_oci_layout(tmp_path: Path, nested: bool) -> None:
    base, top = make_tar(ROOT), make_tar({".wh.nothing": b"", LIBZ_PATH: LIBZ})
    layout = oci_layout(tmp_path / "image", {"amd64": [gzip.compress(base), compressed(top, "xz")]}, nested=nested)
    expected = learn_path(unpack(tmp_path / "root", ROOT), AS_DEBIAN)
    assert learn_path(layout, AS_DEBIAN) == expected
    for name, data in (("image.tar", as_tar(layout)), ("image.tar.gz", gzip.compress(as_tar(layout)))):
        (tmp_path / name).write_bytes(data)
        assert learn_path(tmp_path / name, AS_DEBIAN) == expected


def test_the_architecture_chooses_among_images(tmp_path: Path) -> None:
    arm = make_tar({LIBC_PATH: library("libc.so.6", "memcpy@GLIBC_2.17", arch="aarch64")})
    layout = oci_layout(tmp_path, {"amd64": [make_tar(ROOT)], "arm64": [arm]})
    with pytest.raises(ArchiveError, match=r"aarch64, x86_64.*--arch"):
        learn_path(layout, AS_DEBIAN)
    there = learn_path(layout, AS_DEBIAN._replace(architecture=Architecture.AARCH64))
    assert there.architecture == "aarch64"


def test_a_damaged_layer_is_refused(tmp_path: Path) -> None:
    layout = oci_layout(tmp_path, {"amd64": [make_tar(ROOT)]})
    largest = max((layout / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes() + b"\0")
    with pytest.raises(ArchiveError, match="SHA-256"):
        learn_path(layout, AS_DEBIAN)


def test_a_missing_layer_is_refused(tmp_path: Path) -> None:
    layout = oci_layout(tmp_path, {"amd64": [make_tar(ROOT)]})
    max((layout / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size).unlink()
    with pytest.raises(ArchiveError, match="is not there"):
        learn_path(layout, AS_DEBIAN)


@pytest.mark.parametrize(
    "index", [b"{", b"[]", b'{"manifests": 3}', b'{"manifests": [{"digest": "sha256:../../x"}]}', b'{"manifests": [7]}']
)
def test_broken_indices_are_one_line(tmp_path: Path, index: bytes) -> None:
    (tmp_path / "index.json").write_bytes(index)
    with pytest.raises(ArchiveError) as caught:
        learn_path(tmp_path, AS_DEBIAN)
    assert "\n" not in str(caught.value)


def test_what_docker_saves(tmp_path: Path) -> None:
    layers = [
        make_tar(ROOT),
        make_tar({"usr/lib/x86_64-linux-gnu/.wh.libz.so.1.3.1": b""}),
        make_tar({LIBZ_PATH: LIBZ}),
    ]
    (tmp_path / "saved.tar").write_bytes(docker_save([*layers, layers[2]]))
    expected = learn_path(unpack(tmp_path / "root", ROOT), AS_DEBIAN)
    assert learn_path(tmp_path / "saved.tar", AS_DEBIAN) == expected


def test_docker_layers_outside_the_archive_are_refused(tmp_path: Path) -> None:
    manifest = [{"Config": "c.json", "Layers": ["../../etc/passwd"]}]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "c.json").write_text("{}")
    with pytest.raises(ArchiveError, match="leads out"):
        learn_path(tmp_path, AS_DEBIAN)


# Whose files they are


def test_a_root_without_dpkg(tmp_path: Path) -> None:
    entries = {name: content for name, content in ROOT.items() if not name.startswith("var")}
    entries["var/lib/dpkg/status.d/libc6"] = STATUS
    entries["var/lib/dpkg/status.d/libc6.md5sums"] = f"{'0' * 32}  {LIBC_PATH}\n".encode()
    assert sonames(learn_path(unpack(tmp_path, entries), AS_DEBIAN)) == {"libc.so.6": "libc6", "libz.so.1": ""}


def test_apk_records(tmp_path: Path) -> None:
    installed = (
        b"C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:libc.musl-x86_64.so.1\nR:ld-musl-x86_64.so.1\n\nP:x\nV:1\n"
    )
    musl = library("libc.musl-x86_64.so.1", "statx")
    unpack(tmp_path, {"lib/ld-musl-x86_64.so.1": musl, "lib/apk/db/installed": installed})
    snapshot = learn_path(tmp_path, AS_DEBIAN._replace(release="alpine:3.22"))
    assert (sonames(snapshot), snapshot.packages) == ({"libc.musl-x86_64.so.1": "musl"}, {"musl": "1.2.5-r0"})


def test_pacman_records(tmp_path: Path) -> None:
    unpack(tmp_path, {
        "usr/lib/libc.so.6": LIBC,
        "var/lib/pacman/local/glibc-2.44-1/desc": b"%NAME%\nglibc\n\n%VERSION%\n2.44-1\n",
        "var/lib/pacman/local/glibc-2.44-1/files": b"%FILES%\nusr/\nusr/lib/libc.so.6\n",
    })  # fmt: skip
    snapshot = learn_path(tmp_path, AS_DEBIAN._replace(release="archlinux:latest"))
    assert snapshot.packages == {"glibc": "2.44-1"}


def test_rpm_records(tmp_path: Path) -> None:
    root = unpack(tmp_path / "root", {"usr/lib64/libc.so.6": LIBC, "lib64": "usr/lib64"})
    place = root / "usr/lib/sysimage/rpm/rpmdb.sqlite"
    place.parent.mkdir(parents=True)
    files: dict[int, list[str] | list[int]] = {1116: [0, 1], 1117: ["libc.so.6", "x"], 1118: ["/lib64/", "/usr/"]}
    header = rpm_header({1000: "glibc", 1001: "2.34", 1002: "100.el9", **files})
    database = sqlite3.connect(place)
    with database:
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        database.execute("INSERT INTO Packages VALUES (1, ?)", (header,))
    database.close()
    snapshot = learn_path(root, AS_DEBIAN._replace(release="rhel:9"))
    assert snapshot.packages == {"glibc": "2.34-100.el9"}
    place.write_bytes(b"SQLite format 3\0" + bytes(200))
    with pytest.raises(ArchiveError, match="rpm database"):
        learn_path(root, AS_DEBIAN._replace(release="rhel:9"))


def test_a_reader_gives_what_is_there_and_no_more() -> None:
    reader = ByteReader(iter([b"abc", b"def", b""]), "demo")
    assert [reader.read(2), reader.read(3), reader.read(9), reader.read(1)] == [b"ab", b"cde", b"f", b""]
    assert io.BytesIO(b"").read() == b""
