"""rpm's databases, as rpm and Berkeley DB write them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from perennial.errors import ArchiveError
from perennial.learn import Request, learn_path
from perennial.system import Owners, Root
from perennial.system.rpm_database import SOURCES, headers_in_berkeley_db, headers_in_ndb, headers_in_sqlite
from tests.support import rpm_databases
from tests.support.file_tree import make_tree
from tests.unit.test_learn_archives import library

pytestmark = pytest.mark.skipif(bool(rpm_databases.MISSING), reason=rpm_databases.MISSING)

FORMATS = ("sqlite", "ndb", "berkeley-db", "berkeley-db-big-endian")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("packages")
    return [
        rpm_databases.build_package(
            folder / "one", name="zlib-ng", library="libz.so.1", version="2.2", release="3.fc43", epoch="Epoch: 1"
        ),
        rpm_databases.build_package(folder / "two", name="Demo", library="libdemo.so.1", licence="LGPLv2+ and MIT"),
    ]


@pytest.fixture(scope="module", params=FORMATS)
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, packages: list[Path]) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    make_tree(folder, {"etc/os-release": b"ID=fedora\nVERSION_ID=43\n", "usr/lib/unowned.so": b""})
    rpm_databases.install(folder, packages)
    if request.param == "ndb":
        rpm_databases.to_ndb(folder)
    elif request.param.startswith("berkeley-db"):
        rpm_databases.to_berkeley_db(folder, byte_order=4321 if request.param.endswith("big-endian") else 1234)
    files = {path.name for path in (folder / "var/lib/rpm").iterdir()}
    expected = {"sqlite": "rpmdb.sqlite", "ndb": "Packages.db"}.get(request.param, "Packages")
    assert [Path(source.path).name for source in SOURCES[:3] if Path(source.path).name in files] == [expected]
    return folder


def test_owners(root: Path) -> None:
    (root / "lib64").symlink_to("usr/lib64")
    owners = Owners(Root(str(root)))
    found = owners.owners(["/lib64/libz.so.1", "/usr/lib64/libdemo.so.1", "/usr/lib/unowned.so", "/usr/lib64/none.so"])
    assert list(found) == ["/lib64/libz.so.1", "/usr/lib64/libdemo.so.1"]
    zlib, demo = found.values()
    assert zlib.purl == "pkg:rpm/fedora/zlib-ng@2.2-3.fc43?arch=noarch&distro=fedora-43&epoch=1"
    assert demo.purl == "pkg:rpm/fedora/Demo@1.0-1?arch=noarch&distro=fedora-43"
    assert (zlib.version, zlib.source, zlib.licence) == ("1:2.2-3.fc43", "zlib-ng", "MIT")
    assert (demo.source, demo.licence) == ("Demo", "LGPLv2+ and MIT")
    assert owners.licences(zlib) == ("/usr/share/licenses/zlib-ng/COPYING",)
    assert owners.problems == ()
    (root / "lib64").unlink()


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_a_damaged_database_is_a_reason(root: Path, tmp_path: Path, cut: float) -> None:
    place = next(path for source in SOURCES if (path := root / source.path).is_file())
    copy = make_tree(tmp_path, {str(place.relative_to(root)): b"", "usr/lib64/libz.so.1": b""})
    data = place.read_bytes()
    (copy / place.relative_to(root)).write_bytes(data[: int(len(data) * cut)])
    owners = Owners(Root(str(copy)))
    assert owners.owner("/usr/lib64/libz.so.1") is None
    assert len(owners.problems) == 1
    assert "rpm database" in owners.problems[0]


def test_learn_names_packages_of_every_format(root: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "root"))
    (copy / "usr/lib64/libz.so.1").write_bytes(library("libz.so.1", "inflate"))
    assert learn_path(copy, Request(None, None, "2026-11-20", "updates")).packages == {"zlib-ng": "1:2.2-3.fc43"}


@pytest.mark.parametrize("read", [headers_in_sqlite, headers_in_ndb, headers_in_berkeley_db])
@pytest.mark.parametrize("data", [b"x", b"RpmP" + bytes(600), b"\xff" * 5000, b"SQLite format 3\0" + bytes(2000)])
def test_what_is_no_database(read: object, data: bytes) -> None:
    assert callable(read)
    if read is headers_in_ndb and data.startswith(b"RpmP"):
        assert list(read(data, ["x"], "demo")) == []  # no slots at all: nothing is installed
        return
    with pytest.raises(ArchiveError, match="demo: its rpm database"):
        list(read(data, ["x"], "demo"))
